"""What an explanation calls an error, and the linear surrogate g(xi) = intercept + weights . xi that has least of it.

Both problems have a closed form: a weighted least-squares fit, and an average of gradients.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.attribution.function_approximation.design import Design, enumerated
from interpbook.attribution.function_approximation.least_squares import least_squares
from interpbook.attribution.function_approximation.problem import Problem
from interpbook.attribution.function_approximation.standard_error import leverage_factor, standard_error
from interpbook.checks import check_number

__all__ = ["Fitted", "GradientMatching", "Loss", "SquaredError"]


@dataclass(frozen=True, eq=False)
class Fitted:
    """What a loss returns, with one weight per feature."""

    weights: Float[Tensor, "B d"]
    intercept: Float[Tensor, "B"] | None
    standard_error: Float[Tensor, "B d"]
    evaluations: int
    gradients: int


class Loss(ABC):
    """What the fitting routine asks of a loss.

    >>> issubclass(SquaredError, Loss), issubclass(GradientMatching, Loss)
    (True, True)
    """

    @abstractmethod
    def fit(self, problem: Problem, design: Design) -> Fitted:
        """The surrogate with the smallest loss on the points of `design`."""


@dataclass(frozen=True)
class SquaredError(Loss):
    """The squared difference of values, with a penalty on the weights,

        E (f(point) - g(xi))^2  +  ridge |weights|^2.

    Args:
        intercept: fit g's intercept; otherwise g is f(x) at the example itself, and only its slope is fitted.
        ridge: the penalty, at least 0, on the scale of one squared error: a ridge regression on n samples with
            penalty alpha has ridge = alpha / n, or alpha over the sum of its sample weights. At 0, where several
            weights are as good, those of smallest norm.

    >>> SquaredError()
    SquaredError(intercept=True, ridge=0.0)
    """

    intercept: bool = True
    ridge: float = 0.0

    def __post_init__(self) -> None:
        if not isinstance(self.intercept, bool):
            raise TypeError(f"intercept: expected a bool, got {self.intercept!r}")
        check_number(self.ridge, "ridge", minimum=0)

    def fit(self, problem: Problem, design: Design) -> Fitted:
        d, xi = problem.features.count, design.xi.double()
        y = problem.values(design.xi)
        columns, share, base = d, torch.zeros(len(y), 1, dtype=torch.float64), None
        if problem.neighborhood.pinned:
            # With weights = total / d + slope, and slope orthogonal to ones, the values at both ends are exact.
            none, everything = problem.values(torch.tensor([[False], [True]]).expand(2, d)).T[..., None]
            share, base, columns = (everything - none) / d, none[:, 0], d - 1
            y, xi = y - none - share * xi.sum(1), xi - xi.mean(1, keepdim=True)
        elif not self.intercept:
            example = torch.full((1, d), problem.neighborhood.example)
            y, xi = y - problem.values(example), xi - problem.neighborhood.example
        free = self.intercept and not problem.neighborhood.pinned
        noise = None if self.ridge else _noise(design)  # it would change what a penalty is worth
        in_pairs = noise is not None and design.unit == 2
        missing = design.unseen[design.stratum].repeat_interleave(2) if in_pairs else None
        fit = least_squares(xi, design.weight, y, free, self.ridge, noise, missing)
        error = standard_error(fit.influence, fit.leverage, design)
        if not design.exact and fit.rank < columns:
            error = torch.full_like(error, torch.nan)
        return Fitted(
            weights=share + fit.slope,
            intercept=(fit.intercept if free else base) if self.intercept else None,
            standard_error=error,
            evaluations=y.shape[1] + (2 if problem.neighborhood.pinned else 0 if self.intercept else 1),
            gradients=0,
        )


@dataclass(frozen=True)
class GradientMatching(Loss):
    """The squared distance of gradients with respect to xi [han2022explanation],

        E | grad f(point) - grad g(xi) |^2,        least for weights = E grad f(point).

    It does not see an intercept. Where a neighborhood gives both ends infinite weight, the mean is theirs.

    >>> GradientMatching()
    GradientMatching()
    """

    def fit(self, problem: Problem, design: Design) -> Fitted:
        if problem.neighborhood.pinned:
            design = enumerated(torch.tensor([[False], [True]]).expand(2, problem.features.count))
        weight = design.weight.T[..., None]
        # One pass, because the gradients of a large model do not fit in memory together: in each stratum, sums of u,
        # c u^2 and c w u, where u is a unit's weighted sum, w its share of the stratum and c its factor in the
        # standard error.
        total = first = variance = torch.zeros(())
        step = problem.copies + problem.copies % 2
        for rows, unseen in design.strata():
            share = weight[rows] / weight[rows].sum(0)
            factor = torch.zeros_like(share[:: design.unit])
            if unseen > 0:
                factor = unseen * leverage_factor(share[..., 0].T, design.unit).T[..., None]
            share = share.unflatten(0, (-1, design.unit)).sum(1)
            mean = square = cross = torch.zeros(())
            for at in range(rows.start, rows.stop, step):
                some = slice(at, min(at + step, rows.stop))
                gradient = problem.gradients(design.xi[some])
                # Differences from the first gradient: small ones between large gradients are not lost.
                first = gradient[0] if at == 0 else first
                u = weight[some].to(first) * (gradient - first)
                u = u.unflatten(0, (-1, design.unit)).sum(1)
                units = slice((at - rows.start) // design.unit, (some.stop - rows.start) // design.unit)
                mean = mean + u.sum(0)
                square = square + (factor[units].to(u) * u**2).sum(0)
                cross = cross + ((factor * share)[units].to(u) * u).sum(0)
            total = total + mean
            variance = variance + square - 2 * mean * cross + mean**2 * (factor * share**2).sum(0).to(mean)
        return Fitted(
            weights=first + total,
            intercept=None,
            standard_error=variance.clamp(min=0).sqrt(),
            evaluations=len(design.xi),
            gradients=len(design.xi),
        )


def _noise(design: Design) -> Tensor | None:
    """What features do together, on the scale of `least_squares`: a guess at half of what a linear fit leaves."""
    if design.exact or design.together is None:
        return None
    square = (design.weight @ design.together.square()).sum()
    return design.together * (len(design.stratum) / square).sqrt() if square > 0 else None
