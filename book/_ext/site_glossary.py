"""The glossary from the chapters' terms, to which the first use of each, in the prose of every lesson, is linked.

In `book/glossary.md`, `{{ terms }}` becomes the entries; see `terms.py`. Terms that share a definition are one entry,
and a lesson links to it once: not in headings, links, code, formulas, outputs, or the card on top.
"""

import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import glossary
from sphinx.application import Sphinx
from terms import directive

from interpbook.output.prose import read_formula
from interpbook.page.executed import EVIDENCE

GLOSSARY = "book/glossary"
LESSONS = "notebooks/"
LONGEST_TITLE = 240
NOT_PROSE = (
    *(nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw),
    *(nodes.caption, nodes.field_list, nodes.container),
)


@dataclass(frozen=True)
class Entry:
    """One entry of the glossary.

    terms: what is defined, with its synonyms.
    anchor: where it is in the page.
    title: the definition, cut at a length that a tooltip can have.
    """

    terms: tuple[str, ...]
    anchor: str
    title: str


def fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the placeholder of the glossary's page."""
    if docname == GLOSSARY:
        content[0] = content[0].replace("{{ terms }}", directive(Path(app.srcdir)))


def pattern(term: str) -> str:
    r"""A term as a whole word of a text, also in the plural, over line ends.

    >>> [bool(re.fullmatch(pattern("saliency map"), text, re.I)) for text in ("Saliency maps", "saliency\nmap", "map")]
    [True, True, False]
    >>> bool(re.fullmatch(pattern("identity"), "identities"))
    True
    """
    words = [re.escape(word) for word in term.split()]
    plural = words[-1][:-1] + "(?:y|ies)" if re.search("[^aeiou]y$", words[-1]) else words[-1] + "(?:e?s)?"
    return r"(?<![\w-])" + r"\s+".join([*words[:-1], plural]) + r"(?![\w-])"


def entries_of(doctree: nodes.document) -> list[Entry]:
    """The entries of a page."""
    found = []
    for item in (item for part in doctree.findall(glossary) for item in part.findall(nodes.definition_list_item)):
        terms = [node for node in item.children if isinstance(node, nodes.term)]
        definition = next((node for node in item.children if isinstance(node, nodes.definition)), nodes.definition())
        if terms:
            found.append(Entry(tuple(node.astext() for node in terms), terms[0]["ids"][0], _cut(_text_of(definition))))
    return found


def _text_of(node: nodes.Node) -> str:
    """What a node says, its formulas as lines of symbols."""
    parts = node.findall(nodes.Text)
    return "".join(read_formula(part) if isinstance(part.parent, nodes.math) else part for part in parts)


def _cut(text: str) -> str:
    """The beginning of a text, on one line, up to a whole sentence or at least a whole word."""
    line = " ".join(text.split())
    if len(line) <= LONGEST_TITLE:
        return line
    sentences = line[: LONGEST_TITLE + 1].rpartition(". ")[0]
    return f"{sentences}." if sentences else line[:LONGEST_TITLE].rpartition(" ")[0] + " …"


def prose_of(doctree: nodes.document) -> Iterator[nodes.Text]:
    """The texts of a page in which terms are linked, in order."""
    in_card = False
    for node in list(doctree.findall(lambda node: isinstance(node, nodes.raw | nodes.Text))):
        if isinstance(node, nodes.raw):
            # The card is a <div> that opens in one piece of HTML and closes in another.
            html = node.astext().strip()
            in_card = (in_card or 'class="ib-card"' in html) and not html.endswith("</div>")
        elif not in_card and _is_prose(node):
            yield node


def join_lines(doctree: nodes.document) -> None:
    """Make one text of those that follow each other, since MyST makes one of every line, and a term may go over two."""
    for paragraph in list(doctree.findall(nodes.paragraph)):
        for parent in list(paragraph.findall(nodes.Element)):
            runs = itertools.groupby(parent.children, lambda node: isinstance(node, nodes.Text))
            joined = [[nodes.Text("".join(run))] if are_texts else list(run) for are_texts, run in runs]
            parent.clear()
            parent.extend(itertools.chain(*joined))


def _is_prose(text: nodes.Text) -> bool:
    """Whether a text stands in a paragraph, and in nothing that is no prose."""
    within, node = False, text.parent
    while node is not None:
        if isinstance(node, NOT_PROSE):
            return False
        within = within or isinstance(node, nodes.paragraph)
        node = node.parent
    return within


def link(doctree: nodes.document, entries: Iterable[Entry], address: str) -> None:
    """Link the first use of each entry in a page to the glossary at an address."""
    by_term = {term: entry for entry in entries for term in entry.terms}
    # The longest term first, so that it is met before one that is a part of it.
    terms = sorted(by_term, key=len, reverse=True)
    uses = re.compile("|".join(f"({pattern(term)})" for term in terms), re.IGNORECASE)
    seen: set[Entry] = set()
    join_lines(doctree)
    for text in prose_of(doctree):
        new: list[nodes.Node] = []
        end = 0
        for use in uses.finditer(text):
            entry = by_term[terms[use.lastindex - 1]]
            if entry not in seen:
                new += [nodes.Text(text[end : use.start()]), _reference(use[0], entry, address)]
                end = use.end()
                seen.add(entry)
        if new:
            text.parent.replace(text, [*new, nodes.Text(text[end:])])


def _reference(text: str, entry: Entry, address: str) -> nodes.reference:
    made = nodes.reference("", text, internal=True, refuri=f"{address}#{entry.anchor}", reftitle=entry.title)
    made["classes"].append("ib-term")
    return made


def link_lesson(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """When a page is written: link it, if it is a lesson and there is a glossary."""
    if docname.startswith(LESSONS) and not docname.endswith(EVIDENCE) and GLOSSARY in app.env.found_docs:
        entries = entries_of(app.env.get_doctree(GLOSSARY))
        if entries:
            link(doctree, entries, app.builder.get_relative_uri(docname, GLOSSARY))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    # After the links that the author wrote are there.
    app.connect("doctree-resolved", link_lesson, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
