"""LIME, its continuous relative and KernelSHAP: the three fits to values of f, under the names people look for."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.attribution.function_approximation.fit import Explanation, lfa
from interpbook.attribution.function_approximation.losses import SquaredError
from interpbook.attribution.function_approximation.neighborhoods import (
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
)

__all__ = ["c_lime", "kernel_shap", "lime"]


def lime(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    *,
    width: float | int = 0.25,
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    samples: int = 1000,
    groups: Int[Tensor, "..."] | None = None,
    generator: torch.Generator | None = None,
) -> Explanation:
    """LIME, the linear fit to f on masks z of features, with a kernel that prefers masks near x [ribeiro2016why]:

        argmin over intercept, weights  of  sum over z of k(z) (f(b + z * (x - b)) - intercept - weights . z)^2,
        k(z) = exp(-(1 - cos(z, 1))^2 / (2 width^2)),        cos(z, 1) = sqrt(share of features that z keeps).

    It is `lfa` with `BinaryExponential(width)` and `SquaredError()`, with no penalty; no gradient of f is needed.

    Args:
        f: (B, *dims) -> (B,), one number per example.
        x: the batch.
        width: of the kernel, greater than 0; 0.25 is that of the package lime for images, `math.inf` a flat kernel,
            whose weights are the Banzhaf values.
        baseline: b, what a feature that is left out is set to, in units of x: a number, or a tensor that broadcasts
            to x.
        samples: masks to look at, at most; all 2^d of them where there are no more.
        groups: a map that gives every value its feature, such as `superpixel_grid`. Without it each value is one.
        generator: where the masks come from. Without one, a generator with seed 0.

    Returns:
        The surrogate at each example; its weights are what a feature adds, in units of f.

    Raises:
        TypeError, ValueError: a wrong argument, or an output of f that is not (B,) or not finite.

    >>> explanation = lime(lambda x: 3 * x[:, 0] - x[:, 1] + 5, torch.tensor([[1.0, 2.0]]))
    >>> explanation.weights, explanation.intercept
    (tensor([[ 3., -2.]]), tensor([5.]))
    """
    near = BinaryExponential(width)
    loss = SquaredError()
    return lfa(
        f, x, neighborhood=near, loss=loss, baseline=baseline, samples=samples, groups=groups, generator=generator
    )


def c_lime(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    *,
    sigma: float | int = 0.1,
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    samples: int = 1000,
    groups: Int[Tensor, "..."] | None = None,
    generator: torch.Generator | None = None,
) -> Explanation:
    """C-LIME, LIME with Gaussian noise in place of masks [agarwal2021towards]:

        argmin over intercept, weights  of  E over e ~ N(0, sigma^2 I) of (f(x + e) - intercept - weights . e)^2.

    Its weights tend to E grad f(x + e), which are SmoothGrad's, by Stein's lemma, from values of f alone. It is `lfa`
    with `AdditiveGaussian(sigma)` and `SquaredError()`.

    Args:
        f: (B, *dims) -> (B,), one number per example.
        x: the batch.
        sigma: standard deviation of the noise in units of x, greater than 0.
        baseline: changes nothing, since noise is added to x itself; it is here so that `lime`, `c_lime` and
            `kernel_shap` can be called alike.
        samples: points to look at, in pairs x + e and x - e.
        groups: a map that gives every value its feature: values of one feature get the same noise. Without it each
            value is one.
        generator: where the noise comes from. Without one, a generator with seed 0.

    Returns:
        The surrogate at each example; its weights are slopes, in units of f per unit of x.

    Raises:
        TypeError, ValueError: a wrong argument, or an output of f that is not (B,) or not finite.

    >>> c_lime(lambda x: 3 * x[:, 0] - x[:, 1] + 5, torch.tensor([[1.0, 2.0]])).weights
    tensor([[ 3.0000, -1.0000]])
    """
    near = AdditiveGaussian(sigma)
    if sigma == 0:
        raise ValueError("sigma: expected a number greater than 0, got 0: values at one point say nothing of a slope")
    loss = SquaredError()
    return lfa(
        f, x, neighborhood=near, loss=loss, baseline=baseline, samples=samples, groups=groups, generator=generator
    )


def kernel_shap(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    *,
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    samples: int = 1000,
    groups: Int[Tensor, "..."] | None = None,
    generator: torch.Generator | None = None,
) -> Explanation:
    """KernelSHAP, the linear fit to f on masks z of features under the Shapley kernel [lundberg2017unified]:

        argmin over weights  of  sum over z of k(z) (f(b + z * (x - b)) - f(b) - weights . z)^2,
        k(z) = (d - 1) / (C(d, s) s (d - s))  for masks of s of d features,        sum of weights = f(x) - f(b).

    With all masks these are the Shapley values, `exact_shapley`. It is `lfa` with `BinaryShapley()` and
    `SquaredError()`.

    Args:
        f: (B, *dims) -> (B,), one number per example.
        x: the batch.
        baseline: b, what a feature that is left out is set to, in units of x: a number, or a tensor that broadcasts
            to x.
        samples: masks to look at, at most, besides none and all; all 2^d of them where there are no more.
        groups: a map that gives every value its feature, such as `superpixel_grid`. Without it each value is one.
        generator: where the masks come from. Without one, a generator with seed 0.

    Returns:
        The surrogate at each example; its weights are what a feature adds, in units of f, and add up to f(x) - f(b).

    Raises:
        TypeError, ValueError: a wrong argument, or an output of f that is not (B,) or not finite.

    >>> kernel_shap(lambda x: x[:, 0] * x[:, 1] + x[:, 2], torch.ones(1, 3)).weights
    tensor([[0.5000, 0.5000, 1.0000]])
    """
    near = BinaryShapley()
    loss = SquaredError()
    return lfa(
        f, x, neighborhood=near, loss=loss, baseline=baseline, samples=samples, groups=groups, generator=generator
    )
