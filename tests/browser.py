"""Where this machine keeps Chromium or Chrome. Run as a script it prints the path, or exits with 1."""

import os
import shutil
import sys
from pathlib import Path

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


if __name__ == "__main__":
    found = find_browser()
    print(found or MISSING)
    sys.exit(0 if found else 1)
