"""The house: which room may know which, one path for a chapter everywhere, modules of one idea."""

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from notebook_rules import LESSONS, NOTEBOOKS

from interpbook.page import claims, executed

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "interpbook"
MODULES = sorted(PACKAGE.rglob("*.py"))
LONGEST = 320

GROUND = {"checks", "equality", "progress", "jobs"}
BELOW_THE_PARTS = {"functions", "datasets", "training", "models"}
# What each room may import, besides the ground and itself. A room that is not named here is a part.
MAY_IMPORT = {
    **{room: set() for room in GROUND},
    "functions": set(),
    "datasets": set(),
    "training": {"functions", "datasets"},
    "models": {"functions", "datasets", "training"},
    "output": set(),
    "explore": {"functions", "output"},
    "page": {"functions", "output", "explore"},
}


def room_of(module: Path) -> str:
    """The first folder of a module, or its own name: "page", "training"."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


ROOMS = sorted({room_of(module) for module in MODULES} - {"__init__"})
PARTS = sorted({*ROOMS} - {*MAY_IMPORT, "chapters"})
for part in PARTS:
    MAY_IMPORT[part] = BELOW_THE_PARTS
MAY_IMPORT["chapters"] = {*ROOMS}


def imported(module: Path) -> set[str]:
    """The modules of the package that a module imports, also inside of functions, as "page.claims.claim"."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            here = module.relative_to(PACKAGE.parent).parts[: -node.level]
            names |= {".".join(filter(None, [*here, node.module, alias.name])) for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "interpbook":
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names if alias.name.startswith("interpbook.")}
    return {name.removeprefix("interpbook.") for name in names}


def test_every_way_to_import_is_seen(monkeypatch, tmp_path):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "interpbook")
    module = tmp_path / "interpbook" / "page" / "claims.py"
    module.parent.mkdir(parents=True)
    module.write_text(
        "from . import table\nfrom .. import density\nfrom ..attribution import lime\nfrom interpbook import explore\n"
        "import interpbook.models.store\ndef late():\n    from interpbook.datasets import load_mnist\n"
    )
    expected = {"page.table", "density", "attribution.lime", "explore", "models.store", "datasets.load_mnist"}
    assert imported(module) == expected
    assert rooms_imported(module) == {"density", "attribution", "explore", "models", "datasets"}


def rooms_imported(module: Path) -> set[str]:
    """The rooms that a module imports from, besides its own."""
    return {name.split(".")[0] for name in imported(module)} - {room_of(module)}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_what_its_room_may(module):
    room = room_of(module)
    if room != "__init__":
        assert rooms_imported(module) <= MAY_IMPORT[room] | GROUND


def test_the_rooms_have_no_circle():
    arrows = {room: set() for room in ROOMS}
    for module in MODULES:
        arrows.setdefault(room_of(module), set()).update(rooms_imported(module))
    assert list(TopologicalSorter(arrows).static_order())


def test_page_and_explore_know_no_part():
    for module in MODULES:
        if room_of(module) in ("page", "explore"):
            assert not rooms_imported(module) & {*PARTS, "chapters"}


def loaded_by(statement: str) -> set[str]:
    """The modules that a fresh Python has loaded after a statement."""
    program = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return {*done.stdout.split()}


def test_page_loads_no_part_no_chapter_and_no_network():
    loaded = loaded_by("import interpbook.page")
    rooms = {name.split(".")[1] for name in loaded if name.startswith("interpbook.")}
    assert {"page", "explore"} <= rooms
    assert not rooms & {*PARTS, "chapters", "models", "datasets", "training"}


def test_the_package_itself_is_light():
    assert {name for name in loaded_by("import interpbook") if name.startswith("interpbook")} == {"interpbook"}
    assert not {"torch", "numpy", "matplotlib", "IPython"} & loaded_by("import interpbook")


def test_no_chapter_knows_another():
    for module in sorted((PACKAGE / "chapters").glob("*/*/**/*.py")):
        own = ".".join(module.relative_to(PACKAGE).parts[:3])
        known = {f"{name}." for name in imported(module) if name.startswith("chapters.")}
        assert all(name.startswith(f"{own}.") for name in known), module


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_has_one_path(notebook):
    """Its folder in the package, and that of its tests, have the path of its lesson; its evidence belongs to both."""
    chapter = executed.chapter_of(notebook)
    assert ROOT / "notebooks" / f"{chapter}.ipynb" in LESSONS
    assert (PACKAGE / "chapters" / chapter).is_dir()
    assert (ROOT / "tests" / "chapters" / chapter).is_dir()


def test_every_folder_of_a_chapter_has_a_notebook():
    # Git leaves `__pycache__` behind where a chapter is on another branch only.
    files = [path for path in (PACKAGE / "chapters").glob("*/*/*") if path.name != "__pycache__"]
    chapters = {path.parent.relative_to(PACKAGE / "chapters") for path in files if path.parent.name != "__pycache__"}
    assert chapters == {lesson.relative_to(ROOT / "notebooks").with_suffix("") for lesson in LESSONS}


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_one_idea_long(module):
    assert len(module.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_every_claim_is_recorded_by_a_notebook():
    assert claims.unrecorded(NOTEBOOKS) == []


def test_no_claim_is_recorded_by_two_notebooks():
    """Neither by the lesson and the evidence of a chapter, nor by another chapter."""
    for lesson in LESSONS:
        pages = [path for path in NOTEBOOKS if executed.chapter_of(path) == executed.chapter_of(lesson)]
        by_page = [{record.id for record in claims.read_notebook(path)} for path in pages]
        assert sum(map(len, by_page)) == len(set.union(*by_page))
        assert all(id.startswith(f"{lesson.stem}.") for id in set.union(*by_page))
