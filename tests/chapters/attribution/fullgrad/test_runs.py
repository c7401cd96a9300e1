"""The stored results are those of the protocol, a run gives them again, and what networks see is what settings say."""

from dataclasses import replace

import pytest
import torch

from interpbook.chapters.attribution.fullgrad import runs
from interpbook.chapters.attribution.fullgrad.runs import RUNS, Setting
from interpbook.training import accuracy


def test_every_run_of_the_protocol_is_stored_and_nothing_else():
    assert list(RUNS.load()) == list(runs.protocol())


@pytest.mark.parametrize(
    "setting", [Setting(seed=1), Setting("gradient × input", 0.9), Setting("FullGrad", 0.5, "holes")]
)
def test_a_run_is_the_stored_one(setting):
    assert runs.run(setting).accuracy == pytest.approx(RUNS.load()[setting].accuracy, abs=0.02)


def test_results_of_seeds_are_the_stored_rows():
    rows = [RUNS.load()[Setting("Grad-CAM", 0.7, seed=seed)].accuracy for seed in runs.SEEDS]
    assert runs.of_seeds("Grad-CAM", 0.7).tolist() == rows


def test_a_seed_trains_and_tests_on_digits_of_its_own_and_never_on_the_same():
    splits = [runs.split(seed) for seed in runs.SEEDS]
    for train, test in splits:
        assert not {*train.tolist()} & {*test.tolist()}
    assert not torch.equal(splits[0][1], splits[1][1])


@pytest.mark.parametrize("method", runs.METHODS)
def test_the_share_that_is_removed_is_the_most_salient(method):
    setting = Setting(method, 0.3, "holes", seed=2)
    holes = runs.shown(setting)[:, 0].bool()
    assert holes.flatten(1).sum(1).unique().tolist() == [round(0.3 * 64)]
    if method != "random":
        marks = runs.MAPS[method](runs.network(Setting(seed=2)), runs.digits()[0])
        inside, outside = marks.where(holes, torch.inf), marks.where(~holes, -torch.inf)
        assert (inside.flatten(1).amin(1) >= outside.flatten(1).amax(1)).all()


def test_digits_keep_all_pixels_but_the_holes_which_have_the_mean_of_the_training_images():
    setting = Setting("FullGrad", 0.5, seed=1)
    seen, holes = runs.shown(setting), runs.shown(replace(setting, sees="holes")).bool()
    x, _ = runs.digits()
    assert torch.equal(seen[~holes], x[~holes])
    train, _ = runs.split(1)
    torch.testing.assert_close(seen[holes], x[train].mean().expand(int(holes.sum())))


def test_random_maps_of_two_seeds_differ_and_do_not_know_the_digit():
    maps = [runs.shown(Setting("random", 0.5, "holes", seed)) for seed in (0, 1)]
    assert not torch.equal(*maps)
    # A share of the pixels of 1,797 digits: five standard errors of a half.
    assert (maps[0].mean(0) - 0.5).abs().max() < 5 * (0.25 / 1797) ** 0.5


def test_the_accuracy_is_that_of_the_test_images_which_the_network_has_not_seen(monkeypatch):
    """A network that answers with the class, of test images alone, is right on all of them."""
    setting = Setting("random", 0.5, "holes", seed=3)
    x, (_, test) = runs.shown(setting), runs.split(3)
    classes = runs.digits()[1]

    class Knows(torch.nn.Module):
        def forward(self, seen):
            known = (seen.flatten(1)[:, None] == x[test].flatten(1)).all(2)
            return torch.nn.functional.one_hot(classes[test][known.int().argmax(1)], 10).float()

    monkeypatch.setattr(runs, "network", lambda setting: Knows().eval())
    assert runs.run(setting).accuracy == 1
    assert accuracy(Knows().eval(), x, classes) < 0.5


def test_each_field_of_a_setting_changes_the_network():
    first = Setting("FullGrad", 0.5)
    others = [
        replace(first, **{name: value})
        for name, value in (("method", "gradient"), ("removed", 0.9), ("sees", "holes"), ("seed", 1))
    ]
    weights = [runs.network(setting)[0].weight for setting in (first, *others)]
    assert torch.equal(weights[0], runs.network(first)[0].weight)
    assert not any(torch.equal(weights[0], other) for other in weights[1:])


def test_training_leaves_the_random_numbers_of_the_caller_alone():
    state = torch.get_rng_state()
    runs.network(Setting("random", 0.5, seed=4))
    assert torch.equal(state, torch.get_rng_state())
