"""The networks that are kept: robust ones differ from the standard one in the attack alone, and withstand it."""

import pytest
import torch

from interpbook.chapters.attribution.leakage import recipes, units
from interpbook.models import load
from interpbook.robustness import pgd_attack
from interpbook.training import accuracy


def test_robust_networks_differ_from_the_standard_one_in_the_attack_alone():
    standard, robust = (recipes.RECIPES[f"leakage-{name}"] for name in ("standard", "robust"))
    for what in ("data", "network", "epochs", "lr", "batch_size"):
        assert getattr(standard, what) == getattr(robust, what)
    assert "perturbation" in robust.fit.keywords


@pytest.mark.parametrize("seed", recipes.FIVE)
def test_robust_networks_withstand_what_the_standard_one_does_not(seed):
    images, labels = recipes.BLOCKS.data("test")
    images, labels = images[:500], labels[:500]
    standard, robust = load("leakage-standard"), load("leakage-robust", seed=seed)
    attacked = []
    for model in (standard, robust):
        moved = pgd_attack(model, images, labels, recipes.STRENGTH, "l2")
        attacked.append(accuracy(model, moved, labels))
    assert attacked[1] > attacked[0] + 0.2
    # A network that says little explains nothing: what the chapter explains is competent.
    assert accuracy(robust, images, labels) > 0.85


@pytest.mark.parametrize("seed", recipes.FIVE)
def test_robust_networks_on_units_withstand_the_worst_corner(seed):
    x, labels, _ = units.load_units("test")
    sign = (2.0 * labels - 1)[:, None]
    model = load("units-robust", seed=seed)
    assert accuracy(model, x - units.EPS * sign, labels) > 0.95
    assert torch.equal(model(x).argmax(1), labels)
