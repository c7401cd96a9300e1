"""Exercises of the chapter on the implicit density: what an answer must satisfy, what each mistake looks like."""

from interpbook.page.exercises.density.implicit_density.features import linear_score_matching
from interpbook.page.exercises.density.implicit_density.penalty import hidden_penalty
from interpbook.page.exercises.density.implicit_density.shift import any_picture
from interpbook.page.exercises.density.implicit_density.walk import langevin_walk

__all__ = ["any_picture", "hidden_penalty", "langevin_walk", "linear_score_matching"]
