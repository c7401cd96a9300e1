"""Figures of a chapter: links lead to the figure that they name, captions are there and hold no typed number."""

import notebook_rules as rules
import pytest

each_notebook = pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)


def cell(text: str = "", html: str = "", caption: str = "") -> dict:
    """A notebook of one piece of prose and one figure."""
    stored = {"words_below": {"text": caption, "numbers": []}} if caption else {}
    output = {"data": {"text/html": html, "text/plain": "Figure"}, "metadata": {"interpbook": stored}}
    prose = {"cell_type": "markdown", "source": text}
    return {"cells": [prose, {"cell_type": "code", "source": "x", "metadata": {}, "outputs": [output]}]}


@each_notebook
def test_links_to_figures_lead_to_the_figure_they_name(path):
    assert rules.lost_figure_links(rules.read(path)) == []


@each_notebook
def test_no_measured_number_is_typed_into_a_caption(path):
    assert rules.typed_captions(rules.read(path)) == []


@each_notebook
def test_every_figure_has_a_caption(path):
    assert rules.figures_without_caption(rules.read(path)) == []


FIGURE = '<figure class="ib-figure" id="figure-3">'


@pytest.mark.parametrize("link", ["[Figure 2](#figure-2)", "[Figure 3](#figure-2)", "[Figure 2](#figure-3?class=7)"])
def test_a_lost_link_is_found(link):
    assert rules.lost_figure_links(cell(f"see {link}", FIGURE)) == [link]


@pytest.mark.parametrize(
    "link", ["[Figure 3](#figure-3)", "[Figure 3, a seven](#figure-3?class=7)", "[its state](#figure-3?a=1)"]
)
def test_a_right_link_is_left_alone(link):
    assert rules.lost_figure_links(cell(f"see {link}", FIGURE)) == []


def test_a_typed_number_in_a_caption_is_found():
    assert rules.typed_captions(cell(caption="It rises by 0.25, then by «0.5 ± 0.1».")) == ["0.25"]


def test_a_figure_without_a_caption_is_found():
    assert rules.figures_without_caption(cell(html=FIGURE)) == ["figure-3"]
    assert rules.figures_without_caption(cell(html=FIGURE, caption="Look.")) == []
