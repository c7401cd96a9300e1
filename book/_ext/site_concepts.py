"""The map of ideas: `{{ concepts }}` becomes a drawing of what each chapter assumes, and the same as a list.

Everything in it is from the lessons: an idea or another chapter that one assumes is among its prerequisites, what it
teaches among its goals, and a chapter leans on others that its pages link to.
"""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path

import lesson
import outline
from front_matter import Chapter
from sphinx.application import Sphinx

PLACEHOLDER = "{{ concepts }}"
# In units of the drawing, which is as wide as a phone's page: the ideas end, the chapters begin and end.
WIDTH, IDEAS_END, BEGIN, END = 400, 112, 172, 340
LINE, GAP, MARGIN = 15, 16, 12
LETTERS = 24  # of a chapter's title in one line
SMALLEST = 19  # between one idea and the next


def fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the placeholder of the page with the map."""
    if PLACEHOLDER in content[0]:
        root = Path(app.srcdir)
        chapters = [chapter for part in outline.read(root) for chapter in part.chapters]
        links = leans_on(chapters, root)
        drawing = f"```{{raw}} html\n{drawn(chapters, links)}\n```"
        content[0] = content[0].replace(PLACEHOLDER, f"{drawing}\n\n{listed(chapters, links)}")


def leans_on(chapters: Sequence[Chapter], root: Path) -> dict[str, list[str]]:
    """The chapters that each chapter's pages link to without assuming them, by path."""
    of_page = {page: chapter.path for chapter in chapters for page in chapter.pages}
    found = {}
    for chapter in chapters:
        pages = [name for page in chapter.pages for name in lesson.linked(page, lesson.cells(page, root))]
        others = dict.fromkeys(of_page[name] for name in pages if name in of_page)
        found[chapter.path] = [path for path in others if path not in (chapter.path, *chapter.chapters_before)]
    return found


def ideas(chapters: Sequence[Chapter]) -> dict[str, list[int]]:
    """Which chapters, by their place, assume an idea; ordered by the middle of these places."""
    found: dict[str, list[int]] = {}
    for place, chapter in enumerate(chapters):
        for name in chapter.prerequisites:
            if name not in chapter.chapters_before:
                found.setdefault(name, []).append(place)
    return dict(sorted(found.items(), key=lambda idea: sum(idea[1]) / len(idea[1])))


def drawn(chapters: Sequence[Chapter], links: Mapping[str, Sequence[str]]) -> str:
    """The map as an SVG element: ideas on the left, chapters in the order of the book, arcs between chapters."""
    titles = [textwrap.wrap(chapter.title, LETTERS) for chapter in chapters]
    needed = ideas(chapters)
    step = max([SMALLEST * len(needed) / len(chapters), *(LINE * len(lines) + 2 * GAP for lines in titles)])
    height = 2 * MARGIN + step * len(chapters)
    middles = {chapter.path: MARGIN + step * (place + 0.5) for place, chapter in enumerate(chapters)}
    parts = [
        *_ideas(needed, list(middles.values()), height),
        *_arcs(chapters, links, middles),
        *(_box(lines, middle) for lines, middle in zip(titles, middles.values(), strict=True)),
    ]
    return (
        f'<svg class="ib-concepts" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-labelledby="ib-concepts-title">\n'
        '<title id="ib-concepts-title">Which ideas and which chapters each chapter assumes. The same is listed '
        "below.</title>\n" + "\n".join(parts) + "\n</svg>"
    )


def _ideas(needed: Mapping[str, Sequence[int]], middles: Sequence[float], height: float) -> Iterator[str]:
    """The ideas one under another, with a line to each chapter that assumes one."""
    for place, (name, chapters) in enumerate(needed.items()):
        y = MARGIN + (height - 2 * MARGIN) * (place + 0.5) / len(needed)
        shared = ' class="ib-shared"' if len(chapters) > 1 else ""
        for chapter in chapters:
            bend, end = (IDEAS_END + BEGIN) / 2, middles[chapter]
            yield f'<path{shared} d="M{IDEAS_END + 4} {y:.1f}C{bend} {y:.1f} {bend} {end:.1f} {BEGIN} {end:.1f}"/>'
        yield _text(_two_lines(name), IDEAS_END, y, 'text-anchor="end"', 11)


def _two_lines(name: str) -> list[str]:
    return textwrap.wrap(name, 17)


def _arcs(
    chapters: Sequence[Chapter], links: Mapping[str, Sequence[str]], middles: Mapping[str, float]
) -> Iterator[str]:
    """From each chapter to those that it assumes, and broken to those that it links to."""
    order = list(middles)
    kinds = [
        *((path, chapter.path, "ib-assumes") for chapter in chapters for path in chapter.chapters_before),
        *((path, chapter.path, "ib-links") for chapter in chapters for path in links[chapter.path]),
    ]
    farthest = max((abs(order.index(one) - order.index(other)) for one, other, _ in kinds), default=1)
    for before, after, kind in kinds:
        out = END + (WIDTH - END) * (0.4 + 0.8 * abs(order.index(before) - order.index(after)) / farthest)
        start, end = middles[before] + 6, middles[after] - 6
        bend = f"C{out:.1f} {start:.1f} {out:.1f} {end:.1f} {END + 6} {end:.1f}"
        yield f'<path class="{kind}" d="M{END} {start:.1f}{bend}"/>'
        yield f'<path class="ib-head" d="M{END + 1} {end:.1f}l8 -4v8z"/>'


def _box(lines: Sequence[str], middle: float) -> str:
    tall = LINE * len(lines) + GAP
    box = f'<rect x="{BEGIN}" y="{middle - tall / 2:.1f}" width="{END - BEGIN}" height="{tall}" rx="4"/>'
    return box + _text(lines, (BEGIN + END) / 2, middle, 'text-anchor="middle" class="ib-name"', LINE)


def _text(lines: Sequence[str], x: float, middle: float, how: str, line: float) -> str:
    """Lines of text, one under another, about a height."""
    first = middle - line * (len(lines) - 1) / 2
    spans = (
        f'<tspan x="{x:g}" y="{first + line * at:.1f}" dominant-baseline="central">{escape(text)}</tspan>'
        for at, text in enumerate(lines)
    )
    return f"<text {how}>{''.join(spans)}</text>"


def listed(chapters: Sequence[Chapter], links: Mapping[str, Sequence[str]]) -> str:
    """The same in words, and what each chapter teaches."""
    named = {chapter.path: f"[{chapter.title}](../../notebooks/{chapter.path}.ipynb)" for chapter in chapters}
    entries = []
    for chapter in chapters:
        lines = [f"**{named[chapter.path]}**", ""]
        lines += [f"- *assumes* {', '.join(named.get(name, name) for name in chapter.prerequisites)}"]
        leads = [named[other.path] for other in chapters if chapter.path in other.chapters_before]
        lines += [f"- *leads to* {', '.join(leads)}"] if leads else []
        mentioned = [named[path] for path in links[chapter.path]]
        lines += [f"- *links to* {', '.join(mentioned)}"] if mentioned else []
        goals = [goal for goal, _ in chapter.teaching.goals] if chapter.teaching else []
        lines += [f"- *teaches to* {'; '.join(goals)}"] if goals else []
        entries.append("\n".join(lines))
    return "\n\n".join(entries)


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
