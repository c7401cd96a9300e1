"""How many networks an ensemble needs: Spearman and Brown's formula, the other way around."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number

# r1, and the angle in degrees. None lies where rounding decides on the number.
CASES = ((0.5, 25.0), (0.76, 10.0), (0.2, 45.0), (0.9, 60.0), (0.68, 5.0), (0.05, 20.0))
_NUDGE = "put your number, and the one below it, into the Spearman-Brown formula: which is the first that is enough?"
_FORMULA = "R * (1 - r1) / (r1 * (1 - R)) with R = cos(angle), the angle in radians, rounded up"


@exercise(rating=2, minutes=15)
def members_needed(answer: Callable[..., object]) -> str:
    """A function of `r1, degrees`: the fewest networks in each ensemble for which arccos r_m is within the angle."""
    expect_function(answer)
    got = torch.tensor([number(answer(*case), "the number of networks") for case in CASES], dtype=torch.float64)
    if all(_is_the_first(m, *case) for m, case in zip(got.tolist(), CASES, strict=True)):
        return "once the angle is small, half of it takes about four times as many networks."
    r1, degrees = torch.tensor(CASES, dtype=torch.float64).T
    for hint, wrong in _mistakes(r1, degrees).items():
        if close(got, wrong):
            raise WrongAnswer(_NUDGE, hint, _FORMULA)
    raise WrongAnswer(_NUDGE, _what_is_wrong(got.tolist()), _FORMULA)


def _angle(r1: float, m: float) -> float:
    """In degrees, by Spearman and Brown."""
    return math.degrees(math.acos(m * r1 / (1 + (m - 1) * r1)))


def _is_the_first(m: float, r1: float, degrees: float) -> bool:
    """Whether m networks are enough, and one fewer is not."""
    if not math.isfinite(m) or m != round(m) or m < 1:
        return False
    return _angle(r1, m) <= degrees and (m == 1 or _angle(r1, m - 1) > degrees)


def _needed(r1: Tensor, reliability: Tensor) -> Tensor:
    """The m at which r_m is this reliability, a real number."""
    return reliability * (1 - r1) / (r1 * (1 - reliability))


def _mistakes(r1: Tensor, degrees: Tensor) -> dict[str, Tensor]:
    angle = degrees.deg2rad()
    reliability = angle.cos()
    exact = _needed(r1, reliability)
    return {
        "a number of networks is whole: round up": exact,
        "rounded down, the ensembles are a little too small": exact.floor(),
        "rounded to the nearest number, some ensembles are too small: round up": exact.round(),
        "cos takes radians, and is given degrees": _needed(r1, degrees.cos()).ceil(),
        "degrees are turned into radians by pi / 180, not by 180 / pi": _needed(r1, degrees.rad2deg().cos()).ceil(),
        "the angle falls like 1 / sqrt(m) only once it is small": (r1.arccos() / angle).square().ceil(),
        "1 - r_m falls like 1 / m only once r_m is near 1": ((1 - r1) / (1 - reliability)).ceil(),
        "r1 ** (1 / m) is not the Spearman-Brown formula": (r1.log() / reliability.log()).ceil(),
        "this is upside down: the smaller the angle, the more networks": (1 / exact).ceil(),
        "each of the two ensembles has this many: do not count both": 2 * exact.ceil(),
        "R = m r1 / (1 + (m - 1) r1) is solved with an m in place of m - 1": (
            reliability / (r1 * (1 - reliability))
        ).ceil(),
        "R is the cosine of the angle, not its sine": _needed(r1, angle.sin()).ceil(),
        "R is the cosine of the angle, not its square": _needed(r1, reliability.square()).ceil(),
        "R is the cosine of the angle, which does not fall along a straight line": (
            _needed(r1, 1 - degrees / 90).ceil()
        ),
        "the two ensembles share what they agree on; R is not the root of the cosine": (
            _needed(r1, reliability.sqrt()).ceil()
        ),
    }


def _what_is_wrong(got: list[float]) -> str:
    place = next(i for i, case in enumerate(CASES) if not _is_the_first(got[i], *case))
    (r1, degrees), m = CASES[place], got[place]
    case = f"for r1 = {r1:.3g} and {degrees:.3g} degrees your function says {m:.4g}"
    if not math.isfinite(m) or m != round(m) or m < 1:
        return f"{case}, and should say a whole number from 1 on"
    if _angle(r1, m) > degrees:
        return f"{case}; with so many the angle is {_angle(r1, m):.3g}, too large"
    return f"{case}; with one fewer the angle is {_angle(r1, m - 1):.3g}, small enough"
