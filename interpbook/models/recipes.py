"""How a network is trained: what a recipe is, the function that follows it, and the recipes that chapters share.

Recipes of one chapter stand in the chapter; see `interpbook.models.registry`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

import torch
from torch import nn

from interpbook.datasets import load_cifar10, load_fashion_mnist, load_mnist
from interpbook.models.denoiser import Denoiser, fit_denoiser
from interpbook.models.resnet import small_image_resnet18
from interpbook.models.small import MLP, SmallCNN
from interpbook.training import History, fit


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the weights of a trained network, besides the seed.

    Attributes:
        data: the loader of the images and labels, called with `"train"` or `"test"`.
        network: makes the untrained network from a seed.
        seeds: the seeds for which a checkpoint is kept, if any; each decides the initial weights and the batches.
        epochs, lr, batch_size: arguments of `fit`.
        fit: trains the network in place: `interpbook.training.fit`, or any function that is called as `train` calls
            it, such as `functools.partial(fit, regularizer=...)`.
        classifies: whether the outputs are logits of the labels, so that there is an accuracy.
    """

    data: Callable[[str], Any]
    network: Callable[..., nn.Module]
    seeds: tuple[int, ...] = (0,)
    epochs: int = 6
    lr: float = 4e-3
    batch_size: int = 64
    fit: Callable[..., History] = fit
    classifies: bool = True


#: The full scale, which chapters make their variants from: ResNet-18 on CIFAR-10, for a GPU, without checkpoints.
FULL_SCALE = Recipe(
    load_cifar10,
    small_image_resnet18,
    seeds=(),
    epochs=30,
    lr=0.01,
    batch_size=128,
    fit=partial(fit, optimizer="sgd"),
)

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "mnist-cnn": Recipe(load_mnist, SmallCNN),
        "mnist-cnn-bn": Recipe(load_mnist, partial(SmallCNN, batch_norm=True), seeds=(0, 1, 2, 3, 4)),
        "mnist-mlp": Recipe(load_mnist, MLP, epochs=10),
        "fashion-cnn": Recipe(load_fashion_mnist, SmallCNN),
        "fashion-cnn-bn": Recipe(load_fashion_mnist, partial(SmallCNN, batch_norm=True), seeds=(0, 1, 2, 3, 4)),
        "mnist-denoiser": Recipe(load_mnist, Denoiser, epochs=4, fit=fit_denoiser, classifies=False),
        "fashion-denoiser": Recipe(load_fashion_mnist, Denoiser, epochs=4, fit=fit_denoiser, classifies=False),
    }
)


def train(
    recipe: Recipe, seed: int, device: str | torch.device | None = None, *, progress: bool = True
) -> tuple[nn.Module, History]:
    """Follow a recipe: the trained network, in evaluation mode, and what `fit` saw.

    Args:
        recipe: from `get_recipe`, or your own.
        seed: of the initial weights, and of everything that `fit` draws.
        device: where to train and to leave the network; by default the CPU.
        progress: show a bar.

    Raises:
        TypeError: `recipe` is no `Recipe`; the name of one is not enough.
        DataError, FloatingPointError: as the loader of the data and `fit`.

    >>> tiny = Recipe(partial(load_mnist, size=200), partial(MLP, hidden=()), epochs=1)
    >>> model, history = train(tiny, seed=0)
    >>> model.training, len(history.loss)
    (False, 1)
    """
    if not isinstance(recipe, Recipe):
        raise TypeError(f"recipe: expected a Recipe, such as get_recipe('mnist-cnn'), got {recipe!r}")
    model = recipe.network(seed=seed)
    history = recipe.fit(
        model,
        recipe.data("train"),
        epochs=recipe.epochs,
        lr=recipe.lr,
        batch_size=recipe.batch_size,
        seed=seed,
        device=device,
        progress=progress,
    )
    return model, history
