"""Exercises of the chapter on feature leakage: what an answer must satisfy, and its mistakes."""

from interpbook.chapters.attribution.leakage.exercises.absent import leak
from interpbook.chapters.attribution.leakage.exercises.linear import robust_linear
from interpbook.chapters.attribution.leakage.exercises.margin import max_margin
from interpbook.chapters.attribution.leakage.exercises.predict import never_looks
from interpbook.chapters.attribution.leakage.exercises.ranking import leaky_ranking
from interpbook.chapters.attribution.leakage.exercises.retrained import diffroar

__all__ = ["diffroar", "leak", "leaky_ranking", "max_margin", "never_looks", "robust_linear"]
