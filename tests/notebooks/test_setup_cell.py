"""The cell on top of every notebook: the same lines, with the one public address of this book."""

import re

import notebook_rules as rules
import pytest
import yaml

ADDRESS = yaml.safe_load((rules.ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
SET_UP = f"""\
import importlib.util

if importlib.util.find_spec("interpbook") is None:
    %pip install -q git+{ADDRESS}

from interpbook import page

"""
START = re.compile(r"(?:\w+ = )?page\.start\(seed=\d+(?:, \w+=[\d_.]+)*\)")


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_is_the_set_up(path):
    first = rules.cells(rules.read(path), "code")[0]
    assert first.startswith(SET_UP)
    assert START.fullmatch(first.removeprefix(SET_UP)), first


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_the_set_up_is_folded(path):
    first = next(cell for cell in rules.read(path)["cells"] if cell["cell_type"] == "code")
    assert "hide-input" in first["metadata"].get("tags", [])


def test_the_address_is_the_same_wherever_a_person_reads_it():
    """Pages that no builder fills in: they repeat the setting, and this holds them to it."""
    for name in ("README.md", "book/welcome.md", "book/teaching.md"):
        found = set(re.findall(r"https://github\.com/[\w-]+/interpbook\b", (rules.ROOT / name).read_text()))
        assert found == {ADDRESS}, (name, found)
