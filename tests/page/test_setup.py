"""The first cell: seeds, one line about the machine, the budget, and the usage log."""

import json
import os
import random
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from IPython.core.getipython import get_ipython

import interpbook
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


def test_a_page_and_a_package_that_part_say_so_in_one_line(shown) -> None:
    page.start(version=interpbook.__version__)
    page.start(version="99.0.0")
    agreed, parted = (output.data["text/plain"].splitlines() for output in shown.outputs)
    assert parted[:-1] == agreed
    assert f"belongs to interpbook 99.0.0, and {interpbook.__version__} is installed" in parted[-1]


def test_where_a_gpu_is_the_full_scale_is_offered_until_it_is_chosen(shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "some GPU")
    monkeypatch.setenv("INTERPBOOK_SCALE", "quick")
    page.start()
    offer = shown.outputs[0].data["text/plain"].splitlines()[-1]
    [typed] = re.findall(r"%env \S+", offer)
    get_ipython().run_line_magic("env", typed.removeprefix("%env "))
    assert page.start().scale == "full"
    assert "GPU is here" not in shown.outputs[-1].data["text/plain"]


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
