"""The cell on top of every notebook: the same lines, with the one public address of this book."""

import re

import notebook_rules as rules
import pytest
import release

import interpbook

ADDRESS = release.repository()
VERSION = interpbook.__version__
START = re.compile(rf"(?:\w+ = )?page\.start\(seed=\d+(?:, \w+=[\d_.]+)*, version=\"{re.escape(VERSION)}\"\)")


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_is_the_set_up(path):
    first = rules.cells(rules.read(path), "code")[0]
    set_up = release.set_up(VERSION, ADDRESS)
    assert first.startswith(set_up), "written by `make release`, or `python book/_ext/release.py pages`"
    assert START.fullmatch(first.removeprefix(set_up)), first


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_the_set_up_is_folded(path):
    first = next(cell for cell in rules.read(path)["cells"] if cell["cell_type"] == "code")
    assert "hide-input" in first["metadata"].get("tags", [])


def test_the_address_is_the_same_wherever_a_person_reads_it():
    """Pages that no builder fills in: they repeat the setting, and this holds them to it."""
    for name in ("README.md", "book/welcome.md", "book/teaching/index.md"):
        found = set(re.findall(r"https://github\.com/[\w-]+/interpbook\b", (rules.ROOT / name).read_text()))
        assert found == {ADDRESS}, (name, found)
