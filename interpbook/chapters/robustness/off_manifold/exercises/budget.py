"""The budget of an attack whose length is taken over a whole batch: what of it is one image's."""

from collections.abc import Callable
from math import isclose
from typing import Any

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, number

CASES = ((3.0, 32), (1.0, 128), (0.5, 1), (2.64, 7))
_NUDGE = "let B images each move by a length r: how long is all that moved, written as one vector?"
_TYPICAL = "B r^2 = eps^2, so r = eps / sqrt(B)"
_MOST = "the sum of B squared lengths is at most eps^2; if all others stay, one image can move by eps"


@exercise(rating=2, minutes=20)
def batch_budget(answer: Callable[..., object]) -> str:
    """A function of `eps, batch_size`: one image's budget as a root mean square, and the most that it can be."""
    expect_function(answer)
    for eps, size in CASES:
        _check_budget(answer, eps, size)
    return "the same eps is another attack for another batch size, and for each image of a batch."


def _check_budget(answer: Callable[..., Any], eps: float, size: int) -> None:
    try:
        first, second = answer(eps, size)
    except (TypeError, ValueError):
        raise WrongAnswer("your function should return two numbers: first the typical length, then the most") from None
    typical, most = number(first, "the typical length"), number(second, "the largest length")
    case = f"(eps = {eps:g}, B = {size})"
    wanted = eps / size**0.5
    if isclose(typical, wanted, rel_tol=1e-5) and isclose(most, eps, rel_tol=1e-5):
        return
    if isclose(typical, eps, rel_tol=1e-5) and isclose(most, wanted, rel_tol=1e-5):
        raise WrongAnswer(
            "one of your numbers should never be above the other",
            f"the typical length comes first, the largest second {case}",
            "return eps / sqrt(B), eps",
        )
    shorter = {
        eps: "eps is the length of all that moved in the batch, not of each part of it",
        eps / size: "squared lengths add up, not lengths: a division by B is too much",
        eps * size**0.5: "a part is not longer than the whole",
        eps**2 / size: "this is the mean square; take the root",
        (eps / size) ** 0.5: "take the root of B alone, or square eps first",
    }
    _compare(typical, wanted, "the typical length", case, shorter, _TYPICAL)
    longest = {
        wanted: "nothing in a length over the batch says that the images share it equally",
        eps / size: "nothing in a length over the batch says that the images share it equally",
        eps * size**0.5: "a part is not longer than the whole",
        eps * size: "a part is not longer than the whole",
    }
    _compare(most, eps, "the largest length", case, longest, _MOST)


def _compare(got: float, wanted: float, name: str, case: str, mistakes: dict[float, str], formula: str) -> None:
    if isclose(got, wanted, rel_tol=1e-5):
        return
    for wrong, hint in mistakes.items():
        if isclose(got, wrong, rel_tol=1e-5):
            raise WrongAnswer(_NUDGE, f"{name}: {hint} {case}", formula)
    raise WrongAnswer(_NUDGE, f"{name} should be {wanted:.3g}, and is {got:.3g} {case}", formula)
