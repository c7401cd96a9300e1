"""Key terms lead the search to their lesson: those that a lesson sets in bold, and those that the glossary gives it."""

import re
from collections.abc import Iterator

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from interpbook.page.executed import EVIDENCE

GLOSSARY = "book/glossary"
# Bold also begins a paragraph, as "A constant." or "Theorem 1".
NO_TERM = re.compile(r".*[.?!:]|\d.*|(Theorem|Proposition|Corollary|Lemma)\b.*")


def bold_terms(doctree: nodes.document) -> Iterator[tuple[str, str]]:
    """Terms in bold in the sections of a lesson, each with the id of its section.

    What stands before the first of them is the card, and the exercises explain nothing.

    >>> from docutils.core import publish_doctree
    >>> text = "Title\\n=====\\n\\n**Time** 1 h\\n\\nOne\\n---\\n\\nA **mask**. **Theorem 1**.\\n\\nTwo\\n---\\n"
    >>> list(bold_terms(publish_doctree(text, settings_overrides={"doctitle_xform": False})))
    [('mask', 'one')]
    """
    for title in doctree.findall(nodes.section):
        for section in title.children:
            if isinstance(section, nodes.section) and title.parent is doctree and "exercises" not in section["ids"]:
                bold = (strong.astext() for strong in section.findall(nodes.strong))
                yield from ((term, section["ids"][0]) for term in bold if not NO_TERM.fullmatch(term))


def glossary_terms(glossary: nodes.document, lesson: str) -> Iterator[str]:
    """Terms whose explanation in the glossary links to a lesson."""
    for item in glossary.findall(nodes.definition_list_item):
        if any(lesson in link.get("reftarget", "") for link in item.findall(addnodes.pending_xref)):
            yield from (term.astext() for term in item.findall(nodes.term))


def lead_to_lesson(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make every key term of a lesson an entry of the index, which the search puts before what it finds in texts."""
    if not docname.startswith("notebooks/") or docname.endswith(EVIDENCE):
        return
    terms: dict[str, tuple[str, str]] = {}
    for term, place in bold_terms(doctree):
        terms.setdefault(term.lower(), (term, place))
    if GLOSSARY in app.env.found_docs:
        for term in glossary_terms(app.env.get_doctree(GLOSSARY), docname):
            terms.setdefault(term.lower(), (term, ""))
    # A main entry: others come behind all pages in which the word stands somewhere.
    entries = [("single", term.replace(";", ","), place, "main", None) for term, place in terms.values()]
    doctree.insert(0, addnodes.index(entries=entries))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("doctree-resolved", lead_to_lesson)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
