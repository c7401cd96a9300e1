"""What explains one prediction? Gradients, full-gradients, and methods that approximate a model by a linear one."""

from interpbook.attribution.agreement import (
    angle,
    consistent_direction,
    normalized_change,
    sign_agreement,
    signed_set_agreement,
    tied,
    top_k_agreement,
)
from interpbook.attribution.chance import ChanceAgreement, agreement_by_chance
from interpbook.attribution.fullgrad import FullGradients, full_gradients
from interpbook.attribution.fullgrad_map import fullgrad_map, simple_fullgrad_map, smooth_fullgrad_map
from interpbook.attribution.function_approximation import (
    METHODS,
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
    Explanation,
    GradientMatching,
    Loss,
    Method,
    MultiplicativeUniform,
    Neighborhood,
    OneHot,
    SquaredError,
    c_lime,
    exact_banzhaf,
    exact_shapley,
    kernel_shap,
    lfa,
    lime,
    superpixel_grid,
    surrogate_error,
)
from interpbook.attribution.grad_cam import grad_cam
from interpbook.attribution.gradients import gradient_x_input, input_gradient, integrated_gradients, smoothgrad
from interpbook.attribution.occlusion import occlusion
from interpbook.attribution.perturbation import pixel_perturbation, ranked_pixels, replace_pixels
from interpbook.attribution.reliability import EnsembleAgreement, ensemble_agreement, spearman_brown
from interpbook.attribution.retraining import DiffROAR, diffroar
from interpbook.functions import select

__all__ = [
    "METHODS",
    "AdditiveGaussian",
    "BinaryExponential",
    "BinaryShapley",
    "ChanceAgreement",
    "DiffROAR",
    "EnsembleAgreement",
    "Explanation",
    "FullGradients",
    "GradientMatching",
    "Loss",
    "Method",
    "MultiplicativeUniform",
    "Neighborhood",
    "OneHot",
    "SquaredError",
    "agreement_by_chance",
    "angle",
    "c_lime",
    "consistent_direction",
    "diffroar",
    "ensemble_agreement",
    "exact_banzhaf",
    "exact_shapley",
    "full_gradients",
    "fullgrad_map",
    "grad_cam",
    "gradient_x_input",
    "input_gradient",
    "integrated_gradients",
    "kernel_shap",
    "lfa",
    "lime",
    "normalized_change",
    "occlusion",
    "pixel_perturbation",
    "ranked_pixels",
    "replace_pixels",
    "select",
    "sign_agreement",
    "signed_set_agreement",
    "simple_fullgrad_map",
    "smooth_fullgrad_map",
    "smoothgrad",
    "spearman_brown",
    "superpixel_grid",
    "surrogate_error",
    "tied",
    "top_k_agreement",
]
