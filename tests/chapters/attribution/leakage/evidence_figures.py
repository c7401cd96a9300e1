"""The figure of digit and ring, of two networks that need no training and images that need no data."""

import torch
from networks import randomize
from torch import Tensor, nn

from interpbook.chapters.attribution.leakage.blocks import null_block
from interpbook.chapters.attribution.leakage.views import where_is_the_evidence
from interpbook.explore import State, live, side_by_side
from interpbook.explore.figure import LiveFigure
from interpbook.models import MLP

NAMES = ["Looks above", "Looks everywhere"]
SIZE = (28, 14)


def networks() -> tuple[nn.Sequential, nn.Sequential]:
    """One that does not depend on the lower half, and one that depends on everything."""
    first, second = (randomize(MLP((9, 8), inputs=392, seed=seed), seed, torch.float32) for seed in (1, 2))
    with torch.no_grad():
        first.fc1.weight[:, 196:] = 0
        for model in (first, second):
            model.fc.weight *= 20
    return first, second


def images() -> dict[str, Tensor]:
    """A bar with the ring below, with the ring above, and with nothing; two drawings; the ring alone; nothing."""
    bar = torch.zeros(1, 14, 14)
    bar[:, 2:12, 6:8] = 0.8
    ring, empty, corner = null_block(), torch.zeros(1, 14, 14), torch.zeros(1, 14, 14)
    corner[:, :3, :3] = 0.2
    stacked = {
        "bar above": (bar, ring),
        "bar below": (ring, bar),
        "bar, empty": (bar, empty),
        "corner, bar": (corner, bar),
        "ring alone": (empty, ring),
        "nothing": (empty, empty),
    }
    return {name: torch.cat(halves, 1) for name, halves in stacked.items()}


def figure(model: nn.Sequential | None = None) -> LiveFigure:
    both = side_by_side(*networks()) if model is None else model
    return live(both, start=images(), heads=NAMES, views=where_is_the_evidence(NAMES))


def state(figure: LiveFigure, name: str, seen: str = "as drawn", of: str = "logit") -> State:
    values = (list(images()).index(name), of, seen)
    positions = [control.values.index(value) for control, value in zip(figure.controls, values, strict=True)]
    return figure.state(figure.examples[positions[0]][None], positions, (0, 0))
