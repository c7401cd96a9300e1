"""The notebooks with Colab's versions and the built wheel, in an empty folder with no repository in sight.

What is rehearsed: that the wheel carries everything, and that the package works with Colab's Jupyter, NumPy and
Matplotlib, widgets included. What is not: the download that the first line of a notebook makes there, Colab's own
Python and PyTorch, and its pages (see environment.py). `make test` prepares .venv-colab.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import notebook_rules as rules
import pytest

PYTHON = rules.ROOT / ".venv-colab" / "bin" / "python"

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-colab: `make test` prepares it")


@pytest.fixture(scope="module")
def colab(tmp_path_factory) -> Path:
    """An empty folder, and the wheel as it is now installed in the environment."""
    wheels = tmp_path_factory.mktemp("wheels")
    build = ["-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(rules.ROOT)]
    subprocess.run([sys.executable, *build], check=True)
    (wheel,) = wheels.glob("*.whl")
    subprocess.run([PYTHON, "-m", "pip", "install", "-qq", "--no-deps", "--force-reinstall", str(wheel)], check=True)
    return tmp_path_factory.mktemp("content")


def run(folder: Path, *command: str) -> str:
    """Run Colab's Python there as a person would: nothing of this test's own environment comes along."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("INTERPBOOK", "MPLBACKEND"))}
    environment = kept | {"JUPYTER_PREFER_ENV_PATH": "1", "OMP_NUM_THREADS": "1"}
    done = subprocess.run([PYTHON, *command], cwd=folder, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout.strip()


def execute(folder: Path, notebook: dict) -> dict:
    """The notebook after *Run all*."""
    (folder / "chapter.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    run(folder, "-m", "jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", "chapter.ipynb")
    return rules.read(folder / "chapter.ipynb")


def test_the_package_comes_from_the_wheel(colab):
    where = run(colab, "-c", "import interpbook, ipywidgets; print(ipywidgets.__version__, interpbook.__file__)")
    assert where.startswith("7.7.1 ")
    assert "site-packages" in where


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_the_set_up_cell_works(colab, path):
    notebook = rules.read(path)
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    done = execute(colab, {**notebook, "cells": [first]})
    assert done["cells"][0]["outputs"]


@pytest.mark.skipif(not rules.NOTEBOOKS, reason="no chapter yet")
def test_the_first_chapter_runs_and_its_claims_hold(colab):
    path = next(path for path in rules.NOTEBOOKS if path.stem == "fullgrad")
    done = execute(colab, rules.read(path))
    outputs = [output for cell in done["cells"] for output in cell.get("outputs", [])]
    assert any("claim" in output.get("metadata", {}).get("interpbook", {}) for output in outputs)
    if "explore.sweep" in path.read_text(encoding="utf-8"):
        assert any("application/vnd.jupyter.widget-view+json" in output.get("data", {}) for output in outputs)
    assert sorted(os.listdir(colab)) == ["chapter.ipynb"]
    shutil.rmtree(colab)
