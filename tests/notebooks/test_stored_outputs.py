"""What is committed: notebooks that ran from top to bottom, without errors, small, and without traces of one run."""

import notebook_rules as rules
import pytest

from interpbook.page import refresh

LARGEST = 700_000

pytestmark = pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)


def code_cells(path) -> list[dict]:
    return [cell for cell in rules.read(path)["cells"] if cell["cell_type"] == "code" and cell["source"]]


def test_every_cell_ran_in_order(path):
    counts = [cell["execution_count"] for cell in code_cells(path)]
    assert counts == list(range(1, len(counts) + 1))


def test_no_cell_failed_or_complained(path):
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    bad = [o for o in outputs if o["output_type"] == "error" or o.get("name") == "stderr"]
    assert not bad, bad[:2]


def test_no_trace_of_when_it_ran(path):
    notebook = rules.read(path)
    assert not any("execution" in cell["metadata"] for cell in notebook["cells"])
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"


def test_it_is_small(path):
    assert path.stat().st_size < LARGEST


def test_its_scripts_and_styles_are_the_present_ones(path):
    assert not refresh.is_stale(path), "a script or style sheet has changed since they were stored: make refresh"
