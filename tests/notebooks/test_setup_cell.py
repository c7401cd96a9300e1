"""The cell on top of every notebook: the same three lines, with the one public address of this book."""

import re

import notebook_rules as rules
import pytest
import yaml

ADDRESS = yaml.safe_load((rules.ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]
START = re.compile(r"from interpbook import page; (?:\w+ = )?page\.start\(seed=\d+(?:, \w+=[\d_.]+)*\)")


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_the_first_cell_is_the_set_up(path):
    lines = rules.cells(rules.read(path), "code")[0].splitlines()
    assert len(lines) == 3
    assert lines[:2] == [
        "import importlib.util",
        f'importlib.util.find_spec("interpbook") or get_ipython().run_line_magic("pip", "install -q git+{ADDRESS}")',
    ]
    assert START.fullmatch(lines[2]), lines[2]


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_the_set_up_is_folded(path):
    first = next(cell for cell in rules.read(path)["cells"] if cell["cell_type"] == "code")
    assert "hide-input" in first["metadata"].get("tags", [])


def test_the_address_is_the_same_wherever_a_person_reads_it():
    """Pages that no builder fills in: they repeat the setting, and this holds them to it."""
    for name in ("README.md", "book/welcome.md", "book/teaching.md"):
        found = set(re.findall(r"https://github\.com/[\w-]+/interpbook\b", (rules.ROOT / name).read_text()))
        assert found == {ADDRESS}, (name, found)
