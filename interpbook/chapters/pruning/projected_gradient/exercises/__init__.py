"""Exercises of the chapter on pruning as projected gradient descent: what an answer must satisfy, and its mistakes."""

from interpbook.chapters.pruning.projected_gradient.exercises.critical import critical_learning_rate
from interpbook.chapters.pruning.projected_gradient.exercises.cycles import cyclical_sparsity
from interpbook.chapters.pruning.projected_gradient.exercises.opened import opened_twice
from interpbook.chapters.pruning.projected_gradient.exercises.predict import who_comes_back
from interpbook.chapters.pruning.projected_gradient.exercises.race import fair_pairs
from interpbook.chapters.pruning.projected_gradient.exercises.returns import what_returned
from interpbook.chapters.pruning.projected_gradient.exercises.sparsest import projection

__all__ = [
    "critical_learning_rate",
    "cyclical_sparsity",
    "fair_pairs",
    "opened_twice",
    "projection",
    "what_returned",
    "who_comes_back",
]
