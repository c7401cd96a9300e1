"""Runs in each notebook's kernel before its cells, and records what a kernel shows of its explorables.

Whenever a cell makes a figure for the page, the same figure is made for a kernel. What that shows at the default and
with every control at its last value goes to the directory INTERPBOOK_USAGE_LOG beside the page's figure, and
`test_parity.py` compares the two in a browser.
"""

import itertools
import json
import os
from pathlib import Path

RECORD = os.environ.get("INTERPBOOK_USAGE_LOG")
_count = itertools.count()


def record(kind: str, page: str, kernel: dict) -> None:
    """One explorable figure of this notebook: what the page gets, and what a kernel shows."""
    found = {"kind": kind, "page": page, "kernel": kernel}
    Path(RECORD, f"explorable-{next(_count)}.json").write_text(json.dumps(found), encoding="utf-8")


def in_a_kernel(view, boxes) -> dict:
    """What the widgets show first, and with every control at its last value."""
    seen = {"first": view.value}
    for control in boxes:
        control.value = control.options[-1][1]
    return {**seen, "last": view.value}


def watch() -> None:
    """Record beside the book's own figures; nothing that a cell does or shows is changed."""
    import ipywidgets

    from interpbook.explore.figure import LiveFigure
    from interpbook.explore.sweep import Sweep

    chosen = ipywidgets.SelectionSlider | ipywidgets.Dropdown

    def seen(box) -> dict:
        boxes = [child for child in box.children if isinstance(child, chosen)]
        [view] = [child for child in box.children if type(child) is ipywidgets.HTML]
        return in_a_kernel(view, boxes)

    def watched(kind: str, in_page):
        def watched_in_page(figure):
            page, stored = in_page(figure)
            record(kind, page, seen(figure.widgets()))
            return page, stored

        return watched_in_page

    LiveFigure._in_page = watched("live", LiveFigure._in_page)
    Sweep._in_page = watched("sweep", Sweep._in_page)


if RECORD and __name__ == "__main__":
    watch()
