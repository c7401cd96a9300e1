"""When a difference counts: two standard errors of the paired difference, and no less."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function

HINT = "the standard error of a mean is the standard deviation (with n - 1) over the square root of n"


@exercise(rating=2, minutes=10)
def two_standard_errors(answer: Callable[[Tensor, Tensor], object]) -> str:
    """A function of measurements `a, b (n,)` of the same n networks: whether "a is smaller than b" counts."""
    expect_function(answer)
    for a, b, expected, hints in _cases():
        first, second = (torch.tensor(side, dtype=torch.float64) for side in (a, b))
        if _truth(answer(first, second)) != expected:
            raise WrongAnswer(*hints)
    return "a difference that one network decides does not count, and one that all five share does."


def _truth(value: object) -> bool:
    """A truth value, from a bool or a tensor that holds one."""
    if isinstance(value, Tensor) and value.dtype == torch.bool and value.numel() == 1:
        return bool(value)
    if isinstance(value, bool | np.bool_):
        return bool(value)
    raise WrongAnswer("the answer should be one truth value, True or False")


def _cases() -> list[tuple[list[float], list[float], bool, tuple[str, ...]]]:
    """Measurements, whether the difference counts, and the hints for who says otherwise."""
    larger = (
        "you state that a is smaller where it is larger",
        "the difference b - a has to be positive, by two of its standard errors",
        "mean(b - a) > 2 * std(b - a) / sqrt(n)",
    )
    by_one = (
        "in one case a single network decides the mean, and you let it count",
        "compare the mean of the differences with twice their standard error",
        f"mean(b - a) > 2 * std(b - a) / sqrt(n); {HINT}",
    )
    paired = (
        "in one case the five networks differ much, and each has a smaller than b by the same amount: it should count",
        "a and b are measured on the same networks: take the differences first, then their spread",
        "mean(b - a) > 2 * std(b - a) / sqrt(n), not the spreads of a and of b",
    )
    many = (
        "in one case many networks make the mean certain though they differ: it should count",
        "the spread of the networks is not the error of their mean",
        f"{HINT}: divide std(b - a) by sqrt(n)",
    )
    few = (
        "in one case of three networks you are too sure",
        "with few networks the standard deviation divides by n - 1, not by n",
        f"{HINT}; torch's default",
    )
    twice = (
        "in one case the difference is one and a half standard errors: too little",
        "one standard error is exceeded by chance in one case of six",
        "mean(b - a) > 2 * std(b - a) / sqrt(n)",
    )
    scattered = torch.linspace(-2.5, 3.5, 100).tolist()  # a mean of 0.5, with a standard error of 0.18
    return [
        ([0.3, 0.5, 0.2, 0.9, 0.4], [0.2, 0.4, 0.1, 0.8, 0.35], False, larger),
        ([0.3, 0.5, 0.2, 0.9, 0.4], [0.35, 0.45, 0.25, 0.85, 3.0], False, by_one),
        ([0.3, 5.0, 0.2, 9.0, 0.4], [0.5, 5.21, 0.41, 9.19, 0.6], True, paired),
        ([0.0] * 100, scattered, True, many),
        ([0.0, 0.0, 0.0, 0.0], [0.3, -0.2, 1.2, 0.8], False, twice),
        # The mean is 2.4 standard errors with a division by n, and 1.9 with one by n - 1.
        ([0.0, 0.0, 0.0], [0.1, 1.0, 1.9], False, few),
        ([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], False, larger),
    ]
