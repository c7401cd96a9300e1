"""The texts of all pages in one script, for excerpts in the search of a book that was opened from a folder.

A page that came from a folder may not read its neighbours; `book/_static/offline.js` hands out these texts instead.
"""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

LIMIT = 450_000  # bytes for all pages together

Sections = list[tuple[str, str]]


def sections_of(doctree: nodes.document) -> Sections:
    """Id and prose of every section, without the sections in it.

    >>> from docutils.core import publish_doctree
    >>> sections_of(publish_doctree("Title\\n=====\\n\\nA sentence.\\n"))
    [('title', 'Title A sentence.')]
    """
    found: Sections = []
    for section in doctree.findall(lambda node: isinstance(node, nodes.document | nodes.section)):
        texts = [node.astext() for node in section.findall(_is_prose) if _nearest(node) is section]
        if texts:
            found.append(((section["ids"] or [""])[0], " ".join(" ".join(texts).split())))
    return found


def shortened(pages: dict[str, Sections], limit: int = LIMIT) -> dict[str, Sections]:
    """The same with every section cut at one length, the longest that keeps all within `limit` bytes.

    >>> shortened({"a.html": [("s", "word " * 100)]}, limit=80)["a.html"][0][1]
    'word word word word word word word w'
    """
    longest = max((len(text) for sections in pages.values() for _, text in sections), default=0)
    low, high = 0, longest
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if len(_script(_cut(pages, middle)).encode()) <= limit else (low, middle - 1)
    return _cut(pages, low)


def _cut(pages: dict[str, Sections], length: int) -> dict[str, Sections]:
    return {page: [(name, text[:length].strip()) for name, text in sections] for page, sections in pages.items()}


def _script(pages: dict[str, Sections]) -> str:
    return f"window.SEARCH_TEXTS = {json.dumps(pages, ensure_ascii=False, separators=(',', ':'))};"


def _is_prose(node: nodes.Node) -> bool:
    return isinstance(node, nodes.title | nodes.paragraph)


def _nearest(node: nodes.Node) -> nodes.Node | None:
    """The section that a node stands in, or else the document."""
    while node is not None and not isinstance(node, nodes.document | nodes.section):
        node = node.parent
    return node


def write_texts(app: Sphinx, exception: Exception | None) -> None:
    """Write `_static/search_texts.js` beside the pages."""
    if exception or app.builder.format != "html":
        return
    pages = {f"{name}.html": sections_of(app.env.get_doctree(name)) for name in sorted(app.env.found_docs)}
    target = Path(app.outdir) / "_static" / "search_texts.js"
    target.write_text(_script(shortened(pages)), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write the texts when the pages are there."""
    app.connect("build-finished", write_texts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
