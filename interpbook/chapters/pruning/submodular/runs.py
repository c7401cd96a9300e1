"""Networks pruned by every method that the chapter compares: one protocol and its stored results.

Each seed has its own network of each kind, its own unlabelled images and its own draws. All methods of a seed begin
with the same network and look at the same images; accuracy is on all 2,000 bundled test images. `runs.csv` holds what
came out, one run a line; `python -m interpbook.chapters.pruning.submodular.make_runs` makes it again (half an hour of
one core).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.datasets import load_fashion_mnist, load_mnist
from interpbook.models import MLP
from interpbook.page.runs import Runs
from interpbook.pruning import CRITERIA, Pruned, prune_structured
from interpbook.training import accuracy, fit

__all__ = ["KEPT", "RUNS", "Result", "Setting", "dense", "lenet", "protocol", "prune", "run", "sample", "values"]

SEEDS = (0, 1, 2, 3, 4)
KEPT = (0.05, 0.1, 0.25, 0.5)
SAMPLES = (64, 512)
RIDGE = 0.01
TUNING = 10  # epochs of training a pruned network on all images
DATA = MappingProxyType({"mnist": load_mnist, "fashion": load_fashion_mnist})


def lenet(seed: int = 0) -> nn.Sequential:
    """LeNet as in the authors' experiments on MNIST: 60,074 parameters.

    Source: [lecun1998gradient; elhalabi2022data].
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(
            *(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2)),
            *(nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()),
            *(nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)),
        )


@dataclass(frozen=True)
class Network:
    """How a network is made and for how many epochs it is trained."""

    make: Callable[..., nn.Module]
    epochs: int


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {"mlp": Network(partial(MLP, (300, 100)), 6), "lenet": Network(lenet, 10)}
)


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        network, data: names in `NETWORKS` and `DATA`.
        method: of `prune_structured`.
        samples: the number of unlabelled images.
        kept: the fraction of channels, in every layer.
        repair: "reweighted", "ridge" (reweighted with `RIDGE`) or "none".
        target: of `prune_structured`.
        tuned: what the pruned network is trained on afterwards: "nothing", "all" training images with their labels, for
            ten epochs, or the "same" images as were looked at, for as many steps.
        seed: of the network, the images, and what is drawn.
    """

    network: str
    data: str
    method: str
    samples: int
    kept: float
    repair: str = "reweighted"
    target: str = "asymmetric"
    tuned: str = "nothing"
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What came out of a run.

    Attributes:
        dense: accuracy of the whole network.
        accuracy: of the smaller one.
        explained: of the last pruned layer, as of `Pruned`.
        parameters: of the smaller network.
    """

    dense: float
    accuracy: float
    explained: float
    parameters: int


def protocol() -> Iterator[Setting]:
    """All runs of the chapter: every method with and without repair; greedy with other targets; some trained after."""
    for seed in SEEDS:
        for network in NETWORKS:
            for data in DATA:
                here = partial(Setting, network, data, seed=seed)
                for samples in SAMPLES:
                    for kept in KEPT:
                        for method in CRITERIA:
                            for repair in ("reweighted", "none", "ridge") if samples == 64 else ("reweighted", "none"):
                                yield here(method, samples, kept, repair)
                        for target in ("layerwise", "sequential"):
                            yield here("greedy", samples, kept, target=target)
                for kept, repair in ((0.1, "reweighted"), (0.1, "none"), (0.25, "reweighted"), (0.25, "none")):
                    for method in ("greedy", "random"):
                        yield here(method, 512, kept, repair, tuned="all")
                for method in ("greedy", "random"):
                    yield here(method, 512, 0.1, tuned="same")


def run(setting: Setting) -> Result:
    """Follow the protocol, and measure."""
    before = _dense_accuracy(setting.network, setting.data, setting.seed)
    pruned = prune(setting)
    tune(setting, pruned.model)
    after = accuracy(pruned.model, *DATA[setting.data]("test"))
    return Result(before, after, [*pruned.explained.values()][-1], pruned.parameters[1])


@cache
def dense(network: str, data: str, seed: int) -> nn.Module:
    """The trained network that every method begins with. Do not change it."""
    net = NETWORKS[network].make(seed=seed)
    fit(net, DATA[data](), epochs=NETWORKS[network].epochs, seed=seed, progress=False)
    return net


@cache
def _dense_accuracy(network: str, data: str, seed: int) -> float:
    return accuracy(dense(network, data, seed), *DATA[data]("test"))


def sample(setting: Setting) -> tuple[Tensor, Tensor]:
    """The seed's images, and their labels, which pruning never sees. The first 64 are among the 512."""
    images, labels = DATA[setting.data]()
    generator = torch.Generator().manual_seed(setting.seed)
    chosen = torch.randperm(len(images), generator=generator)[: setting.samples]
    return images[chosen], labels[chosen]


def prune(setting: Setting) -> Pruned:
    """The smaller network."""
    return prune_structured(
        dense(setting.network, setting.data, setting.seed),
        sample(setting)[0],
        setting.kept,
        setting.method,
        setting.repair != "none",
        target=setting.target,
        ridge=RIDGE if setting.repair == "ridge" else 0.0,
        generator=torch.Generator().manual_seed(setting.seed),
    )


def tune(setting: Setting, model: nn.Module) -> None:
    """Train the smaller network further, in place, as the setting says: as many steps on few images as on all."""
    if setting.tuned == "nothing":
        return
    everything = DATA[setting.data]()
    data = everything if setting.tuned == "all" else sample(setting)
    epochs = round(TUNING * len(everything[0]) / len(data[0]))
    fit(model, data, epochs=epochs, lr=1e-3, seed=setting.seed, progress=False)


#: The stored results of all runs.
RUNS = Runs(Path(__file__).parent / "runs.csv", Setting, Result)


def values(network: str, data: str, what: str = "accuracy", **fixed: Any) -> dict[str, Float[Tensor, "seeds"]]:
    """One of the numbers of `Result`, by method and seed; `fixed` are further fields of `Setting`."""
    found = {}
    for method in CRITERIA:
        settings = [Setting(network, data, method, **fixed, seed=seed) for seed in SEEDS]
        if settings[0] in RUNS.load():
            row = [getattr(RUNS.load()[setting], what) for setting in settings]
            found[method] = torch.tensor(row, dtype=torch.float64)
    return found
