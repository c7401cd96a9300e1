"""Networks by name: their recipes and checkpoints stand here and in the chapters, which are found by their files.

A chapter that has the module `recipes` puts its `RECIPES` there, and their checkpoints in the folder `checkpoints`
beside it. Nothing else registers them.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from numbers import Integral
from pathlib import Path

from torch import nn

from interpbook.models import store
from interpbook.models.recipes import Recipe

HERE = "interpbook.models"
CHAPTERS = "interpbook.chapters"


@dataclass(frozen=True)
class Home:
    """A subpackage with recipes.

    Attributes:
        package: its name.
        folder: of its checkpoints.
    """

    package: str
    folder: Path

    def recipes(self) -> Mapping[str, Recipe]:
        """Its recipes by name; imports them."""
        recipes: Mapping[str, Recipe] = importlib.import_module(f"{self.package}.recipes").RECIPES
        return recipes


def homes() -> list[Home]:
    """Every subpackage with recipes: this one, and the chapters that have some. None is imported.

    >>> homes()[0].package
    'interpbook.models'
    """
    found = [Home(HERE, Path(__file__).parent / "checkpoints")]
    for root in importlib.import_module(CHAPTERS).__path__:
        for module in sorted(Path(root).glob("*/*/recipes.py")):
            part, chapter, _ = module.relative_to(root).parts
            found.append(Home(f"{CHAPTERS}.{part}.{chapter}", module.parent / "checkpoints"))
    return found


def registered() -> dict[str, tuple[Home, Recipe]]:
    """Every recipe of the book by its name, and where it stands. Imports all chapters' recipes.

    Raises:
        ValueError: a name that is used twice; the message says where.

    >>> home, recipe = registered()["mnist-cnn"]
    >>> home.package, recipe.epochs
    ('interpbook.models', 6)
    """
    found: dict[str, tuple[Home, Recipe]] = {}
    for home in homes():
        for name, recipe in home.recipes().items():
            if name in found:
                raise _used_twice(name, found[name][0], home)
            found[name] = home, recipe
    return found


def find(name: str) -> tuple[Home, Recipe]:
    """A recipe by its name, and where it stands; of the chapters only that one is imported, if it keeps a checkpoint.

    Raises:
        TypeError: `name` is no text.
        ValueError: there is no such recipe, or more than one; the message has names that are near, or says where.

    >>> home, recipe = find("mnist-denoiser")
    >>> home.package, recipe.classifies
    ('interpbook.models', False)
    """
    if not isinstance(name, str):
        raise TypeError(f"name: expected a text, such as 'mnist-cnn', got {name!r}")
    keepers = [home for home in homes() if name in store.names_kept(home.folder)]
    if len(keepers) > 1:
        raise _used_twice(name, *keepers[:2])
    if keepers and name in (recipes := keepers[0].recipes()):
        return keepers[0], recipes[name]
    found = registered()
    if name not in found:
        *others, last = get_close_matches(name, sorted(found), n=3, cutoff=0)
        raise ValueError(f"name: expected that of a recipe, such as {', '.join(others)} or {last}, got {name!r}")
    return found[name]


def get_recipe(name: str) -> Recipe:
    """The recipe of a network of the book, whether or not a checkpoint of it is kept.

    Args:
        name: from `interpbook.models.recipes` or from the recipes of a chapter.

    Raises:
        TypeError: `name` is no text.
        ValueError: there is no such recipe; the message has names that are near.

    >>> get_recipe("mnist-cnn").seeds
    (0,)
    """
    return find(name)[1]


def load(name: str, seed: int = 0) -> nn.Module:
    """A trained network of the book, in evaluation mode on the CPU.

    A classifier maps images Float[B 1 28 28] in [0, 1] to logits Float[B 10]; see `Denoiser` for the other kind. The
    weights are float32, and each is a number that float16 has, because that is how they are kept.

    Args:
        name: of its recipe, as for `get_recipe`.
        seed: one of the seeds of that recipe.

    Raises:
        TypeError: `name` is no text, or `seed` no int.
        ValueError: there is no such checkpoint; the message has names that are near, or the seeds that exist.
        DataError: its file is missing or damaged.

    >>> model = load("mnist-cnn")
    >>> model.training
    False
    >>> load("mnist-cnn", seed=7)
    Traceback (most recent call last):
    ...
    ValueError: seed: expected one of [0] for mnist-cnn, got 7
    """
    home, recipe = find(name)
    if not recipe.seeds:
        raise ValueError(f"name: no checkpoint of {name!r} is kept, only the recipe; see interpbook.models.train")
    wanted = f"seed: expected one of {list(recipe.seeds)} for {name}"
    if isinstance(seed, bool) or not isinstance(seed, Integral):  # True and 1.0 are equal to 1, but name no file
        raise TypeError(f"{wanted}, got {seed!r}")
    if seed not in recipe.seeds:
        raise ValueError(f"{wanted}, got {seed!r}")
    seed = int(seed)
    return store.decode(store.read(home.folder, name, seed), recipe.network(seed=seed))


def _used_twice(name: str, one: Home, other: Home) -> ValueError:
    return ValueError(f"name: expected one recipe {name!r}, got two: in {one.package} and in {other.package}")
