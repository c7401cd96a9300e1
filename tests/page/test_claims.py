"""Claims: recorded with the output, shown as a sentence with a badge, and raised when outcome and verdict part."""

import json
import re
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from interpbook import page
from interpbook.output.numbers import measured
from interpbook.page import claim_view, claims, registry
from interpbook.page.claims import ClaimError

pytestmark = pytest.mark.usefixtures("toy_claims")


def entry_with(toy_claims: Path, id: str, line: str) -> None:
    """Adds a key to one of the toy claims."""
    text = toy_claims.read_text()
    toy_claims.write_text(text.replace(f"id: {id},", f"id: {id}, {line},"))
    registry.read.cache_clear()
    registry._load.cache_clear()


def test_a_claim_shows_its_sentence_with_a_badge_and_records_its_numbers(shown) -> None:
    page.claim("toy.order", {"a": [0.1, 0.2, 0.3], "b": torch.tensor([0.2, 0.3, 0.4])})
    [output] = shown.outputs
    stored = output.metadata["interpbook"]["claim"]
    assert json.loads(json.dumps(stored)) == stored
    assert list(stored) == sorted(stored)  # as it is saved, so that numbers keep their order
    assert (stored["id"], stored["scale"], stored["verdict"]) == ("toy.order", "quick", "reproduced")
    a = {"mean": 0.2, "std": 0.1, "low": 0.1, "high": 0.3, "n": 3}
    assert stored["headline"] == ["a", a]
    assert dict(stored["measured"])["a"] == a
    html = output.data["text/html"]
    summary, opened = re.fullmatch(".*<summary>(.*)</summary>(.*)</details></div>", html, re.DOTALL).groups()
    assert re.sub("<.*?>", "", summary).endswith(" ✓ reproduced · a 0.2 ± 0.1 (3 seeds)")
    assert re.findall('<span class="measured">(.*?)</span>', html) == ["0.2 ± 0.1", "0.2 ± 0.1", "0.3 ± 0.1"]
    assert '<cite data-cite="someone2019">Someone 2019</cite>' in opened
    assert "The paper: 0.25" in opened
    assert 'id="claim-toy-order"' in html
    assert "[reproduced, a «0.2 ± 0.1» (3 seeds)]" in output.data["text/plain"]
    assert "a «0.2 ± 0.1»; b «0.3 ± 0.1» (± over 3 seeds)" in output.data["text/plain"]


def test_the_badge_shows_the_number_that_the_registry_asks_for(shown, toy_claims: Path) -> None:
    entry_with(toy_claims, "toy.order", "headline: b - a")
    page.claim("toy.order", {"a": [0.1, 0.2, 0.3], "b": [0.3, 0.3, 0.6]})
    label, number = shown.outputs[0].metadata["interpbook"]["claim"]["headline"]
    assert (label, number["mean"], number["low"], number["n"]) == ("b - a", 0.2, 0.1, 3)
    assert "✓ reproduced · b - a <span" in shown.outputs[0].data["text/html"]


def test_a_badge_spells_names_as_they_were_measured(shown, toy_claims: Path) -> None:
    entry_with(toy_claims, "toy.order", "headline: after_it - a")
    page.claim("toy.order", {"a": [0.1, 0.2], "b": [0.3, 0.4], "after it": [0.3, 0.4]})
    assert "· after it - a <span" in shown.outputs[0].data["text/html"]
    assert "[reproduced, after it - a «0.2" in shown.outputs[0].data["text/plain"]


def test_a_headline_that_is_a_name_keeps_its_tolerance(shown, toy_claims: Path) -> None:
    entry_with(toy_claims, "toy.order", "headline: b, tolerance: {b: 0.5}")
    page.claim("toy.order", {"a": [0.1, 0.2], "b": [0.3, 0.4]})
    label, number = shown.outputs[0].metadata["interpbook"]["claim"]["headline"]
    assert (label, number["tolerance"]) == ("b", 0.5)


def test_a_lesson_s_claim_links_to_its_evidence_and_names_the_objection(shown, toy_claims: Path) -> None:
    entry_with(toy_claims, "toy.order", "evidence: All seeds, objection: It is chance. It is not.")
    page.claim("toy.order", {"a": [0.1, 0.2], "b": [0.3, 0.4]})
    html = shown.outputs[0].data["text/html"]
    assert '<a class="ib-evidence" href="toy_evidence.ipynb" data-heading="All seeds">All seeds</a>' in html
    assert "<dt>An opponent would say</dt><dd>It is chance. It is not.</dd>" in html


def test_an_ordering_says_that_it_is_no_more(shown, toy_claims: Path) -> None:
    text = toy_claims.read_text().replace("all(a < b)", "mean(a) < mean(b)")
    toy_claims.write_text(text)
    entry_with(toy_claims, "toy.order", "ordering_only: true")
    page.claim("toy.order", {"a": [0.1, 0.2], "b": [0.3, 0.4]})
    assert "✓ reproduced, ordering only · a" in shown.outputs[0].data["text/html"]
    assert "[reproduced, ordering only, a" in shown.outputs[0].data["text/plain"]


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
    number = measured(0.5)
    record = claims.ClaimRecord("toy.sum", ("<b>", number), {"<b>": number}, "<script>alert(1)</script>", "holds")
    for html in (claim_view.row_html(record, ["<b>"], '"<b>'), claim_view.badge_html(record)):
        assert "<script>" not in html
        assert "<b>" not in html


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


def test_a_page_that_starts_again_forgets_its_claims(shown) -> None:
    page.claim("toy.fails", 0.5)
    assert claims.recorded_ids() == ["toy.fails"]
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
    assert claim_view.badge_html(records[0]) == shown.outputs[0].data["text/html"]
    assert claim_view.plain(records[0]) == shown.outputs[0].data["text/plain"]
    assert claims.unrecorded([path]) == ["toy.fails"]


def test_what_is_not_a_notebook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text("{}")
    with pytest.raises(ValueError, match="is not a notebook"):
        claims.read_notebook(tmp_path / "x.ipynb")
