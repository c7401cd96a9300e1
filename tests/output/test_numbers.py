"""Measured numbers: stored with their spread, and compared by an interval that follows from it."""

import dataclasses

import numpy as np
import pytest
import torch

from interpbook import page
from interpbook.output import numbers
from interpbook.output.numbers import Number, differences, from_json, measured

SEEDS = [0.81, 0.83, 0.79, 0.8, 0.82]


def test_mean_spread_and_range_are_those_of_the_values() -> None:
    number = measured(torch.tensor(SEEDS, dtype=torch.float64))
    expected = (np.mean(SEEDS), np.std(SEEDS, ddof=1), 0.79, 0.83, 5)
    assert dataclasses.astuple(number)[:5] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (measured(SEEDS), "0.81 ± 0.016"),
        (measured(0.123456), "0.123"),
        (measured(np.float32(3)), "3"),
        (measured([1e-15, -3e-16], bound=1e-12), "below 1e-12"),
    ],
)
def test_what_a_reader_sees(number: Number, shown: str) -> None:
    assert number.shown() == shown
    assert numbers.without_marks(f"a {number}, then") == f"a {shown}, then"
    assert not numbers.misprinted(shown, number, shown, number)


@pytest.mark.parametrize(("spec", "shown"), [(".2f", "0.81 ± 0.02"), (".0%", "81% ± 2%"), (".4g", "0.81 ± 0.01581")])
def test_the_format_is_the_author_s(spec: str, shown: str) -> None:
    number = measured(SEEDS)
    assert numbers.without_marks(format(number, spec)) == shown
    assert not numbers.misprinted(shown, number, shown, number)


@pytest.mark.parametrize(
    "number", [measured(SEEDS), measured(0.5), measured(3, tolerance=1), measured(1e-17, bound=1e-12)]
)
def test_a_number_survives_storage_and_marks(number: Number) -> None:
    assert (
        from_json(number.as_json()) == dataclasses.replace(number, mean=0.0, low=0.0, high=0.0)
        if number.bound
        else number
    )
    text, stored = numbers.read_marks(f"before {number:.3g} and {number} after")
    assert stored == [from_json(number.as_json())] * 2
    assert text.count("«") == 2
    assert numbers.numbers_in({"a": [number.as_json(), "word"], "b": {"c": number.as_json()}}) == stored


@pytest.mark.parametrize(
    ("stored", "moved"),
    [
        (measured(SEEDS), {"mean": 0.81 + 5 * 0.0158}),
        (measured(SEEDS), {"mean": 0.81 - 5 * 0.0158}),
        (measured(SEEDS), {"low": 0.79 - 5 * 0.0158}),
        (measured(SEEDS), {"high": 0.83 + 5 * 0.0158}),
        (measured(SEEDS), {"std": 6 * 0.0158}),
        (measured(SEEDS), {"n": 6}),
        (measured(0.4), {"mean": 0.8}),
        (measured(0.4), {"mean": 0.37}),
        (measured(0.0), {"mean": 1e-3}),
        (measured([2.0, 2.0, 2.0]), {"mean": 4.0}),
        (measured(40.0, tolerance=2), {"mean": 42.5}),
        (measured(40.0, tolerance=2), {"tolerance": 30.0}),
        (measured(1e-16, bound=1e-12), {"bound": 1e-10}),
    ],
)
def test_what_is_too_far_away_is_found(stored: Number, moved: dict) -> None:
    assert differences([stored], [stored]) == []
    assert differences([dataclasses.replace(stored, **moved)], [stored]) != []
    assert differences([stored], [dataclasses.replace(stored, **moved)]) != []


@pytest.mark.parametrize(
    ("stored", "fresh"),
    [
        (measured(SEEDS), measured([0.812, 0.834, 0.8, 0.79, 0.815])),
        (measured(0.4), measured(0.401)),
        (measured(40.0, tolerance=2), measured(41.5, tolerance=2)),
        (measured(8.3e-16, bound=1e-12), measured(1.3e-15, bound=1e-12)),
        (measured([1.0, 1.0]), measured([1 + 1e-7, 1 - 1e-7])),
        (measured([1.0] * 5, tolerance=0.05), measured([1.0, 1.0, 0.95, 1.0, 1.0], tolerance=0.05)),
        (measured([0.9] * 5, tolerance=0.1), measured([0.9, 0.9, 0.9, 0.9, 0.8], tolerance=0.1)),
        (measured([1.0] * 5), measured([1.0, 1.0, 1.0, 1.0, 0.999])),
        (measured([1.0, 1.0, 1.0, 0.9, 0.9]), measured([1.0] * 5)),
    ],
)
def test_what_another_machine_finds_is_the_same(stored: Number, fresh: Number) -> None:
    assert differences([stored], [fresh]) == []


