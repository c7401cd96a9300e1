"""Time and memory of every notebook, as recorded while it was tested, against the budget that it declares.

Needs the record that a notebook's run left behind (see `tests/proofs.py`), in this run of the suite or an earlier one.
"""

import json
from pathlib import Path

import notebook_rules as rules
import proofs
import pytest

MOST = {"seconds": 60, "memory_mb": 1500}
# The same cells take some machines, and busy ones, half as long again.
SLOWER = 1.5

each_notebook = pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)


def declared(path: Path) -> dict[str, float]:
    """The budget in the output of the set-up cell."""
    first = next(cell for cell in rules.read(path)["cells"] if cell["cell_type"] == "code")
    stored = [output.get("metadata", {}).get("interpbook", {}).get("budget") for output in first["outputs"]]
    return next(filter(None, stored))


@each_notebook
def test_the_budget_is_within_the_book_s(path):
    budget = declared(path)
    assert all(0 < budget[name] <= most for name, most in MOST.items()), budget


@each_notebook
def test_the_run_kept_to_the_budget(path):
    runs = list(proofs.record_of(path, proofs.PROOFS).glob("usage-*.json"))
    if not runs:
        pytest.skip("this notebook was not run here: `make test` does")
    [run] = [json.loads(file.read_text(encoding="utf-8")) for file in runs]
    budget = declared(path)
    assert run["budget"] == budget
    assert run["seconds"] <= SLOWER * budget["seconds"], run
    assert run["peak_mb"] <= budget["memory_mb"], run
