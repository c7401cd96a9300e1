"""Recipes: followed again they end where they ended; a network is decided by its seed."""

import pytest
import torch

from interpbook.models import train
from interpbook.models.recipes import RECIPES


def test_network_of_a_recipe_takes_the_seed() -> None:
    for recipe in RECIPES.values():
        one, same, two = (list(recipe.network(seed=seed).parameters()) for seed in (1, 1, 2))
        assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
        assert not any(torch.equal(a, b) for a, b in zip(one, two, strict=True) if len(a.unique()) > 1)


def test_train_wants_a_recipe_and_not_its_name(without_shape_checks: None) -> None:
    with pytest.raises(TypeError, match=r"recipe: expected a Recipe, such as get_recipe\(.*\), got 'mnist-cnn'"):
        train("mnist-cnn", 0)  # type: ignore[arg-type]
