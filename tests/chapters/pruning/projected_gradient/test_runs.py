"""The stored results are those of the protocol, the same path runs on a new machine, and what is stored is kept."""

from dataclasses import replace
from types import MappingProxyType

import numpy as np
import pytest
import torch

from interpbook.chapters.pruning.projected_gradient import drawing, make_runs, runs
from interpbook.chapters.pruning.projected_gradient.runs import METHODS, NETWORKS, Setting
from interpbook.models import MLP
from interpbook.pruning import prunable


@pytest.fixture
def small(monkeypatch):
    """The protocol with a network that is trained in a second."""
    network = replace(NETWORKS["mlp"], make=lambda seed: MLP((8,), seed=seed), steps=24, epochs=1)
    monkeypatch.setattr(runs, "NETWORKS", MappingProxyType({"mlp": network}))
    monkeypatch.setattr(make_runs, "NETWORKS", runs.NETWORKS)
    load = runs.DATA["mnist"]
    data = {"mnist": lambda split="train": load(split, size=500 if split == "train" else 2000)}
    monkeypatch.setattr(runs, "DATA", MappingProxyType(data))
    runs._dense.cache_clear()
    yield Setting("mlp", "mnist", "cyclical", 0.9)
    runs._dense.cache_clear()


def test_every_run_of_the_protocol_is_stored_and_nothing_else():
    assert list(runs.RUNS.load()) == list(runs.protocol())


def test_stored_runs_keep_as_many_weights_as_the_sparsity_says():
    for setting, result in runs.RUNS.load().items():
        size = sum(weight.numel() for weight in prunable(NETWORKS[setting.network].make(seed=0)))
        assert result.kept == round(size * (1 - setting.sparsity))


def test_in_stored_runs_weights_come_back_where_the_schedule_opens_or_zeros_get_updates():
    for setting, result in runs.RUNS.load().items():
        opens = setting.method.startswith("cyclical") or not METHODS[setting.method].masked
        assert (result.reactivations > 0) == opens
        assert result.returned <= min(result.kept, result.reactivations)


def test_all_methods_of_a_seed_begin_with_the_same_network():
    dense = {}
    for setting, result in runs.RUNS.load().items():
        dense.setdefault((setting.network, setting.data, setting.seed), set()).add(result.dense)
    assert all(len(accuracies) == 1 for accuracies in dense.values())


def test_values_are_those_of_the_stored_rows():
    found = runs.values("mlp", "fashion", "accuracy", 0.99, restarts=1)
    assert set(found) == set(runs.RACERS)
    stored = runs.RUNS.load()[Setting("mlp", "fashion", "gradual", 0.99, restarts=1, seed=3)]
    assert float(found["gradual"][3]) == stored.accuracy


def test_cycles_that_open_tenfold_end_at_the_sparsity_and_open_to_ten_times_the_weights():
    schedule = METHODS["cyclical, tenfold"].schedule(0.99, 400)
    assert [schedule(step) for step in (0, 99, 100, 400)] == pytest.approx([0.9, 0.99, 0.9, 0.99])
    assert METHODS["cyclical, tenfold"].schedule(0.5, 400)(0) == 0


def test_a_run_is_sparse_measured_on_its_seed_s_images_and_the_same_again(small):
    net, result = runs.prune(small)
    assert sum(int(weight.count_nonzero()) for weight in prunable(net)) == result.kept
    images, labels = (part[:400] for part in runs.DATA["mnist"]("test"))
    assert result.accuracy == int((net(images).argmax(1) == labels).sum()) / 400
    x, y = runs.DATA["mnist"]()
    with torch.no_grad():
        loss = float(torch.nn.functional.cross_entropy(net(x), y))
    assert result.loss == pytest.approx(loss, rel=1e-5)
    assert runs.prune(small)[1] == result
    assert runs.prune(replace(small, seed=1))[1] != result


def test_the_full_scale_runs_by_the_same_path(monkeypatch):
    network = replace(NETWORKS["resnet18"], steps=8, epochs=1)
    monkeypatch.setattr(runs, "NETWORKS", MappingProxyType({"resnet18": network}))
    generator = torch.Generator().manual_seed(0)
    monkeypatch.setattr(runs, "TEST_IMAGES", 4)
    images = torch.rand(20, 3, 32, 32, generator=generator), torch.arange(20) % 10
    few = {"train": tuple(part[:16] for part in images), "test": images}
    monkeypatch.setattr(runs, "DATA", MappingProxyType({"cifar10": lambda split="train": few[split]}))
    net, result = runs.prune(Setting("resnet18", "cifar10", "gradual", 0.95))
    size = sum(weight.numel() for weight in prunable(net))
    assert result.kept == round(0.05 * size)


def test_masks_begin_with_the_first_projection_and_end_with_what_is_kept(small):
    masks = make_runs.masks_of(small, (0, 16, 24))
    net, _ = runs.prune(small)
    kept = (net.fc1.weight != 0).sum(0).view(28, 28).numpy()
    assert masks.shape == (3, 28, 28)
    assert masks.dtype == np.uint16
    np.testing.assert_array_equal(masks[-1], kept)


def test_the_moments_of_the_masks_are_projections_at_the_ends_of_cycles_and_after_the_openings():
    steps = NETWORKS["mlp"].steps
    assert all(step % runs.EVERY == 0 or step == steps for step in runs.MOMENTS)
    schedule = METHODS["cyclical"].schedule(0.99, steps)
    zeros = [schedule(step) for step in runs.MOMENTS]
    assert zeros[1::2] == [0.99] * 4
    assert max(zeros[::2]) < 0.06


def test_stored_masks_fit_the_stored_results():
    masks = runs.load_masks()
    for method in METHODS:
        for sparsity in NETWORKS["mlp"].sparsities:
            if method not in NETWORKS["mlp"].methods:
                continue
            counts = masks[f"{method} {sparsity:g}"].sum((1, 2))
            assert len(counts) == len(runs.MOMENTS)
            assert counts[-1] <= runs.RUNS.load()[Setting("mlp", "mnist", method, sparsity)].kept
            if not method.startswith("cyclical"):
                assert (np.diff(counts.astype(int)) <= 0).all() or not METHODS[method].masked


def test_the_picture_of_a_run_says_what_was_stored():
    result = runs.RUNS.load()[Setting("mlp", "mnist", "cyclical", 0.99)]
    _, alt = drawing.draw_run("cyclical", 0.99)
    assert f"{result.returned} weights of the network had been zero" in alt
