"""The networks of the chapter that are kept: trained against an attack, and the one of the live figure that is not.

- `leakage-standard` for seed 0 and `leakage-robust` for seeds 0 to 4, on digits beside a ring; the attack may move an
  image by 0.5, in the Euclidean norm;
- `units-robust` for seeds 0 to 4, where one coordinate is the evidence.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from torch import Tensor

from interpbook.chapters.attribution.leakage import units
from interpbook.chapters.attribution.leakage.blocks import load_images
from interpbook.models import MLP, Recipe
from interpbook.robustness import adversarial_inputs
from interpbook.training import fit

__all__ = ["BLOCKS", "HIDDEN", "RECIPES", "STRENGTH", "UNITS_ROBUST", "UNITS_STANDARD", "attacked"]

HIDDEN = (64, 64)
#: Of the attack in training, a Euclidean distance; an image of the blocks has length five.
STRENGTH = 0.5
FIVE = (0, 1, 2, 3, 4)
BLOCKS = Recipe(load_images, partial(MLP, HIDDEN, inputs=392), epochs=12, batch_size=128)


def attacked(recipe: Recipe, eps: float) -> Recipe:
    """The recipe, trained against an attack within a Euclidean distance eps; as it is for eps = 0.

    >>> attacked(BLOCKS, 0.0) is BLOCKS
    True
    """
    if eps == 0:
        return recipe
    return replace(recipe, fit=partial(fit, perturbation=adversarial_inputs(eps, "l2", steps=5)))


def _units(split: str) -> tuple[Tensor, Tensor]:
    x, labels, _ = units.load_units(split)
    return x, labels


#: Where one coordinate is the evidence, every step takes all examples.
UNITS_STANDARD = Recipe(_units, units.network, seeds=FIVE, epochs=1000, lr=1e-3, batch_size=200)
UNITS_ROBUST = replace(UNITS_STANDARD, epochs=2000, lr=1e-2, fit=partial(fit, perturbation=units.ATTACK))

RECIPES: Mapping[str, Recipe] = MappingProxyType(
    {
        "leakage-standard": BLOCKS,
        "leakage-robust": replace(attacked(BLOCKS, STRENGTH), seeds=FIVE),
        "units-robust": UNITS_ROBUST,
    }
)
