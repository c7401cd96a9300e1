"""Runs in each notebook's kernel before its cells (PYTHONSTARTUP), and records what a kernel shows of its explorables.

Whenever a cell makes a figure for the page, the same figure is made for a kernel. What that shows at the default and
with every control at its last value goes to the directory INTERPBOOK_USAGE_LOG beside the page's figure, and
`test_parity.py` compares the two in a browser.
"""

import importlib
import itertools
import json
import os
from pathlib import Path

RECORD = os.environ.get("INTERPBOOK_USAGE_LOG")
NOTEBOOK = os.environ.get("JPY_SESSION_NAME", "")
_count = itertools.count()


def record(kind: str, page: str, kernel: dict) -> None:
    """One explorable figure of this notebook: what the page gets, and what a kernel shows."""
    found = {"notebook": NOTEBOOK, "kind": kind, "page": page, "kernel": kernel}
    name = f"explorable-{Path(NOTEBOOK).stem}-{next(_count)}.json"
    Path(RECORD, name).write_text(json.dumps(found), encoding="utf-8")


def in_a_kernel(view, boxes) -> dict:
    """What the widgets show first, and with every control at its last value."""
    seen = {"first": view.value}
    for control in boxes:
        control.value = control.options[-1][1]
    return {**seen, "last": view.value}


def watch() -> None:
    """Record beside the book's own figures; nothing that a cell does or shows is changed."""
    import ipywidgets

    live = importlib.import_module("interpbook.page.explore.live")
    sweep = importlib.import_module("interpbook.page.explore.sweep")
    html = {"live": live.live_html, "sweep": sweep.sweep_html}
    widgets = {"live": live.live_widgets, "sweep": sweep.sweep_widgets}
    chosen = ipywidgets.SelectionSlider | ipywidgets.Dropdown

    def watched(kind: str):
        def make(*args, **options):
            page = html[kind](*args, **options)
            box = widgets[kind](*args, **options)
            boxes = [child for child in box.children if isinstance(child, chosen)]
            [view] = [child for child in box.children if type(child) is ipywidgets.HTML]
            record(kind, page, in_a_kernel(view, boxes))
            return page

        return make

    live.live_html, sweep.sweep_html = watched("live"), watched("sweep")


if RECORD and NOTEBOOK:
    watch()
