"""Hints by degrees: a mistake that is made again gets the next hint, a nudge, then which factor, then the formula."""

import re

_made: dict[tuple[str, tuple[str, ...]], int] = {}
_NUMBER = re.compile(r"-?\d+(\.\d+)?(e[-+]?\d+)?")


class WrongAnswer(AssertionError):
    """The answer is wrong, for a reason that one to three hints tell: a nudge, which factor, the formula.

    A notebook shows one hint alone, with no traceback: the first, and the next one when the same mistake is made again.

    Raises:
        ValueError: no hint, more than three, or one hint twice.

    >>> print(WrongAnswer("look at the noise", "it is too small", "sqrt(2 eps) at each step"))
    look at the noise
    """

    def __init__(self, *hints: str) -> None:
        if not 1 <= len(hints) <= 3 or len(set(hints)) < len(hints):
            raise ValueError(f"hints is {hints!r}, expected one to three sentences that differ")
        super().__init__(*hints)
        self.hints = hints
        self.shown = 0

    def __str__(self) -> str:
        return self.hints[self.shown]

    def _render_traceback_(self) -> list[str]:
        of = f" (hint {self.shown + 1} of {len(self.hints)})" if len(self.hints) > 1 else ""
        return [f"Not yet{of}: {self}"]


def next_hint(exercise: str, wrong: WrongAnswer) -> None:
    """Move on to the hint whose turn it is; the last one stays.

    A mistake is known by its hints, whatever numbers stand in them: those may change from attempt to attempt.

    >>> for attempt in range(3):
    ...     mistake = WrongAnswer(f"{attempt} is odd", "an even number is twice another")
    ...     next_hint("even", mistake)
    ...     print(mistake)
    0 is odd
    an even number is twice another
    an even number is twice another
    >>> forget("even")
    """
    mistake = (exercise, tuple(_NUMBER.sub("", hint) for hint in wrong.hints))
    wrong.shown = min(_made.get(mistake, 0), len(wrong.hints) - 1)
    _made[mistake] = wrong.shown + 1


def forget(exercise: str | None = None) -> None:
    """Begin again with the first hints, of one exercise or of all."""
    for mistake in [made for made in _made if exercise in (None, made[0])]:
        del _made[mistake]
