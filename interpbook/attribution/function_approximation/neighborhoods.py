"""Where an explanation looks: the distribution Z of xi, and how xi and the example x make a point.

    additive:        x + xi                 xi = 0 is the example
    multiplicative:  b + xi * (x - b)       xi = 1 is the example, xi = 0 the baseline b

In both the surrogate g is a function of xi. So additive weights are in units of f per unit of x, like a gradient, and
multiplicative weights are in units of f, like a gradient times (x - b): what a feature adds.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from math import inf
from typing import ClassVar, Literal

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from interpbook.attribution.function_approximation.coalitions import all_coalitions, distinct_pairs, paired
from interpbook.attribution.function_approximation.design import Design, enumerated, sampled_pairs
from interpbook.attribution.function_approximation.exponential_kernel import exponential_design
from interpbook.attribution.function_approximation.features import Features
from interpbook.attribution.function_approximation.shapley_kernel import shapley_design
from interpbook.checks import check_number
from interpbook.functions import standard_normal

__all__ = [
    "AdditiveGaussian",
    "BinaryExponential",
    "BinaryShapley",
    "MultiplicativeUniform",
    "Neighborhood",
    "OneHot",
]


class Neighborhood(ABC):
    """What the fitting routine asks of a neighborhood; the multiplicative case, which most are.

    >>> issubclass(AdditiveGaussian, Neighborhood), issubclass(OneHot, Neighborhood)
    (True, True)
    """

    example: ClassVar[float] = 1.0  # the xi at which the point is the example itself
    pinned: ClassVar[bool] = False  # whether the fit must be exact at xi = 0 and xi = 1, which weigh infinitely much

    @abstractmethod
    def draw(
        self,
        x: Float[Tensor, "B *dims"],
        start: Float[Tensor, "B *dims"],
        features: Features,
        samples: int,
        generator: torch.Generator,
    ) -> Design:
        """At most `samples` points xi with their weights. All examples of a batch share the points."""

    def perturb(
        self, x: Float[Tensor, "B *dims"], start: Float[Tensor, "B *dims"], xi: Shaped[Tensor, "n 1 *dims"]
    ) -> Float[Tensor, "n B *dims"]:
        """The points in input space; exactly x where xi = 1 and exactly the baseline where xi = 0."""
        return torch.lerp(start, x, xi.to(x.dtype))

    def pull_back(
        self, gradient: Float[Tensor, "n B *dims"], x: Float[Tensor, "B *dims"], start: Float[Tensor, "B *dims"]
    ) -> Float[Tensor, "n B *dims"]:
        """The gradient with respect to xi, from that with respect to the point."""
        return gradient * (x - start)


@dataclass(frozen=True)
class AdditiveGaussian(Neighborhood):
    """Gaussian noise around the example, x + xi with xi ~ N(0, sigma^2 I), drawn as pairs xi and -xi.

    As samples grow, squared error and gradient matching come to the same weights, by Stein's lemma
    E xi f(x + xi) = sigma^2 E grad f(x + xi) [stein1981estimation]: what is left between C-LIME and SmoothGrad is
    sampling error.

    Args:
        sigma: standard deviation in units of x, at least 0; at 0 the neighborhood is the example alone.

    >>> AdditiveGaussian(0.1)
    AdditiveGaussian(sigma=0.1)
    """

    sigma: float
    example: ClassVar[float] = 0.0

    def __post_init__(self) -> None:
        check_number(self.sigma, "sigma", minimum=0)

    def draw(
        self,
        x: Float[Tensor, "B *dims"],
        start: Float[Tensor, "B *dims"],
        features: Features,
        samples: int,
        generator: torch.Generator,
    ) -> Design:
        if self.sigma == 0:
            return enumerated(torch.zeros(1, features.count))
        noise = self.sigma * standard_normal((_pairs(samples), 1, features.count), torch.zeros(()), generator)
        return sampled_pairs(torch.cat([noise, -noise], 1).flatten(0, 1))

    def perturb(
        self, x: Float[Tensor, "B *dims"], start: Float[Tensor, "B *dims"], xi: Shaped[Tensor, "n 1 *dims"]
    ) -> Float[Tensor, "n B *dims"]:
        return x + xi.to(x.dtype)

    def pull_back(
        self, gradient: Float[Tensor, "n B *dims"], x: Float[Tensor, "B *dims"], start: Float[Tensor, "B *dims"]
    ) -> Float[Tensor, "n B *dims"]:
        return gradient


@dataclass(frozen=True)
class MultiplicativeUniform(Neighborhood):
    """The line from the baseline to the example, xi = a (1, ..., 1) with a ~ U(low, 1), drawn as pairs a, low + 1 - a.

    Along it the features move together: gradients tell them apart, values do not.

    Args:
        low: where on the line to begin, from 0, the baseline, to 1: then the neighborhood is the example alone.

    >>> MultiplicativeUniform()
    MultiplicativeUniform(low=0.0)
    """

    low: float = 0.0

    def __post_init__(self) -> None:
        if check_number(self.low, "low", minimum=0) > 1:
            raise ValueError(f"low: expected a number from 0 to 1, got {self.low}")

    def draw(
        self,
        x: Float[Tensor, "B *dims"],
        start: Float[Tensor, "B *dims"],
        features: Features,
        samples: int,
        generator: torch.Generator,
    ) -> Design:
        if self.low == 1:
            return enumerated(torch.ones(1, features.count))
        shape = (_pairs(samples), 1)
        uniform = torch.rand(shape, generator=generator, device=generator.device, dtype=torch.float64).cpu()
        a = self.low + (1 - self.low) * torch.cat([uniform, 1 - uniform], 1)
        return sampled_pairs(a.reshape(-1, 1).expand(-1, features.count))


@dataclass(frozen=True)
class BinaryExponential(Neighborhood):
    """Features kept (1) or set to the baseline (0), weighted by their distance D from the example [ribeiro2016why]:

        exp(-D^2 / (2 width^2)).

    All 2^d masks where the budget allows, else some without replacement. Distances between masks depend on the size
    alone: each size is drawn in its share of the kernel. Those between inputs differ between the examples of a batch,
    which share their masks: these are drawn evenly, and in pairs of a mask and its complement if there are five for
    each feature. Fewer masks than features come in such pairs too.

    Args:
        width: of the kernel, greater than 0, in units of D, which is between 0 and 2; `math.inf` is a flat kernel.
        distance: what D measures. "mask" is 1 - cosine between the mask and a mask of ones, as in the package lime;
            "input" is 1 - cosine between the masked input and the input, as in captum. (An input or mask of zeros has
            cosine 0.)

    >>> BinaryExponential(width=0.25)
    BinaryExponential(width=0.25, distance='mask')
    """

    width: float
    distance: Literal["mask", "input"] = "mask"

    def __post_init__(self) -> None:
        if self.width != inf and check_number(self.width, "width") <= 0:
            raise ValueError(f"width: expected a number greater than 0, got {self.width}")
        if self.distance not in ("mask", "input"):
            raise ValueError(f'distance: expected "mask" or "input", got {self.distance!r}')

    def draw(
        self,
        x: Float[Tensor, "B *dims"],
        start: Float[Tensor, "B *dims"],
        features: Features,
        samples: int,
        generator: torch.Generator,
    ) -> Design:
        d = features.count
        if d < 63 and 2**d <= samples:
            masks = all_coalitions(d)
            return enumerated(masks, self._kernel(masks, x, start, features))
        if self.distance == "mask" and samples >= d:
            return exponential_design(d, self.width, samples, generator)
        if d <= samples < 5 * d:
            even = exponential_design(d, inf, samples, generator)
            weight = even.weight * self._kernel(even.xi, x, start, features)
            return replace(even, weight=weight / weight.sum(1, keepdim=True), together=None)
        masks = paired(distinct_pairs(d, _pairs(samples), generator))
        unseen = torch.tensor([1 - len(masks) / 2.0**d], dtype=torch.float64)
        return sampled_pairs(masks, self._kernel(masks, x, start, features), unseen=unseen)

    def _kernel(self, masks: Tensor, x: Tensor, start: Tensor, features: Features) -> Tensor:
        """The weight of each mask for each example, up to a factor."""
        z = masks.double()
        if self.distance == "mask":
            cosine = (z.mean(1).sqrt())[None]
        else:
            x, start = x.cpu().double(), start.cpu().double()
            kept, filled = features.collect(x * x), features.collect(start * start)
            inner = kept @ z.T + features.collect(x * start) @ (1 - z).T
            norms = (kept.sum(1, keepdim=True) * (kept @ z.T + filled @ (1 - z).T)).sqrt()
            cosine = torch.where(norms > 0, inner / norms, 0.0)
        exponent = -((1 - cosine) ** 2) / (2 * self.width**2)
        # The largest weight is 1, so that a narrow kernel does not leave all of them at 0.
        return (exponent - exponent.max(1, keepdim=True).values).exp()


@dataclass(frozen=True)
class BinaryShapley(Neighborhood):
    """Features kept (1) or set to the baseline (0), with the Shapley kernel [lundberg2017unified]: masks of s of d have

        (d - 1) / (C(d, s) s (d - s))

    each, which is infinite for none and for all: there the surrogate is exact, so that squared-error weights add up to
    f(x) - f(baseline). All other masks where the budget allows; else the outer sizes, and of the rest pairs of a mask
    and its complement without replacement.

    >>> BinaryShapley()
    BinaryShapley()
    """

    pinned: ClassVar[bool] = True

    def draw(
        self,
        x: Float[Tensor, "B *dims"],
        start: Float[Tensor, "B *dims"],
        features: Features,
        samples: int,
        generator: torch.Generator,
    ) -> Design:
        return shapley_design(features.count, 2 * _pairs(samples), generator)


@dataclass(frozen=True)
class OneHot(Neighborhood):
    """All features kept but one, which is set to the baseline; each of them equally likely.

    What is one-hot is the mask of what is removed, 1 - xi. Its d points do not determine d weights and an intercept:
    occlusion is the fit with `SquaredError(intercept=False)`, through f(x).

    >>> OneHot()
    OneHot()
    """

    def draw(
        self,
        x: Float[Tensor, "B *dims"],
        start: Float[Tensor, "B *dims"],
        features: Features,
        samples: int,
        generator: torch.Generator,
    ) -> Design:
        if samples < features.count:
            raise ValueError(f"samples: expected at least one for each of {features.count} features, got {samples}")
        return enumerated(~torch.eye(features.count, dtype=torch.bool))


def _pairs(samples: int) -> int:
    if samples < 2:
        raise ValueError(f"samples: expected at least 2, a point and its mirror image, got {samples}")
    return samples // 2
