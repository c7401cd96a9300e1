"""Prose: no measured number typed by hand, plain Markdown, cells and chapters of a readable length."""

import notebook_rules as rules
import pytest

each_notebook = pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
each_lesson = pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)


def markdown(text: str) -> dict:
    return {"cells": [{"cell_type": "markdown", "source": text}]}


@each_notebook
def test_no_measured_number_is_typed_into_prose(path):
    assert rules.typed_numbers(rules.read(path)) == []


@each_notebook
def test_markdown_is_plain(path):
    assert rules.directives(rules.read(path)) == []


@each_notebook
def test_no_measured_number_is_printed(path):
    assert rules.printed_numbers(rules.read(path)) == []


@each_notebook
def test_no_cell_is_kept_from_the_comparison(path):
    assert rules.switches(rules.read(path)) == []


@each_notebook
def test_numbers_in_words_are_stored(path):
    assert rules.number_formats(rules.read(path)) == []


@each_lesson
def test_a_chapter_has_a_readable_length(path):
    notebook = rules.read(path)
    least, most = rules.WORDS
    assert rules.is_draft(notebook) or least <= rules.words(notebook) <= most


@each_lesson
def test_a_chapter_opens_with_its_card(path):
    first = "\n".join(rules.cells(rules.read(path), "markdown")[:2])
    assert first.startswith("# ")
    assert 'class="ib-card"' in first


@pytest.mark.parametrize(
    "planted",
    [
        "an accuracy of 0.93",
        "it fell by 12%",
        "3 per cent",
        "about 1e-12",
        "2.5e-6 apart",
        "0.81 ± 0.01",
        "1,234.5 steps",
        "3 × 10",
    ],
)
def test_a_planted_number_is_found(planted):
    assert rules.typed_numbers(markdown(f"We measured {planted} here."))


@pytest.mark.parametrize(
    "allowed",
    [
        "published in 2019, with 5 seeds and 10 classes",
        "below $10^{-12}$, or $$x = 0.5 \\\\ y = 1.5$$",
        "run `f(x, 0.5)`",
        "```python\nx = 0.5\n```",
        "[a paper](https://arxiv.org/abs/1905.00780)",
        "<span style='margin: 0.5em'>aside</span>",
        "## 1.5 A heading",
    ],
)
def test_numbers_that_are_no_results_are_left_alone(allowed):
    assert rules.typed_numbers(markdown(allowed)) == []


@pytest.mark.parametrize(
    "planted", ["see {cite}`srinivas2019full`", "```{note}\nx\n```", ":::{tip}\nx\n:::", "(label)=\n## Title"]
)
def test_a_planted_directive_is_found(planted):
    assert rules.directives(markdown(planted))


def test_a_printed_number_is_found():
    printed = {"output_type": "execute_result", "data": {"text/plain": ["tensor([0.25,", " 1.0000])"]}}
    cell = {"cell_type": "code", "source": "x", "metadata": {}, "outputs": [printed]}
    assert rules.printed_numbers({"cells": [cell]}) == ["0.25", "1.0000"]
    shown = {"output_type": "display_data", "data": {"text/plain": "tensor([1., .5])"}, "metadata": {}}
    assert rules.printed_numbers({"cells": [cell | {"outputs": [shown]}]}) == ["1.", ".5"]
    assert rules.printed_numbers({"cells": [cell | {"metadata": {"tags": ["solution"]}}]}) == []


FIELDS = ["{x:.2f}", "{x:9.3g}", "{x:+.1%}", "{x.std():<6.2g}", "{x:,.0f}", "{x:g}", "{x:.{d}f}", "{x:.3}", "{:.2f}"]


@pytest.mark.parametrize("field", FIELDS)
def test_a_number_format_is_found(field):
    cell = {"cell_type": "code", "source": f'f"{field} of {{page.measured(x):.2f}}"'}
    assert rules.number_formats({"cells": [cell]}) == [field]


@pytest.mark.parametrize("source", ['{"true": cosines, "wrong": wrong}', 'f"{name:>8}"', 'f"{page.measured(x):.2f}"'])
def test_other_braces_are_no_number_formats(source):
    assert rules.number_formats({"cells": [{"cell_type": "code", "source": source}]}) == []
