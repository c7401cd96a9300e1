"""Train the book's networks again from their recipes: `python -m interpbook.models.retrain` (`make checkpoints`).

Prints the test accuracy, the seconds and the size of each as it is done. Every network is written as soon as it is
trained, so that an interrupted run leaves a package that works.
"""

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from interpbook import jobs
from interpbook.models import store
from interpbook.models.recipes import Recipe, train
from interpbook.models.registry import registered
from interpbook.training import accuracy


@dataclass(frozen=True)
class Network:
    """One network to train.

    Attributes:
        name, seed: what `load` knows it by.
        recipe: how.
        folder: where its checkpoint belongs.
    """

    name: str
    seed: int
    recipe: Recipe = field(repr=False)
    folder: Path = field(repr=False)


def networks() -> list[Network]:
    """Every network of the book of which a checkpoint is kept.

    >>> networks()[0]
    Network(name='mnist-cnn', seed=0)
    """
    return [
        Network(name, seed, recipe, home.folder)
        for name, (home, recipe) in registered().items()
        for seed in recipe.seeds
    ]


@dataclass(frozen=True)
class Trained:
    """What came out of a training.

    Attributes:
        content: of the file of weights.
        accuracy: on the test images, with the weights of the file; None for what is no classifier.
        seconds: that the training took.
    """

    content: bytes
    accuracy: float | None
    seconds: float


def make(network: Network) -> Trained:
    """Train a network, write nothing: this happens in another process, perhaps on another machine.

    >>> from functools import partial
    >>> from interpbook.datasets import load_mnist
    >>> from interpbook.models import MLP
    >>> tiny = Recipe(partial(load_mnist, size=100), partial(MLP, hidden=()), epochs=1)
    >>> made = make(Network("tiny", 0, tiny, Path()))
    >>> len(made.content) < 20_000, 0 < made.accuracy < 1
    (True, True)
    """
    recipe, seed = network.recipe, network.seed
    start = time.perf_counter()
    model, _ = train(recipe, seed, progress=False)
    seconds = round(time.perf_counter() - start, 1)
    content = store.encode(model)
    kept = store.decode(content, recipe.network(seed=seed))
    return Trained(content, accuracy(kept, *recipe.data("test")) if recipe.classifies else None, seconds)


def keep(network: Network, made: Trained) -> None:
    """Write a trained network and print its row."""
    name, seed = network.name, network.seed
    store.save(network.folder, name, seed, made.content, accuracy=made.accuracy, seconds=made.seconds)
    shown = "-" if made.accuracy is None else f"{made.accuracy:.4f}"
    kilobytes = len(made.content) / 1000
    print(f"{store.file_name(name, seed):<46}{shown:>14}{made.seconds:>9.1f}{kilobytes:>6.0f}", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line; see the top of this module."""
    parser = argparse.ArgumentParser(prog="python -m interpbook.models.retrain", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a recipe (default: all with a checkpoint)")
    parser.add_argument("--out", type=Path, help="one folder to write all to (default: where each belongs)")
    parser.add_argument("--processes", type=int, metavar="N", help="side by side (default: one for each core)")
    parser.add_argument("--cluster", metavar="ADDRESS", help=f"of a dask scheduler (default: ${jobs.CLUSTER}, if set)")
    chosen = parser.parse_args(arguments)
    every = networks()
    kept = sorted({network.name for network in every})
    for name in chosen.names:
        if name not in kept:
            parser.error(f"there is no checkpoint {name!r}; there are {', '.join(kept)}")
    wanted = [network for network in every if not chosen.names or network.name in chosen.names]
    if chosen.out is not None:
        wanted = [replace(network, folder=chosen.out) for network in wanted]
    print(f"{'checkpoint':<46}{'test accuracy':>14}{'seconds':>9}{'kB':>6}", flush=True)
    jobs.run(make, wanted, processes=chosen.processes, cluster=chosen.cluster, done=keep)


if __name__ == "__main__":
    main()
