"""The lecturer's page says of each chapter what its front matter says."""

from pathlib import Path
from types import SimpleNamespace

import outline
import pytest
from front_matter import Chapter
from outline import Part
from teaching import Step, Teaching

site_teaching = pytest.importorskip("site_teaching", reason="the book's own packages are not installed")

TEACHING = Teaching(
    goals=(("build a toy", "A start"),),
    minutes={"A start": 6, "What is $x$?": 4},
    routes={
        10: (Step("A start"),),
        45: (Step("A start"), Step("What is $x$?")),
        90: (Step("A start"), Step("What is $x$?", 2, "the first half")),
    },
    misconceptions=(("Toys are red.", "Are they?"),) * 3,
)


def filled(monkeypatch: pytest.MonkeyPatch, teaching: Teaching | None, text: str = "{{ teaching }}") -> str:
    """A page as it is read, in a book with one chapter."""
    ball = Chapter("toys/ball", "Ball", "toys", "Why?", 10, (), "finished", teaching)
    monkeypatch.setattr(outline, "read", lambda root: [Part("toys", "Toys", chapters=(ball,))])
    content = [text]
    site_teaching.fill_in(SimpleNamespace(srcdir="."), "book/teaching", content)
    return content[0]


def test_goals_minutes_routes_and_misconceptions_are_shown(monkeypatch):
    page = filled(monkeypatch, TEACHING)
    start, question = "[A start](../notebooks/toys/ball.ipynb#a-start)", "../notebooks/toys/ball.ipynb#what-is-"
    assert "### [Ball](../notebooks/toys/ball.ipynb)" in page
    assert f"- build a toy ({start})" in page
    assert f"| {start} | 6 |" in page
    assert f"- **In 10 minutes** (6): {start}." in page
    assert f"- **In 45 minutes** (10): {start}, [What is $x$?]({question})." in page
    assert f"- **In 90 minutes** (8): {start}, [What is $x$?]({question}) (the first half, 2 minutes)." in page
    assert page.count("- *Toys are red.* Ask: Are they?") == 3


def test_nothing_is_said_where_there_is_nothing_to_say(monkeypatch):
    assert filled(monkeypatch, None, "before {{ teaching }} after") == "before  after"
    assert filled(monkeypatch, TEACHING, "another page") == "another page"


def test_the_lecturer_s_page_has_a_place_for_it(root: Path):
    assert site_teaching.PLACEHOLDER in (root / "book" / "teaching.md").read_text(encoding="utf-8")
