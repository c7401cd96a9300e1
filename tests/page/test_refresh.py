"""`make refresh` writes the present scripts and styles into stored outputs, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from interpbook.output import blocks
from interpbook.page import executed, refresh

DATA = '<script type="application/json">{"a": "\u2028 0.25"}</script>\n'


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with one script."""
    monkeypatch.setattr(blocks, "PACKAGE", tmp_path)
    (tmp_path / "figure.js").write_text("var old = 1;\n")
    return tmp_path


def notebook(path: Path) -> Path:
    """A notebook that shows a figure and a number."""
    html = f"<div>{DATA}{blocks.script('ib-0', 'figure.js')}</div>"
    figure = nbformat.v4.new_output("display_data", {"text/html": html, "text/plain": "a figure"})
    said = nbformat.v4.new_output("stream", text="0.25\n")
    cells = [nbformat.v4.new_markdown_cell("# T"), nbformat.v4.new_code_cell("x", execution_count=1)]
    cells[1].outputs = [figure, said]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    executed.stamp(path)
    return path


def test_an_edited_script_is_written_and_nothing_else(package: Path) -> None:
    path, other = notebook(package / "figure.ipynb"), package / "other.ipynb"
    nbformat.write(nbformat.v4.new_notebook(), other)
    before = path.read_bytes()
    assert not refresh.is_stale(path)
    assert refresh.refresh([path, other]) == []
    (package / "figure.js").write_text("var edited = 2;\nvar more = 3;\n")
    assert refresh.is_stale(path)
    assert refresh.refresh([path, other]) == [path]
    assert not refresh.is_stale(path)
    assert not executed.is_stale(path)
    # As JSON each line of a text is an entry of its own.
    old, new = rb'"var old = 1;\n",', b'"var edited = 2;\\n",\n       "var more = 3;\\n",'
    assert before.count(old) == 1
    assert path.read_bytes() == before.replace(old, new)


def test_a_script_that_is_gone_is_one_clear_error_and_changes_no_notebook(package: Path) -> None:
    whole, broken = notebook(package / "whole.ipynb"), notebook(package / "broken.ipynb")
    broken.write_text(broken.read_text().replace("figure.js", "gone.js"))
    (package / "figure.js").write_text("var edited = 2;\n")
    before = whole.read_text()
    assert refresh.is_stale(broken)
    with pytest.raises(ValueError, match=r"broken\.ipynb.*'gone\.js'.*make notebooks NOTEBOOKS=.*broken\.ipynb"):
        refresh.refresh([whole, broken])
    assert whole.read_text() == before


def test_a_notebook_that_cannot_be_written_stays_whole(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = notebook(package / "figure.ipynb")
    before = path.read_bytes()
    (package / "figure.js").write_text("var edited = 2;\n")

    def full(self: Path, text: str, **options: str) -> None:
        self.write_bytes(text.encode()[:100])
        raise OSError("no space left")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(OSError, match="no space left"):
        refresh.refresh([path])
    assert path.read_bytes() == before
    assert sorted(file.name for file in package.iterdir()) == ["figure.ipynb", "figure.js"]


def test_the_command_says_what_is_wrong_without_a_traceback(tmp_path: Path) -> None:
    block = {"text/html": '<style data-files="gone.css"></style>'}
    cell = {"cell_type": "code", "outputs": [{"data": block}]}
    (tmp_path / "a.ipynb").write_text(json.dumps({"cells": [cell]}))
    command = [sys.executable, "-m", "interpbook.page.refresh", str(tmp_path / "a.ipynb")]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "'gone.css'" in done.stderr
    assert "Traceback" not in done.stderr
