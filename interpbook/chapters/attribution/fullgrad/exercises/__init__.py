"""Exercises of the chapter on full-gradients: what an answer must satisfy, and what each mistake looks like."""

from interpbook.chapters.attribution.fullgrad.exercises.closed_forms import (
    batch_norm_bias,
    counterexample,
    two_layers,
)
from interpbook.chapters.attribution.fullgrad.exercises.rewriting import fold, product_of_three

__all__ = ["batch_norm_bias", "counterexample", "fold", "product_of_three", "two_layers"]
