"""The first cell of a page where the package is not installed yet: what it installs, keeps, refuses and says."""

import copy
import re
from pathlib import Path

import notebook_rules as rules
import pytest
from colab.rehearsal import Colab

pytestmark = pytest.mark.slow
KEPT = "from importlib.metadata import version; print(*map(version, ['torch', 'torchvision', 'numpy', 'ipywidgets']))"


@pytest.fixture(scope="module")
def fresh(tmp_path_factory) -> Colab:
    """Colab's place without the package."""
    return Colab.prepare(tmp_path_factory.mktemp("fresh"))


def first_cell(path=rules.NOTEBOOKS[0]) -> dict:
    """A page that consists of its first cell."""
    notebook = copy.deepcopy(rules.read(path))
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    return {**notebook, "cells": [first]}


def said(notebook: dict) -> str:
    """All that its cells said, errors included."""
    parts = []
    for cell in notebook["cells"]:
        for output in cell["outputs"]:
            parts += output.get("text", output.get("data", {}).get("text/plain", output.get("traceback", "")))
    return re.sub(r"\x1b\[[\d;]*m", "", "".join(parts))


def older(folder: Path, name: str, version: str, *needs: str) -> None:
    """Make an older release of a library the one that is installed, as far as pip can see."""
    noted = folder / f"{name}-{version}.dist-info"
    noted.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *(f"Requires-Dist: {n}" for n in needs)]
    (noted / "METADATA").write_text("\n".join([*lines, ""]), encoding="utf-8")


def test_a_torch_that_is_too_old_is_refused_by_name_and_kept(fresh, tmp_path):
    older(tmp_path, "torch", "2.5.0")
    older(tmp_path, "torchvision", "0.25.0", "torch==2.5.0")
    answer = said(fresh.execute(first_cell(), "--allow-errors", PYTHONPATH=str(tmp_path)))
    reason = r"Cannot install interpbook\S*, torch==2\.5\.0 and .* because these package versions have conflicting"
    assert re.search(reason, answer), answer
    assert "No module named 'interpbook'" in answer
    assert len(list(tmp_path.iterdir())) == 2


def test_the_first_cell_installs_the_package_and_replaces_nothing(fresh):
    before = fresh.run("-c", KEPT)
    assert before.split()[-1] == "7.7.1"
    answer = said(fresh.execute(first_cell()))
    assert re.match(r"interpbook \S+ · torch", answer.splitlines()[-2]), answer
    assert fresh.run("-c", KEPT) == before
    assert str(fresh.python.parents[1]) in fresh.run("-c", "import interpbook; print(interpbook.__file__)")
    assert not fresh.asked_for.exists()


def test_a_page_of_another_release_says_so(fresh):
    notebook = first_cell()
    [cell] = notebook["cells"]
    cell["source"] = re.sub(r'version="[^"]*"', 'version="99.0.0"', "".join(cell["source"]))
    fresh.install()
    assert "This page belongs to interpbook 99.0.0, and" in said(fresh.execute(notebook))


def test_what_wants_another_machine_is_refused_and_written_down(fresh):
    program = (
        "import socket\ntry: socket.create_connection(('192.0.2.1', 80), 1)\nexcept OSError as error: print(error)"
    )
    assert "no network in the rehearsal" in fresh.run("-c", program)
    assert fresh.asked_for.read_text() == "socket.getaddrinfo 192.0.2.1\n"
    fresh.asked_for.unlink()
