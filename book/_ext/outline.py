"""The book in its order: the parts of `book/parts.yml`, with the chapters that the notebooks register."""

import heapq
from collections.abc import Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import yaml
from front_matter import Chapter, read_all

ROOT = Path(__file__).parents[2]
PARTS = "book/parts.yml"


@dataclass(frozen=True)
class Part:
    """One question of the book, and the chapters on it.

    drawing: an SVG element, "" where there is none.
    planned: titles of chapters that are not written yet.
    """

    name: str
    title: str
    question: str = ""
    drawing: str = ""
    planned: tuple[str, ...] = ()
    chapters: tuple[Chapter, ...] = field(default=())


def read(root: Path = ROOT) -> list[Part]:
    """The parts of the book, each with its chapters in the order in which they build on each other.

    Raises:
        ValueError: a notebook's front matter, or an entry of parts.yml, is malformed; chapters that need each other.
    """
    entries = yaml.safe_load((root / PARTS).read_text(encoding="utf-8"))
    chapters = read_all(root / "notebooks")
    named = [_name(entry) for entry in entries]
    others = sorted({chapter.part for chapter in chapters} - {*named})
    entries += [{"name": name, "title": name.replace("_", " ").capitalize()} for name in others]
    chapters = in_order(chapters, [*named, *others])
    return [_part(entry, chapters, root) for entry in entries]


def in_order(chapters: Sequence[Chapter], parts: Sequence[str]) -> list[Chapter]:
    """Each chapter after those that it builds on; where that leaves a choice, by part and then by title.

    Raises:
        ValueError: chapters need each other in a circle.
    """
    named = {chapter.path: chapter for chapter in chapters}
    sorter = TopologicalSorter({chapter.path: chapter.chapters_before for chapter in chapters})
    try:
        sorter.prepare()
    except CycleError as error:
        raise ValueError(f"prerequisites go round in a circle: {' <- '.join(error.args[1])}") from None
    ordered: list[Chapter] = []
    waiting: list[tuple[int, str, str]] = []
    while sorter.is_active():
        for path in sorter.get_ready():
            heapq.heappush(waiting, (parts.index(named[path].part), named[path].title, path))
        *_, path = heapq.heappop(waiting)
        ordered.append(named[path])
        sorter.done(path)
    return ordered


def _name(entry: object) -> str:
    allowed = {"name", "title", "question", "planned"}
    if not isinstance(entry, dict) or not {"name", "title"} <= set(entry) <= allowed:
        raise ValueError(f"{PARTS}: an entry is {entry!r}, expected name and title, and perhaps question and planned")
    return entry["name"]


def _part(entry: dict, chapters: Sequence[Chapter], root: Path) -> Part:
    name = entry["name"]
    own = tuple(chapter for chapter in chapters if chapter.part == name)
    written = {chapter.path for chapter in own}
    drawing = root / "book" / "parts" / f"{name}.svg"
    return Part(
        name=name,
        title=entry["title"],
        question=entry.get("question", ""),
        drawing=drawing.read_text(encoding="utf-8") if drawing.exists() else "",
        planned=tuple(title for key, title in entry.get("planned", {}).items() if f"{name}/{key}" not in written),
        chapters=own,
    )
