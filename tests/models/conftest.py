"""Chapters that only a test knows."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import interpbook.chapters

RECIPES = """
from functools import partial
from interpbook.datasets import load_mnist
from interpbook.models import MLP, Recipe

tiny = Recipe(partial(load_mnist, size=100), partial(MLP, (4,)), seeds=(0, 1), epochs=1)
RECIPES = {{{items}}}
"""


@pytest.fixture
def lay_chapter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Path]]:
    """Lay the chapter `pretend/<name>` with one tiny recipe for each name, or with a text; its folder."""
    monkeypatch.setattr(interpbook.chapters, "__path__", [*interpbook.chapters.__path__, str(tmp_path)])

    def lay(name: str, *recipes: str, text: str = RECIPES) -> Path:
        folder = tmp_path / "pretend" / name
        folder.mkdir(parents=True)
        items = ", ".join(f"{recipe!r}: tiny" for recipe in recipes)
        (folder / "recipes.py").write_text(text.format(items=items), encoding="utf-8")
        return folder

    yield lay
    for module in [name for name in sys.modules if name.startswith("interpbook.chapters.pretend")]:
        del sys.modules[module]
