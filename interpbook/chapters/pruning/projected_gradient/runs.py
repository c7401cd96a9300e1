"""Networks pruned in every way that the chapter compares: one protocol, its stored results, and how to run it again.

A run begins with a dense network, trained for six epochs, and prunes it in a fixed number of steps of projected
gradient descent. Equal in all but the method are: the dense network, the steps, the batches, the learning rate with
its restarts, the projection after every eighth step. `runs.csv` holds what came out, one run a line, and `masks.npz`
what was left of the first layer as it went; `python -m interpbook.chapters.pruning.projected_gradient.make_runs`
makes both again (an hour or two of one core).
"""

import copy
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.datasets import load_cifar10, load_fashion_mnist, load_mnist
from interpbook.models import MLP, SmallCNN
from interpbook.models.resnet import small_image_resnet18
from interpbook.page.runs import Runs
from interpbook.pruning import SparsitySchedule, cosine_restarts, train_projected
from interpbook.training import accuracy, fit

__all__ = ["METHODS", "RUNS", "Result", "Setting", "best_falls", "load_masks", "protocol", "prune", "values"]

FOLDER = Path(__file__).parent
EVERY = 8
SEEDS = (0, 1, 2, 3, 4)
#: Steps after which the masks of the fully connected network are kept: before the run, at the end of each of four
#: cycles, and, between them, after the first projection of the next.
MOMENTS = (0, 312, 320, 624, 632, 944, 952, 1264)
TEST_IMAGES = 400  # of each seed, its own


@dataclass(frozen=True)
class Method:
    """A schedule, made from a sparsity and a number of steps, and whether weights that are zero get updates."""

    schedule: Callable[[float, int], SparsitySchedule]
    masked: bool = True


def _tenfold(cycles: int, sparsity: float, steps: int) -> SparsitySchedule:
    """Ramps that begin at ten times the weights of the end, if there are so many; one ramp is a gradual schedule."""
    # Rounded, because a start of 2e-16 in place of zero would keep zeros masked.
    start = max(0.0, round(1 - 10 * (1 - sparsity), 12))
    return SparsitySchedule.cyclical(sparsity, steps, cycles=cycles, start=start)


METHODS: Mapping[str, Method] = MappingProxyType(
    {
        "one-shot": Method(SparsitySchedule.one_shot),
        "constant k": Method(SparsitySchedule.one_shot, masked=False),
        "gradual": Method(SparsitySchedule.gradual),
        "gradual, tenfold": Method(partial(_tenfold, 1)),
        "iterative": Method(partial(SparsitySchedule.iterative, rounds=4)),
        "cyclical": Method(partial(SparsitySchedule.cyclical, cycles=4)),
        "cyclical, tenfold": Method(partial(_tenfold, 4)),
    }
)


SHORT_GRID = ("one-shot", "gradual", "gradual, tenfold", "cyclical", "cyclical, tenfold")


@dataclass(frozen=True)
class Network:
    """How a network is made, how many steps of pruning it gets and at which learning rate, and what is compared."""

    make: Callable[..., nn.Module]
    steps: int
    lr: float
    sparsities: tuple[float, ...]
    methods: tuple[str, ...]
    epochs: int = 6  # of the dense network


NETWORKS: Mapping[str, Network] = MappingProxyType(
    {
        "mlp": Network(partial(MLP, (300, 100)), 1264, 0.1, (0.9, 0.99, 0.995), tuple(METHODS)),
        "cnn": Network(SmallCNN, 632, 0.05, (0.9, 0.98), SHORT_GRID),
        # The full scale, for a GPU: on "cifar10", 80 epochs of pruning. No part of the protocol.
        "resnet18": Network(small_image_resnet18, 31280, 0.05, (), tuple(METHODS), epochs=30),
    }
)
#: The race with several numbers of falls of the learning rate: on the fully connected network, at 99 % zeros.
RACERS = ("gradual", "cyclical", "gradual, tenfold", "cyclical, tenfold")
RACE_SPARSITY = 0.99
FALLS = (1, 4, 16)
DATA = MappingProxyType({"mnist": load_mnist, "fashion": load_fashion_mnist, "cifar10": load_cifar10})
BUNDLED = ("mnist", "fashion")


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        network, data, method: names in `NETWORKS`, `DATA` and `METHODS`.
        sparsity: of the pruned network, over all weights together.
        restarts: how often the learning rate begins anew.
        seed: of the initial weights, the batches, and the test images.
    """

    network: str
    data: str
    method: str
    sparsity: float
    restarts: int = 4
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What came out of a run.

    Attributes:
        dense: accuracy of the dense network on the seed's test images.
        accuracy: of the pruned network, on the same.
        loss: of the pruned network, the mean over all training images.
        reactivations: weights that were zero after a projection and not after the next, over all projections.
        returned: weights of the pruned network that had been zero after an earlier projection.
        kept: weights of the pruned network.
    """

    dense: float
    accuracy: float
    loss: float
    reactivations: int
    returned: int
    kept: int


