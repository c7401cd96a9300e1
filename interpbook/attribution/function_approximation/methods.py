"""Eight methods of explanation, each a neighbourhood and a loss [han2022explanation]."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypedDict

from interpbook.attribution.function_approximation.losses import GradientMatching, Loss, SquaredError
from interpbook.attribution.function_approximation.neighbourhoods import (
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
    MultiplicativeUniform,
    Neighbourhood,
    OneHot,
)

__all__ = ["METHODS"]


class Method(TypedDict):
    """The two arguments of `lfa` that make a method."""

    neighbourhood: Neighbourhood
    loss: Loss


#: The eight methods by name, each as arguments of `lfa`, as in `lfa(f, x, **METHODS["LIME"])`. Widths are examples.
#: C-LIME [agarwal2021towards] and SmoothGrad [smilkov2017smoothgrad] have noise of standard deviation 0.1 in units of
#: x, and LIME [ribeiro2016why] has the kernel of the package lime for images.
METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "C-LIME": Method(neighbourhood=AdditiveGaussian(0.1), loss=SquaredError()),
        "SmoothGrad": Method(neighbourhood=AdditiveGaussian(0.1), loss=GradientMatching()),
        "vanilla gradient": Method(neighbourhood=AdditiveGaussian(0.0), loss=GradientMatching()),
        "integrated gradients": Method(neighbourhood=MultiplicativeUniform(0.0), loss=GradientMatching()),
        "gradient x input": Method(neighbourhood=MultiplicativeUniform(1.0), loss=GradientMatching()),
        "LIME": Method(neighbourhood=BinaryExponential(0.25, distance="mask"), loss=SquaredError()),
        "KernelSHAP": Method(neighbourhood=BinaryShapley(), loss=SquaredError()),
        "occlusion": Method(neighbourhood=OneHot(), loss=SquaredError(intercept=False)),
    }
)
