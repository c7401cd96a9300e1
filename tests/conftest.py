"""What tests share: the repository, the built book and a server for it, a browser that reaches nothing but it, and a
notebook's shell in this process.
"""

import functools
import http.server
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import jaxtyping
import matplotlib.pyplot as plt
import pytest
from browser import FLAGS, MISSING, Visit, find_browser
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import CapturedIO, capture_output
from live_in_browser import LISTEN

ROOT = Path(__file__).parents[1]
DESK = {"width": 1400, "height": 900}


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def notebooks() -> list[Path]:
    """Every chapter's notebook."""
    return sorted(ROOT.glob("notebooks/*/*.ipynb"))


@pytest.fixture(scope="session")
def site() -> Path:
    """The built book."""
    built = Path(os.environ.get("INTERPBOOK_SITE", ROOT / "_build" / "html"))
    if not (built / "index.html").exists():
        pytest.skip("the book is not built: run `make book`")
    return built


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a failing test reports what it asked for."""


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[str]:
    """The address of a local web server with the built book."""
    handler = functools.partial(_Quiet, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as local:
        threading.Thread(target=local.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{local.server_port}"
        local.shutdown()


@pytest.fixture(scope="module")
def chromium() -> Iterator:
    """A headless Chromium; tests that need one are skipped where there is none."""
    path = find_browser()
    if path is None:
        pytest.skip(MISSING)
    api = pytest.importorskip("playwright.sync_api")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS, chromium_sandbox=False)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def visit(chromium) -> Iterator[Callable[..., Visit]]:
    """Begins visits with the given options of a browser context, and ends them."""
    visits = []

    def begin(**options: object) -> Visit:
        visits.append(Visit(chromium, **{"viewport": DESK, **options}))
        return visits[-1]

    yield begin
    for each in visits:
        each.context.close()


@pytest.fixture
def opened(visit, html: Path) -> Iterator[Callable]:
    """Opens the file `html`, which a module with such tests has as a fixture, in tabs that hear what figures draw.

    Fails on any error, any request and any word in the console.
    """
    visits = []

    def open_page(address: str = "", **options: object):
        visits.append(visit(**options))
        tab = visits[-1].page
        tab.add_init_script(LISTEN)
        tab.goto(html.as_uri() + address)
        return tab

    yield open_page
    for each in visits:
        each.context.close()
    assert [each.troubles + each.said for each in visits] == [[]] * len(visits)


@pytest.fixture
def shown() -> Iterator[CapturedIO]:
    """What cells show so far: `shown.outputs`, each with .data and .metadata. For what they print, see capsys."""
    InteractiveShell.instance()
    try:
        with capture_output(stdout=False, stderr=False) as captured:
            yield captured
    finally:
        InteractiveShell.clear_instance()


@pytest.fixture
def without_shape_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong kinds of arguments reach the package's own errors, as they do for users."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


@pytest.fixture(autouse=True)
def no_figure_stays_open() -> Iterator[None]:
    plt.close("all")
    yield
    plt.close("all")
