"""What a chapter's front matter says to the lecturer, `metadata.interpbook.chapter.teaching` of the lesson.

goals           a list of {"goal": "prove ...", "section": the heading under which one learns it}
minutes         for every `##` heading of the lesson, exercises included; they sum to the minutes of the card
routes          for "10", "45" and "90" minutes the headings to take, or for a part of what is under one
                {"section": "Exercises", "minutes": 35, "part": "1 to 4"}; a route may run over by a fifth
misconceptions  three of {"belief": what students think, "question": the one that brings it out}
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

ROUTES = (10, 45, 90)
MISCONCEPTIONS = 3
# How much longer than it says a route may take.
OVERRUN = 1.2
KEYS = ("goals", "minutes", "routes", "misconceptions")
FENCED = re.compile(r"^(```|~~~).*?^\1", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """One section of a route, or a part of it.

    minutes: None for the whole section.
    part: which part, "" for the whole.
    """

    section: str
    minutes: int | None = None
    part: str = ""


@dataclass(frozen=True)
class Teaching:
    """What a lecturer wants to know of a lesson; see the top of this module.

    goals: each with its section.
    minutes: by section, in the lesson's order.
    routes: by minutes, the steps.
    misconceptions: each with its question.
    """

    goals: tuple[tuple[str, str], ...]
    minutes: dict[str, int]
    routes: dict[int, tuple[Step, ...]]
    misconceptions: tuple[tuple[str, str], ...]

    def length(self, route: int) -> int:
        """The minutes that the steps of a route take together.

        >>> Teaching((), {"A": 4, "B": 50}, {10: (Step("A"), Step("B", 5, "the first"))}, ()).length(10)
        9
        """
        return sum(step.minutes or self.minutes[step.section] for step in self.routes[route])


def sections(cells: Sequence[Mapping]) -> list[str]:
    """The texts of a notebook's `##` headings.

    >>> sections([{"cell_type": "markdown", "source": ["# Toy\\n", "## A start\\n", "### Inside\\n"]}])
    ['A start']
    """
    found = []
    for cell in cells:
        if cell["cell_type"] == "markdown":
            text = FENCED.sub("", "".join(cell["source"]))
            found += re.findall(r"^## +(.+?) *$", text, re.MULTILINE)
    return found


def read(stored: object, sections: Sequence[str], minutes: int) -> Teaching:
    """The key `teaching` of a lesson with these sections and, on its card, these minutes.

    Raises:
        ValueError: it is not as above; the message names the key, what came and what was expected.
    """
    if not isinstance(stored, dict) or set(stored) != {*KEYS}:
        found = ", ".join(stored) if isinstance(stored, dict) else repr(stored)
        raise ValueError(f"teaching is {found}; expected the keys {', '.join(KEYS)}")
    goals = _pairs("goals", stored["goals"], ("goal", "section"))
    _expect_sections("goals", [section for _, section in goals], sections)
    by_section = _minutes(stored["minutes"], sections, minutes)
    routes = _routes(stored["routes"], by_section)
    misconceptions = _pairs("misconceptions", stored["misconceptions"], ("belief", "question"))
    if len(misconceptions) != MISCONCEPTIONS:
        raise ValueError(f"teaching.misconceptions has {len(misconceptions)} entries, expected {MISCONCEPTIONS}")
    teaching = Teaching(goals, by_section, routes, misconceptions)
    for route in ROUTES:
        if teaching.length(route) > OVERRUN * route:
            raise ValueError(
                f"teaching.routes[{str(route)!r}] takes {teaching.length(route)} minutes, "
                f"expected at most {OVERRUN * route:g}"
            )
    return teaching


def _pairs(key: str, stored: object, names: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """A list of dictionaries with two keys that hold text, as pairs."""
    if not isinstance(stored, list) or not stored:
        raise ValueError(f"teaching.{key} is {stored!r}, expected a list of entries with {' and '.join(names)}")
    pairs = []
    for entry in stored:
        if not isinstance(entry, dict) or set(entry) != {*names} or not all(map(_is_text, entry.values())):
            raise ValueError(f"teaching.{key} has the entry {entry!r}, expected text as {' and '.join(names)}")
        pairs.append((entry[names[0]], entry[names[1]]))
    return tuple(pairs)


def _minutes(stored: object, sections: Sequence[str], total: int) -> dict[str, int]:
    if not isinstance(stored, dict):
        raise ValueError(f"teaching.minutes is {stored!r}, expected a whole number for every section")
    _expect_sections("minutes", list(stored), sections)
    missing = [section for section in sections if section not in stored]
    if missing:
        raise ValueError(f"teaching.minutes leaves out {missing[0]!r}, expected every section of the lesson")
    for section, value in stored.items():
        if type(value) is not int or value < 0:
            raise ValueError(f"teaching.minutes[{section!r}] is {value!r}, expected a whole number of minutes")
    if sum(stored.values()) != total:
        raise ValueError(f"teaching.minutes sum to {sum(stored.values())}, expected {total}, the minutes of the card")
    # A notebook that is saved forgets the order of a dictionary.
    return {section: stored[section] for section in sections}


def _routes(stored: object, minutes: Mapping[str, int]) -> dict[int, tuple[Step, ...]]:
    if not isinstance(stored, dict) or set(stored) != {*map(str, ROUTES)}:
        found = ", ".join(stored) if isinstance(stored, dict) else repr(stored)
        raise ValueError(f"teaching.routes is {found}; expected the keys {', '.join(map(str, ROUTES))}")
    routes = {}
    for route in ROUTES:
        where, chosen = f"routes[{str(route)!r}]", stored[str(route)]
        if not isinstance(chosen, list) or not chosen or len({*map(str, chosen)}) < len(chosen):
            raise ValueError(f"teaching.{where} is {chosen!r}, expected a list of sections, each once")
        routes[route] = tuple(_step(where, entry, minutes) for entry in chosen)
    return routes


def _step(where: str, entry: object, minutes: Mapping[str, int]) -> Step:
    if not isinstance(entry, dict):
        _expect_sections(where, [entry], list(minutes))
        return Step(str(entry))
    if set(entry) != {"section", "minutes", "part"} or not _is_text(entry["part"]):
        raise ValueError(f"teaching.{where} has {entry!r}, expected a section, or section, minutes and part")
    section, taken = entry["section"], entry["minutes"]
    _expect_sections(where, [section], list(minutes))
    if type(taken) is not int or not 0 < taken < minutes[section]:
        raise ValueError(
            f"teaching.{where} takes {taken!r} minutes of {section!r}, expected less than its {minutes[section]}"
        )
    return Step(section, taken, entry["part"])


def _expect_sections(key: str, named: Sequence[object], sections: Sequence[str]) -> None:
    for name in named:
        if name not in sections:
            known = ", ".join(map(repr, sections)) or "none"
            raise ValueError(f"teaching.{key} names {name!r}, expected a section of the lesson, one of {known}")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())
