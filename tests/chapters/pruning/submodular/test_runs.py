"""The stored results are those of the protocol; the same path runs on a new machine; pictures say what was stored."""

from dataclasses import replace
from types import MappingProxyType

import pytest
import torch

from interpbook.chapters.pruning.submodular import drawing, runs
from interpbook.chapters.pruning.submodular.runs import NETWORKS, RUNS, SEEDS, Setting
from interpbook.models import MLP
from interpbook.pruning import CRITERIA


@pytest.fixture
def small(monkeypatch):
    """The protocol with a network that is trained in a second."""
    network = replace(NETWORKS["mlp"], make=lambda seed: MLP((20, 10), seed=seed), epochs=1)
    monkeypatch.setattr(runs, "NETWORKS", MappingProxyType({"mlp": network}))
    load = runs.DATA["mnist"]
    data = {"mnist": lambda split="train": load(split, size=500 if split == "train" else 2000)}
    monkeypatch.setattr(runs, "DATA", MappingProxyType(data))
    caches = (runs.dense, runs._dense_accuracy)
    for cached in caches:
        cached.cache_clear()
    yield Setting("mlp", "mnist", "greedy", 64, 0.5)
    for cached in caches:
        cached.cache_clear()


def test_every_run_of_the_protocol_is_stored_and_nothing_else():
    assert list(RUNS.load()) == list(runs.protocol())


def test_lenet_has_as_many_parameters_as_the_authors_and_is_its_seed_s():
    assert sum(parameter.numel() for parameter in runs.lenet().parameters()) == 60074
    x = torch.zeros(1, 1, 28, 28)
    state = torch.get_rng_state()
    assert torch.equal(runs.lenet(3)(x), runs.lenet(3)(x))
    assert not torch.equal(runs.lenet(3)(x), runs.lenet(4)(x))
    assert torch.equal(state, torch.get_rng_state())


def test_all_methods_of_a_seed_begin_with_the_same_network_and_end_with_one_of_the_same_size():
    dense, sizes = {}, {}
    for setting, result in RUNS.load().items():
        dense.setdefault((setting.network, setting.data, setting.seed), set()).add(result.dense)
        sizes.setdefault((setting.network, setting.kept), set()).add(result.parameters)
    assert all(len(found) == 1 for found in [*dense.values(), *sizes.values()])


def test_greedy_explains_most_of_what_the_last_layer_reads_where_every_layer_is_by_itself():
    for setting, result in RUNS.load().items():
        assert 0 <= result.explained <= 1 + 1e-9
        if setting.method == "greedy" and setting.target == "layerwise":
            assert result.explained > 0.3


def test_values_are_those_of_the_stored_rows():
    found = runs.values("lenet", "fashion", samples=64, kept=0.1, repair="ridge")
    assert set(found) == set(CRITERIA)
    stored = RUNS.load()[Setting("lenet", "fashion", "lasso", 64, 0.1, "ridge", seed=3)]
    assert float(found["lasso"][3]) == stored.accuracy
    assert len(found["lasso"]) == len(SEEDS)


def test_the_first_images_of_a_large_sample_are_the_small_one():
    few = runs.sample(Setting("mlp", "mnist", "greedy", 64, 0.1, seed=2))
    many = runs.sample(Setting("mlp", "mnist", "greedy", 512, 0.1, seed=2))
    for part, whole in zip(few, many, strict=True):
        assert torch.equal(part, whole[:64])


def test_a_run_is_measured_on_the_smaller_network_and_is_the_same_again(small):
    result = runs.run(small)
    pruned = runs.prune(small)
    images, labels = runs.DATA["mnist"]("test")
    assert result.accuracy == pytest.approx(float((pruned.model(images).argmax(1) == labels).double().mean()))
    assert result.parameters == 784 * 10 + 10 + 10 * 5 + 5 + 5 * 10 + 10
    assert runs.run(small) == result
    assert runs.run(replace(small, seed=1)) != result


def test_a_ridge_and_no_repair_are_what_they_are_called(small):
    weights = {}
    for repair in ("reweighted", "ridge", "none"):
        weights[repair] = runs.prune(replace(small, repair=repair)).model.fc.weight
    old = runs.dense("mlp", "mnist", 0).fc.weight
    kept = runs.prune(small).kept["fc2"]
    assert torch.equal(weights["none"], old[:, kept])
    changes = [(weights[repair] - old[:, kept]).norm() for repair in ("ridge", "reweighted")]
    assert 0 < changes[0] < changes[1]


def test_training_afterwards_takes_as_many_steps_on_few_images_as_on_all(small, monkeypatch):
    seen = []
    monkeypatch.setattr(runs, "fit", lambda model, data, **how: seen.append((len(data[0]), how["epochs"])))
    for tuned in ("nothing", "all", "same"):
        runs.tune(replace(small, samples=50, tuned=tuned), torch.nn.Identity())
    assert seen == [(500, runs.TUNING), (50, 10 * runs.TUNING)]


def test_the_picture_of_accuracies_says_what_was_stored():
    _, alt = drawing.draw_accuracies(("greedy", "random"), samples=64)
    stored = runs.values("lenet", "fashion", samples=64, kept=0.1)["greedy"].mean()
    assert f"LeNet on Fashion-MNIST greedy «{stored:.2f}»" in alt or f"{stored:.2f}" in alt
