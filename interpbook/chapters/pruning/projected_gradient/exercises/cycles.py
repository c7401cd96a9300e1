"""A schedule that opens again: cubic ramps one after another, and what their first and last steps are."""

from collections.abc import Callable
from math import isclose

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, number

CASES = ((12, 3, 0.9), (10, 1, 0.8), (8, 4, 0.5), (60, 5, 0.99))
_NUDGE = (
    "print your sparsities for all steps from 0 to `steps`: where do they rise, where do they fall, where do they end?"
)
_FORMULA = "sparsity * (1 - (1 - p)**3) with p = (step - first) / (last - first) of the cycle in which the step is"

Schedule = Callable[[int, int, int, float], float]


@exercise(rating=2, minutes=15)
def cyclical_sparsity(answer: Callable[..., object]) -> str:
    """A function of `step, steps, cycles, sparsity`: cubic from 0 at a cycle's first step to `sparsity` at its last."""
    expect_function(answer)
    for steps, cycles, sparsity in CASES:
        _check_schedule(answer, steps, cycles, sparsity)
    return "a schedule is a function of the step; it opens where a cycle begins, and nowhere else."


def _cubic(done: float, sparsity: float) -> float:
    return sparsity * (1 - (1 - done) ** 3)


def _ends(step: int, steps: int, cycles: int) -> tuple[int, int]:
    """The first and the last step of the cycle in which a step is."""
    length = steps // cycles
    cycle = min(step // length, cycles - 1)
    first = cycle * length
    return first, steps if cycle == cycles - 1 else first + length - 1


def _done(step: int, steps: int, cycles: int) -> float:
    first, last = _ends(step, steps, cycles)
    return (step - first) / (last - first)


def _right(step: int, steps: int, cycles: int, sparsity: float) -> float:
    return _cubic(_done(step, steps, cycles), sparsity)


def _opens_at_the_end(step: int, steps: int, cycles: int, sparsity: float) -> float:
    return 0.0 if step == steps else _right(step, steps, cycles, sparsity)


def _remainder(step: int, steps: int, cycles: int, sparsity: float) -> float:
    length = steps // cycles
    return _cubic(step % length / (length - 1), sparsity)


def _remainder_by_length(step: int, steps: int, cycles: int, sparsity: float) -> float:
    length = steps // cycles
    return _cubic(step % length / length, sparsity)


def _since_opening(step: int, steps: int, cycles: int) -> tuple[int, int]:
    """How many steps ago the cycle began, and how many multiples of a cycle's length are apart."""
    first, _ = _ends(step, steps, cycles)
    return step - first, steps // cycles


def _too_far(step: int, steps: int, cycles: int, sparsity: float) -> float:
    since, length = _since_opening(step, steps, cycles)
    return _cubic(since / (length - 1), sparsity)


def _too_early(step: int, steps: int, cycles: int, sparsity: float) -> float:
    since, length = _since_opening(step, steps, cycles)
    return _cubic(min(since / (length - 1), 1.0), sparsity)


def _never_closed(step: int, steps: int, cycles: int, sparsity: float) -> float:
    since, length = _since_opening(step, steps, cycles)
    return _cubic(since / length, sparsity)


def _straight(step: int, steps: int, cycles: int, sparsity: float) -> float:
    return sparsity * _done(step, steps, cycles)


def _flat_first(step: int, steps: int, cycles: int, sparsity: float) -> float:
    return sparsity * _done(step, steps, cycles) ** 3


def _square(step: int, steps: int, cycles: int, sparsity: float) -> float:
    return sparsity * (1 - (1 - _done(step, steps, cycles)) ** 2)


MISTAKES: dict[str, Schedule] = {
    "it opens at the end: no cycle begins at step `steps`, where all is to be sparse": _opens_at_the_end,
    "at the end it opens: the remainder is 0 there, but no cycle begins": _remainder,
    "your cycles never reach the sparsity, and at the end all is open": _remainder_by_length,
    "the last cycle is one step longer than the others: p is above one at its end": _too_far,
    "the last cycle is one step longer than the others: yours is at its end too early": _too_early,
    "your cycles open before they have reached the sparsity: p is 1 at a cycle's last step, not one later": (
        _never_closed
    ),
    "this is the fraction that is kept; the fraction of zeros is asked for": lambda *given: 1 - _right(*given),
    "your cycles begin closed and open; it is the other way around": lambda *given: given[3] - _right(*given),
    "this ramp is straight; the cubic one is steep first": _straight,
    "this ramp is flat first and steep at last; the cube is of 1 - p": _flat_first,
    "this ramp is a parabola; it should be cubic": _square,
    "this is one ramp over all steps: where does it fall?": lambda step, steps, _, sparsity: _right(
        step, steps, 1, sparsity
    ),
    "your ramps go up to one, whatever the sparsity is": lambda step, steps, cycles, _: _right(
        step, steps, cycles, 1.0
    ),
}


def _check_schedule(answer: Callable[..., object], steps: int, cycles: int, sparsity: float) -> None:
    said = []
    for step in range(steps + 1):
        said.append(number(answer(step, steps, cycles, sparsity), "a sparsity"))
    want = [_right(step, steps, cycles, sparsity) for step in range(steps + 1)]
    if _same(said, want):
        return
    case = f"({steps} steps, {cycles} cycle{'s' if cycles > 1 else ''}, sparsity {sparsity:g})"
    for hint, mistake in MISTAKES.items():
        wrong = [mistake(step, steps, cycles, sparsity) for step in range(steps + 1)]
        if not _same(wrong, want) and _same(said, wrong):
            raise WrongAnswer(_NUDGE, f"{hint} {case}", _FORMULA)
    at = next(step for step in range(steps + 1) if not _same([said[step]], [want[step]]))
    first, last = _ends(at, steps, cycles)
    raise WrongAnswer(
        _NUDGE,
        f"at step {at}, in the cycle from {first} to {last}, it should be {want[at]:.3g}, and is {said[at]:.3g} {case}",
        _FORMULA,
    )


def _same(some: list[float], others: list[float]) -> bool:
    return all(isclose(a, b, rel_tol=1e-5, abs_tol=1e-6) for a, b in zip(some, others, strict=True))
