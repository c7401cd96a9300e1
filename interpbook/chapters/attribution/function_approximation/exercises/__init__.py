"""Exercises of the chapter on function approximation: what an answer must satisfy, what each mistake looks like."""

from interpbook.chapters.attribution.function_approximation.exercises.baselines import flipping_baseline
from interpbook.chapters.attribution.function_approximation.exercises.criteria import two_standard_errors
from interpbook.chapters.attribution.function_approximation.exercises.kernel import shapley_kernel
from interpbook.chapters.attribution.function_approximation.exercises.least_squares import weighted_least_squares
from interpbook.chapters.attribution.function_approximation.exercises.parabola import four_slopes
from interpbook.chapters.attribution.function_approximation.exercises.stein import slope_from_values
from interpbook.chapters.attribution.function_approximation.exercises.worst_case import far_neighborhood

__all__ = [
    "far_neighborhood",
    "flipping_baseline",
    "four_slopes",
    "shapley_kernel",
    "slope_from_values",
    "two_standard_errors",
    "weighted_least_squares",
]
