"""Networks by name: recipes stand where they belong, each with its checkpoints and no others, small and as recorded."""

import sys
from collections.abc import Callable
from pathlib import Path

import jaxtyping
import numpy as np
import pytest
import torch

from interpbook.models import MLP, Denoiser, SmallCNN, get_recipe, load, registry, store
from interpbook.models.recipes import RECIPES
from interpbook.training import accuracy

CHAPTER_LIMIT = 700_000
EVERY = registry.registered()
KEPT = [(name, seed) for name, (_, recipe) in EVERY.items() for seed in recipe.seeds]
CLASSIFIERS = [(name, seed) for name, recipe in RECIPES.items() if recipe.classifies for seed in recipe.seeds]
DENOISERS = [(name, seed) for name, recipe in RECIPES.items() if not recipe.classifies for seed in recipe.seeds]
LOWEST = {"mnist-cnn": 0.97, "mnist-mlp": 0.95, "fashion-cnn": 0.85}
each_home = pytest.mark.parametrize("home", registry.homes(), ids=lambda home: home.package)


def entry(name: str, seed: int) -> store.Entry:
    return store.read_entry(EVERY[name][0].folder, name, seed)


@each_home
def test_there_are_files_of_every_recipe_and_seed_and_no_others(home: registry.Home) -> None:
    files = {store.file_name(name, seed) for name, recipe in home.recipes().items() for seed in recipe.seeds}
    described = {str(Path(file).with_suffix(".json")) for file in files}
    assert {path.name for path in home.folder.glob("*")} == files | described


@each_home
def test_a_chapter_stays_in_its_budget(home: registry.Home) -> None:
    sizes = [path.stat().st_size for path in home.folder.glob("*")]
    assert all(size < 150_000 for size in sizes)
    if home.package != registry.HERE:
        assert sum(sizes) <= CHAPTER_LIMIT


@pytest.mark.parametrize(("name", "seed"), KEPT)
def test_accuracy_and_seconds_are_recorded(name: str, seed: int) -> None:
    known = entry(name, seed)
    assert known.seconds > 0
    if EVERY[name][1].classifies:
        # A tenth is that of a constant answer: some networks of a sweep are kept because their training collapsed.
        # Others are right everywhere, where classes are easy to tell apart.
        assert 0.1 <= known.accuracy <= 1
    else:
        assert known.accuracy is None


@pytest.mark.parametrize(("name", "seed"), CLASSIFIERS)
def test_accuracy_is_the_recorded_one(name: str, seed: int) -> None:
    measured = accuracy(load(name, seed), *RECIPES[name].data("test"))
    recorded = entry(name, seed).accuracy
    assert abs(measured - recorded) <= 2 / 2000  # another machine may round two close calls otherwise
    assert recorded >= LOWEST[name.removesuffix("-bn")]


@pytest.mark.parametrize(("name", "seed"), DENOISERS)
def test_denoisers_remove_more_than_half_of_the_noise(name: str, seed: int) -> None:
    """The mean squared error of D(x + sigma e, sigma), in units of sigma^2, which is what it costs to do nothing."""
    model = load(name, seed)
    assert isinstance(model, Denoiser)
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


def test_weights_are_float32_with_the_numbers_of_float16() -> None:
    for value in load("fashion-cnn-bn").state_dict().values():
        if value.is_floating_point():
            assert value.dtype == torch.float32
            assert torch.equal(value, value.half().float())
        else:
            assert value.dtype == torch.int64


def keep(folder: Path, name: str, seed: int, model: MLP) -> None:
    store.save(folder / "checkpoints", name, seed, store.encode(model), accuracy=0.1, seconds=1.0)


def test_a_chapter_is_found_by_its_files_and_no_other_is_imported(lay_chapter: Callable[..., Path]) -> None:
    folder = lay_chapter("mine", "pretend-mine")
    lay_chapter("broken", text="raise RuntimeError('this chapter was imported')")
    model = MLP((4,), seed=9)
    keep(folder, "pretend-mine", 1, model)
    loaded = load("pretend-mine", 1)
    for one, other in zip(loaded.parameters(), model.parameters(), strict=True):
        assert torch.equal(one, other.half().float())
    assert not loaded.training
    assert get_recipe("pretend-mine").seeds == (0, 1)
    assert load("mnist-mlp").training is False
    assert "interpbook.chapters.pretend.broken.recipes" not in sys.modules
    with pytest.raises(RuntimeError, match="this chapter was imported"):
        load("unknown")  # only then does every chapter have to say what it has


def test_recipes_without_checkpoints_are_found(lay_chapter: Callable[..., Path]) -> None:
    lay_chapter("mine", "pretend-mine", "pretend-other")
    assert get_recipe("pretend-other").epochs == 1
    with pytest.raises(store.DataError, match=r"pretend-mine-seed0\.json, which describes a checkpoint, is missing"):
        load("pretend-mine")


@pytest.mark.parametrize("both_kept", [True, False])
def test_a_name_used_twice_is_an_error_that_names_both(both_kept: bool, lay_chapter: Callable[..., Path]) -> None:
    for chapter in ("one", "two"):
        folder = lay_chapter(chapter, "pretend-same")
        if both_kept:
            keep(folder, "pretend-same", 0, MLP((4,)))
    said = "expected one recipe 'pretend-same', got two: in interpbook.chapters.pretend.one and in .*pretend.two"
    for look in (load, get_recipe):
        with pytest.raises(ValueError, match=said):
            look("pretend-same")
    with pytest.raises(ValueError, match=said):
        registry.registered()


def test_a_chapter_cannot_take_the_name_of_a_shared_recipe(lay_chapter: Callable[..., Path]) -> None:
    keep(lay_chapter("mine", "mnist-mlp"), "mnist-mlp", 0, MLP((4,)))
    with pytest.raises(ValueError, match=r"'mnist-mlp', got two: in interpbook\.models and in .*pretend\.mine"):
        load("mnist-mlp")


@pytest.mark.parametrize("look", [load, get_recipe])
def test_an_unknown_name_is_answered_with_near_ones(look: Callable, lay_chapter: Callable[..., Path]) -> None:
    lay_chapter("mine", *(f"pretend-{number}" for number in range(20)))
    with pytest.raises(ValueError, match=r"^name: expected that of a recipe, such as .*, got 'mnist-mpl'$") as caught:
        look("mnist-mpl")
    assert "mnist-mlp" in str(caught.value)
    assert sum(name in str(caught.value).replace(",", "").split() for name in registry.registered()) == 3
    with pytest.raises(ValueError, match=r"name: expected that of a recipe, such as .*, got 'resnet'"):
        look("resnet")


def test_unknown_seeds() -> None:
    with pytest.raises(ValueError, match=r"seed: expected one of \[0, 1, 2, 3, 4\] for mnist-cnn-bn, got 5"):
        load("mnist-cnn-bn", 5)


@pytest.mark.parametrize("seed", [False, True, 0.0, "0", None])
def test_a_seed_is_an_int(seed: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(TypeError, match=rf"^seed: expected one of \[0\] for mnist-mlp, got {seed!r}$"):
        load("mnist-mlp", seed)  # type: ignore[arg-type]
    assert load("mnist-mlp", np.int64(0)).training is False


@pytest.mark.parametrize("name", [["mnist-mlp"], 3, None])
def test_a_name_is_a_text(name: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(TypeError, match=r"^name: expected a text, such as 'mnist-cnn', got "):
        load(name)  # type: ignore[arg-type]
