"""The questions of a chapter's quiz, `interpbook/chapters/<part>/<chapter>/quiz.yml`, a list of five with the keys

question   what is asked; `code`, *emphasis* and $formulas$ as in Markdown
options    three to five, each with
    text       the answer
    right      true, for exactly one of them
    because    why it is right; or why it is wrong, and what somebody believed who took it
    from       optional, for a wrong one, where it comes from: a stored wrong answer, exercise/"its name" as in the
               chapter's tests; `misconception 2` of the lesson's front matter; `trap` and which
section    the heading, one with ##, of the lesson's section that answers it
"""

import difflib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from interpbook.page import registry

LENGTH = 5
OPTIONS = (3, 5)
SOURCE = re.compile(r'(?P<exercise>\w+)/"(?P<title>.+)"|misconception (?P<misconception>[1-3])|trap .+')


@dataclass(frozen=True)
class Option:
    """One answer that a reader can choose.

    source: where a wrong one comes from, "" where that is not said; the key `from`.
    """

    text: str
    because: str
    right: bool = False
    source: str = ""


@dataclass(frozen=True)
class Question:
    """One question with its options, in the order in which they are shown."""

    text: str
    options: tuple[Option, ...]
    section: str

    @property
    def right(self) -> int:
        """The place of the right option, from 0."""
        return next(place for place, option in enumerate(self.options) if option.right)


def of_chapter(chapter: str) -> list[Question]:
    """The questions of a chapter, named without its part.

    Raises:
        KeyError: no such chapter has a quiz; the message names those with similar names.
        ValueError: as `read`.
    """
    files = {file.parent.name: file for file in registry.CHAPTERS.glob("*/*/quiz.yml")}
    if chapter not in files:
        near = difflib.get_close_matches(chapter, files, n=3, cutoff=0.4)
        hint = f"near it: {', '.join(near)}" if near else f"{len(files)} chapters have one, none with a name near it"
        raise KeyError(f"no quiz.yml for a chapter {chapter!r}; {hint}")
    return read(files[chapter])


@lru_cache
def read(file: Path) -> list[Question]:
    """The questions of one file, validated.

    Raises:
        ValueError: the file is no list of five questions, or one of them is malformed; the message names file, question
            and option, what came and what was expected.
    """
    where = "/".join(file.parts[-3:])
    try:
        entries = yaml.safe_load(file.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{where} is not YAML; expected text with a colon or a # in quotes: {error}") from None
    if not isinstance(entries, list):
        raise ValueError(f"{where} holds a {type(entries).__name__}, expected a list of {LENGTH} questions")
    questions = []
    for number, entry in enumerate(entries, 1):
        try:
            questions.append(_question(entry))
        except ValueError as error:
            raise ValueError(f"{where}, question {number}: {error}") from None
    if len(questions) != LENGTH:
        raise ValueError(f"{where} holds {len(questions)} questions, expected {LENGTH}")
    return questions


def _question(entry: object) -> Question:
    keys = _keys(entry, required=("question", "options", "section"))
    stated = keys["options"]
    least, most = OPTIONS
    if not isinstance(stated, list) or not least <= len(stated) <= most:
        found = f"{len(stated)} entries" if isinstance(stated, list) else repr(stated)
        raise ValueError(f"options is {found}, expected a list of {least} to {most}")
    options = []
    for letter, option in zip("ABCDE", stated, strict=False):
        try:
            options.append(_option(option))
        except ValueError as error:
            raise ValueError(f"option {letter}: {error}") from None
    right = [option for option in options if option.right]
    if len(right) != 1:
        raise ValueError(f"{len(right)} options have right: true, expected exactly one")
    texts = [option.text for option in options]
    if len({*texts}) != len(texts):
        raise ValueError("two options have the same text, expected different ones")
    return Question(_text("question", keys["question"]), tuple(options), _text("section", keys["section"]))


def _option(entry: object) -> Option:
    keys = _keys(entry, required=("text", "because"), optional=("right", "from"))
    if keys.get("right", True) is not True:
        raise ValueError(f"right is {keys['right']!r}, expected true, or no such key")
    if "right" in keys and "from" in keys:
        raise ValueError("from is there beside right: true, expected it for wrong options only")
    source = _text("from", keys["from"]) if "from" in keys else ""
    if source and not SOURCE.fullmatch(source):
        raise ValueError(
            f'from is {source!r}, expected exercise/"a wrong answer\'s name", misconception 1 to 3, or trap ...'
        )
    return Option(_text("text", keys["text"]), _text("because", keys["because"]), "right" in keys, source)


def _keys(entry: object, required: tuple[str, ...], optional: tuple[str, ...] = ()) -> dict[str, object]:
    if not isinstance(entry, dict):
        raise ValueError(f"expected the keys {', '.join(required)}, got {entry!r}")
    registry.check_keys(entry, required, optional)
    return entry


def _text(key: str, stated: object) -> str:
    """On one line."""
    if not isinstance(stated, str) or not stated.strip():
        raise ValueError(f"{key} is {stated!r}, expected text (in quotes where it is a number or yes)")
    return " ".join(stated.split())
