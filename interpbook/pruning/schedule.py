"""How sparse a network is at each step of its training, and how fast it learns there: functions of the step alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from numbers import Integral

from matplotlib.axes import Axes

from interpbook.checks import check_count, check_number
from interpbook.pruning.projection import check_sparsity, count_kept

__all__ = ["SparsitySchedule", "cosine_restarts"]


@dataclass(frozen=True)
class SparsitySchedule:
    """The fraction of zeros s(t) before the first step (t = 0) and after step t of `steps`; a pure function of t.

    Four constructors make the schedules of the four ways to prune by magnitude. All end at `sparsity`:

        one_shot    s(t) = sparsity
        gradual     s(t) = sparsity + (start - sparsity) (1 - t / (ramp steps))^3, then constant  [zhu2017prune]
        iterative   1 - s(t) = (1 - sparsity)^(j / rounds) in round j = 1, ..., rounds            [renda2020comparing]
        cyclical    `cycles` times in a row the curve of gradual, from `start` again              [srinivas2022cyclical]

    The first three never fall: what k(t) = n (1 - s(t)) leaves room for only becomes less. The learning rate is no
    part of it; `cosine_restarts` makes one that begins anew with every round or cycle ("rewinding").

    Attributes:
        name: of the schedule.
        steps: how many training steps it is for, T.
        sparsity: s(T), in [0, 1).
        fraction: s, of a step from 0 to T.

    >>> schedule = SparsitySchedule.cyclical(0.9, steps=100, cycles=2)
    >>> schedule(0), schedule(49), schedule(50), schedule(100)
    (0.0, 0.9, 0.0, 0.9)
    >>> schedule.kept(100, of=1000)
    100
    """

    name: str
    steps: int
    sparsity: float | int
    fraction: Callable[[int], float] = field(repr=False)

    def __post_init__(self) -> None:
        check_count(self.steps, "steps")
        check_sparsity(self.sparsity)
        if not callable(self.fraction):
            raise TypeError(f"fraction: expected a function of the step, got {type(self.fraction).__name__}")

    def __call__(self, step: int) -> float:
        """s(step).

        Raises:
            TypeError, ValueError: `step` is no int from 0 to `steps`, or s(step) is outside of [0, 1).
        """
        return check_sparsity(self.fraction(_check_step(step, self.steps)), f"{self.name} at step {step}")

    def kept(self, step: int, of: int) -> int:
        """k(step): how many of `of` weights are kept, as `project_sparsity` counts them."""
        return count_kept(of, self(step))

    def plot(self, ax: Axes, **style: object) -> None:
        """Draw s(t) for all steps into `ax`, under the schedule's name; `style` as for `Axes.plot`."""
        steps = range(self.steps + 1)
        ax.plot(steps, [self(step) for step in steps], **{"label": self.name, **style})  # type: ignore[arg-type]

    @classmethod
    def one_shot(cls, sparsity: float | int, steps: int) -> "SparsitySchedule":
        """All at once, before the first step."""
        return cls("one-shot", steps, sparsity, lambda step: sparsity)

    @classmethod
    def gradual(
        cls, sparsity: float | int, steps: int, *, start: float | int = 0.0, ramp: float | int = 0.75
    ) -> "SparsitySchedule":
        """Along a cubic curve from `start`, which it leaves steeply; at `sparsity` after the fraction `ramp` of the
        steps, in (0, 1]."""
        return cls("gradual", steps, sparsity, _Ramps(sparsity, steps, 1, start, ramp))

    @classmethod
    def iterative(cls, sparsity: float | int, steps: int, *, rounds: int = 5) -> "SparsitySchedule":
        """In `rounds` stairs of equal length; each removes the same fraction of what is left."""
        _check_parts(rounds, "rounds", steps)
        left = 1 - check_sparsity(sparsity)

        def fraction(step: int) -> float:
            number = min(step * rounds // steps + 1, rounds)
            return 1 - left ** (number / rounds) if number < rounds else sparsity

        return cls("iterative", steps, sparsity, fraction)

    @classmethod
    def cyclical(
        cls, sparsity: float | int, steps: int, *, cycles: int = 5, start: float | int = 0.0, ramp: float | int = 0.75
    ) -> "SparsitySchedule":
        """The curve of `gradual` in each of `cycles` parts: at the beginning of each it opens to `start`, and its last
        step is at `sparsity`."""
        return cls("cyclical", steps, sparsity, _Ramps(sparsity, steps, cycles, start, ramp))


class _Ramps:
    """Cubic ramps one after another, each followed by a part that is flat."""

    def __init__(self, sparsity: float | int, steps: int, cycles: int, start: float | int, ramp: float | int) -> None:
        _check_parts(cycles, "cycles", steps)
        self.sparsity, self.start = check_sparsity(sparsity), check_sparsity(start, "start")
        self.steps, self.cycles, self.ramp = steps, cycles, check_number(ramp, "ramp")
        if not 0 < self.ramp <= 1:
            raise ValueError(f"ramp: expected a number in (0, 1], got {ramp}")
        if self.start > self.sparsity:
            raise ValueError(f"start: expected at most the sparsity of the end, {sparsity}, got {start}")

    def __call__(self, step: int) -> float:
        done = _position(step, self.steps, self.cycles) / self.ramp
        if done >= 1:
            return self.sparsity
        return self.sparsity + (self.start - self.sparsity) * (1 - done) ** 3


def cosine_restarts(lr: float | int, steps: int, cycles: int = 1) -> Callable[[int], float]:
    """A learning rate for `train_projected`, a function of the step from 0 to `steps` - 1, that begins anew `cycles`
    times and falls along half a cosine each time [loshchilov2017sgdr]:

        lr (1 + cos(pi p)) / 2,    p from 0 at the first step of a cycle to 1 at its end.

    With as many cycles as a schedule has, both begin together. To compare schedules, give all of them the same number.

    >>> rate = cosine_restarts(0.1, steps=100, cycles=2)
    >>> rate(0), round(rate(25), 3), rate(50)
    (0.1, 0.05, 0.1)
    """
    check_number(lr, "lr", minimum=0)
    _check_parts(cycles, "cycles", check_count(steps, "steps"))

    def rate(step: int) -> float:
        _check_step(step, steps - 1)
        cycle = step * cycles // steps
        first, after = _first_step(cycle, steps, cycles), _first_step(cycle + 1, steps, cycles)
        return lr * (1 + math.cos(math.pi * (step - first) / (after - first))) / 2

    return rate


def _first_step(cycle: int, steps: int, cycles: int) -> int:
    """The first step t with t cycles // steps = cycle."""
    return -(-cycle * steps // cycles)


def _position(step: int, steps: int, cycles: int) -> float:
    """Where in its cycle a step is: 0 at the first, 1 at the last; the end, t = steps, is the last one of all."""
    cycle = min(step * cycles // steps, cycles - 1)
    first = _first_step(cycle, steps, cycles)
    last = steps if cycle == cycles - 1 else _first_step(cycle + 1, steps, cycles) - 1
    return (step - first) / (last - first)


def _check_step(step: object, last: int) -> int:
    if isinstance(step, bool) or not isinstance(step, Integral):
        raise TypeError(f"step: expected an int from 0 to {last}, got {step!r}")
    number = int(step)
    if not 0 <= number <= last:
        raise ValueError(f"step: expected an int from 0 to {last}, got {number}")
    return number


def _check_parts(parts: int, name: str, steps: int) -> None:
    """Each part needs a first step and another, the last."""
    if 2 * check_count(parts, name) > check_count(steps, "steps") + 1:
        raise ValueError(f"{name}: expected at most {(steps + 1) // 2} for {steps} steps, got {parts}")
