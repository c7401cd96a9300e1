"""The shape of the repository: one path in three trees, data flowing one way, short modules."""

import ast
import re
from pathlib import Path

import pytest

from interpbook.page import claims

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*/*.ipynb"))
MODULES = sorted((ROOT / "interpbook").rglob("*.py"))
PARTS = {"attribution", "density", "robustness", "pruning"}
LONGEST = 320


def imported(module: Path) -> set[str]:
    """What a module of the package imports from the package, as "page" or "data"."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "interpbook":
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("interpbook."):
            names.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("interpbook.")}
    return names


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_has_the_same_path_in_three_trees(notebook):
    part, chapter = notebook.parent.name, notebook.stem
    assert part in PARTS
    library, tests = ROOT / "interpbook" / part, ROOT / "tests" / part
    assert (library / f"{chapter}.py").is_file() or (library / chapter / "__init__.py").is_file()
    assert (tests / f"test_{chapter}.py").is_file() or (tests / chapter).is_dir()


def test_every_notebook_is_in_the_table_of_contents():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    listed = re.findall(r"file: (notebooks/\S+)", toc)
    assert sorted(listed) == [str(path.relative_to(ROOT).with_suffix("")) for path in NOTEBOOKS]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_idea_long(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_data_flows_one_way(module):
    room = module.relative_to(ROOT / "interpbook").parts[0].removesuffix(".py")
    if room in PARTS:
        assert "page" not in imported(module)
    elif room == "checkpoints":
        assert imported(module) == {"models", "training", "density"}  # the command, which knows every recipe
    elif room != "__init__":
        allowed = {"page": {"page", "checks", "progress", *PARTS}, "data": {"data", "checks", "equality", "progress"}}
        assert imported(module) <= allowed.get(room, {"data", "models", "training", "checks", "progress"})


def test_every_claim_is_recorded_by_a_notebook():
    assert claims.unrecorded(NOTEBOOKS) == []
