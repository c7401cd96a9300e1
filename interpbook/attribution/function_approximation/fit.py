"""The one fitting routine: every explanation here is the linear surrogate with the least loss in a neighborhood."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.attribution.function_approximation.losses import Loss
from interpbook.attribution.function_approximation.neighborhoods import Neighborhood
from interpbook.attribution.function_approximation.problem import make_problem
from interpbook.equality import EqualByValue

__all__ = ["Explanation", "lfa"]


@dataclass(frozen=True, eq=False)
class Explanation(EqualByValue):
    """A linear surrogate g(xi) = intercept + weights . xi for each example of a batch. Made by `lfa`.

    Attributes:
        weights: raw and signed, in the shape of x, or (B, d) for d groups; on the device and in the dtype of x.
        intercept: g(0), for each example, where the loss fits one.
        standard_error: of the weights, as far as they depend on which points were drawn; 0 where the whole
            neighborhood was evaluated, nan where there are too few points to tell, fewer than about 3 d. With
            hardly more it is too small, by a tenth or two.
        evaluations: points at which f was evaluated, for each example.
        gradients: at how many of them f was differentiated too.
    """

    weights: Float[Tensor, "B ..."]
    intercept: Float[Tensor, "B"] | None
    standard_error: Float[Tensor, "B ..."]
    evaluations: int
    gradients: int


def lfa(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    *,
    neighborhood: Neighborhood,
    loss: Loss,
    samples: int = 1000,
    generator: torch.Generator | None = None,
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    groups: Int[Tensor, "..."] | None = None,
    chunk: int | None = None,
) -> Explanation:
    """Explain f near x by local function approximation, the linear g that fits it best [han2022explanation]:

        argmin over g(xi) = intercept + weights . xi  of  E over xi ~ Z of loss(f, g, x, xi).

    The neighborhood Z says where to look, the loss what to call an error. `METHODS` names both for C-LIME,
    SmoothGrad, the vanilla gradient, integrated gradients, gradient x input, LIME, KernelSHAP and occlusion.
    Weights are gradients in an additive neighborhood, in units of f per unit of x; in the others, where xi
    multiplies x - baseline, they are what a feature adds, in units of f.

    Args:
        f: (B, *dims) -> (B,), one number per example; called on whole copies of the batch, (n * B, *dims). Squared
            error needs no gradient.
        x: the batch.
        neighborhood: `AdditiveGaussian`, `MultiplicativeUniform`, `BinaryExponential`, `BinaryShapley` or `OneHot`.
        loss: `SquaredError` or `GradientMatching`.
        samples: points of the neighborhood to look at, at most. It is looked at whole where it has no more points,
            else in part, mostly in pairs of mirror images. Values that a fit must meet exactly, f(x) and f(baseline),
            come on top.
        generator: where the points come from. Without one, a generator with seed 0: the same call gives the same
            answer.
        baseline: what xi = 0 stands for in the multiplicative neighborhoods, in units of x: a number, or a tensor
            that broadcasts to x.
        groups: an integer map that broadcasts to dims and gives every value its feature, from 0 to d - 1, such as
            `superpixel_grid` or a segmentation. Without it each value is a feature.
        chunk: copies of the batch in one call of f; the default is one, more only when a copy has few values. It does
            not change the result.

    All examples of a batch get the same points. Fits are solved in float64; a sample of n points for d features is held
    in memory, n * d numbers. Where the points do not determine the weights, as when there are fewer than d of them,
    those of smallest norm are returned.

    Returns:
        The surrogates' weights, with a standard error and the number of evaluations.

    Raises:
        TypeError, ValueError: a wrong argument, or too few `samples`; an output of f that is not (B,), not finite or,
            for gradient matching, not differentiable in x.

    >>> from interpbook.attribution import METHODS, AdditiveGaussian, SquaredError
    >>> f = lambda x: x[:, 0] * x[:, 1] + x[:, 2]
    >>> explanation = lfa(f, torch.ones(1, 3), **METHODS["KernelSHAP"])
    >>> explanation.weights, explanation.evaluations
    (tensor([[0.5000, 0.5000, 1.0000]]), 8)
    >>> lfa(f, torch.ones(1, 3), neighborhood=AdditiveGaussian(0.1), loss=SquaredError()).weights
    tensor([[1.0000, 1.0000, 1.0000]])
    """
    if not isinstance(loss, Loss):
        raise TypeError(f"loss: expected SquaredError() or GradientMatching(), got {loss!r}")
    problem, design = make_problem(f, x, neighborhood, samples, generator, baseline, groups, chunk)
    fitted = loss.fit(problem, design)
    features = problem.features
    return Explanation(
        weights=features.arrange(fitted.weights.to(x)),
        intercept=None if fitted.intercept is None else fitted.intercept.to(x),
        standard_error=features.arrange(fitted.standard_error.to(x)),
        evaluations=fitted.evaluations,
        gradients=fitted.gradients,
    )
