"""The figure in which the reader paints noise, of two networks that need no training and images that need no data."""

import torch
from torch import Tensor, nn

from interpbook.chapters.robustness.off_manifold.blocks import letter
from interpbook.chapters.robustness.off_manifold.networks import StridedCNN
from interpbook.chapters.robustness.off_manifold.views import painted_noise
from interpbook.explore import State, live, side_by_side
from interpbook.explore.figure import LiveFigure

NAMES = ["Deaf above", "Deaf below"]
SIZE = (28, 14)


def deaf(*, above: bool, seed: int) -> StridedCNN:
    """A network that does not depend on what stands in the upper half, or in the lower, but near the middle."""
    model = StridedCNN(SIZE, seed=seed).eval()
    with torch.no_grad():
        weight = model.fc.weight.view(10, 8, 4, 2)
        weight *= 20
        (weight[:, :, :2] if above else weight[:, :, 2:]).zero_()
    return model


def two() -> nn.Sequential:
    return side_by_side(deaf(above=True, seed=1), deaf(above=False, seed=2))


def images() -> dict[str, Tensor]:
    """A ring above the letter, and below it."""
    rows, columns = torch.meshgrid(torch.arange(14.0), torch.arange(14.0), indexing="ij")
    ring = ((torch.hypot(rows - 6.5, columns - 6.5) - 4).abs() < 1).float()[None]
    return {"ring above": torch.cat([ring, letter()], 1), "ring below": torch.cat([letter(), ring], 1)}


def signal() -> Tensor:
    """True on the rings."""
    mask = torch.zeros(2, 1, *SIZE, dtype=torch.bool)
    mask[0, :, :14] = mask[1, :, 14:] = True
    return mask


def drawings() -> dict[str, Tensor]:
    top = torch.zeros(1, *SIZE)
    top[:, :9] = 1
    grey = torch.rand(1, *SIZE, generator=torch.Generator().manual_seed(1))
    return {"top": top, "nothing": 0 * top, "grey": grey}


def figure() -> LiveFigure:
    views = painted_noise(NAMES, signal())
    return live(two(), start=drawings(), inputs=images(), heads=NAMES, views=views)


def state(figure: LiveFigure, drawing: int, shown: int, strength: float) -> State:
    values = (drawing, shown, strength)
    positions = [control.values.index(value) for control, value in zip(figure.controls, values, strict=True)]
    return figure.state(figure.examples[drawing][None], positions, (0, 0))
