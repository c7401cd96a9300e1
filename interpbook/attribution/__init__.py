"""What explains one prediction? Gradients, full-gradients, and the methods that they are compared with."""

from interpbook.attribution.fullgrad import FullGradients, full_gradients
from interpbook.attribution.fullgrad_map import fullgrad_map, simple_fullgrad_map, smooth_fullgrad_map
from interpbook.attribution.grad_cam import grad_cam
from interpbook.attribution.gradients import gradient_x_input, input_gradient, integrated_gradients, smoothgrad
from interpbook.attribution.occlusion import occlusion
from interpbook.attribution.perturbation import pixel_perturbation, ranked_pixels, replace_pixels
from interpbook.attribution.select import select

__all__ = [
    "FullGradients",
    "full_gradients",
    "fullgrad_map",
    "grad_cam",
    "gradient_x_input",
    "input_gradient",
    "integrated_gradients",
    "occlusion",
    "pixel_perturbation",
    "ranked_pixels",
    "replace_pixels",
    "select",
    "simple_fullgrad_map",
    "smooth_fullgrad_map",
    "smoothgrad",
]
