"""The command that trains the book's networks again: each is measured as it is kept, and written once it is done."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import nn

from interpbook.datasets import load_mnist
from interpbook.jobs import JobError
from interpbook.models import MLP, Denoiser, Recipe, get_recipe, load, retrain, store, train
from interpbook.models.denoiser import fit_denoiser
from interpbook.training import History, accuracy

DIGITS = partial(load_mnist, size=100)
TINY = Recipe(DIGITS, partial(MLP, ()), seeds=(0, 1), epochs=1)


def network(recipe: Recipe, folder: Path, name: str = "tiny") -> retrain.Network:
    return retrain.Network(name, 0, recipe, folder)


def test_recipe_makes_the_checkpoint() -> None:
    """Followed again, the quickest recipe ends where the file says (exactly, on the same machine)."""
    recipe = get_recipe("mnist-mlp")
    (mine,) = (each for each in retrain.networks() if each.name == "mnist-mlp")
    again = retrain.make(mine)
    assert abs(again.accuracy - store.read_entry(mine.folder, "mnist-mlp", 0).accuracy) < 0.015
    model = store.decode(again.content, recipe.network(seed=0))
    assert again.accuracy == accuracy(model, *recipe.data("test"))


def test_the_accuracy_is_that_of_the_network_as_it_is_loaded(tmp_path: Path) -> None:
    """A network that always says 3, by a margin that float16 does not see: as it is loaded it says the first class."""

    def threes(split):
        images, labels = DIGITS(split)
        return images, torch.full_like(labels, 3)

    def say_three(model, data, **_):
        for parameter in model.eval().parameters():
            nn.init.zeros_(parameter)
        model.fc.bias.data += 1
        model.fc.bias.data[3] += 1e-4  # float16 has nothing between 1 and 1.00098
        return History((0.0,), None)

    recipe = replace(TINY, data=threes, fit=say_three)
    model, _ = train(recipe, 0)
    assert accuracy(model, *threes("test")) == 1
    assert retrain.make(network(recipe, tmp_path)).accuracy == 0


def test_a_network_that_is_no_classifier_has_no_accuracy(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    recipe = Recipe(DIGITS, partial(Denoiser, 2), epochs=1, fit=fit_denoiser, classifies=False)
    mine = network(recipe, tmp_path)
    retrain.keep(mine, retrain.make(mine))
    assert store.read_entry(tmp_path, "tiny", 0).accuracy is None
    assert capsys.readouterr().out.split()[:2] == ["tiny-seed0.safetensors", "-"]


def test_the_command_makes_a_chapters_networks_where_they_belong(
    lay_chapter: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    folder = lay_chapter("mine", "pretend-tiny", "pretend-other") / "checkpoints"
    names = ["pretend-tiny", "pretend-other"]
    retrain.main([*names, "--processes", "1"])
    first = {(name, seed): store.read_entry(folder, name, seed) for name in names for seed in (0, 1)}
    assert len(list(folder.iterdir())) == 2 * len(first)
    assert "pretend-tiny-seed1.safetensors" in capsys.readouterr().out
    assert load("pretend-tiny", 1).training is False
    (folder / "pretend-tiny-seed0.safetensors").unlink()
    retrain.main(["pretend-tiny", "--processes", "1"])
    for key, entry in first.items():  # the same bytes
        assert store.read_entry(folder, *key).checksum == entry.checksum
        assert store.checksum_of(store.read(folder, *key)) == entry.checksum
    elsewhere = tmp_path / "elsewhere"
    retrain.main(["pretend-tiny", "--processes", "1", "--out", str(elsewhere)])
    assert store.names_kept(elsewhere) == {"pretend-tiny"}


def test_an_unknown_name_is_refused(lay_chapter: Callable[..., Path], capsys: pytest.CaptureFixture) -> None:
    lay_chapter("mine", "pretend-tiny")
    with pytest.raises(SystemExit):
        retrain.main(["unknown"])
    said = capsys.readouterr().err
    assert "there is no checkpoint 'unknown'; there are" in said
    assert "pretend-tiny" in said


def test_every_network_that_can_be_trained_is_kept_though_another_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    explodes = replace(TINY, lr=1e30)
    pair = [network(explodes, tmp_path, "explodes"), network(TINY, tmp_path)]
    monkeypatch.setattr(retrain, "networks", lambda: pair)
    with pytest.raises(JobError, match=r"job 0, Network\(name='explodes', seed=0\): \w+Error") as caught:
        retrain.main(["--processes", "1"])
    assert isinstance(caught.value.__cause__, FloatingPointError | ValueError)
    assert store.names_kept(tmp_path) == {"tiny"}
