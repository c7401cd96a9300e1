"""Exercises of the chapter on the stability of explanations: what an answer must satisfy, and its mistakes."""

from interpbook.chapters.attribution.stability.exercises.longer import longer_test
from interpbook.chapters.attribution.stability.exercises.members import members_needed
from interpbook.chapters.attribution.stability.exercises.predict import same_or_not
from interpbook.chapters.attribution.stability.exercises.scale_free import more_stable
from interpbook.chapters.attribution.stability.exercises.top_entries import agreement
from interpbook.chapters.attribution.stability.exercises.untrained import never_trained

__all__ = ["agreement", "longer_test", "members_needed", "more_stable", "never_trained", "same_or_not"]
