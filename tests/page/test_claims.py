"""Claims: recorded with the output, shown as one row, and raised when outcome and verdict part."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from interpbook import page
from interpbook.output.numbers import measured
from interpbook.page import claims, registry
from interpbook.page.claims import ClaimError

pytestmark = pytest.mark.usefixtures("toy_claims")


def test_a_claim_shows_one_row_and_records_its_numbers(shown) -> None:
    page.claim("toy.order", {"a": [0.1, 0.2, 0.3], "b": torch.tensor([0.2, 0.3, 0.4])})
    [output] = shown.outputs
    stored = output.metadata["interpbook"]["claim"]
    assert json.loads(json.dumps(stored)) == stored
    assert (stored["id"], stored["scale"], stored["verdict"]) == ("toy.order", "quick", "reproduced")
    assert dict(stored["measured"])["a"] == {"mean": 0.2, "std": 0.1, "low": 0.1, "high": 0.3, "n": 3}
    html = output.data["text/html"]
    assert html.count("<tr") == 1
    assert re.findall('<span class="measured">(.*?)</span>', html)[:2] == ["0.2 ± 0.1", "0.3 ± 0.1"]
    assert '<cite data-cite="someone2019">Someone 2019</cite>' in html
    assert "The paper: 0.25" in html
    assert "✓ reproduced" in html
    assert "a «0.2 ± 0.1»; b «0.3 ± 0.1» (± over 3 seeds)" in output.data["text/plain"]


def test_numbers_are_stored_with_six_digits(shown) -> None:
    page.claim("toy.fails", 0.123456789)
    stored = shown.outputs[0].metadata["interpbook"]["claim"]["measured"][0][1]
    assert (stored["mean"], stored["n"], stored["std"]) == (0.123457, 1, 0.0)


def test_rounding_noise_is_stored_and_shown_as_its_bound(shown) -> None:
    page.claim("toy.sum", [0.0, 1e-12])
    [output] = shown.outputs
    assert output.metadata["interpbook"]["claim"]["measured"] == [["value", {"bound": 1e-9, "n": 2}]]
    assert "Measured: «below 1e-9» (2 models). Scale" in output.data["text/plain"]
    assert '<span class="measured">below 1e-9</span> (2 models)' in output.data["text/html"]


def test_a_tolerance_of_the_registry_is_stored(shown, toy_claims: Path, monkeypatch) -> None:
    toy_claims.write_text(
        toy_claims.read_text().replace("criterion: value > 1,", "criterion: value > 1, tolerance: 0.2,")
    )
    page.claim("toy.fails", 0.5)
    assert shown.outputs[0].metadata["interpbook"]["claim"]["measured"][0][1]["tolerance"] == 0.2
    wrong = toy_claims.read_text().replace("tolerance: 0.2", "tolerance: {speed: 0.2}")
    toy_claims.write_text(wrong)
    registry.read.cache_clear()
    registry._load.cache_clear()
    with pytest.raises(ValueError, match=r"'toy.fails' has a tolerance for \['speed'\], but measured was \['value'\]"):
        page.claim("toy.fails", 0.5)


def test_names_are_shown_as_they_are_and_read_as_identifiers(shown, toy_claims: Path) -> None:
    toy_claims.write_text(toy_claims.read_text().replace("all(a < b)", "all(grad_cam < b)"))
    page.claim("toy.order", {"grad × cam": [0.1, 0.2], "b": [0.2, 0.3]})
    assert "grad × cam «0.15 ± 0.071»" in shown.outputs[0].data["text/plain"]


def test_text_of_the_registry_is_escaped(shown) -> None:
    page.claim("toy.sum", [0.0, 1e-12])
    html = shown.outputs[0].data["text/html"]
    assert "The <code>terms</code> add up &lt; always &gt;." in html


def test_text_of_a_hostile_notebook_is_escaped() -> None:
    record = claims.ClaimRecord("toy.sum", {"<b>": measured(0.5)}, "<script>alert(1)</script>", "holds")
    assert "<script>" not in claims.claim_row_html(record)
    assert "<b>" not in claims.claim_row_html(record)


def test_a_failing_criterion_raises_and_records_nothing(shown) -> None:
    with pytest.raises(ClaimError, match=r"'toy\.sum' is registered as 'holds', but .* now fails .*«0.5»"):
        page.claim("toy.sum", 0.5)
    assert not shown.outputs
    assert claims.recorded_ids() == []


def test_a_failed_reproduction_that_suddenly_succeeds_raises_too(shown) -> None:
    page.claim("toy.fails", 0.5)
    html = shown.outputs[0].data["text/html"]
    assert "✗ not reproduced" in html
    assert "Small digits are easy." in html
    with pytest.raises(ClaimError, match=r"registered as 'not reproduced', but .* now passes"):
        page.claim("toy.fails", 2.0)


@pytest.mark.parametrize(
    ("found", "error", "complaint"),
    [
        (float("nan"), ValueError, "expected finite"),
        ([0.0, float("inf")], ValueError, "expected finite"),
        ({"value": np.array([np.nan])}, ValueError, r"measured\['value'\] is \[nan\]"),
        ([], ValueError, "non-empty"),
        (torch.zeros(2, 2), ValueError, r"shape \(2, 2\)"),
        ("0.1", TypeError, "expected a number"),
        (None, TypeError, "expected a number"),
        (True, TypeError, "expected a number"),
        ({}, ValueError, "empty dictionary"),
        ({"3 seeds": 1.0}, ValueError, "has the name '3 seeds', expected one that a criterion can read"),
        ({"mean": 1.0}, ValueError, "has the name 'mean', expected one that a criterion can read"),
        ({"a b": 1.0, "a-b": 1.0}, ValueError, "has the name 'a b', expected one that a criterion can read"),
        ({5: 1.0}, ValueError, "has the name 5, expected one that a criterion can read"),
    ],
)
def test_what_is_not_a_finite_number_is_refused(found, error, complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        page.claim("toy.sum", found)


@pytest.mark.parametrize("zero", [0, 0.0, np.float32(0), np.int64(0), torch.tensor(0.0), torch.zeros(1), (0, 0)])
def test_every_kind_of_number_is_read(shown, zero) -> None:
    page.claim("toy.sum", zero)
    stored = shown.outputs[0].metadata["interpbook"]["claim"]["measured"][0][1]
    assert stored["bound"] == 1e-9


def test_an_unknown_id_names_its_neighbours() -> None:
    with pytest.raises(KeyError, match=r"near it: toy\.order"):
        page.claim("toy.ordre", 1.0)


def test_the_table_holds_what_was_recorded_once_each(shown) -> None:
    page.claim("toy.fails", 0.5)
    page.claim("toy.sum", 0.0)
    page.claim("toy.fails", 0.25)
    page.claims_table()
    table = shown.outputs[-1].data["text/html"]
    assert re.findall('data-claim="(.*?)"', table) == ["toy.fails", "toy.sum"]
    assert '<span class="measured">0.25</span>' in table
    stored = shown.outputs[-1].metadata["interpbook"]["claims"]
    assert [claim["measured"][0][1].get("mean") for claim in stored] == [0.25, None]
    page.start()
    assert claims.recorded_ids() == []


def test_a_notebook_gives_its_claims_back(shown, tmp_path: Path) -> None:
    page.claim("toy.order", {"a": [0.1, 0.2], "b": [0.2, 0.3]})
    page.claim("toy.sum", 1e-12)
    outputs = [nbformat.v4.new_output("display_data", data=o.data, metadata=o.metadata) for o in shown.outputs]
    outputs.insert(0, nbformat.v4.new_output("stream", text="hello"))
    cells = [nbformat.v4.new_markdown_cell("# Title"), nbformat.v4.new_code_cell("...", outputs=outputs)]
    path = tmp_path / "toy.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    records = claims.read_notebook(path)
    assert [record.id for record in records] == ["toy.order", "toy.sum"]
    assert all(record.notebook == str(path) for record in records)
    assert claims.claim_row_html(records[0]) in shown.outputs[0].data["text/html"]
    assert claims.unrecorded([path]) == ["toy.fails"]


def test_what_is_not_a_notebook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text("{}")
    with pytest.raises(ValueError, match="is not a notebook"):
        claims.read_notebook(tmp_path / "x.ipynb")
