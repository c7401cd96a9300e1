"""Exercises of the chapter on submodular selection: what an answer must satisfy, and its mistakes."""

from interpbook.chapters.pruning.submodular.exercises.counterexample import gains_more
from interpbook.chapters.pruning.submodular.exercises.flattened import cut_flattened
from interpbook.chapters.pruning.submodular.exercises.given import gains_given
from interpbook.chapters.pruning.submodular.exercises.predict import who_may_go
from interpbook.chapters.pruning.submodular.exercises.repair import repaired

__all__ = ["cut_flattened", "gains_given", "gains_more", "repaired", "who_may_go"]
