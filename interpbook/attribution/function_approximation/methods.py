"""Eight methods of explanation, each a neighborhood and a loss [han2022explanation]."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypedDict

from interpbook.attribution.function_approximation.losses import GradientMatching, Loss, SquaredError
from interpbook.attribution.function_approximation.neighborhoods import (
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
    MultiplicativeUniform,
    Neighborhood,
    OneHot,
)

__all__ = ["METHODS"]


class Method(TypedDict):
    """The two arguments of `lfa` that make a method.

    >>> Method(neighborhood=OneHot(), loss=SquaredError(intercept=False)) == METHODS["occlusion"]
    True
    """

    neighborhood: Neighborhood
    loss: Loss


#: The eight methods by name, each as arguments of `lfa`, as in `lfa(f, x, **METHODS["LIME"])`. Widths are examples.
#: C-LIME [agarwal2021towards] and SmoothGrad [smilkov2017smoothgrad] have noise of standard deviation 0.1 in units of
#: x, and LIME [ribeiro2016why] has the kernel of the package lime for images.
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "C-LIME": Method(neighborhood=AdditiveGaussian(0.1), loss=SquaredError()),
        "SmoothGrad": Method(neighborhood=AdditiveGaussian(0.1), loss=GradientMatching()),
        "vanilla gradient": Method(neighborhood=AdditiveGaussian(0.0), loss=GradientMatching()),
        "integrated gradients": Method(neighborhood=MultiplicativeUniform(0.0), loss=GradientMatching()),
        "gradient x input": Method(neighborhood=MultiplicativeUniform(1.0), loss=GradientMatching()),
        "LIME": Method(neighborhood=BinaryExponential(0.25, distance="mask"), loss=SquaredError()),
        "KernelSHAP": Method(neighborhood=BinaryShapley(), loss=SquaredError()),
        "occlusion": Method(neighborhood=OneHot(), loss=SquaredError(intercept=False)),
    }
)
