"""One notebook in a real JupyterLab: a person runs all cells, moves a control, and sees another picture."""

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

SWEEP = """from interpbook import page
from matplotlib.figure import Figure

def draw(size, colour):
    figure = Figure(figsize=(3, 2), layout="constrained")
    figure.add_subplot().bar(["one", "two"], [size, 1], color=colour)
    return figure, f"Two bars in {colour}, the first {size} high"

page.explore.sweep(draw, size=[1, 2, 3, 4, 5, 6], colour=["teal", "grey"])"""
LIVE = """import torch
from interpbook import models

images = {"a line": torch.eye(4)[None], "nothing": torch.zeros(1, 4, 4)}
page.explore.live(models.MLP(hidden=(4,), inputs=16).eval(), start=images, views=["probabilities", "gradient_step"])"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    """The address of a JupyterLab with one small notebook, run by a person: INTERPBOOK_RENDER is not set."""
    folder = tmp_path_factory.mktemp("lab")
    empty = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    cells = [empty | {"source": source, "id": f"cell-{k}"} for k, source in enumerate((SWEEP, LIVE))]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (folder / "small.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    server = subprocess.Popen(_command(folder, port, token), env=_environment(folder), cwd=folder)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api?token={token}", server)
        yield f"http://127.0.0.1:{port}/lab/tree/small.ipynb?token={token}"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _command(folder: Path, port: int, token: str) -> list[str]:
    options = {"ip": "127.0.0.1", "port": port, "port_retries": 0, "open_browser": False, "root_dir": folder}
    settings = [f"--ServerApp.{name}={value}" for name, value in options.items()]
    quiet = ["--ServerApp.allow_root=True", "--log-level=ERROR", "--LabApp.news_url=None"]
    return [sys.executable, "-m", "jupyter", "lab", *settings, f"--IdentityProvider.token={token}", *quiet]


def _environment(folder: Path) -> dict[str, str]:
    """As a new user would have it: no settings of this machine's own JupyterLab, and kernels from this environment."""
    kept = {name: value for name, value in os.environ.items() if name not in ("INTERPBOOK_RENDER", "MPLBACKEND")}
    own = {name: str(folder / f".{name.lower()}") for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    return kept | own | {"JUPYTER_PREFER_ENV_PATH": "1"}


def _wait_for(address: str, server: subprocess.Popen, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=2).close()
            return
        except OSError:
            time.sleep(0.3)
    raise RuntimeError(f"JupyterLab did not start within {seconds} s (exit code {server.poll()})")


@pytest.fixture(scope="module")
def page(visit, lab):
    """JupyterLab with the notebook open and all of its cells run."""
    page = visit(viewport={"width": 1200, "height": 1600}).page
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    # Before the kernel is there, "run" is silently forgotten.
    page.get_by_text("(ipykernel) | Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(".jp-OutputArea img").nth(1).wait_for(timeout=90_000)
    return page


class Output:
    """What a cell shows, and every picture that was seen in it."""

    def __init__(self, page, number: int) -> None:
        self.area = page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea").first
        self.image = self.area.locator("img")
        self.seen: list[tuple[str, str]] = []
        self.another_picture()

    def another_picture(self) -> None:
        """Wait for a picture that was not seen before."""
        end = time.monotonic() + 30
        # Both at once: between two questions the picture may be replaced.
        while (now := tuple(self.image.evaluate("picture => [picture.src, picture.alt]"))) in self.seen:
            assert time.monotonic() < end, f"still the picture of: {now[1]}"
            time.sleep(0.1)
        self.seen.append(now)

    def step(self, slider: int = 0) -> None:
        handle = self.area.locator(".noUi-handle, input[type=range]").nth(slider)
        handle.focus()
        handle.press("ArrowRight")
        self.another_picture()

    def choose(self, menu: int, option: int) -> None:
        self.area.locator("select").nth(menu).select_option(index=option)
        self.another_picture()


def test_moving_the_controls_of_a_sweep_draws_again(page):
    output = Output(page, 0)
    output.step()
    output.choose(0, 1)
    words = [alt for _, alt in output.seen]
    assert words == [f"Two bars in {look}, the first {n} high" for look, n in (("teal", 1), ("teal", 2), ("grey", 2))]


def test_a_network_answers_to_examples_classes_sliders_and_the_brush(page):
    output = Output(page, 1)
    output.choose(0, 1)  # another example
    output.choose(1, 4)  # another class
    assert "3 has " in output.seen[-1][1]
    output.step()  # eps
    output.area.get_by_role("button", name="draw", exact=True).click()
    output.another_picture()
    assert len({picture for picture, _ in output.seen}) == 5
