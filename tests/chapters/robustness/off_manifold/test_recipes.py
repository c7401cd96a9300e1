"""The sweeps differ in their scheme alone, are trained again bit by bit, and the full scale runs by the same path."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from interpbook.chapters.robustness.off_manifold import recipes
from interpbook.chapters.robustness.off_manifold.blocks import images_of_seed, letter, load_blocks, load_images
from interpbook.chapters.robustness.off_manifold.networks import Autoencoder, StridedCNN
from interpbook.chapters.robustness.off_manifold.recipes import CIFAR10_STRENGTHS, RECIPES, SCHEMES, STRENGTHS
from interpbook.chapters.robustness.off_manifold.regimes import left_of, measure, regimes, sweep
from interpbook.datasets import load_mnist
from interpbook.models import load, store, train
from interpbook.robustness import gradient_norm_regularizer
from interpbook.training import accuracy, fit

CHECKPOINTS = Path(recipes.__file__).parent / "checkpoints"
KEPT = [(name, seed) for name, recipe in RECIPES.items() for seed in recipe.seeds if recipe.classifies]


def weights(recipe, seed=0):
    model, _ = train(recipe, seed, progress=False)
    return nn.utils.parameters_to_vector(model.parameters()).detach()


def quick(name):
    """One pass through 128 images."""
    recipe = RECIPES[name]
    images, labels = recipe.data("train")
    return replace(recipe, data=lambda split: (images[:128], labels[:128]), epochs=1)


def test_recipes_are_equal_in_everything_but_the_scheme():
    for name, recipe in RECIPES.items():
        if name.endswith("autoencoder"):
            continue
        standard = RECIPES[f"{name.split('-')[0]}-standard"]
        assert replace(recipe, fit=standard.fit) == standard
        assert recipe.fit is fit or recipe.fit.func is fit


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_network_trained_again_is_the_same_bit_by_bit_and_another_than_the_standard_one(scheme):
    name = f"blocks-{scheme}-{STRENGTHS[scheme][2]:g}"
    first = weights(quick(name))
    torch.manual_seed(1)
    assert torch.equal(first, weights(quick(name)))
    assert not torch.equal(first, weights(quick("blocks-standard")))


def test_a_kept_network_of_a_strength_near_zero_is_near_the_standard_one():
    """As lambda and sigma go to zero the schemes become the standard training."""
    standard = weights(quick("blocks-standard"))
    for scheme in ("gradient", "noise"):
        tiny = replace(quick("blocks-standard"), fit=lambda *a, s=scheme, **k: fit(*a, **k, **SCHEMES[s](1e-8)))
        torch.testing.assert_close(weights(tiny), standard, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(("name", "seed"), KEPT)
def test_accuracy_is_the_recorded_one(name, seed):
    """Of seed 0 on all test images; of the others on 200, within five standard errors."""
    recorded = store.read_entry(CHECKPOINTS, name, seed).accuracy
    images, labels = RECIPES[name].data("test")
    size = len(images) if seed == 0 else 200
    allowed = 2 / 2000 if seed == 0 else 5 * math.sqrt(recorded * (1 - recorded) / 200)
    assert abs(accuracy(load(name, seed), images[:size], labels[:size]) - recorded) <= allowed


@pytest.mark.parametrize("name", [name for name in RECIPES if name.startswith("cifar10")])
def test_one_step_at_the_full_scale(name):
    """The same path as the small ones, on eight images of the size of CIFAR-10's."""
    generator = torch.Generator().manual_seed(0)
    images, labels = torch.rand(8, 3, 32, 32, generator=generator), torch.arange(8)
    recipe = replace(RECIPES[name], data=lambda split: (images, labels), epochs=1, batch_size=8)
    model, history = train(recipe, 0, progress=False)
    assert len(history.loss) == 1
    assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())


