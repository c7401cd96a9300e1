"""Crowds of networks that differ in their seed alone, and how well the averages of some agree with those of others.

Each row has 120 networks in two halves of 60, so that what is measured on one half can be told from the other.
`crowds.csv` holds what came out; `make_runs` makes it again (five minutes of one core).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.attribution import ensemble_agreement, top_k_agreement
from interpbook.chapters.attribution.stability.runs import ACTIVATIONS, BATCH, HIDDEN, TOP, explain
from interpbook.chapters.attribution.stability.tables import Rows, rows_of
from interpbook.models import MLP
from interpbook.page.runs import Runs
from interpbook.training import fit_together

__all__ = ["AGREEMENTS", "MEMBERS", "Agreement", "Crowd", "agreement", "explanations", "protocol", "train_crowd"]

HALF = 60
STEPS = 1000
MEMBERS = (1, 2, 5, 10, 20)


@dataclass(frozen=True)
class Crowd:
    """Sixty networks, and how many of them are averaged.

    Attributes:
        table, activation, decay: as of a `Setting` of the runs.
        half: 0 for the seeds from 0 to 59, 1 for the next sixty.
        members: of one ensemble.
    """

    table: str
    activation: str
    decay: float
    half: int
    members: int


@dataclass(frozen=True)
class Agreement:
    """What two disjoint ensembles have in common.

    Attributes:
        reliability, reliability_error, angle, angle_error: as of `ensemble_agreement`, of averages of directions.
        top: the share of the top four of these averages.
        gradient_reliability, gradient_angle: of averages of gradients, in which a long gradient counts more.
    """

    reliability: float
    reliability_error: float
    angle: float
    angle_error: float
    top: float
    gradient_reliability: float
    gradient_angle: float


def protocol() -> Iterator[Crowd]:
    """All rows: the plain network on four tables, and a smooth one on Adult."""
    kinds = [(table, "relu", 0.0) for table in ("adult", "digits", "breast_cancer", "diabetes")]
    for kind in [*kinds, ("adult", "softplus5", 1e-3)]:
        for half in (0, 1):
            for members in MEMBERS:
                yield Crowd(*kind, half, members)


def agreement(crowd: Crowd) -> Agreement:
    """Train the crowd, and compare its ensembles."""
    gradients = _explained(crowd.table, crowd.activation, crowd.decay, crowd.half)
    directions = F.normalize(gradients, dim=-1)
    found = ensemble_agreement(directions, crowd.members)
    averages = directions[: found.groups * crowd.members].unflatten(0, (found.groups, crowd.members)).mean(1)
    tops = [top_k_agreement(averages[i], averages[j], TOP).mean() for i in range(found.groups) for j in range(i)]
    plain = ensemble_agreement(gradients, crowd.members)
    return Agreement(
        found.reliability,
        found.reliability_error,
        found.angle,
        found.angle_error,
        float(torch.stack(tops).mean()),
        plain.reliability,
        plain.angle,
    )


@cache
def _explained(table: str, activation: str, decay: float, half: int) -> Float[Tensor, "M N d"]:
    rows = rows_of(table)
    return explanations(train_crowd(rows, range(half * HALF, (half + 1) * HALF), activation, decay), rows)


def train_crowd(rows: Rows, seeds: range, activation: str = "relu", decay: float = 0.0) -> list[MLP]:
    """Networks of the chapter's kind, one for each seed, trained for about a thousand steps."""
    inputs, classes = rows.x.shape[1], rows.classes
    models = [MLP(HIDDEN, ACTIVATIONS[activation], inputs=inputs, classes=classes, seed=seed) for seed in seeds]
    fit_together(
        models,
        (rows.x, rows.y),
        seeds=seeds,
        epochs=round(STEPS / -(-len(rows.x) // BATCH)),
        optimizer="sgd",
        lr=0.1,
        weight_decay=decay,
        batch_size=BATCH,
        progress=False,
    )
    return models


def explanations(models: Sequence[nn.Module], rows: Rows) -> Float[Tensor, "M N d"]:
    """The gradients of the log-odds of the true class, of each network at each test row."""
    return torch.stack([explain(model, rows) for model in models])


#: The stored agreements.
AGREEMENTS = Runs(Path(__file__).parent / "crowds.csv", Crowd, Agreement)
