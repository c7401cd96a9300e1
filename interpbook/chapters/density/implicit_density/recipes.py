"""The four trainings that the chapter compares: one network, one recipe, and a regularizer or none.

`RECIPES` holds a recipe for each; `interpbook.models.get_recipe` and `interpbook.models.load` find them by name:

- `fashion-<variant>` and `mnist-<variant>`, small networks with checkpoints for seeds 0 to 4, where a variant is
  "baseline", "gradient-norm", "score-matching" or "anti-score-matching"; `fashion-<variant>-weak` and `-strong`, with
  a tenth and ten times of lambda, for seed 0; `fashion-score-matching-one-sided`, with the published estimate of the
  trace, from one side with sigma = 0.01;
- `cifar10-<variant>`, the full scale: ResNet-18 on CIFAR-10, for a GPU, without checkpoints.

The full scale has the network and the lambdas that the text of [srinivas2021rethinking] gives (its code has smaller
ones), with these differences. There the data are CIFAR-100, cropped and flipped at random; the weights decay (5e-4);
the learning rate is 0.1 and falls in steps over 200 epochs; the trace is estimated from one side, with sigma = 0.01
(0.001 for anti-score-matching), and with batch norm in training mode. Here the images are as they are and nothing
decays; the learning rate is 0.01 and follows a cosine over 30 epochs; the trace is estimated as for the small
networks, from a pair; and every regularizer looks at the model in evaluation mode, where batch norm has its running
statistics, so that the function that is shaped is the one that is used afterwards. That is why the rate is lower: at
0.1 the weights leave the running statistics behind, and score matching of batches of 16 overflowed in twenty steps.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from torch import Tensor

from interpbook.datasets import load_fashion_mnist, load_mnist
from interpbook.density.score_matching import anti_score_matching_loss, score_matching_loss
from interpbook.models import Recipe, SmallCNN
from interpbook.models.recipes import FULL_SCALE
from interpbook.models.small import SOFTPLUS
from interpbook.training import Regularizer, as_regularizer, fit, gradient_norm_penalty

__all__ = ["RECIPES", "density_regularizer"]

LOSSES: Mapping[str, Callable[..., Tensor]] = MappingProxyType(
    {
        "gradient-norm": gradient_norm_penalty,
        "score-matching": partial(score_matching_loss, sigma=0.05, stabilizer=1e-3),
        "anti-score-matching": partial(anti_score_matching_loss, sigma=0.05),
    }
)

# lambda for images of 3072 numbers, as published, and for 784, whose traces are smaller.
PUBLISHED = {"gradient-norm": 1e-3, "score-matching": 1e-3, "anti-score-matching": 1e-4}
STRENGTHS = {"gradient-norm": 0.1, "score-matching": 0.1, "anti-score-matching": 0.01}

# With 6,338 parameters, so that the files of all of them together stay below 700 kB. The rate is half that of the other
# small networks: at 4e-3 most units of the last convolution die in some seeds.
NETWORK = partial(SmallCNN, SOFTPLUS, channels=(8, 16, 8))
SMALL = Recipe(load_fashion_mnist, NETWORK, seeds=(0, 1, 2, 3, 4), epochs=5, lr=2e-3)


def density_regularizer(variant: str, strength: float | int) -> Regularizer | None:
    """What a variant of [srinivas2021rethinking] adds to the loss, for `fit`: lambda times

        nothing                 "baseline"
        |g|^2 / 2               "gradient-norm"
        h + |g|^2 / 2 + mu h^2  "score-matching",       mu = 1e-3
        -min(h, 1000)           "anti-score-matching"

    as a mean over the batch, with g the gradient of the logit of the label and h the trace of its Hessian,
    estimated from one antithetic pair with sigma = 0.05. For other numbers see `as_regularizer`, which this calls.

    Args:
        variant: one of the four names.
        strength: lambda, at least 0; "baseline" has none.

    Returns:
        A function of (model, inputs, labels, generator), None for the baseline.

    Raises:
        TypeError, ValueError: there is no such variant; a `strength` that is no number, or negative.

    >>> from interpbook.training import fit
    >>> penalty = density_regularizer("gradient-norm", 0.1)
    >>> history = fit(SmallCNN(), load_mnist("train", size=64), epochs=1, regularizer=penalty)
    >>> history.penalty[0] > 0, density_regularizer("baseline", 0) is None
    (True, True)
    """
    if variant == "baseline":
        return None
    if variant not in LOSSES:
        raise ValueError(f"variant: expected one of baseline, {', '.join(LOSSES)}, got {variant!r}")
    return as_regularizer(LOSSES[variant], strength)


def _recipes(recipe: Recipe, strengths: Mapping[str, float]) -> Iterator[tuple[str, Recipe]]:
    """One recipe for each variant, equal in all but the regularizer."""
    for variant, strength in strengths.items():
        penalty = density_regularizer(variant, strength)
        yield variant, replace(recipe, fit=partial(recipe.fit, regularizer=penalty))


def _variants() -> dict[str, Recipe]:
    recipes = {}
    settings = {
        "fashion": (SMALL, STRENGTHS),
        "mnist": (replace(SMALL, data=load_mnist), STRENGTHS),
        "cifar10": (FULL_SCALE, PUBLISHED),
    }
    for data, (recipe, strengths) in settings.items():
        for variant, each in _recipes(recipe, {"baseline": 0.0, **strengths}):
            recipes[f"{data}-{variant}"] = each
    for word, factor in (("weak", 0.1), ("strong", 10.0)):
        scaled = {variant: factor * strength for variant, strength in STRENGTHS.items()}
        for variant, each in _recipes(replace(SMALL, seeds=(0,)), scaled):
            recipes[f"fashion-{variant}-{word}"] = each
    one_sided = as_regularizer(LOSSES["score-matching"], STRENGTHS["score-matching"], sigma=0.01, antithetic=False)
    recipes["fashion-score-matching-one-sided"] = replace(SMALL, fit=partial(fit, regularizer=one_sided))
    return recipes


RECIPES: Mapping[str, Recipe] = MappingProxyType(_variants())
