"""A lesson's front matter, the only registration of a chapter: `metadata.interpbook.chapter` of the notebook.

A chapter has two pages, `<chapter>.ipynb`, its lesson, and `<chapter>_evidence.ipynb`, its evidence, which registers
nothing of its own. The keys are

title          as the map of the book shows it: "Full-gradients"
part           the folder of the notebook: "attribution"
question       one that the card on top of the notebook asks, too
minutes        what a reader needs for it
prerequisites  a list of chapters, "attribution/fullgrad", and of plain words, "softmax"
status         draft | finished; a draft is freed of the rules on length, and not listed in the README
teaching       for the lecturer, see `teaching.py`; a draft may do without
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import teaching
from teaching import Teaching

from interpbook.page.executed import EVIDENCE, evidence_of, is_evidence

STATUSES = ("draft", "finished")
PATH = re.compile(r"[a-z][a-z0-9_]*/[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Chapter:
    """A chapter as its notebook describes it; see the top of this module.

    path: "attribution/fullgrad", the chapter's one path.
    teaching: None where the lesson has no such key.
    evidence: whether there is a page of evidence beside the lesson.
    """

    path: str
    title: str
    part: str
    question: str
    minutes: int
    prerequisites: tuple[str, ...]
    status: str
    teaching: Teaching | None = None
    evidence: bool = False

    @property
    def pages(self) -> tuple[str, ...]:
        """The paths of the chapter's pages: its lesson, and its evidence where there is one.

        >>> Chapter("a/b", "B", "a", "Why?", 30, (), "draft", evidence=True).pages
        ('a/b', 'a/b_evidence')
        """
        return (self.path, self.path + EVIDENCE) if self.evidence else (self.path,)

    @property
    def chapters_before(self) -> tuple[str, ...]:
        """The paths among the prerequisites.

        >>> Chapter("a/b", "B", "a", "Why?", 30, ("softmax", "a/first"), "draft").chapters_before
        ('a/first',)
        """
        return tuple(name for name in self.prerequisites if PATH.fullmatch(name))


OPTIONAL = ("teaching",)
KEYS = tuple(field.name for field in fields(Chapter) if field.name not in ("path", "evidence", *OPTIONAL))


def read(notebook: Path) -> Chapter:
    """The chapter that a lesson registers.

    Raises:
        ValueError: the notebook has no front matter, or one that is not as above; the message names notebook and key.
    """
    where = _where(notebook)
    cells, stored = _stored(notebook)
    if not isinstance(stored, dict) or set(stored) - {*OPTIONAL} != {*KEYS}:
        found = ", ".join(stored) if isinstance(stored, dict) else repr(stored)
        raise ValueError(
            f"{where}: metadata.interpbook.chapter is {found}; expected the keys {', '.join(KEYS)}, "
            f"and perhaps {', '.join(OPTIONAL)}"
        )
    for key, (holds, expected) in _expectations(notebook.parent.name).items():
        if not holds(stored[key]):
            raise ValueError(f"{where}: {key} is {stored[key]!r}, expected {expected}")
    evidence = evidence_of(notebook).exists()
    if evidence and stored["status"] == "finished" and "teaching" not in stored:
        raise ValueError(f"{where}: status is 'finished', and teaching is not there; expected it, for the lecturer")
    about = {key: stored[key] for key in KEYS}
    about["prerequisites"] = tuple(stored["prerequisites"])
    if "teaching" in stored:
        try:
            about["teaching"] = teaching.read(stored["teaching"], teaching.sections(cells), stored["minutes"])
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
    return Chapter(f"{notebook.parent.name}/{notebook.stem}", **about, evidence=evidence)


def read_all(folder: Path) -> list[Chapter]:
    """The chapters of all lessons `<part>/<chapter>.ipynb` in a folder.

    Raises:
        ValueError: as `read`; or a prerequisite is the path of a chapter that is not there; or a page of evidence has
            no lesson, or registers a chapter.
    """
    notebooks = sorted(folder.glob("*/*.ipynb"))
    chapters = [read(notebook) for notebook in notebooks if not is_evidence(notebook)]
    known = {chapter.path for chapter in chapters}
    for chapter in chapters:
        for path in chapter.chapters_before:
            if path not in known:
                raise ValueError(
                    f"{chapter.path}.ipynb: prerequisites name {path!r}, expected one of the chapters "
                    f"{', '.join(sorted(known))}, or a plain word"
                )
    pages = {page for chapter in chapters for page in chapter.pages}
    for notebook in filter(is_evidence, notebooks):
        where = _where(notebook)
        if where.removesuffix(".ipynb") not in pages:
            lesson = notebook.stem.removesuffix(EVIDENCE)
            raise ValueError(f"{where}: there is no lesson; expected {lesson}.ipynb beside this page of evidence")
        if _stored(notebook)[1] is not None:
            raise ValueError(f"{where}: metadata.interpbook.chapter is there; expected it in the lesson alone")
    return chapters


def _where(notebook: Path) -> str:
    """A notebook as messages name it, `attribution/fullgrad.ipynb`."""
    return f"{notebook.parent.name}/{notebook.name}"


def _stored(notebook: Path) -> tuple[list[dict], object]:
    """The cells of a notebook, and its front matter, None where it has none."""
    stored = json.loads(notebook.read_text(encoding="utf-8"))
    return stored["cells"], stored["metadata"].get("interpbook", {}).get("chapter")


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
