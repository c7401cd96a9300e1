"""The sweeps of the chapter: one network, three ways to make it robust, and a row of strengths for each.

`RECIPES` holds a recipe for each; `interpbook.models.get_recipe` and `interpbook.models.load` find them by name:

- `blocks-standard` and `blocks-<scheme>-<strength>`, on digits beside a letter, for seeds 0 to 4; the schemes and their
  strengths are those of `STRENGTHS`;
- `<data>-standard` and `<data>-gradient-<strength>`, on "mnist" and "fashion", for seeds 0 to 4; strengths as in
  `IMAGE_STRENGTHS`;
- `mnist-autoencoder` and `fashion-autoencoder`, whose decoders span manifolds near these images;
- `cifar10-standard` and `cifar10-<scheme>-<strength>`, the full scale: ResNet-18 on CIFAR-10 for a GPU, without
  checkpoints, at the published strengths [srinivas2023which], converted to constants that no batch size changes.

Equal in all but the scheme, networks of one seed begin with the same weights and see the same batches.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.chapters.robustness.off_manifold.blocks import load_images
from interpbook.chapters.robustness.off_manifold.networks import Autoencoder, StridedCNN
from interpbook.datasets import load_fashion_mnist, load_mnist
from interpbook.models import Recipe
from interpbook.models.recipes import FULL_SCALE
from interpbook.robustness import adversarial_inputs, gradient_norm_regularizer, noisy_inputs
from interpbook.training import History, fit

__all__ = ["IMAGE_STRENGTHS", "RECIPES", "SCHEMES", "STRENGTHS"]

#: What a scheme gives `fit`, for a strength: lambda, the deviation of the noise, or the radius of the attack.
SCHEMES: Mapping[str, Callable[[float], dict[str, Any]]] = MappingProxyType(
    {
        "gradient": lambda strength: {"regularizer": gradient_norm_regularizer(strength)},
        "noise": lambda strength: {"perturbation": noisy_inputs(strength)},
        "attack": lambda strength: {"perturbation": adversarial_inputs(strength, steps=5)},
    }
)

STRENGTHS: Mapping[str, tuple[float, ...]] = MappingProxyType(
    {
        "gradient": (0.01, 0.1, 1.0, 3.0, 10.0, 100.0),
        "noise": (0.03, 0.1, 0.3, 1.0, 2.0, 3.0),
        "attack": (0.03, 0.1, 0.3, 0.5, 1.0),
    }
)
IMAGE_STRENGTHS = (0.1, 1.0, 10.0)

FIVE = (0, 1, 2, 3, 4)
BLOCKS = Recipe(load_images, partial(StridedCNN, (28, 14)), seeds=FIVE, epochs=10)
IMAGES = {
    "mnist": Recipe(load_mnist, StridedCNN, seeds=FIVE),
    "fashion": Recipe(load_fashion_mnist, StridedCNN, seeds=FIVE),
}
# For ResNet-18 on CIFAR-10: of the published numbers, lambda times 1e5 / B^2 and eps / sqrt(B), with B = 128.
CIFAR10_STRENGTHS = {"gradient": (0.006, 0.6, 6.1), "noise": (0.01, 0.1, 1.0), "attack": (0.01, 0.09, 9.0)}


def fit_autoencoder(model: nn.Module, data: tuple[Tensor, Tensor], **options: Any) -> History:
    """Train a network to give its input back: the squared error of an image, as a mean over images.

    >>> len(fit_autoencoder(Autoencoder(2), load_mnist(size=32), epochs=1).loss)
    1
    """
    images, _ = data
    return fit(model, (images, images), loss=_squared_error, **options)


def _squared_error(outputs: Tensor, images: Tensor) -> Tensor:
    return F.mse_loss(outputs, images) * images[0].numel()


def _sweep(data: str, recipe: Recipe, strengths: Mapping[str, tuple[float, ...]]) -> dict[str, Recipe]:
    """The recipe as it is, and with every scheme at every strength."""
    recipes = {f"{data}-standard": recipe}
    for scheme, values in strengths.items():
        for value in values:
            recipes[f"{data}-{scheme}-{value:g}"] = replace(recipe, fit=partial(recipe.fit, **SCHEMES[scheme](value)))
    return recipes


def _recipes() -> dict[str, Recipe]:
    recipes = _sweep("blocks", BLOCKS, STRENGTHS)
    for data, recipe in IMAGES.items():
        recipes |= _sweep(data, recipe, {"gradient": IMAGE_STRENGTHS})
        recipes[f"{data}-autoencoder"] = replace(
            recipe, network=Autoencoder, seeds=(0,), epochs=8, fit=fit_autoencoder, classifies=False
        )
    return recipes | _sweep("cifar10", FULL_SCALE, CIFAR10_STRENGTHS)


RECIPES: Mapping[str, Recipe] = MappingProxyType(_recipes())
