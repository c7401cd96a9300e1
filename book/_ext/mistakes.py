"""The stored answers to a chapter's exercises, right and wrong, and what the checks say to the wrong ones.

They stand beside the chapter's tests, in `tests/chapters/<part>/<chapter>/answers.py`; tests/chapters/test_exercises.py
says how.
"""

import importlib
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from outline import ROOT

from interpbook.page.exercises import WrongAnswer, check, forget


@dataclass(frozen=True)
class Mistake:
    """A wrong answer, by its short name, with the hints of the check: a nudge, which factor, the formula.

    An answer that is no answer to the question at all, such as a text for a number, gets one hint.
    """

    name: str
    hints: tuple[str, ...]

    @property
    def diagnosis(self) -> str:
        """The hint that names the mistake."""
        return self.hints[min(1, len(self.hints) - 1)]


def mistakes(path: str) -> dict[str, list[Mistake]]:
    """The stored wrong answers of a chapter by the name of the check; each is handed in now, once.

    Raises:
        ValueError: a check accepts an answer that is stored as wrong.
    """
    found = {}
    for exercise, titled in stored(path, "WRONG").items():
        checked = getattr(getattr(check, path.partition("/")[2]), exercise)
        found[exercise] = [Mistake(name, _hints(checked, answer, name)) for name, (answer, _) in titled.items()]
    forget()
    return found


def stored(path: str, table: str) -> dict[str, dict]:
    """The table RIGHT or WRONG of a chapter; empty where no answers are stored."""
    module = _answers(path)
    return getattr(module, table) if module else {}


def typical(found: Sequence[Mistake], most: int = 6) -> list[Mistake]:
    """The first that the check tells apart, in the stored order; answers of another kind are left out.

    >>> sign, swapped = Mistake("sign", ("Hm.", "The sign.", "-1")), Mistake("swapped", ("Hm.", "The sign.", "-1"))
    >>> [mistake.name for mistake in typical([sign, swapped, Mistake("text", ("Give a number.",))])]
    ['sign']
    """
    different = {mistake.diagnosis: mistake for mistake in reversed(found) if len(mistake.hints) > 1}
    return [mistake for mistake in found if different.get(mistake.diagnosis) is mistake][:most]


def _answers(path: str) -> ModuleType | None:
    tests = ROOT / "tests"
    if not Path(tests, "chapters", path, "answers.py").exists():
        return None
    if str(tests) not in sys.path:
        sys.path.append(str(tests))
    return importlib.import_module(f"chapters.{path.replace('/', '.')}.answers")


def _hints(checked, answer: object, name: str) -> tuple[str, ...]:
    try:
        checked(*(answer if isinstance(answer, tuple) else (answer,)))
    except WrongAnswer as wrong:
        # The line of a stored answer's file, not of a student's cell.
        return tuple(re.sub(r" in line \d+", "", hint) for hint in wrong.hints)
    raise ValueError(f"{checked.__module__}.{checked.__name__} accepts {name!r}, which is stored as a wrong answer")
