"""Exercises: `page.check.<chapter>.<name>(answer)` says whether an answer is right, and what is wrong.

The checks of a chapter are plain functions in `interpbook/chapters/<part>/<chapter>/exercises`, each under `@exercise`.
They test properties of the answer, not equality with a solution.
"""

import functools
import importlib
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from types import EllipsisType, ModuleType

import torch

from interpbook.page.exercises import attempts, hints
from interpbook.page.exercises.hints import WrongAnswer
from interpbook.page.exercises.report import report

__all__ = ["Chapter", "Checks", "WrongAnswer", "check", "exercise", "forget", "guarded"]


class _Unanswered(Exception):
    """There is no answer yet; the message says where it is missing."""


def forget(version: str | None = None) -> None:
    """Begin a page, which was written for this version: with the first hints, and nothing tried."""
    hints.forget()
    attempts.forget(version)


def exercise(*, rating: int, minutes: int) -> Callable[[Callable[..., str | None]], Callable[..., None]]:
    """Make a check of a function that raises `WrongAnswer(nudge, factor, formula)`, or returns words of praise or None.

    The student's functions reach the check guarded: where one raises, the hint names it. What has no answer yet (None,
    `...`, a dictionary with one of these in it, a function that returns nothing) is no mistake: the check says so in
    one line and does not raise, so that a page with open exercises runs from top to bottom. A forgotten `return` looks
    the same, and the line asks for it. A program that grades calls the check's `required` in its place, which refuses
    what has no answer, too.

    Args:
        rating: how hard, from 1 to 3.
        minutes: how long it takes.

    Raises:
        ValueError: a rating outside 1 to 3, or no minutes.

    >>> @exercise(rating=1, minutes=2)
    ... def double(answer):
    ...     if answer(3) != 6:
    ...         raise WrongAnswer("your function does not double 3")
    ...     return "6 is twice 3."
    >>> double(...)
    Your turn (★, 2 minutes): there is no answer here yet.
    >>> double(lambda x: 2 * x)
    Correct: 6 is twice 3.
    >>> double.minutes
    2
    >>> double.required(...)
    Traceback (most recent call last):
        ...
    interpbook.page.exercises.hints.WrongAnswer: there is no answer here yet
    """
    if rating not in (1, 2, 3):
        raise ValueError(f"rating is {rating!r}, expected 1, 2 or 3")
    if minutes <= 0:
        raise ValueError(f"minutes is {minutes!r}, expected a positive number")

    def decorate(check: Callable[..., str | None]) -> Callable[..., None]:
        key = f"{check.__module__}.{check.__qualname__}"

        def praised(*answers: object) -> str:
            """The praise for right answers; each attempt is written down."""
            try:
                if any(map(_is_open, answers)):
                    raise _Unanswered("there is no answer here yet")
                with torch.enable_grad():
                    praise = check(*map(guarded, answers)) or ""
            except _Unanswered as missing:
                attempts.note(key, "open", str(missing), answers)
                raise
            except WrongAnswer as wrong:
                hints.next_hint(key, wrong)
                attempts.note(key, "refused", str(wrong), answers)
                raise
            hints.forget(key)
            attempts.note(key, "passed", praise, answers)
            return f"Correct: {praise}" if praise else "Correct."

        @functools.wraps(check)
        def checked(*answers: object) -> None:
            try:
                print(praised(*answers))
            except _Unanswered as missing:
                unit = "minute" if minutes == 1 else "minutes"
                print(f"Your turn ({'★' * rating}, {minutes} {unit}): {missing}.")

        def required(*answers: object) -> None:
            try:
                print(praised(*answers))
            except _Unanswered as missing:
                raise WrongAnswer(str(missing)) from None

        checked.rating, checked.minutes, checked.required = rating, minutes, required  # type: ignore[attr-defined]
        return checked

    return decorate


def _is_open(answer: object) -> bool:
    """Whether there is no answer yet, or in a dictionary of answers one is missing still."""
    parts = answer.values() if isinstance(answer, Mapping) else [answer]
    return any(part is None or part is ... for part in parts)


