"""A stored notebook knows which code its outputs come from, and the ledger where its claims were seen to hold."""

import json
from pathlib import Path

import nbformat
import pytest

from interpbook.output.numbers import measured
from interpbook.page import claim_view, claims, executed

pytestmark = pytest.mark.usefixtures("toy_claims")


@pytest.fixture
def notebook(tmp_path: Path) -> Path:
    path = tmp_path / "part" / "toy.ipynb"
    path.parent.mkdir(exist_ok=True)
    cells = [nbformat.v4.new_markdown_cell("# Toy"), nbformat.v4.new_code_cell("x = 1", execution_count=1)]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


def edit(path: Path, cell: int, source: str) -> None:
    stored = json.loads(path.read_text())
    stored["cells"][cell]["source"] = [source]
    path.write_text(json.dumps(stored))


def test_changed_code_makes_outputs_stale_and_changed_text_does_not(notebook: Path) -> None:
    assert executed.is_stale(notebook)
    executed.stamp(notebook)
    assert not executed.is_stale(notebook)
    edit(notebook, 0, "# Another title")
    assert not executed.is_stale(notebook)
    edit(notebook, 1, "x = 2")
    assert executed.is_stale(notebook)


def test_a_stamp_changes_nothing_else(notebook: Path) -> None:
    before = nbformat.read(notebook, as_version=4)
    executed.stamp(notebook)
    after = nbformat.read(notebook, as_version=4)
    del after.metadata["interpbook"]
    assert after == before
    nbformat.write(nbformat.read(notebook, as_version=4), notebook.with_name("again.ipynb"))
    assert notebook.read_text() == notebook.with_name("again.ipynb").read_text()


def test_a_stamp_keeps_the_front_matter(notebook: Path) -> None:
    stored = json.loads(notebook.read_text())
    stored["metadata"]["interpbook"] = {"chapter": {"title": "Toy"}, "executed": "once"}
    notebook.write_text(json.dumps(stored))
    executed.stamp(notebook)
    assert json.loads(notebook.read_text())["metadata"]["interpbook"]["chapter"] == {"title": "Toy"}
    assert not executed.is_stale(notebook)


def test_a_notebook_that_was_not_run_is_not_stamped(notebook: Path) -> None:
    stored = json.loads(notebook.read_text())
    stored["cells"][1]["execution_count"] = None
    notebook.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match="was not executed from top to bottom"):
        executed.stamp(notebook)


def test_what_was_seen_elsewhere_counts_while_code_and_claims_stay(notebook: Path, toy_claims: Path) -> None:
    seen = notebook.with_name("travel.json")
    assert executed.seen_on(notebook, seen) == {}
    executed.note_seen(notebook, "AVX2", ["toy.sum", "toy.order"], seen)
    executed.note_seen(notebook, "no AVX", ["toy.sum"], seen)
    assert executed.seen_on(notebook, seen) == {"toy.order": ["AVX2"], "toy.sum": ["AVX2", "no AVX"]}
    executed.note_seen(notebook, "no AVX", [], seen)
    assert executed.seen_on(notebook, seen) == {"toy.order": ["AVX2"], "toy.sum": ["AVX2"]}
    edit(notebook, 1, "x = 2")
    assert executed.seen_on(notebook, seen) == {}
    executed.note_seen(notebook, "AVX2", ["toy.sum"], seen)
    assert executed.seen_on(notebook, seen) == {"toy.sum": ["AVX2"]}


def test_a_lesson_and_its_evidence_share_claims_and_are_seen_apart(notebook: Path) -> None:
    evidence = notebook.with_name("toy_evidence.ipynb")
    evidence.write_text(notebook.read_text())
    assert executed.chapter_of(evidence) == executed.chapter_of(notebook) == "part/toy"
    assert executed.fingerprint_with_claims(evidence) == executed.fingerprint_with_claims(notebook)
    seen = notebook.with_name("travel.json")
    executed.note_seen(notebook, "AVX2", ["toy.sum"], seen)
    executed.note_seen(evidence, "AVX2", ["toy.order"], seen)
    assert executed.seen_on(notebook, seen) == {"toy.sum": ["AVX2"]}
    assert executed.seen_on(evidence, seen) == {"toy.order": ["AVX2"]}


def test_the_ledger_says_where(shown) -> None:
    record = claims.ClaimRecord("toy.sum", ("value", measured(0.5)), {}, "quick", "holds")
    assert "confirmed with AVX2, no AVX" in claim_view.row_html(record, ["AVX2", "no AVX"])
    assert "confirmed" not in claim_view.row_html(record)
