"""How wrong a surrogate is where it was not fitted."""

from collections.abc import Callable
from dataclasses import replace

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.attribution.function_approximation.neighborhoods import Neighborhood
from interpbook.attribution.function_approximation.problem import make_problem
from interpbook.functions import fix_target

__all__ = ["surrogate_error"]


def surrogate_error(
    f: Callable[[Tensor], Tensor],
    g: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    *,
    neighborhood: Neighborhood,
    samples: int = 1000,
    generator: torch.Generator | None = None,
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    groups: Int[Tensor, "..."] | None = None,
) -> Float[Tensor, "B"]:
    """The root mean square error of a surrogate g in a neighborhood Z of x, which need not be the one of its fit:

        sqrt( E over xi ~ Z of (f(x_xi) - g(x_xi))^2 ).

    Where a neighborhood gives f(x) and f(baseline) infinite weight, the mean is over its other points.

    Args:
        f, g: (B, *dims) -> (B,), functions of the input; called on whole copies of the batch.
        x, neighborhood, samples, generator, baseline, groups: as for `lfa`.

    Returns:
        The error for each example, in units of f.

    Raises:
        TypeError, ValueError: as `lfa`, for f and for g.

    >>> from interpbook.attribution import AdditiveGaussian, OneHot
    >>> f, tangent = lambda x: (x**2).sum(1), lambda z: 2 * z.sum(1) - 2
    >>> x, at_home, abroad = torch.ones(1, 2), AdditiveGaussian(0.0), OneHot()
    >>> [float(surrogate_error(f, tangent, x, neighborhood=place)) for place in (at_home, abroad)]
    [0.0, 1.0]
    """
    problem, design = make_problem(f, x, neighborhood, samples, generator, baseline, groups, None)
    error = problem.values(design.xi) - replace(problem, f=fix_target(g, x)).values(design.xi)
    return (design.weight * error.square()).sum(1).sqrt().to(x)
