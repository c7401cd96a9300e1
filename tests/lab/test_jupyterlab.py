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

CELL = """from interpbook import page
from matplotlib.figure import Figure

def draw(size, colour):
    figure = Figure(figsize=(3, 2))
    figure.add_subplot().bar(["one", "two"], [size, 1], color=colour)
    return figure, f"Two bars in {colour}, the first {size} high"

page.explore.sweep(draw, size=[1, 2, 3, 4, 5, 6], colour=["teal", "grey"])"""
PICTURE = ".jp-OutputArea img"


@pytest.fixture(scope="module")
def lab(tmp_path_factory) -> Iterator[str]:
    """The address of a JupyterLab with one small notebook, run by a person: INTERPBOOK_RENDER is not set."""
    folder = tmp_path_factory.mktemp("lab")
    cell = {"cell_type": "code", "source": CELL, "metadata": {}, "outputs": [], "execution_count": None, "id": "only"}
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
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


@pytest.fixture
def page(chromium, lab) -> Iterator:
    """JupyterLab with the notebook open and all of its cells run."""
    context = chromium.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.goto(lab)
    page.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=60_000)
    # Before the kernel is there, "run" is silently forgotten.
    page.get_by_text("(ipykernel) | Idle").wait_for(timeout=60_000)
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    page.locator(PICTURE).first.wait_for(timeout=90_000)
    yield page
    context.close()


def test_moving_the_controls_draws_again(page):
    picture = page.locator(PICTURE).first
    seen = [(picture.get_attribute("src"), picture.get_attribute("alt"))]

    def another_picture() -> None:
        old = seen[-1][0]
        page.wait_for_function(
            "([where, old]) => ![null, undefined, old].includes(document.querySelector(where)?.getAttribute('src'))",
            arg=[PICTURE, old],
            timeout=30_000,
        )
        now = page.locator(PICTURE).first
        seen.append((now.get_attribute("src"), now.get_attribute("alt")))

    slider = page.locator(".jp-OutputArea .noUi-handle, .jp-OutputArea input[type=range]").first
    slider.focus()
    slider.press("ArrowRight")
    another_picture()
    page.locator(".jp-OutputArea select").first.select_option(index=1)
    another_picture()
    assert len(set(seen)) == 3
