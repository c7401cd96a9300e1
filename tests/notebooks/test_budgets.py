"""Time and memory of every notebook, as recorded while it was tested, against the budget that it declares.

Needs the record that `make test` collects in the directory INTERPBOOK_USAGE_LOG while it runs the notebooks.
"""

import json
import os
from pathlib import Path

import notebook_rules as rules
import pytest

MOST = {"seconds": 90, "memory_mb": 1500}
RECORD = os.environ.get("INTERPBOOK_USAGE_LOG")

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
@pytest.mark.skipif(RECORD is None, reason="no record of a run: `make test` collects one")
def test_the_run_kept_to_the_budget(path):
    runs = [json.loads(file.read_text()) for file in Path(RECORD).glob("usage-*.json")]
    ours = [run for run in runs if run["notebook"] == str(path)]
    assert ours, f"no run of {path.name} among {[run['notebook'] for run in runs]}"
    budget = declared(path)
    for run in ours:
        assert run["budget"] == budget
        assert run["seconds"] <= budget["seconds"], run
        assert run["peak_mb"] <= budget["memory_mb"], run
