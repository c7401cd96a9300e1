"""Where this machine keeps Chromium or Chrome, and pages opened in it that reach nothing but this machine.

Run as a script it prints the browser's path, or exits with 1.
"""

import os
import shutil
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
FLAGS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
MISSING = "no Chromium or Chrome on this machine: install one, or set INTERPBOOK_BROWSER, and run `make test` again"


def find_browser() -> str | None:
    """The path of a Chromium or Chrome, or None. INTERPBOOK_BROWSER, where set, is believed."""
    if named := os.environ.get("INTERPBOOK_BROWSER"):
        return named
    on_path = (shutil.which(name) for name in NAMES)
    in_applications = (path for path in MAC if Path(path).exists())
    return next(filter(None, (*on_path, *in_applications)), None)


def page_of(*parts: str) -> str:
    """A page with figures one after the other, and nothing of the book's around them."""
    head = '<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>figures</title>'
    return f'{head}<body style="margin:8px">{"".join(parts)}'


class Visit:
    """A page in a browser of its own, and everything that went wrong while it was open.

    Attributes:
        page: the tab.
        troubles: errors of scripts and in the console, what could not be loaded, and requests to other machines.
        said: what else was written into the console.
        loaded: the addresses of what was loaded.
    """

    def __init__(self, browser, **options) -> None:
        self.context = browser.new_context(**options)
        self.context.route("**/*", self._let_through_what_is_local)
        self.page = self.context.new_page()
        self.troubles: list[str] = []
        self.said: list[str] = []
        self.loaded: list[str] = []
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        self.page.on("requestfailed", self._note_failure)
        self.page.on("response", self._note)

    def _let_through_what_is_local(self, route) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in ("file", "data", "blob") or parts.hostname == "127.0.0.1":
            route.continue_()
        else:
            self.troubles.append(f"request to another machine: {route.request.url[:120]}")
            route.abort()

    def _hear(self, message) -> None:
        if message.type == "error":
            self.troubles.append(f"console: {message.text}")
        else:
            self.said.append(message.text)

    def _note_failure(self, request) -> None:
        # What is still on its way when the next page is opened, the icon of the tab say, the browser gives up itself.
        if request.failure != "net::ERR_ABORTED":
            self.troubles.append(f"not loaded: {request.url[:120]}")

    def _note(self, response) -> None:
        if response.status >= 400:
            self.troubles.append(f"{response.status}: {response.url}")
        else:
            self.loaded.append(response.url)

    def paths_under(self, door: str) -> set[str]:
        """The files of the book that were loaded."""
        inside = (url.removeprefix(door).lstrip("/") for url in self.loaded if url.startswith(door))
        return {unquote(urlsplit(path).path) for path in inside}

    def open(self, address: str):
        """Go there, and wait until formulas and figures are what they will be."""
        self.page.goto(address, wait_until="load")
        self.page.wait_for_function("!window.MathJax?.startup?.promise || window.MathJax.startup.output")
        self.page.evaluate("window.MathJax?.startup?.promise")
        self.page.evaluate("document.fonts.ready")
        return self.page


if __name__ == "__main__":
    found = find_browser()
    print(found or MISSING)
    sys.exit(0 if found else 1)
