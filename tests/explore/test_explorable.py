"""A figure shows itself at the end of a cell: for the page or for a kernel, and never silently not at all."""

import ipywidgets
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from interpbook.explore import explorable
from interpbook.explore.explorable import Explorable
from interpbook.output import captions
from interpbook.output.numbers import measured


@pytest.fixture(autouse=True)
def a_page_begins() -> None:
    captions.restart()


class Small(Explorable):
    _plain = "a small figure"

    def widgets(self) -> ipywidgets.VBox:
        return ipywidgets.VBox([])

    def _in_page(self) -> tuple[str, dict[str, object]]:
        return "<p>small</p>", {"words": ["one"]}


class Missing(Small):
    def _in_page(self) -> tuple[str, dict[str, object]]:
        raise NotImplementedError("there is no such layer")


def test_a_page_gets_one_output_with_what_is_stored_beside_it(shown) -> None:
    display(Small())
    [output] = shown.outputs
    assert output.data == {"text/plain": "Figure 1: a small figure", "text/html": Small().html()}
    assert output.metadata == {"interpbook": {"words": ["one"]}}


def test_a_kernel_gets_widgets(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERPBOOK_RENDER")
    display(Small())
    [output] = shown.outputs
    assert "application/vnd.jupyter.widget-view+json" in output.data


def test_the_last_line_of_a_cell_shows_the_figure_and_nothing_else(shown) -> None:
    shell = InteractiveShell.instance()
    shell.push({"small": Small()})
    shell.run_cell("small")
    assert [output.data["text/html"] for output in shown.outputs] == [Small().html()]


def test_a_figure_that_moves_has_a_caption_with_its_number_in_the_page_and_in_a_kernel(shown, monkeypatch) -> None:
    captioned = Small()
    captioned.caption = f"Look at the {measured([0.5, 0.7]):.1f}."
    display(captioned)
    monkeypatch.delenv("INTERPBOOK_RENDER")
    with monkeypatch.context() as watched:
        boxes: list[ipywidgets.VBox] = []
        watched.setattr(explorable, "display", boxes.append)
        captioned._ipython_display_()
    [output] = shown.outputs
    below = '<b>Figure {}.</b> <span class="ib-caption">Look at the 0.6 ± 0.1.</span>'
    assert f"<figcaption>{below.format(1)}</figcaption></figure>" in output.data["text/html"]
    assert output.metadata["interpbook"]["words_below"]["text"] == "Look at the «0.6 ± 0.1»."
    assert boxes[0].children[-1].value == f"<p>{below.format(2)}</p>"


def test_any_other_environment_is_refused(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPBOOK_RENDER", "paper")
    with pytest.raises(ValueError, match="INTERPBOOK_RENDER is 'paper', expected 'page' or nothing"):
        Small()._ipython_display_()


def test_what_is_not_there_is_said(shown, capsys: pytest.CaptureFixture[str]) -> None:
    """IPython takes a NotImplementedError for "no such form", and would show the object's address without a word."""
    display(Missing())
    assert "the figure cannot be shown: there is no such layer" in capsys.readouterr().out