def guarded(answer: object) -> object:
    """A student's function, or module, that turns its own failures into hints; what cannot be called as it is.

    Torch's modes (whether gradients are taken, the default dtype) are afterwards as they were: the check needs them.
    """
    if not callable(answer):
        return answer
    called = getattr(answer, "__name__", type(answer).__name__)
    name = "your function" if called == "<lambda>" else f"your function `{called}`"
    code = getattr(answer, "__code__", None)
    home = code and code.co_filename  # a notebook gives every cell a name of its own

    @functools.wraps(answer, updated=())
    def guarded(*args: object, **keywords: object) -> object:
        grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
        try:
            result = answer(*args, **keywords)
        except (WrongAnswer, _Unanswered):
            raise
        except Exception as error:
            line = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == home][-1:]
            where = f" in line {line[0]}" if line else ""
            raise WrongAnswer(f"{name} raised {type(error).__name__}{where}: {error}") from error
        finally:
            torch.set_grad_enabled(grad)
            torch.set_default_dtype(dtype)
        if result is None or result is ...:
            raise _Unanswered(f"{name} returns nothing yet (if it is written: is there a `return` at its end?)")
        return result

    return guarded


class Checks:
    """`check.<chapter>.<name>`: the chapters found in a package, each imported when it is first used.

    >>> check  # doctest: +ELLIPSIS
    <exercise checks: ...>
    """

    def __init__(self, package: str) -> None:
        self._package = package

    def _chapters(self) -> dict[str, str]:
        """The module with a chapter's exercises, by the chapter's name."""
        folder = Path(importlib.import_module(self._package).__path__[0])
        found = {}
        for chapter in sorted(folder.glob("*/*/")):
            if (chapter / "exercises.py").exists() or (chapter / "exercises" / "__init__.py").exists():
                if chapter.name in vars(Checks):
                    raise ValueError(f"a chapter is called {chapter.name!r}, which `check.{chapter.name}` hides")
                found[chapter.name] = f"{self._package}.{chapter.parent.name}.{chapter.name}.exercises"
        return found

    def report(self, *, name: str | EllipsisType = ...) -> None:
        """Show what came of the exercises since the page began, and write it, with the answers' code, for handing in.

        The chapter is the one whose check was called last. The file `hand_in_<chapter>_<name>.json` lies in the working
        directory; a later report replaces it. An exercise that was passed once counts as passed.

        Args:
            name: whose answers these are. Without a name the table is shown and nothing is written.

        Raises:
            RuntimeError: no check was called yet.
            TypeError: the name is no text.
            ValueError: the name has no letter or digit.
        """
        chapters = self._chapters()
        for attempt in reversed(attempts.since_the_page_began()):
            for chapter, module in chapters.items():
                if attempt.exercise.startswith(f"{module}."):
                    report(chapter, getattr(self, chapter)._checks, name)
                    return
        raise RuntimeError("there is nothing to report yet: no exercise was checked; run the cells of the exercises")

    def __getattr__(self, chapter: str) -> "Chapter":
        if chapter.startswith("_"):
            raise AttributeError(chapter)
        chapters = self._chapters()
        if chapter not in chapters:
            known = ", ".join(sorted(chapters)) or "none"
            raise AttributeError(f"there are no exercises for a chapter {chapter!r}; known: {known}")
        return Chapter(chapter, importlib.import_module(chapters[chapter]))

    def __dir__(self) -> list[str]:
        return sorted(self._chapters())

    def __repr__(self) -> str:
        return f"<exercise checks: {', '.join(dir(self)) or 'none'}>"


class Chapter:
    """The checks of one chapter."""

    def __init__(self, name: str, module: ModuleType) -> None:
        self._name = name
        self._checks = {key: value for key, value in vars(module).items() if hasattr(value, "rating")}

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_"):
            raise AttributeError(name)
        if name not in self._checks:
            known = ", ".join(dir(self)) or "none"
            raise AttributeError(f"chapter {self._name!r} has no exercise {name!r}; known: {known}")
        return self._checks[name]

    def __dir__(self) -> list[str]:
        return sorted(self._checks)

    def __repr__(self) -> str:
        return f"<exercises of {self._name}: {', '.join(dir(self)) or 'none'}>"


check = Checks("interpbook.chapters")
