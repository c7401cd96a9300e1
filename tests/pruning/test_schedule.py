"""Schedules: each is its formula at every step, whatever the order of asking, and ends where it says."""

import math
from itertools import pairwise

import matplotlib.pyplot as plt
import pytest

from interpbook.pruning import SparsitySchedule, cosine_restarts
from interpbook.pruning.schedule import _Ramps

one_shot, gradual = SparsitySchedule.one_shot, SparsitySchedule.gradual
iterative, cyclical = SparsitySchedule.iterative, SparsitySchedule.cyclical

SCHEDULES = {
    "one-shot": one_shot(0.9, 100),
    "gradual": gradual(0.9, 100),
    "gradual from a start, to the last step": gradual(0.95, 101, start=0.5, ramp=1),
    "iterative": iterative(0.9, 100),
    "iterative, 7 rounds of 100 steps": iterative(0.9, 100, rounds=7),
    "cyclical": cyclical(0.9, 100),
    "cyclical, 7 cycles of 100 steps": cyclical(0.9, 100, cycles=7, start=0.3, ramp=0.6),
    "cyclical, as short as it can be": cyclical(0.9, 5, cycles=3, ramp=1),
    "of no zeros": gradual(0, 10),
}
each_schedule = pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES.keys())


def values(schedule):
    return [schedule(step) for step in range(schedule.steps + 1)]


def falls(schedule):
    """The steps at which less is zero than at the step before."""
    found = values(schedule)
    return [step for step in range(1, len(found)) if found[step] < found[step - 1]]


def cubic(done, start, end):
    return end + (start - end) * (1 - min(done, 1)) ** 3


@each_schedule
def test_the_last_value_is_the_sparsity_and_none_is_above(schedule):
    assert schedule(schedule.steps) == schedule.sparsity
    assert all(0 <= value <= schedule.sparsity for value in values(schedule))


@each_schedule
def test_the_same_step_has_the_same_value_in_any_order(schedule):
    forth = values(schedule)
    back = [schedule(step) for step in reversed(range(schedule.steps + 1))]
    assert back[::-1] == forth


def test_one_shot_is_constant():
    assert set(values(SCHEDULES["one-shot"])) == {0.9}


@pytest.mark.parametrize("ramp", [0.3, 0.75, 1])
@pytest.mark.parametrize(("start", "end"), [(0, 0.9), (0.5, 0.95), (0.8, 0.8)])
def test_gradual_is_a_cubic_ramp_and_then_constant(ramp, start, end):
    schedule = gradual(end, 40, start=start, ramp=ramp)
    for step in range(41):
        assert schedule(step) == pytest.approx(cubic(step / (ramp * 40), start, end), rel=1e-14, abs=1e-15)
    assert schedule(0) == pytest.approx(start, abs=1e-15)
    assert all(schedule(step) == end for step in range(math.ceil(ramp * 40), 41))
    assert ramp < 1 or schedule(39) < end or start == end


@pytest.mark.parametrize(("steps", "rounds"), [(100, 5), (100, 7), (9, 5), (12, 1)])
def test_iterative_removes_the_same_fraction_of_what_is_left_in_each_round(steps, rounds):
    schedule = iterative(0.9, steps, rounds=rounds)
    for step in range(steps + 1):
        number = min(math.floor(step * rounds / steps) + 1, rounds)
        assert 1 - schedule(step) == pytest.approx(0.1 ** (number / rounds), rel=1e-12)
    stairs = sorted(set(values(schedule)))
    assert len(stairs) == rounds
    left = [1.0, *(1 - stair for stair in stairs)]
    for before, after in pairwise(left):
        assert after / before == pytest.approx(0.1 ** (1 / rounds), rel=1e-12)
    lengths = [values(schedule)[:-1].count(stair) for stair in stairs]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize(("steps", "cycles", "start", "ramp"), [(100, 5, 0, 0.75), (100, 7, 0.3, 0.6), (23, 4, 0.1, 1)])
def test_cyclical_is_the_ramp_of_gradual_in_each_cycle(steps, cycles, start, ramp):
    schedule = cyclical(0.9, steps, cycles=cycles, start=start, ramp=ramp)
    firsts = [math.ceil(cycle * steps / cycles) for cycle in range(cycles)]
    lasts = [first - 1 for first in firsts[1:]] + [steps]
    for first, last in zip(firsts, lasts, strict=True):
        for step in range(first, last + 1):
            expected = cubic((step - first) / (last - first) / ramp, start, 0.9)
            assert schedule(step) == pytest.approx(expected, rel=1e-12, abs=1e-15)
        assert schedule(first) == pytest.approx(start, abs=1e-15)
        assert schedule(last) == 0.9
    lengths = [last - first for first, last in zip(firsts[:-1], lasts[:-1], strict=True)]
    assert max(lengths) - min(lengths) <= 1


@each_schedule
def test_it_falls_once_for_each_cycle_after_the_first_and_rises_between(schedule):
    cycles = schedule.fraction.cycles if isinstance(schedule.fraction, _Ramps) else 1
    assert len(falls(schedule)) == cycles - 1
    for step in falls(schedule):
        assert schedule(step - 1) == schedule.sparsity
        assert schedule(step) == pytest.approx(schedule.fraction.start, abs=1e-15)


