"""One scalar function of a batch, `f: (B, *dims) -> (B,)`: choose, evaluate and differentiate it, draw noise for it."""

from interpbook.functions.differentiation import (
    check_smooth,
    differentiable,
    gradient,
    gradients_at,
    input_gradient,
    second_derivatives,
)
from interpbook.functions.evaluation import Function, copies_per_call, values_of
from interpbook.functions.noise import standard_normal
from interpbook.functions.select import Classes, Of, Selected, Target, check_of, fix_target, select, take

__all__ = [
    "Classes",
    "Function",
    "Of",
    "Selected",
    "Target",
    "check_of",
    "check_smooth",
    "copies_per_call",
    "differentiable",
    "fix_target",
    "gradient",
    "gradients_at",
    "input_gradient",
    "second_derivatives",
    "select",
    "standard_normal",
    "take",
    "values_of",
]
