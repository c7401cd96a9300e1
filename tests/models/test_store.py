"""Checkpoints: complete, small, as accurate as recorded, and refused when damaged."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from torch import nn

from interpbook.data import DataError
from interpbook.models import MLP, RECIPES, SmallCNN, checkpoints, load, recipes, store
from interpbook.training import accuracy

ALL = [(name, seed) for name, recipe in RECIPES.items() for seed in recipe.seeds]
LOWEST = {"mnist-cnn": 0.97, "mnist-mlp": 0.95, "fashion-cnn": 0.85}


def test_there_is_one_small_file_for_every_recipe_and_seed() -> None:
    files = {store.file_name(name, seed) for name, seed in ALL}
    assert len(files) == 13
    assert set(store.read_index(store.FILES)) == files
    assert {path.name for path in store.FILES.iterdir()} == files | {store.INDEX}
    assert all((store.FILES / file).stat().st_size < 300_000 for file in files)


@pytest.mark.parametrize(("name", "seed"), ALL)
def test_accuracy_is_the_recorded_one(name: str, seed: int) -> None:
    model = load(name, seed)
    measured = accuracy(model, *RECIPES[name].data("test"))
    recorded = store.read_index(store.FILES)[store.file_name(name, seed)].accuracy
    assert abs(measured - recorded) <= 2 / 2000  # another machine may round two close calls otherwise
    assert recorded >= LOWEST[name.removesuffix("-bn")]


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
    one, two = (store.save(model, tmp_path, f"{k}.safetensors", 0.5) for k in "ab")
    assert one == two


def test_recipe_makes_the_checkpoint() -> None:
    """Followed again, the quickest recipe ends where the file says (exactly, on the same machine)."""
    model, history = recipes.train(RECIPES["mnist-mlp"], seed=0)
    assert isinstance(model, MLP)
    assert len(history.loss) == RECIPES["mnist-mlp"].epochs
    again = accuracy(model, *RECIPES["mnist-mlp"].data("test"))
    assert abs(again - store.read_index(store.FILES)["mnist-mlp-seed0.safetensors"].accuracy) < 0.015


def test_command_line_retrains(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    def digits(split: str) -> tuple[torch.Tensor, torch.Tensor]:
        return RECIPES["mnist-mlp"].data(split, size=100)

    tiny = recipes.Recipe(digits, lambda seed: MLP((), seed=seed), seeds=(0, 1), epochs=1)
    monkeypatch.setattr(checkpoints, "RECIPES", {"tiny": tiny, "other": tiny})
    checkpoints.main(["--out", str(tmp_path)])
    first = store.read_index(tmp_path)
    assert len(first) == 4
    assert "tiny-seed1.safetensors" in capsys.readouterr().out
    (tmp_path / "tiny-seed0.safetensors").unlink()
    checkpoints.main(["tiny", "--out", str(tmp_path)])
    assert store.read_index(tmp_path) == first  # the same bytes; the other's are kept
    assert json.loads((tmp_path / store.INDEX).read_text())["other-seed0.safetensors"]["accuracy"] >= 0
    with pytest.raises(SystemExit):
        checkpoints.main(["unknown", "--out", str(tmp_path)])
    assert "there is no checkpoint 'unknown'; there are tiny, other" in capsys.readouterr().err


def test_network_of_a_recipe_takes_the_seed() -> None:
    for recipe in RECIPES.values():
        one, two = recipe.network(seed=1), recipe.network(seed=2)
        assert isinstance(one, nn.Sequential)
        assert not torch.equal(one.fc.weight, two.fc.weight)