def test_five_other_seeds_agree_nearly_always() -> None:
    """Means of five normal draws against others of the same distribution: the interval is three standard deviations."""
    draws = np.random.default_rng(0).normal(size=(2, 2000, 5))
    refused = sum(differences([measured(a)], [measured(b)]) != [] for a, b in zip(*draws, strict=True))
    assert refused / 2000 < 0.05


STORED = Number(0.8731, 0.0181, 0.852, 0.897, 5)


@pytest.mark.parametrize(
    ("shown", "here", "wrong"),
    [
        ("0.87 ± 0.02", "0.86 ± 0.02", False),
        ("0.874 ± 0.018", "0.861 ± 0.021", False),  # one in the last digit
        ("0.878 ± 0.018", "0.861 ± 0.021", True),
        ("0.87 ± 0.02", "0.861 ± 0.021", True),  # another format than here
        ("1 ± 0", "0.861 ± 0.021", True),
        ("0.873 ± 0", "0.861 ± 0.021", True),
        ("0.873", "0.861 ± 0.021", True),
        ("0.852 to 0.897", "0.861 ± 0.021", True),
        ("0.852 to 0.897", "0.84 to 0.89", False),
        ("0.752 to 0.897", "0.84 to 0.89", True),
        ("87% ± 2%", "86% ± 2%", False),
        ("0.87% ± 0.02%", "86% ± 2%", True),
        ("-0.873 ± 0.018", "0.861 ± 0.021", True),
        ("0.873 + 0.018", "0.861 ± 0.021", True),
    ],
)
def test_a_text_that_says_another_number_is_found(shown: str, here: str, wrong: bool) -> None:
    assert numbers.misprinted(shown, STORED, here, Number(0.8609, 0.0211, 0.84, 0.89, 5)) is wrong


@pytest.mark.parametrize(
    ("stored", "here", "spec"),
    [
        (measured([0.95, 0.95, 1.0, 1.0, 1.0], tolerance=0.05), measured([1.0] * 5, tolerance=0.05), ""),
        (measured(0.004), measured(0.0041), ".2f"),
        (measured(1.45), measured(1.5), ".0f"),
        (measured(0.016), measured(0.0152), ".0%"),
        (measured(1010.0), measured(998.0), ""),
        (measured([0.98] * 5), measured([0.98] * 5), ""),
        (measured([1.0, 1.0 + 1e-9]), measured([1.0, 1.0]), ""),
        (measured(-2e-5), measured(-1.95e-5), "+.1e"),
    ],
)
def test_a_number_reads_as_it_is_stored_however_it_prints(stored: Number, here: Number, spec: str) -> None:
    stored, here = (from_json(number.as_json()) for number in (stored, here))
    assert differences([stored], [here]) == []
    assert not numbers.misprinted(stored.shown(spec), stored, here.shown(spec), here)


@pytest.mark.parametrize(
    "stored",
    [
        {"mean": float("nan"), "std": 0.0, "low": 0.0, "high": 0.0, "n": 1},
        {"mean": 0.5, "std": 0.0, "low": 0.0, "high": 0.5, "n": 1},
        {"mean": 0.5, "std": -1.0, "low": 0.4, "high": 0.6, "n": 2},
        {"mean": 0.8, "std": 0.1, "low": 0.4, "high": 0.6, "n": 2},
        {"mean": "0.5", "std": 0.1, "low": 0.4, "high": 0.6, "n": 2},
        {"mean": 0.5, "std": 0.1, "low": 0.4, "n": 2},
        {"mean": 0.5, "bound": 0.1, "n": 2},
    ],
)
def test_what_can_be_no_number_is_refused(stored: dict) -> None:
    with pytest.raises(ValueError, match="is not a stored number"):
        from_json(stored)


@pytest.mark.parametrize(
    ("arguments", "error", "complaint"),
    [
        ({"values": "many"}, TypeError, "values is 'many', expected a number"),
        ({"values": [0.1, float("nan")]}, ValueError, "expected finite"),
        ({"values": [0.1], "tolerance": -1}, ValueError, "tolerance is -1, expected zero or more"),
        ({"values": [0.1], "bound": float("inf")}, ValueError, "bound is inf"),
        ({"values": [1e-3, 0], "bound": 1e-12}, ValueError, "reach 0.001, expected rounding noise of at most 1e-12"),
    ],
)
def test_wrong_arguments_are_named(arguments: dict, error: type, complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        page.measured(**arguments)