def prune(
    setting: Setting,
    watch: Callable[[int, nn.Module], None] | None = None,
    device: str | torch.device | None = None,
) -> tuple[nn.Module, Result]:
    """Follow the protocol: the pruned network and what is measured of it.

    Args:
        setting: all that decides it.
        watch, device: as of `train_projected`.
    """
    network, method = NETWORKS[setting.network], METHODS[setting.method]
    train = DATA[setting.data]()
    net = copy.deepcopy(_dense(setting.network, setting.data, setting.seed, device))
    images = slice(TEST_IMAGES * setting.seed, TEST_IMAGES * (setting.seed + 1))
    test = [part[images] for part in DATA[setting.data]("test")]
    dense = accuracy(net, *test)
    history = train_projected(
        net,
        train,
        method.schedule(setting.sparsity, network.steps),
        every=EVERY,
        masked=method.masked,
        lr=cosine_restarts(network.lr, network.steps, setting.restarts),
        seed=setting.seed,
        watch=watch,
        device=device,
        progress=False,
    )
    loss = _mean_loss(net, train)
    came = sum(history.reactivations)
    return net, Result(dense, accuracy(net, *test), loss, came, history.returned, history.kept[-1])


@cache
def _dense(network: str, data: str, seed: int, device: str | torch.device | None) -> nn.Module:
    """The trained network that every method begins with."""
    how = NETWORKS[network]
    net = how.make(seed=seed)
    fit(net, DATA[data](), epochs=how.epochs, optimizer="sgd", lr=how.lr, seed=seed, device=device, progress=False)
    return net


def _mean_loss(net: nn.Module, data: tuple[Tensor, Tensor]) -> float:
    total = torch.zeros((), dtype=torch.float64)
    home = next(net.parameters()).device
    with torch.no_grad():
        for x, y in zip(*(part.split(1000) for part in data), strict=True):
            total += F.cross_entropy(net(x.to(home)), y.to(home), reduction="sum").cpu()
    return float(total) / len(data[0])


def protocol() -> Iterator[Setting]:
    """All runs of the chapter: every method at every sparsity, with four falls of the learning rate; and the race."""
    for seed in SEEDS:
        for name, network in NETWORKS.items():
            for data in BUNDLED:
                for sparsity in network.sparsities:
                    for method in network.methods:
                        yield Setting(name, data, method, sparsity, seed=seed)
        for data in BUNDLED:
            for restarts in FALLS:
                for method in RACERS if restarts != 4 else ():
                    yield Setting("mlp", data, method, RACE_SPARSITY, restarts, seed)


#: The stored results of all runs.
RUNS = Runs(FOLDER / "runs.csv", Setting, Result)


def values(network: str, data: str, what: str, sparsity: float, restarts: int = 4) -> dict[str, Float[Tensor, "seeds"]]:
    """One of the numbers of `Result`, by method and seed, of all methods that were run so."""
    found = {}
    for method in METHODS:
        settings = [Setting(network, data, method, sparsity, restarts, seed) for seed in SEEDS]
        if settings[0] in RUNS.load():
            row = [getattr(RUNS.load()[setting], what) for setting in settings]
            found[method] = torch.tensor(row, dtype=torch.float64)
    return found


def best_falls(network: str, data: str, sparsity: float) -> dict[str, Float[Tensor, "seeds"]]:
    """The training loss of each of `RACERS`, with the number of falls of the learning rate that suits it best.

    Best by the mean over all seeds, of one fall, four and sixteen.
    """
    found = [values(network, data, "loss", sparsity, falls) for falls in FALLS]
    return {method: min((losses[method] for losses in found), key=torch.mean) for method in RACERS}


def load_masks(path: Path = FOLDER / "masks.npz") -> Mapping[str, np.ndarray]:
    """For "<method> <sparsity>", fully connected network on MNIST, seed 0: how many of the 300 weights of each pixel
    are not zero, UInt16[moments 28 28], at `MOMENTS`."""
    with np.load(path) as file:
        return dict(file)
