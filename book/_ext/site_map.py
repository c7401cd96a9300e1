"""The welcome page from the notebooks: `{{ map }}` becomes the map of the book, `{{ first }}` the first chapter."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

import outline
from front_matter import Chapter
from outline import Part
from sphinx.application import Sphinx


def fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the placeholders of the welcome page."""
    if docname != app.config.root_doc:
        return
    parts = outline.read(Path(app.srcdir))
    content[0] = content[0].replace("{{ map }}", f"```{{raw}} html\n{map_html(parts)}\n```")
    content[0] = content[0].replace("{{ first }}", f"../notebooks/{first(parts).path}")


def first(parts: Sequence[Part]) -> Chapter:
    """Where to begin: the first chapter that is finished, or else the first draft."""
    chapters = [chapter for part in parts for chapter in part.chapters]
    return next((chapter for chapter in chapters if chapter.status == "finished"), chapters[0])


def map_html(parts: Sequence[Part]) -> str:
    """Each part that has chapters, or will have: its drawing, its question, links to what is there."""
    sections = (_section(part) for part in parts if part.chapters or part.planned)
    return f'<div class="ib-map">\n{"".join(sections)}</div>'


def _section(part: Part) -> str:
    question = f'<p class="ib-question">{escape(part.question)}</p>\n' if part.question else ""
    chapters = [_entry(chapter) for chapter in part.chapters]
    chapters += [f'<li class="ib-planned">{escape(title)}</li>' for title in part.planned]
    head = f"{part.drawing}<h3>{escape(part.title)}</h3>\n{question}"
    return f"<section>\n{head}<ul>{''.join(chapters)}</ul>\n</section>\n"


def _entry(chapter: Chapter) -> str:
    # The class of a draft adds the word.
    kind = ' class="ib-draft"' if chapter.status == "draft" else ""
    return f'<li{kind}><a href="../notebooks/{chapter.path}.html">{escape(chapter.title)}</a></li>'


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
