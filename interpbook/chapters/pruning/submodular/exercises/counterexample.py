"""A neuron that gains more after another was kept, and a lazy greedy choice that misses it."""

from itertools import combinations

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import listed, tensor
from interpbook.pruning import explained

TIMES = 10
# Differences in F below this share of ||t||^2 count as none.
_NOTHING = 1e-6
_NUDGE = "compute F of neuron 0, of neuron 1, and of both; the gain given 1 is the difference of the last two"
_FORMULA = "let neuron 1 be the target plus a disturbance, and neuron 0 the disturbance alone"
_LAZY_NUDGE = "write down all three gains alone, and the two gains that are left after the first pick"
_LAZY_FORMULA = (
    "alone F(1) > F(2) > F(0), then F(0 | 1) > F(2 | 1) > F(0): neuron 2 is taken before anyone asks neuron 0"
)


@exercise(rating=2, minutes=25)
def gains_more(activations: object, target: object) -> str:
    """`A (n, 3), t (n, 1)`: neuron 0 adds ten times as much after neuron 1, and lazy greedy falls behind, k = 2."""
    A, t = _read(activations, target)
    alone = _gains(A, t)
    _check_gain(alone, _gains(A, t, 1))
    first = int(alone.argmax())
    after = _gains(A, t, first)
    _check_lazy(alone, first, after)
    return "a gain that was small once may be large later, so an old gain is no upper bound."


def _read(activations: object, target: object) -> tuple[Tensor, Tensor]:
    """Both in float64, the target of length one: no answer depends on its scale."""
    try:
        n = len(activations)  # type: ignore[arg-type]
    except TypeError:
        raise WrongAnswer("A should be a tensor of shape (n, 3), and has no rows") from None
    A = tensor(activations, (n, 3), "A", "three neurons are three columns, and each row is an example")
    t = tensor(target, (n, 1), "t", "t is a column, with one row for each of A's")
    for name, values in (("A", A), ("t", t)):
        if not values.isfinite().all():
            raise WrongAnswer(f"{name} should be finite, and is infinite or nan somewhere")
    if not t.any():
        raise WrongAnswer("t is zero: there is nothing to explain")
    return A, t / t.norm()


def _gains(A: Tensor, t: Tensor, kept: int | None = None) -> Tensor:
    """What each neuron adds beside the kept one; what is rounding is zero."""
    gram, cross = A.T @ A, A.T @ t
    before = [] if kept is None else [kept]
    gains = [_value(gram, cross, {*before, i}) - _value(gram, cross, {*before}) for i in range(3)]
    return torch.tensor([gain if gain > 1e-12 else 0.0 for gain in gains], dtype=torch.float64)


def _value(gram: Tensor, cross: Tensor, kept: set[int]) -> float:
    return float(explained(gram, cross, torch.tensor(sorted(kept), dtype=torch.int64)))


def _check_gain(alone: Tensor, after: Tensor) -> None:
    before, now = float(alone[0]), float(after[0])
    if now > _NOTHING and now >= TIMES * before:
        return
    # F(0, 1) - F(0), the same pair in the other order.
    other = float(alone[1] + after[0] - alone[0])
    numbers = f"alone neuron 0 explains {before:.3g} of ||t||^2 = 1, after neuron 1 it adds {now:.3g}"
    if now <= _NOTHING and before <= _NOTHING:
        hint = "it adds nothing, neither before nor after"
    elif other > _NOTHING and other >= TIMES * float(alone[1]):
        hint = "it is neuron 1 that adds ten times as much after neuron 0: change their places"
    elif now < before - _NOTHING:
        hint = "it adds less: it explains in part what neuron 1 explains, which is the usual case"
    elif now <= before + _NOTHING:
        hint = "it adds the same as before: does it overlap with neuron 1 at all?"
    else:
        hint = f"that is {now / before:.3g} times as much, and should be at least {TIMES} times"
    raise WrongAnswer(_NUDGE, f"{numbers}: {hint}", _FORMULA)


def _lazy_pick(alone: Tensor, after: Tensor, ahead: int, behind: int) -> int:
    """The second pick of lazy greedy, with `ahead` before `behind` in the order of their stale gains."""
    if after[ahead] >= alone[behind]:
        return ahead
    return ahead if after[ahead] >= after[behind] else behind


def _check_lazy(alone: Tensor, first: int, after: Tensor) -> None:
    ahead, behind = sorted({0, 1, 2} - {first}, key=lambda i: -float(alone[i]))
    numbers = f"alone {listed(alone)}, after neuron {first} {listed(after)}"
    if _lazy_pick(alone, after, ahead, behind) == ahead and after[behind] > after[ahead] + _NOTHING:
        _check_ties(alone, after, first, ahead, behind, numbers)
        return
    if after[ahead] + _NOTHING >= after[behind]:
        hint = f"neuron {ahead} is asked first and adds no less than neuron {behind}, so both take it"
    else:
        hint = (
            f"neuron {ahead} now adds less than the old gain of neuron {behind}, so neuron {behind} is asked, too, and "
            "lazy greedy chooses as greedy does"
        )
    raise WrongAnswer(_LAZY_NUDGE, f"the first part is right. The gains: {numbers}. But {hint}", _LAZY_FORMULA)


def _check_ties(alone: Tensor, after: Tensor, first: int, ahead: int, behind: int, numbers: str) -> None:
    """That rounding could not have turned a comparison around on which the choice of lazy greedy hangs."""
    compared = (
        (float(alone[first]), float(alone[ahead]), float(alone[behind])),
        (float(after[ahead]), float(alone[behind])),
    )
    if any(abs(a - b) <= _NOTHING for values in compared for a, b in combinations(values, 2)):
        raise WrongAnswer(
            "lazy greedy falls behind by chance: print the gains, and look for two that are equal",
            f"two gains that are compared are equal: {numbers}. Change a number a little",
            _LAZY_FORMULA,
        )
