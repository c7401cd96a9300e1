"""Networks trained again without the pixels that a map marks, or on the holes alone: one protocol, its stored results.

The eight-by-eight digits of scikit-learn. Each seed draws its own training and test images, trains a network on whole
digits, and maps all digits through that network; another network then learns from what a map leaves. `runs.csv` holds
what came out, one network a line; `python -m interpbook.chapters.attribution.fullgrad.make_runs` makes it again (a
minute of one core).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interpbook import attribution as attr
from interpbook.chapters.attribution.fullgrad.maps import Map, cam, pixels_of
from interpbook.page.runs import Runs
from interpbook.training import accuracy, fit

__all__ = ["METHODS", "RUNS", "SHARES", "Result", "Setting", "digits", "of_seeds", "protocol", "run", "shown", "split"]

SEEDS = (0, 1, 2, 3, 4)
SHARES = (0.1, 0.3, 0.5, 0.7, 0.9)
#: What marks the pixels. Of the networks here Grad-CAM takes the last feature maps.
MAPS = MappingProxyType[str, Map](
    {
        "FullGrad": attr.fullgrad_map,
        "smooth FullGrad": partial(attr.smooth_fullgrad_map, samples=10),
        "gradient": pixels_of(attr.input_gradient),
        "gradient × input": pixels_of(attr.gradient_x_input),
        "integrated gradients": pixels_of(attr.integrated_gradients, steps=10),
        "SmoothGrad": pixels_of(attr.smoothgrad, sigma=0.15, samples=10),
        "Grad-CAM": partial(cam, layer="3"),
    }
)
#: A random map knows neither the network nor the digit.
METHODS = (*MAPS, "random")
#: Of these the holes are shown alone, too, with half of the pixels removed.
HOLES = ("FullGrad", "gradient × input", "random")


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        method: in `METHODS`, or "none".
        removed: the share of the pixels that is removed, the most salient ones.
        sees: what the network sees, "digits" with the mean color in place of the removed pixels, or "holes": one where
            a pixel is removed, and zero elsewhere.
        seed: of the training and test images, of both networks, and of a random map.
    """

    method: str = "none"
    removed: float = 0.0
    sees: str = "digits"
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """The accuracy on the test images of the split, of which the same pixels are removed."""

    accuracy: float


def protocol() -> Iterator[Setting]:
    """Every run whose result the evidence shows, in the order of the table."""
    for seed in SEEDS:
        yield Setting(seed=seed)
        for method in METHODS:
            for removed in SHARES:
                yield Setting(method, removed, seed=seed)
        for method in HOLES:
            yield Setting(method, 0.5, "holes", seed)


def run(setting: Setting) -> Result:
    """Train a network on what the setting shows, and measure."""
    _, y = digits()
    _, test = split(setting.seed)
    net, x = network(setting), shown(setting)
    return Result(accuracy(net, x[test], y[test]))


@cache
def digits() -> tuple[Float[Tensor, "N 1 8 8"], Int[Tensor, "N"]]:
    """All 1,797 digits, from 0 to 1, and their classes. Do not change them.

    >>> x, classes = digits()
    >>> x.shape, float(x.max()), classes[:3].tolist()
    (torch.Size([1797, 1, 8, 8]), 1.0, [0, 1, 2])
    """
    from sklearn.datasets import load_digits  # here, because it takes a second to import

    bunch = load_digits()
    return torch.tensor(bunch.images[:, None] / 16, dtype=torch.float32), torch.tensor(bunch.target)


def split(seed: int) -> tuple[Int[Tensor, "1000"], Int[Tensor, "500"]]:
    """Which digits a seed trains on, and which it tests on.

    >>> train, test = split(0)
    >>> len({*train.tolist(), *test.tolist()})
    1500
    """
    order = torch.randperm(len(digits()[0]), generator=torch.Generator().manual_seed(seed))
    return order[:1000], order[1000:1500]


def shown(setting: Setting) -> Float[Tensor, "N 1 8 8"]:
    """What the network sees of all digits.

    >>> bool(torch.equal(shown(Setting()), digits()[0]))
    True
    """
    x, _ = digits()
    if setting.method == "none":
        return x
    mask = attr.ranked_pixels(_marked(setting.method, setting.seed), setting.removed, most=True)
    if setting.sees == "holes":
        return mask[:, None].float()
    train, _ = split(setting.seed)
    return attr.replace_pixels(x, mask, fill=float(x[train].mean()))


def network(setting: Setting) -> nn.Module:
    """A network trained on what the setting shows.

    Without a map it is the one that the maps of this seed explain, and a network begins anew where pixels are removed.
    """
    if setting.method == "none":
        return _explained(setting.seed)
    return _trained(shown(setting), setting.seed, 100 + setting.seed)


@cache
def _explained(seed: int) -> nn.Module:
    return _trained(digits()[0], seed, seed)


@cache
def _marked(method: str, seed: int) -> Float[Tensor, "N 8 8"]:
    x, _ = digits()
    if method == "random":
        return torch.rand(x[:, 0].shape, generator=torch.Generator().manual_seed(seed))
    return MAPS[method](_explained(seed), x)


def _trained(x: Tensor, draw: int, seed: int) -> nn.Module:
    """A network trained on the images `x` of one split."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        early = nn.Conv2d(1, 8, 3, padding=1)
        late = nn.Conv2d(8, 16, 3, stride=2, padding=1)
        net = nn.Sequential(early, nn.ReLU(), late, nn.ReLU(), nn.Flatten(), nn.Linear(256, 10))
    train, _ = split(draw)
    data = (x[train], digits()[1][train])
    fit(net, data, epochs=5, lr=0.015, batch_size=100, seed=seed, progress=False)
    return net


#: The stored results of all runs.
RUNS = Runs(Path(__file__).parent / "runs.csv", Setting, Result)


def of_seeds(method: str = "none", removed: float = 0.0, sees: str = "digits") -> Float[Tensor, "seeds"]:
    """The stored accuracies of all seeds.

    >>> of_seeds("FullGrad", 0.5, "holes").shape
    torch.Size([5])
    """
    results = [RUNS.load()[Setting(method, removed, sees, seed)] for seed in SEEDS]
    return torch.tensor([result.accuracy for result in results], dtype=torch.float64)