def test_one_cycle_is_gradual():
    assert values(cyclical(0.9, 50, cycles=1, start=0.2)) == values(gradual(0.9, 50, start=0.2))


@each_schedule
def test_kept_is_the_nearest_number_of_weights(schedule):
    for step in (0, schedule.steps // 3, schedule.steps):
        for size in (1, 10, 1001):
            assert schedule.kept(step, of=size) == round(size * (1 - schedule(step)))


def test_a_schedule_of_ones_own_is_checked_at_each_step():
    schedule = SparsitySchedule("half", 4, 0.5, lambda step: 0.5 if step != 3 else 1.0)
    assert [schedule(step) for step in (0, 1, 2, 4)] == [0.5] * 4
    with pytest.raises(ValueError, match="half at step 3: expected a number in"):
        schedule(3)


@each_schedule
def test_the_drawing_is_the_schedule(schedule):
    _, ax = plt.subplots()
    schedule.plot(ax, color="black", linestyle="--")
    schedule.plot(ax, label="another name")
    (line, other) = ax.lines
    assert list(line.get_xdata()) == list(range(schedule.steps + 1))
    assert list(line.get_ydata()) == values(schedule)
    assert (line.get_label(), line.get_color(), line.get_linestyle()) == (schedule.name, "black", "--")
    assert other.get_label() == "another name"


def test_names_say_which_schedule_it_is():
    made = [make(0.5, 20).name for make in (one_shot, gradual, iterative, cyclical)]
    assert made == ["one-shot", "gradual", "iterative", "cyclical"]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("make", [one_shot, gradual, iterative, cyclical])
@pytest.mark.parametrize("sparsity", [1, -0.1, float("nan"), True, "0.9"])
def test_a_sparsity_that_none_can_have_is_refused(make, sparsity):
    with pytest.raises((TypeError, ValueError), match="sparsity: expected"):
        make(sparsity, 20)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("make", [one_shot, gradual, iterative, cyclical])
@pytest.mark.parametrize("steps", [0, -3, 2.0, True, "20"])
def test_steps_are_counted(make, steps):
    with pytest.raises((TypeError, ValueError), match="steps: expected"):
        make(0.5, steps)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 0.91}, "start: expected at most the sparsity of the end, 0.9"),
        ({"start": -0.1}, "start: expected a number in"),
        ({"start": 1}, "start: expected a number in"),
        ({"start": True}, "start: expected"),
        ({"ramp": 0}, "ramp: expected a number in"),
        ({"ramp": 1.01}, "ramp: expected a number in"),
        ({"ramp": float("nan")}, "ramp: expected"),
        ({"ramp": "long"}, "ramp: expected"),
    ],
)
@pytest.mark.parametrize("make", [gradual, cyclical])
def test_a_ramp_that_cannot_be_is_refused(make, options, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make(0.9, 20, **options)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("parts", [0, -1, 11, 2.0, True])
def test_each_round_and_each_cycle_has_a_first_step_and_a_last(parts):
    with pytest.raises((TypeError, ValueError), match="rounds: expected"):
        iterative(0.9, 20, rounds=parts)
    with pytest.raises((TypeError, ValueError), match="cycles: expected"):
        cyclical(0.9, 20, cycles=parts)
    with pytest.raises((TypeError, ValueError), match="cycles: expected"):
        cosine_restarts(0.1, 20, cycles=parts)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("step", [-1, 101, 0.0, True, None])
@each_schedule
def test_a_step_is_an_int_from_0_to_the_last(schedule, step):
    with pytest.raises((TypeError, ValueError), match=f"step: expected an int from 0 to {schedule.steps}"):
        schedule(step if step != 101 else schedule.steps + 1)


@pytest.mark.usefixtures("without_shape_checks")
def test_the_fraction_is_a_function():
    with pytest.raises(TypeError, match="fraction: expected a function"):
        SparsitySchedule("none", 4, 0.5, 0.5)


@pytest.mark.parametrize(("steps", "cycles"), [(100, 5), (100, 7), (23, 4), (12, 1), (5, 3)])
def test_the_learning_rate_is_half_a_cosine_in_each_cycle(steps, cycles):
    rate = cosine_restarts(0.3, steps, cycles)
    firsts = [math.ceil(cycle * steps / cycles) for cycle in range(cycles)] + [steps]
    for first, after in pairwise(firsts):
        length = after - first
        for place in range(length):
            assert rate(first + place) == pytest.approx(0.3 * math.cos(math.pi * place / length / 2) ** 2, rel=1e-12)
        assert rate(first) == 0.3
        # At the last step of a cycle one part of its length is left: the square of the sine of half of it.
        assert rate(after - 1) == pytest.approx(0.3 * math.sin(math.pi / length / 2) ** 2, rel=1e-12)


def test_the_learning_rate_begins_anew_where_the_schedule_opens():
    schedule, rate = cyclical(0.9, 100, cycles=7), cosine_restarts(1, 100, 7)
    rises = [step for step in range(1, 100) if rate(step) > rate(step - 1)]
    assert rises == falls(schedule)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("lr", "steps"), [(-0.1, 20), (float("nan"), 20), (True, 20), ("fast", 20), (0.1, 0), (0.1, 2.0)]
)
def test_a_learning_rate_that_cannot_be_is_refused(lr, steps):
    with pytest.raises((TypeError, ValueError), match=r"(lr|steps): expected"):
        cosine_restarts(lr, steps)
