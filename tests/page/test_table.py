"""Tables: every number with its spread, in HTML, in plain text and in the stored data."""

import re

import pytest
import torch

from interpbook import page
from interpbook.output.numbers import from_json

COLUMNS = {
    "accuracy": {"plain": [0.8, 0.9], "sharp < 1": 0.95},
    "gap": {"plain": page.measured(3e-16, bound=1e-12)},
    "parts": {"plain": 12, "sharp < 1": "none"},
}


def test_the_three_forms_say_the_same(shown) -> None:
    page.table(COLUMNS, caption="Two networks", over="folds")
    [output] = shown.outputs
    plain, html = output.data["text/plain"], output.data["text/html"]
    numbers = ["0.85 ± 0.071", "below 1e-12", "0.95"]
    assert re.findall("«(.*?)»", plain) == numbers
    assert re.findall('<span class="measured">(.*?)</span>', html) == numbers
    assert plain.splitlines()[0] == "Two networks"
    assert plain.splitlines()[-1] == "± is the standard deviation over 2 folds."
    assert html.count("<tr>") == 3
    assert "sharp &lt; 1" in html
    stored = output.metadata["interpbook"]["table"]
    assert stored["columns"] == ["accuracy", "gap", "parts"]
    first, second = stored["rows"]
    assert (first["row"], second["row"]) == ("plain", "sharp < 1")
    assert second["cells"][1:] == ["—", "none"]
    assert from_json(first["cells"][0]) == page.measured([0.8, 0.9])


def test_columns_stand_below_each_other(shown) -> None:
    page.table({"a": {"x": 1.0, "longer name": 22.5}})
    first, *rows = shown.outputs[0].data["text/plain"].splitlines()
    assert {row.index("«") for row in rows} == {first.index("a")}


def test_lists_and_tensors_are_read_along_the_rows(shown) -> None:
    accuracy = torch.tensor([[0.5, 0.7], [0.2, 0.4]])
    page.table({"accuracy": accuracy, "words": ["good", "bad"]}, rows=["net", "guess"])
    dictionaries = {"net": [0.5, 0.7], "guess": [0.2, 0.4]}, {"net": "good", "guess": "bad"}
    page.table({"accuracy": dictionaries[0], "words": dictionaries[1]})
    by_axis, by_name = (output.data["text/plain"] for output in shown.outputs)
    assert by_axis == by_name


def test_rows_choose_and_order(shown) -> None:
    page.table({"a": {"x": 1, "y": 2, "z": 3}, "b": {"z": 4}}, rows=["z", "x"])
    lines = shown.outputs[0].data["text/plain"].splitlines()
    assert [line.split() for line in lines] == [["a", "b"], ["z", "3", "4"], ["x", "1", "—"]]


@pytest.mark.parametrize(
    ("column", "rows", "complaint"),
    [
        ([1.0, 2.0], ["x"], r"^columns\['a'\] has 2 cells, expected 1, one for each of rows$"),
        (torch.zeros(3), ["x", "y"], r"^columns\['a'\] has 3 cells, expected 2"),
        ([1.0, 2.0], [], r"^columns\['a'\] has 2 cells, expected a dictionary, or rows that name them$"),
    ],
)
def test_a_column_of_another_length_is_named(shown, column, rows: list[str], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        page.table({"a": column}, rows=rows)
    assert not shown.outputs


@pytest.mark.parametrize(
    ("columns", "error", "complaint"),
    [
        ({}, ValueError, "at least one column with one row"),
        ({"a": {}}, ValueError, "at least one column with one row"),
        ({"a": {"b": object()}}, TypeError, r"columns\['a'\]\['b'\]"),
        ({"a": {"b": [0.1, float("nan")]}}, ValueError, "expected finite"),
    ],
)
def test_wrong_cells_are_named(shown, columns: dict, error: type, complaint: str) -> None:
    with pytest.raises(error, match=complaint):
        page.table(columns)
    assert not shown.outputs
