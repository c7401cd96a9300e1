"""The command that makes the checkpoints: all of them are there, small, and listed; each can be made again."""

import json
from functools import partial
from pathlib import Path

import pytest
import torch

from interpbook import checkpoints
from interpbook.chapters.density.implicit_density.recipes import VARIANTS
from interpbook.datasets import load_mnist
from interpbook.models import MLP, RECIPES, Denoiser, Recipe, store
from interpbook.models.denoiser import fit_denoiser

FILES = {store.file_name(name, seed): recipe for name, recipe in checkpoints.KEPT.items() for seed in recipe.seeds}


def test_there_is_one_small_file_for_every_recipe_and_seed() -> None:
    listed = store.read_index(store.FILES)
    assert set(listed) == set(FILES)
    assert {path.name for path in store.FILES.iterdir()} == {*FILES, store.INDEX}
    assert all((store.FILES / file).stat().st_size < 300_000 for file in FILES)


@pytest.mark.parametrize("file", FILES)
def test_its_accuracy_and_its_seconds_are_recorded(file: str) -> None:
    entry = store.read_index(store.FILES)[file]
    assert entry.seconds > 0
    if FILES[file].classifies:
        assert entry.accuracy is not None
        assert 0.1 < entry.accuracy < 1
    else:
        assert entry.accuracy is None


def test_every_recipe_with_a_seed_is_kept_and_no_name_is_used_twice() -> None:
    assert not RECIPES.keys() & VARIANTS.keys()
    every = {**RECIPES, **VARIANTS}
    assert {name for name, recipe in every.items() if recipe.seeds} == set(checkpoints.KEPT)
    assert len(FILES) == 66


DIGITS = partial(load_mnist, size=100)
TINY = Recipe(DIGITS, lambda seed: MLP((), seed=seed), seeds=(0, 1), epochs=1)


def test_the_command_makes_them_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr(checkpoints, "KEPT", {"tiny": TINY, "other": TINY})
    checkpoints.main(["--out", str(tmp_path)])
    first = store.read_index(tmp_path)
    assert set(first) == {store.file_name(name, seed) for name in ("tiny", "other") for seed in (0, 1)}
    assert "tiny-seed1.safetensors" in capsys.readouterr().out
    (tmp_path / "tiny-seed0.safetensors").unlink()
    checkpoints.main(["tiny", "--out", str(tmp_path)])
    again = store.read_index(tmp_path)
    for file, entry in first.items():  # the same bytes; the other's are kept
        assert (entry.checksum, entry.accuracy) == (again[file].checksum, again[file].accuracy)
        assert again[file].checksum == store.checksum_of((tmp_path / file).read_bytes())
        assert 0 <= again[file].seconds < 60
    with pytest.raises(SystemExit):
        checkpoints.main(["unknown", "--out", str(tmp_path)])
    assert "there is no checkpoint 'unknown'; there are tiny, other" in capsys.readouterr().err


def test_a_network_that_is_no_classifier_has_no_accuracy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    recipe = Recipe(DIGITS, partial(Denoiser, 2), epochs=1, fit=fit_denoiser, classifies=False)
    monkeypatch.setattr(checkpoints, "KEPT", {"denoiser": recipe})
    checkpoints.main(["--out", str(tmp_path)])
    assert json.loads((tmp_path / store.INDEX).read_text())["denoiser-seed0.safetensors"]["accuracy"] is None
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["denoiser-seed0.safetensors", "-"]


def test_two_runs_fill_one_folder_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one network is trained, another run lists one of its own."""

    def meanwhile(split: str) -> tuple[torch.Tensor, torch.Tensor]:
        there = store.read_index(tmp_path) if (tmp_path / store.INDEX).exists() else {}
        store.write_index({**there, "theirs.safetensors": store.Entry("sha256:00", 0.5, 1.0)}, tmp_path)
        return DIGITS(split)

    monkeypatch.setattr(checkpoints, "KEPT", {"tiny": Recipe(meanwhile, TINY.network, epochs=1)})
    checkpoints.main(["--out", str(tmp_path)])
    assert set(store.read_index(tmp_path)) == {"theirs.safetensors", "tiny-seed0.safetensors"}
