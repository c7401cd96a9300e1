"""How every checkpoint of the package is made: a recipe for each name, and the function that follows it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import nn

from interpbook.data import load_fashion_mnist, load_mnist
from interpbook.models.small import MLP, SmallCNN
from interpbook.training import History, fit


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a checkpoint's weights, besides the seed.

    Attributes:
        data: the loader of the bundled sample, called with `"train"` or `"test"`.
        network: makes the untrained network from a seed.
        seeds: the seeds for which a checkpoint is kept; each decides the initial weights and the batches.
        epochs, lr, batch_size: arguments of `fit`.
    """

    data: Callable[[str], Any]
    network: Callable[..., nn.Module]
    seeds: tuple[int, ...] = (0,)
    epochs: int = 6
    lr: float = 4e-3
    batch_size: int = 64


RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "mnist-cnn": Recipe(load_mnist, SmallCNN),
        "mnist-cnn-bn": Recipe(load_mnist, partial(SmallCNN, batch_norm=True), seeds=(0, 1, 2, 3, 4)),
        "mnist-mlp": Recipe(load_mnist, MLP, epochs=10),
        "fashion-cnn": Recipe(load_fashion_mnist, SmallCNN),
        "fashion-cnn-bn": Recipe(load_fashion_mnist, partial(SmallCNN, batch_norm=True), seeds=(0, 1, 2, 3, 4)),
    }
)


def train(recipe: Recipe, seed: int) -> tuple[nn.Module, History]:
    """Follow a recipe: a network trained on the bundled sample, in evaluation mode, and its history.

    >>> tiny = Recipe(partial(load_mnist, size=200), partial(MLP, hidden=()), epochs=1)
    >>> model, history = train(tiny, seed=0)
    >>> model.training, len(history.loss)
    (False, 1)
    """
    model = recipe.network(seed=seed)
    history = fit(
        model,
        recipe.data("train"),
        epochs=recipe.epochs,
        lr=recipe.lr,
        batch_size=recipe.batch_size,
        seed=seed,
    )
    return model, history
