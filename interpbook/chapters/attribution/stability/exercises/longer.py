"""The agreement of ensembles from that of single networks: Spearman and Brown's formula."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number

# Squared length of what all networks share, that of a network's own part, and the networks in an ensemble.
CASES = ((1.0, 1.0, 2), (3.0, 2.0, 1), (1.0, 4.0, 5), (2.0, 1.0, 20), (1.0, 9.0, 3), (0.0, 1.0, 4), (5.0, 0.0, 3))
_NUDGE = (
    "r1 = .5, m = 2: half of the expected squared length is shared, half is a network's own. The average of two keeps "
    "the shared half, and how much of the other? Your function should say 2/3"
)
_FORMULA = "m * r1 / (1 + (m - 1) * r1)"


@exercise(rating=1, minutes=10)
def longer_test(answer: Callable[..., object]) -> str:
    """A function of `r1, m`: the reliability of averages of m networks, from that of one."""
    expect_function(answer)
    r1, m, want = _reliabilities()
    inputs = [(float(r), int(size)) for r, size in zip(r1, m, strict=True)]
    got = torch.tensor([number(answer(*case), "the reliability") for case in inputs], dtype=torch.float64)
    if close(got, want):
        return "averaging removes what is a network's own, and keeps what all of them share."
    for hint, wrong in _mistakes(r1, m, want).items():
        if close(got, wrong):
            raise WrongAnswer(_NUDGE, hint, _FORMULA)
    raise WrongAnswer(_NUDGE, _what_is_wrong(got, want, inputs), _FORMULA)


def _reliabilities() -> tuple[Tensor, Tensor, Tensor]:
    """r1, m and r_m of all cases, by the definition: the shared part, of all that an average contains."""
    shared, own, m = torch.tensor(CASES, dtype=torch.float64).T
    return shared / (shared + own), m, shared / (shared + own / m)


def _mistakes(r1: Tensor, m: Tensor, want: Tensor) -> dict[str, Tensor]:
    return {
        "this is r1 itself: averaging makes networks agree more": r1,
        "this passes 1, and no two ensembles agree more than perfectly": m * r1,
        "cutting off at 1 does not help: no finite ensemble agrees perfectly, unless its members do": (
            (m * r1).clamp(max=1)
        ),
        "a root of r1 is 1 or 0 at the ends, as it should be, and is wrong between them": r1 ** (1 / m),
        "the disagreement falls like 1 / m only as long as r1 is near 1: at r1 = 0 there is nothing to share": (
            1 - (1 - r1) / m
        ),
        "networks are not independent chances of agreeing: with r1 = 0 averages agree no better": 1 - (1 - r1) ** m,
        "a variance falls like 1 / m, and not like its root": r1 / (r1 + (1 - r1) / m.sqrt()),
        "a variance falls like 1 / m, and not like the square of that": r1 / (r1 + (1 - r1) / m**2),
        "this is the formula upside down: the own part is divided by m, not multiplied": r1 / (r1 + (1 - r1) * m),
        "count the networks besides the first: for m = 1 the formula should say r1": m * r1 / (1 + m * r1),
        "the sign of the 1 in (m - 1) is wrong: for m = 1 the formula should say r1": m * r1 / (1 + (m + 1) * r1),
        "this is how an ensemble agrees with what all networks share, the root of what is asked": want.sqrt(),
        "this is how an ensemble agrees with a single network: both are to have m members": (r1 * want).sqrt(),
        "this divides the angle by the root of m, which holds only when angles are small": (
            (r1.arccos() / m.sqrt()).cos()
        ),
    }


def _what_is_wrong(got: Tensor, want: Tensor, inputs: list[tuple[float, int]]) -> str:
    place = next(i for i in range(len(want)) if not close(got[i], want[i]))
    r1, m = inputs[place]
    return f"for r1 = {r1:.3g} and m = {m} your function says {float(got[place]):.3g}, not {float(want[place]):.3g}"
