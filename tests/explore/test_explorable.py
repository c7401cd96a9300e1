"""A figure shows itself at the end of a cell: for the page or for a kernel, and never silently not at all."""

import ipywidgets
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.display import display

from interpbook.explore.explorable import Explorable


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
    assert output.data == {"text/plain": "a small figure", "text/html": Small().html()}
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
    assert [output.data["text/html"] for output in shown.outputs] == ["<p>small</p>"]


def test_any_other_environment_is_refused(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPBOOK_RENDER", "paper")
    with pytest.raises(ValueError, match="INTERPBOOK_RENDER is 'paper', expected 'page' or nothing"):
        Small()._ipython_display_()


def test_what_is_not_there_is_said(shown, capsys: pytest.CaptureFixture[str]) -> None:
    """IPython takes a NotImplementedError for "no such form", and would show the object's address without a word."""
    display(Missing())
    assert "the figure cannot be shown: there is no such layer" in capsys.readouterr().out
