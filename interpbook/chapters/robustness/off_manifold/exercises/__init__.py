"""Exercises of the chapter on off-manifold robustness: what an answer must satisfy, what each mistake looks like."""

from interpbook.chapters.robustness.off_manifold.exercises.ball import projection_onto_ball
from interpbook.chapters.robustness.off_manifold.exercises.budget import batch_budget
from interpbook.chapters.robustness.off_manifold.exercises.finite import finite_noise
from interpbook.chapters.robustness.off_manifold.exercises.predict import what_moves
from interpbook.chapters.robustness.off_manifold.exercises.share import signal_share
from interpbook.chapters.robustness.off_manifold.exercises.tangent import tangent_space
from interpbook.chapters.robustness.off_manifold.exercises.worthless import perfect_and_worthless

__all__ = [
    "batch_budget",
    "finite_noise",
    "perfect_and_worthless",
    "projection_onto_ball",
    "signal_share",
    "tangent_space",
    "what_moves",
]
