"""Every explorable figure of the book shows the same in the page as in a kernel.

Needs the record that a notebook's run left behind (see `tests/proofs.py` and `tests/kernel_explorables.py`).
Both figures are compared as they begin, and with every control at its last value.
"""

import html
import json
import re
from pathlib import Path

import notebook_rules as rules
import proofs
import pytest

from interpbook.output import blocks

MOVE_TO_THE_END = """root => root.querySelectorAll("select, input[type=range]").forEach(control => {
    control.value = control.options ? control.options.length - 1 : control.max;
    control.dispatchEvent(new Event("input", {bubbles: true}));
})"""
SHOWN = """root => [...root.querySelectorAll("img, [role=img]")].map(
    e => [e.getAttribute("src"), e.getAttribute("alt") ?? e.getAttribute("aria-label")])"""


def recorded(path: Path) -> list[dict]:
    """The explorable figures of the last run of a notebook."""
    files = proofs.record_of(path, proofs.PROOFS).glob("explorable-*.json")
    return [json.loads(file.read_text(encoding="utf-8")) for file in files]


def shown_in_kernel(kind: str, seen: str) -> list[list[str | None]]:
    """Picture and alt text of a sweep; of a live figure what is said about each view."""
    if kind == "sweep":
        return [[html.unescape(text) for text in re.search('src="([^"]*)" alt="([^"]*)"', seen).groups()]]
    views = re.findall("<li><b>(.*?)</b>: (.*?)</li>", seen)
    return [[None, f"{html.unescape(title)}. {html.unescape(text)}"] for title, text in views]


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_page_and_kernel_show_the_same(path, visit):
    if not proofs.record_of(path, proofs.PROOFS).exists():
        pytest.skip("this notebook was not run here: `make test` does")
    figures = recorded(path)
    calls = re.findall(r"\bexplore\.(?:live|sweep)\(", "\n".join(rules.cells(rules.read(path), "code")))
    assert len(figures) == len(calls)
    here = visit()
    page = here.page
    for figure in figures:
        # Of the scripts, which may have been edited since that run, the present ones are meant.
        page.set_content(blocks.renewed(figure["page"]))
        root = page.locator(".ib-explore[data-alive]")
        assert root.evaluate(SHOWN) == shown_in_kernel(figure["kind"], figure["kernel"]["first"])
        root.evaluate(MOVE_TO_THE_END)
        assert root.evaluate(SHOWN) == shown_in_kernel(figure["kind"], figure["kernel"]["last"])
    here.context.close()
    assert not here.troubles, here.troubles
