"""The first cell: seeds, one line about the machine, the budget, and the usage log."""

import json
import os
import random
from pathlib import Path

import numpy as np
import pytest
import torch
from IPython.core.getipython import get_ipython

from interpbook import page
from interpbook.page import setup


def draws() -> tuple[float, float, float]:
    return random.random(), float(np.random.rand()), float(torch.rand(()))  # noqa: NPY002 - what start seeds


def test_the_seed_fixes_every_global_generator() -> None:
    page.start(seed=3)
    first = draws()
    page.start(seed=3)
    assert draws() == first
    page.start(seed=4)
    assert all(a != b for a, b in zip(first, draws(), strict=True))


def test_the_budget_is_declared_in_words_and_in_metadata(shown) -> None:
    page.start(seconds=60, memory_mb=1200.5, download_mb=3)
    [output] = shown.outputs
    assert output.metadata == {"interpbook": {"budget": {"seconds": 60, "memory_mb": 1200.5, "download_mb": 3}}}
    assert "60 s, 1200.5 MB of memory, 3 MB to download" in output.data["text/plain"]
    assert output.data["text/plain"].count("\n") == 1


def test_start_as_the_last_line_of_a_cell_shows_its_line_only(shown, capsys) -> None:
    get_ipython().run_cell("from interpbook import page\npage.start()")
    assert len(shown.outputs) == 1
    assert "Page(" not in capsys.readouterr().out


def test_the_page_knows_its_device_and_scale(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPBOOK_SCALE", "full")
    here = page.start()
    assert (here.scale, page.scale()) == ("full", "full")
    assert here.device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    monkeypatch.setenv("INTERPBOOK_SCALE", "huge")
    with pytest.raises(ValueError, match="INTERPBOOK_SCALE is 'huge', expected one of quick, full"):
        page.start()


@pytest.mark.parametrize("wrong", [{"seconds": 0}, {"memory_mb": -1}, {"download_mb": -1}, {"seconds": float("nan")}])
def test_an_impossible_budget_is_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        page.start(**wrong)


def test_usage_is_written_after_each_cell(shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INTERPBOOK_USAGE_LOG", str(tmp_path / "log"))
    shell = get_ipython()
    monkeypatch.setattr(setup, "_logger", None)
    shell.run_cell("from interpbook import page; page.start(seconds=5)")
    shell.run_cell("page.start(seconds=7)")
    [log] = (tmp_path / "log").iterdir()
    usage = json.loads(log.read_text())
    assert log.name == f"usage-{os.getpid()}.json"
    assert usage["budget"]["seconds"] == 7
    assert usage["seconds"] > 0
    # The figure is this process's own peak: at least what it holds now, never an unrelated parent's.
    assert usage["peak_mb"] > 50
    ballast = torch.ones(2**24)
    shell.run_cell("'a third cell'")
    assert json.loads(log.read_text())["peak_mb"] >= usage["peak_mb"]
    assert setup.peak_memory_mb() > ballast.nbytes / 2**20


def test_no_log_is_written_unasked(shown, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("INTERPBOOK_USAGE_LOG", raising=False)
    monkeypatch.chdir(tmp_path)
    get_ipython().run_cell("from interpbook import page; page.start()")
    assert not list(tmp_path.iterdir())
