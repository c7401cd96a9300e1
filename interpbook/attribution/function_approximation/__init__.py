"""Which explanation is right? Eight methods as one fit, told apart by where they look and what they call an error."""

from interpbook.attribution.function_approximation.error import surrogate_error
from interpbook.attribution.function_approximation.features import superpixel_grid
from interpbook.attribution.function_approximation.fit import Explanation, lfa
from interpbook.attribution.function_approximation.games import exact_banzhaf, exact_shapley
from interpbook.attribution.function_approximation.lime import c_lime, kernel_shap, lime
from interpbook.attribution.function_approximation.losses import GradientMatching, Loss, SquaredError
from interpbook.attribution.function_approximation.methods import METHODS, Method
from interpbook.attribution.function_approximation.neighborhoods import (
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
    MultiplicativeUniform,
    Neighborhood,
    OneHot,
)

__all__ = [
    "METHODS",
    "AdditiveGaussian",
    "BinaryExponential",
    "BinaryShapley",
    "Explanation",
    "GradientMatching",
    "Loss",
    "Method",
    "MultiplicativeUniform",
    "Neighborhood",
    "OneHot",
    "SquaredError",
    "c_lime",
    "exact_banzhaf",
    "exact_shapley",
    "kernel_shap",
    "lfa",
    "lime",
    "superpixel_grid",
    "surrogate_error",
]
