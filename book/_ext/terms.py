"""The terms of the glossary: each chapter's in its folder, `terms.yml`; those of no chapter in `book/terms.yml`.

A file is a list with the keys

term   what is explained, as it stands in the middle of a sentence: saliency map
also   optional, a list of other words for the same
means  the definition, Markdown with $formulas$; the glossary puts the link to the chapter's lesson behind it
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from front_matter import Chapter, read_all

from interpbook.page.registry import check_keys

OF_NO_CHAPTER = "book/terms.yml"


@dataclass(frozen=True)
class Term:
    """One entry of the glossary.

    names: the term, and other words for the same.
    means: the definition, on one line.
    chapter: the one to which it belongs, None where it belongs to none.
    """

    names: tuple[str, ...]
    means: str
    chapter: Chapter | None = None

    @property
    def entry(self) -> str:
        """As the glossary has it.

        >>> print(Term(("map", "chart"), "A picture.", Chapter("toys/ball", "Ball", "toys", "?", 9, (), "draft")).entry)
        map
        chart
            A picture. Lesson: [Ball](../notebooks/toys/ball.ipynb).
        """
        chapter = self.chapter
        lesson = f" Lesson: [{chapter.title}](../notebooks/{chapter.path}.ipynb)." if chapter else ""
        return "\n".join([*self.names, f"    {self.means}{lesson}"])


def directive(root: Path) -> str:
    """All terms of a repository as one `{glossary}` directive.

    Raises:
        ValueError: as `collect`.
    """
    entries = "\n\n".join(term.entry for term in collect(root))
    return f"```{{glossary}}\n{entries}\n```"


def collect(root: Path) -> list[Term]:
    """The terms of all chapters of a repository, and of none, by their first names.

    Raises:
        ValueError: a file is not as above, or a name is explained twice, in whatever capitals; the message names the
            file, or both files.
    """
    found: list[Term] = []
    explained: dict[str, str] = {}
    for where, chapter in _places(root):
        for term in _read(root, where, chapter):
            for name in term.names:
                before = explained.get(name.casefold())
                if before:
                    raise ValueError(f"the term {name!r} is in {before} and again in {where}, expected once")
                explained[name.casefold()] = where
            found.append(term)
    return sorted(found, key=lambda term: term.names[0].casefold())


def _places(root: Path) -> Iterator[tuple[str, Chapter | None]]:
    """Every file of terms that may be there, and whose it is."""
    yield OF_NO_CHAPTER, None
    for chapter in read_all(root / "notebooks"):
        yield f"interpbook/chapters/{chapter.path}/terms.yml", chapter


def _read(root: Path, where: str, chapter: Chapter | None) -> list[Term]:
    """The terms of one file, none where there is no such file."""
    file = root / where
    if not file.exists():
        return []
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is not YAML; expected a definition below `means: >-`: {error}") from None
    if not isinstance(entries, list):
        raise ValueError(f"{where} holds a {type(entries).__name__}, expected a list of terms")
    terms = []
    for number, entry in enumerate(entries, 1):
        try:
            terms.append(_term(entry, chapter))
        except ValueError as error:
            raise ValueError(f"{where}, entry {number}: {error}") from None
    return terms


def _term(entry: object, chapter: Chapter | None) -> Term:
    if not isinstance(entry, dict):
        raise ValueError(f"expected the keys term and means, and perhaps also, got {entry!r}")
    check_keys(entry, ("term", "means"), ("also",))
    others = entry.get("also", [])
    if not isinstance(others, list):
        raise ValueError(f"also is {others!r}, expected a list of other words, [in brackets]")
    names = [_text("term", entry["term"]), *(_text("also", other) for other in others)]
    return Term(tuple(names), _text("means", entry["means"]), chapter)


def _text(key: str, stated: object) -> str:
    """On one line."""
    if not isinstance(stated, str) or not stated.strip():
        raise ValueError(f"{key} is {stated!r}, expected text (in quotes where it is a number or yes)")
    return " ".join(stated.split())
