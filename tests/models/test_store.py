"""Checkpoints: as good as recorded, read back as they were written, and refused when damaged."""

import shutil
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

from interpbook.datasets import DataError
from interpbook.models import MLP, RECIPES, Denoiser, Recipe, SmallCNN, load, store, train
from interpbook.training import accuracy

CLASSIFIERS = [(name, seed) for name, recipe in RECIPES.items() if recipe.classifies for seed in recipe.seeds]
DENOISERS = [(name, seed) for name, recipe in RECIPES.items() if not recipe.classifies for seed in recipe.seeds]
LOWEST = {"mnist-cnn": 0.97, "mnist-mlp": 0.95, "fashion-cnn": 0.85}


@pytest.mark.parametrize(("name", "seed"), CLASSIFIERS)
def test_accuracy_is_the_recorded_one(name: str, seed: int) -> None:
    model = load(name, seed)
    measured = accuracy(model, *RECIPES[name].data("test"))
    recorded = store.read_index(store.FILES)[store.file_name(name, seed)].accuracy
    assert abs(measured - recorded) <= 2 / 2000  # another machine may round two close calls otherwise
    assert recorded >= LOWEST[name.removesuffix("-bn")]


@pytest.mark.parametrize(("name", "seed"), DENOISERS)
def test_denoisers_remove_more_than_half_of_the_noise(name: str, seed: int) -> None:
    """The mean squared error of D(x + sigma e, sigma), in units of sigma^2, which is what it costs to do nothing."""
    model = load(name, seed)
    assert isinstance(model, Denoiser)
    assert store.read_index(store.FILES)[store.file_name(name, seed)].accuracy is None
    images, _ = RECIPES[name].data("test", size=200)
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(0))
    for sigma in (0.1, 0.3):
        with torch.no_grad():
            left = (model(images + sigma * noise, sigma) - images).square().mean() / sigma**2
        assert left < 0.5


def test_loaded_networks_are_fresh_and_leave_no_trace() -> None:
    state = torch.get_rng_state()
    one, two = load("fashion-cnn-bn", 3), load("fashion-cnn-bn", 3)
    assert torch.equal(torch.get_rng_state(), state)
    assert isinstance(one, SmallCNN)
    assert not any(module.training for module in one.modules())
    with torch.no_grad():
        one.fc.weight.zero_()
    assert two.fc.weight.abs().sum() > 0
    assert not torch.equal(two.fc.weight, load("fashion-cnn-bn", 4).fc.weight)


def test_unknown_names_and_seeds() -> None:
    with pytest.raises(ValueError, match=r"name: expected one of fashion-cnn, .*mnist-mlp, got 'resnet'"):
        load("resnet")
    with pytest.raises(ValueError, match=r"seed: expected one of \[0, 1, 2, 3, 4\] for mnist-cnn-bn, got 5"):
        load("mnist-cnn-bn", 5)
    unkept = {"big": Recipe(RECIPES["mnist-mlp"].data, MLP, seeds=())}
    with pytest.raises(ValueError, match="name: no checkpoint of 'big' is kept, only the recipe"):
        load("big", 0, unkept)
    with pytest.raises(ValueError, match="name: expected one of big, got 'mnist-cnn'"):
        load("mnist-cnn", 0, unkept)


@pytest.mark.parametrize("seed", [False, True, 0.0, "0", None])
def test_a_seed_is_an_int(seed: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(TypeError, match=rf"^seed: expected one of \[0\] for mnist-mlp, got {seed!r}$"):
        load("mnist-mlp", seed)  # type: ignore[arg-type]
    assert load("mnist-mlp", np.int64(0)).training is False


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for file in ("mnist-cnn-seed0.safetensors", store.INDEX):
        shutil.copy(store.FILES / file, tmp_path / file)
    monkeypatch.setattr(store, "FILES", tmp_path)
    return tmp_path


def test_damaged_and_missing_files(copy: Path) -> None:
    path = copy / "mnist-cnn-seed0.safetensors"
    load("mnist-cnn")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"mnist-cnn-seed0\.safetensors is damaged: expected sha256"):
        load("mnist-cnn")
    path.unlink()
    with pytest.raises(DataError, match=r"mnist-cnn-seed0\.safetensors is missing.*Reinstall interpbook"):
        load("mnist-cnn")
    (copy / store.INDEX).write_text("{}")
    with pytest.raises(DataError, match=r"checkpoints\.json does not list mnist-cnn-seed0\.safetensors"):
        load("mnist-cnn")
    for damage in ("{", "[1]", '{"a": {"sum": 1}}'):
        (copy / store.INDEX).write_text(damage)
        with pytest.raises(DataError, match=r"checkpoints\.json, the list of checkpoints, is damaged"):
            load("mnist-cnn")
    (copy / store.INDEX).unlink()
    with pytest.raises(DataError, match=r"checkpoints\.json, the list of checkpoints, is missing"):
        load("mnist-cnn")


def test_saving_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    model = SmallCNN(batch_norm=True, seed=2)
    one, two = (store.save(model, tmp_path, f"{k}.safetensors", 0.5, 1.0) for k in "ab")
    assert one == two


@pytest.mark.parametrize("accuracy", [0.5, None])
def test_the_index_is_read_back_as_it_was_written(tmp_path: Path, accuracy: float | None) -> None:
    entries = {
        "b.safetensors": store.Entry("sha256:00", accuracy, 2.5),
        "a.safetensors": store.Entry("sha256:01", 1.0, 0.1),
    }
    store.write_index(entries, tmp_path)
    assert store.read_index(tmp_path) == entries


def test_other_recipes_have_their_own_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "FILES", tmp_path)
    mine = {"mine": Recipe(RECIPES["mnist-mlp"].data, lambda seed: MLP((4,), seed=seed), seeds=(3,))}
    model = MLP((4,), seed=9)
    store.write_index(
        {"mine-seed3.safetensors": store.save(model, tmp_path, "mine-seed3.safetensors", 0.1, 1.0)}, tmp_path
    )
    loaded = load("mine", 3, mine)
    assert all(torch.equal(a, b) for a, b in zip(loaded.parameters(), model.parameters(), strict=True))
    assert not loaded.training


def test_recipe_makes_the_checkpoint() -> None:
    """Followed again, the quickest recipe ends where the file says (exactly, on the same machine)."""
    model, history = train(RECIPES["mnist-mlp"], seed=0)
    assert isinstance(model, MLP)
    assert len(history.loss) == RECIPES["mnist-mlp"].epochs
    again = accuracy(model, *RECIPES["mnist-mlp"].data("test"))
    assert abs(again - store.read_index(store.FILES)["mnist-mlp-seed0.safetensors"].accuracy) < 0.015


def test_network_of_a_recipe_takes_the_seed() -> None:
    for recipe in RECIPES.values():
        one, same, two = (list(recipe.network(seed=seed).parameters()) for seed in (1, 1, 2))
        assert all(torch.equal(a, b) for a, b in zip(one, same, strict=True))
        assert not any(torch.equal(a, b) for a, b in zip(one, two, strict=True) if len(a.unique()) > 1)


def test_train_wants_a_recipe_and_not_its_name() -> None:
    with pytest.raises(TypeError):
        train("mnist-cnn", 0)  # type: ignore[arg-type]