def test_the_published_strengths_are_converted():
    """lambda 1e5 / B^2 and eps / sqrt(B) for batches of 128; the peaks of the published figure are among them."""
    assert pytest.approx(CIFAR10_STRENGTHS["gradient"][1], rel=0.05) == 0.1 * 1e5 / 128**2
    assert pytest.approx(CIFAR10_STRENGTHS["attack"][1], rel=0.05) == 1 / 128**0.5
    assert pytest.approx(CIFAR10_STRENGTHS["attack"][2], rel=0.05) == 100 / 128**0.5


def test_blocks_are_a_digit_and_the_letter():
    blocks, (digits, labels) = load_blocks("test"), load_mnist("test")
    pooled = torch.nn.functional.avg_pool2d(digits, 2)
    assert torch.equal(blocks.images[blocks.signal].view(-1, 1, 14, 14), pooled)
    assert torch.equal(blocks.images[~blocks.signal].view(-1, 1, 14, 14), letter().expand(2000, 1, 14, 14))
    assert torch.equal(blocks.labels, labels)
    assert 0.45 < blocks.signal[:, 0, 0, 0].float().mean() < 0.55
    assert torch.equal(load_images("test")[0], blocks.images)


def test_seeds_share_no_image():
    images = torch.cat([images_of_seed(seed).images for seed in range(5)])
    assert torch.equal(images, load_blocks("test").images)


class OnTheSignal(nn.Module):
    """Logits that read the digit's half alone: the other is brighter where the letter is."""

    def forward(self, x):
        top, bottom = x[:, 0, :14], x[:, 0, 14:]
        on_top = (bottom * letter()).sum((1, 2)) > (top * letter()).sum((1, 2))
        digit = torch.where(on_top[:, None, None], top, bottom)
        return digit.flatten(1)[:, 60:160:10] * 5


def test_what_reads_the_digit_alone_has_a_share_of_one():
    found = measure(OnTheSignal().eval(), load_blocks("test", size=50), torch.Generator().manual_seed(0))
    assert float(found["share"]) == 1
    assert float(found["on"]) > 0
    assert float(found["off"]) == 0


def test_a_sweep_begins_with_the_standard_networks():
    images = [load_blocks("test", size=20)] * 2
    found = sweep("noise", images)
    alone = measure(load("blocks-standard", 1), images[1], torch.Generator().manual_seed(1))
    for what, values in found.items():
        assert values.shape == (1 + len(STRENGTHS["noise"]), 2)
        torch.testing.assert_close(values[0, 1].float(), alone[what].float())
    assert all(bool((part[0] == 1).all()) for part in left_of(found).values())


def test_regimes_follow_the_two_halves():
    beside = torch.tensor([[1.0], [0.51], [0.49], [0.1], [0.1]])
    on = torch.tensor([[1.0], [0.9], [0.51], [0.49], [0.0]])
    expected = ["weak", "weak", "Bayes-aligned", "excessive", "excessive"]
    assert regimes({"beside": beside, "on": on}) == expected


def test_an_autoencoder_learns_more_than_the_mean_image():
    images, _ = load_mnist("test", size=500)
    model = load("mnist-autoencoder")
    with torch.no_grad():
        error = (model(images) - images).square().sum()
    assert error < 0.5 * (images - images.mean(0)).square().sum()
    assert model.encoder(images[:2]).shape == (2, 16)


@pytest.mark.parametrize("size", [(28, 28), (28, 14), (9, 17)])
def test_the_classifier_takes_any_size(size):
    assert StridedCNN(size)(torch.zeros(2, 1, *size)).shape == (2, 10)


def test_networks_do_not_touch_the_global_random_state():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    first = StridedCNN(seed=1), Autoencoder(seed=1)
    assert torch.equal(torch.rand(1), expected)
    again = StridedCNN(seed=1), Autoencoder(seed=1)
    for one, other in zip(first, again, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_the_regularizer_of_a_scheme_is_the_library_s():
    model, generator = StridedCNN((28, 14)).eval(), torch.Generator()
    images, labels = (part[:4] for part in load_images("test"))
    ours = SCHEMES["gradient"](0.3)["regularizer"](model, images, labels, generator)
    assert torch.equal(ours, gradient_norm_regularizer(0.3)(model, images, labels, generator))
