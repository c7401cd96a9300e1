"""The kernel with which a linear fit to a game has Shapley's values as its slopes."""

from collections.abc import Callable
from math import comb

import torch

from interpbook.chapters.attribution.function_approximation.exercises.games import constrained_fit, value
from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, number

_COUNT = "count: how many coalitions have this size, how many features are in, how many are out?"
_KERNEL = "1 / (comb(d, size) size (d - size)), up to a factor"


@exercise(rating=3, minutes=25)
def shapley_kernel(answer: Callable[[int, int], object]) -> str:
    """A function of the number of features `d` and a coalition's `size`, 0 < size < d: its weight, up to a factor."""
    expect_function(answer)
    for d in range(2, 8):
        weight = torch.tensor([number(answer(d, size), "kernel(d, size)") for size in range(1, d)]).double()
        if not weight.isfinite().all() or (weight <= 0).any():
            raise WrongAnswer(f"for d = {d} the weights are {listed(weight)}: every one should be finite and positive")
        weight = weight / weight[0]
        size = torch.arange(1, d)
        binomial = torch.tensor([comb(d, s) for s in range(1, d)], dtype=torch.float64)
        if not close(weight, weight.flip(0)):
            join = 1 / torch.tensor([comb(d - 1, s) for s in range(1, d)], dtype=torch.float64)
            if close(weight, join / join[0]):
                raise WrongAnswer(
                    "a weight from Shapley's formula, but the question is about the fit",
                    "this weighs what one feature adds to a coalition; asked for is a coalition's own weight",
                    _KERNEL,
                )
            raise WrongAnswer(
                "exchange present and absent: what should happen to the weight?",
                f"for d = {d} the weights are {listed(weight)}: a coalition and its complement weigh the same",
                _KERNEL,
            )
        game = torch.randn(2**d, generator=torch.Generator().manual_seed(d), dtype=torch.float64)
        if close(constrained_fit(game, weight), value(game, [1 / (d * comb(d - 1, s)) for s in range(d)])):
            continue
        mistakes = {
            "this is the weight of all coalitions of one size together; share it among them": 1 / (size * (d - size)),
            "size (d - size) is missing from the denominator": 1 / binomial,
            "all coalitions weigh the same: that fit gives other values than Shapley's": torch.ones(d - 1),
            "there are comb(d, size) coalitions of one size: divide by their number, not multiply": binomial
            / (size * (d - size)),
        }
        for hint, wrong in mistakes.items():
            if close(weight, wrong / wrong[0]):
                raise WrongAnswer(_COUNT, f"{hint} (seen with d = {d})", _KERNEL)
        raise WrongAnswer(
            _COUNT,
            f"for d = {d} the fit with your weights, {listed(weight)}, does not give Shapley's values",
            _KERNEL,
        )
    return "fitted with these weights, and exact at both ends, a linear model has Shapley's values as its slopes."
