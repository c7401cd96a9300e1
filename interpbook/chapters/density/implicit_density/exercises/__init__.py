"""Exercises of the chapter on the implicit density: what an answer must satisfy, what each mistake looks like."""

from interpbook.chapters.density.implicit_density.exercises.chain import langevin_chain
from interpbook.chapters.density.implicit_density.exercises.constant import best_constant
from interpbook.chapters.density.implicit_density.exercises.features import linear_score_matching
from interpbook.chapters.density.implicit_density.exercises.penalty import hidden_penalty
from interpbook.chapters.density.implicit_density.exercises.predict import what_moves
from interpbook.chapters.density.implicit_density.exercises.ratio import noise_lover
from interpbook.chapters.density.implicit_density.exercises.shift import any_picture

__all__ = [
    "any_picture",
    "best_constant",
    "hidden_penalty",
    "langevin_chain",
    "linear_score_matching",
    "noise_lover",
    "what_moves",
]
