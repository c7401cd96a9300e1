"""Values of cooperative games by their definition, from the worth of all 2^d coalitions of features."""

from collections.abc import Callable
from math import comb

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.attribution.function_approximation.coalitions import all_coalitions
from interpbook.attribution.function_approximation.features import features_of
from interpbook.attribution.function_approximation.neighborhoods import BinaryShapley
from interpbook.attribution.function_approximation.problem import Problem
from interpbook.checks import check_baseline, check_input
from interpbook.functions import copies_per_call, fix_target

__all__ = ["exact_banzhaf", "exact_shapley"]

LARGEST = 16


def exact_shapley(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    *,
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    groups: Int[Tensor, "..."] | None = None,
    chunk: int | None = None,
) -> Float[Tensor, "B ..."]:
    """The Shapley value of every feature [shapley1953value], what it adds on average over orders of arrival:

        phi_i = sum over S without i of  |S|! (d - |S| - 1)! / d!  (v(S + i) - v(S)),

    where v(S) is f with the features in S as in x and the others as in the baseline.

    Args:
        f: (B, *dims) -> (B,); evaluated at 2^d points for each example.
        x: the batch, of at most 16 features.
        baseline, groups, chunk: as in `lfa`.

    Returns:
        In units of f, in the shape of x, or (B, d) for d groups. The values of an example add up to
        f(x) - f(baseline).

    Raises:
        TypeError, ValueError: a wrong argument, or more than 16 features; an output of f that is not (B,) or not
            finite.

    >>> exact_shapley(lambda x: x[:, 0] * x[:, 1] + x[:, 2], torch.ones(1, 3))
    tensor([[0.5000, 0.5000, 1.0000]])
    """
    return _value(f, x, baseline, groups, chunk, lambda d: [1 / (d * comb(d - 1, s)) for s in range(d)])


def exact_banzhaf(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    *,
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    groups: Int[Tensor, "..."] | None = None,
    chunk: int | None = None,
) -> Float[Tensor, "B ..."]:
    """The Banzhaf value of every feature, what it adds on average over all coalitions of the others:

        beta_i = sum over S without i of  2^(1 - d)  (v(S + i) - v(S)).

    It is the slope of the best linear fit to all coalitions, that is LIME with a flat kernel and no penalty. The values
    of an example need not add up to f(x) - f(baseline).

    Args:
        f, x, baseline, groups, chunk: as in `exact_shapley`.

    Returns:
        In units of f, in the shape of x, or (B, d) for d groups.

    Raises:
        TypeError, ValueError: as `exact_shapley`.

    >>> exact_banzhaf(lambda x: x.prod(1), torch.ones(1, 3))
    tensor([[0.2500, 0.2500, 0.2500]])
    """
    return _value(f, x, baseline, groups, chunk, lambda d: [0.5 ** (d - 1)] * d)


def _value(
    f: Callable[[Tensor], Tensor],
    x: Tensor,
    baseline: float | int | Tensor,
    groups: Tensor | None,
    chunk: int | None,
    share: Callable[[int], list[float]],
) -> Tensor:
    """The sum over coalitions without i of share(d)[size] times what i adds."""
    check_input(x)
    x = x.detach()
    features = features_of(x, groups)
    d = features.count
    if d > LARGEST:
        raise ValueError(f"x: expected at most {LARGEST} features, got {d}: fewer `groups`, or `lfa`")
    problem = Problem(
        fix_target(f, x), x, check_baseline(baseline, x), features, BinaryShapley(), copies_per_call(x, chunk)
    )
    masks = all_coalitions(d)
    worth, size = problem.values(masks), masks.sum(1)
    weight = torch.tensor([*share(d), 0.0], dtype=torch.float64)[size]  # all features: nobody is left to join
    values = []
    for i in range(d):
        # Rows alternate between 2^i coalitions without i and the same ones with it.
        without, joined = worth.unflatten(1, (-1, 2, 2**i)).unbind(2)
        values.append(((joined - without) * weight.view(-1, 2, 2**i)[:, 0]).flatten(1).sum(1))
    return features.arrange(torch.stack(values, 1).to(x))
