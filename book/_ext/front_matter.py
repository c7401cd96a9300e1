"""A notebook's front matter, the only registration of a chapter: `metadata.interpbook.chapter` of the notebook.

title          as the map of the book shows it: "Full-gradients"
part           the folder of the notebook: "attribution"
question       one that the card on top of the notebook asks, too
minutes        what a reader needs for it
prerequisites  a list of chapters, "attribution/fullgrad", and of plain words, "softmax"
status         draft | finished; a draft is freed of the rules on length, and not listed in the README
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

STATUSES = ("draft", "finished")
PATH = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Chapter:
    """A chapter as its notebook describes it; see the top of this module.

    path: "attribution/fullgrad", the chapter's one path.
    """

    path: str
    title: str
    part: str
    question: str
    minutes: int
    prerequisites: tuple[str, ...]
    status: str

    @property
    def chapters_before(self) -> tuple[str, ...]:
        """The paths among the prerequisites.

        >>> Chapter("a/b", "B", "a", "Why?", 30, ("softmax", "a/first"), "draft").chapters_before
        ('a/first',)
        """
        return tuple(name for name in self.prerequisites if PATH.fullmatch(name))


KEYS = tuple(field.name for field in fields(Chapter) if field.name != "path")


def read(notebook: Path) -> Chapter:
    """The chapter that a notebook registers.

    Raises:
        ValueError: the notebook has no front matter, or one that is not as above; the message names notebook and key.
    """
    where = f"{notebook.parent.name}/{notebook.name}"
    stored = json.loads(notebook.read_text(encoding="utf-8"))["metadata"].get("interpbook", {}).get("chapter")
    if not isinstance(stored, dict) or set(stored) != set(KEYS):
        found = ", ".join(stored) if isinstance(stored, dict) else repr(stored)
        raise ValueError(f"{where}: metadata.interpbook.chapter is {found}; expected the keys {', '.join(KEYS)}")
    for key, (holds, expected) in _expectations(notebook.parent.name).items():
        if not holds(stored[key]):
            raise ValueError(f"{where}: {key} is {stored[key]!r}, expected {expected}")
    prerequisites = tuple(stored["prerequisites"])
    return Chapter(f"{notebook.parent.name}/{notebook.stem}", **{**stored, "prerequisites": prerequisites})


def read_all(folder: Path) -> list[Chapter]:
    """The chapters of all notebooks `<part>/<chapter>.ipynb` in a folder.

    Raises:
        ValueError: as `read`; or a prerequisite is the path of a chapter that is not there.
    """
    chapters = [read(notebook) for notebook in sorted(folder.glob("*/*.ipynb"))]
    known = {chapter.path for chapter in chapters}
    for chapter in chapters:
        for path in chapter.chapters_before:
            if path not in known:
                raise ValueError(
                    f"{chapter.path}.ipynb: prerequisites name {path!r}, expected one of the chapters "
                    f"{', '.join(sorted(known))}, or a plain word"
                )
    return chapters


def _expectations(part: str) -> dict[str, tuple[Callable[[object], bool], str]]:
    """For each key whether a value will do, and what would."""
    return {
        "title": (_is_line, "a line of text"),
        "part": (lambda value: value == part, f"{part!r}, the folder that the notebook is in"),
        "question": (lambda value: _is_line(value) and str(value).endswith("?"), "a line of text that ends in ?"),
        "minutes": (lambda value: type(value) is int and value > 0, "a whole number above zero"),
        "prerequisites": (_is_list_of_lines, "a list of chapters, such as attribution/fullgrad, and of plain words"),
        "status": (lambda value: value in STATUSES, f"one of {', '.join(STATUSES)}"),
    }


def _is_line(value: object) -> bool:
    return isinstance(value, str) and value.strip() == value and len(value.splitlines()) == 1


def _is_list_of_lines(value: object) -> bool:
    return isinstance(value, list) and all(map(_is_line, value))
