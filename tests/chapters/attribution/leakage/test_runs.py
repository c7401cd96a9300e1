"""The chapter's data and measures, and its stored results."""

import pytest
import torch
from torch import nn

from interpbook.attribution import replace_pixels
from interpbook.chapters.attribution.leakage import retrained, runs, unit_runs, units
from interpbook.chapters.attribution.leakage.blocks import load_blocks, null_block
from interpbook.datasets import Blocks
from interpbook.models import MLP, load
from interpbook.training import accuracy


def test_what_the_protocols_say_is_what_is_stored():
    assert list(runs.RUNS.load()) == list(runs.protocol())
    assert list(retrained.RETRAINED.load()) == list(retrained.protocol())
    assert list(unit_runs.UNIT_RUNS.load()) == list(unit_runs.protocol())


@pytest.mark.parametrize("split", ["train", "test"])
def test_one_of_ten_coordinates_is_the_label_and_the_last_ten_are_noise(split):
    x, labels, signal = units.load_units(split)
    first = x[:, :10]
    rows = torch.arange(len(x))
    assert torch.equal(first[rows, signal], 2.0 * labels - 1)
    assert torch.equal(first.abs().sum(1), torch.ones(len(x)))
    assert abs(float(x[:, 10:].std()) - 0.1) < 0.1 * 4 / (2 * 10 * len(x)) ** 0.5
    with pytest.raises(ValueError, match="split: expected one of"):
        units.load_units("valid")


def test_without_biases_opposite_points_have_gradients_with_one_sum():
    model = units.without_biases(units.network(seed=3)).double()
    x = torch.randn(20, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def difference(points):
        logits = model(points)
        return logits[:, 1] - logits[:, 0]

    total = runs.input_gradient(difference, x) + runs.input_gradient(difference, -x)
    expected = (model.fc.weight[1] - model.fc.weight[0]) @ model.fc1.weight
    torch.testing.assert_close(total, expected.expand_as(total))
    trained = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert trained == ["fc1.weight", "fc.weight"]


class OnePixel(nn.Module):
    """The first logit is the pixel at (2, 3) less a quarter, the second is zero."""

    def forward(self, x):
        logits = torch.stack([x[:, 0, 2, 3] - 0.25, torch.zeros(len(x), dtype=x.dtype)], 1)
        return torch.cat([logits, -torch.ones(len(x), 8, dtype=x.dtype)], 1)


def test_shares_and_accuracies_of_a_network_that_reads_one_pixel():
    digits = torch.full((4, 1, 14, 14), 0.5)
    rest = torch.zeros(4, 1, 14, 14)
    signal = torch.zeros(4, 1, 28, 14, dtype=torch.bool)
    signal[:, :, :14] = True
    blocks = Blocks(torch.cat([digits, rest], 2), torch.tensor([0, 0, 0, 1]), signal)
    result = runs.look(OnePixel().eval(), blocks)
    assert (result.accuracy, result.ring_erased, result.digit_erased) == (0.75, 0.75, 0.25)
    for what in ("share", "of_squares", "of_log_prob", "times_input", "integrated", "smooth", "occluded"):
        assert getattr(result, what) == pytest.approx(1)
    assert result.zeros == 0


def test_images_whose_gradient_is_zero_are_counted_and_in_no_mean():
    gradient = torch.zeros(2, 1, 28, 14)
    gradient[0, 0, 20], gradient[0, 0, 3] = -3, 1
    signal = torch.zeros(2, 1, 28, 14, dtype=torch.bool)
    signal[:, :, 14:] = True
    share = runs.share_on_digit(gradient, signal)
    assert share[0] == 0.75
    assert share[1].isnan()


def test_likeness_and_length_of_two_mean_maps():
    shape = torch.rand(14, 14, generator=torch.Generator().manual_seed(0))
    gradient = torch.zeros(4, 1, 28, 14)
    gradient[:2, 0, :14], gradient[2:, 0, :14] = shape, -shape / 2
    signal = torch.zeros(4, 1, 28, 14, dtype=torch.bool)
    signal[:2, :, :14], signal[2:, :, 14:] = True, True
    likeness, length = runs.leak(gradient, signal)
    assert likeness == pytest.approx(1)
    assert length == pytest.approx(0.5)


def test_rankings_by_one_logit_and_by_all():
    model = MLP((), inputs=4, seed=0).double().eval()
    images = torch.rand(3, 1, 2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    weight = model.fc.weight.detach()
    seen = model(images).argmax(1)
    generator = torch.Generator().manual_seed(0)
    ranked = retrained.rank(model, "predicted", generator, images)
    torch.testing.assert_close(ranked.flatten(1), weight[seen].abs())
    ranked = retrained.rank(model, "all", generator, images)
    torch.testing.assert_close(ranked.flatten(1), weight.norm(dim=0).expand(3, 4))
    lots = torch.randint(10, (3,), generator=torch.Generator().manual_seed(4))
    ranked = retrained.rank(model, "lot", torch.Generator().manual_seed(4), images)
    torch.testing.assert_close(ranked.flatten(1), weight[lots].abs())


def test_marks_say_which_pixels_are_kept():
    images = torch.zeros(1, 1, 2, 2)
    kept = torch.tensor([[[True, False], [False, True]]])
    marked = replace_pixels(retrained.with_marks(images), ~kept)
    assert torch.equal(marked[:, 0], images[:, 0])
    assert torch.equal(marked[:, 1], kept.float())


@pytest.mark.parametrize("block", ["digit", "ring"])
def test_an_attack_on_one_block_leaves_the_other_and_stays_in_its_budget(block):
    images, labels, signal = load_blocks("test", size=20)
    model = load("leakage-standard")
    moved = runs.AttackOnBlock(block, 0.5)(model, images, labels, torch.Generator().manual_seed(0))
    free = signal if block == "digit" else ~signal
    change = moved - images
    assert not bool(change[~free].any())
    lengths = change.flatten(1).norm(dim=1)
    assert float(lengths.max()) <= 0.5 + 1e-5
    assert float(lengths.min()) > 0
    assert accuracy(model, moved, labels) <= accuracy(model, images, labels)


def test_an_attack_on_one_block_spends_all_of_its_budget_there():
    x = torch.full((1, 1, 28, 14), 0.5)
    x[:, :, 14:] = null_block()
    model = MLP((), inputs=392, classes=2, seed=0).eval()
    model.fc.weight.data.zero_()
    model.fc.weight.data[0].view(28, 14)[:14], model.fc.weight.data[0].view(28, 14)[14:] = 1, 100
    moved = runs.AttackOnBlock("digit", 0.5)(model, x, torch.tensor([0]), torch.Generator().manual_seed(0))
    assert float((moved - x).norm()) == pytest.approx(0.5, rel=1e-3)
    assert bool((moved < x)[:, :, :14].all())


def test_half_of_the_rings_are_erased_and_no_digit():
    whole, erased = load_blocks("train").images, runs._images("random", True, "train")[0]
    signal = load_blocks("train").signal
    assert torch.equal(whole[signal], erased[signal])
    gone = (erased * ~signal).flatten(1).sum(1) == 0
    assert abs(float(gone.double().mean()) - 0.5) < 4 * 0.5 / len(gone) ** 0.5
    assert torch.equal(whole[~gone], erased[~gone])


def test_digits_may_always_be_on_top():
    blocks = load_blocks("test", size=50, position="top")
    assert bool(blocks.signal[:, :, :14].all())
    assert not bool(blocks.signal[:, :, 14:].any())
