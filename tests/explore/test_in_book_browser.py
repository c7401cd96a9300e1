"""A live figure and a folded solution among the style sheets of the book, as the theme and myst-nb write them."""

import html
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from interpbook import models
from interpbook.explore import live

THEME = {
    "pydata_sphinx_theme": "theme/pydata_sphinx_theme/static/styles/pydata-sphinx-theme.css",
    "sphinx_book_theme": "theme/sphinx_book_theme/static/styles/sphinx-book-theme.css",
    "myst_nb": "static/mystnb.css",
}
LINE = "word " * 200
SOLUTION = f"""<div class="cell tag_hide-input tag_solution docutils container">
<details class="admonition hide above-input"><summary aria-label="Toggle hidden content">
<p class="collapsed admonition-title">Show the source</p><p class="expanded admonition-title">Hide the source</p>
</summary><div class="cell_input docutils container"><pre>1 + 1</pre></div></details>
<div class="cell_output docutils container"><div class="output stream"><div class="highlight"><pre>{LINE}</pre></div>
</div></div></div>"""


@pytest.fixture(scope="module")
def page(root: Path, tmp_path_factory) -> Path:
    """A chapter with a live figure that is higher than the screen, and a solution."""
    sheets = []
    for package, sheet in THEME.items():
        spec = find_spec(package)
        if spec is None or spec.origin is None:
            pytest.skip(f"{package} is not installed")
        sheets.append(Path(spec.origin).parent / sheet)
    links = "".join(
        f'<link rel="stylesheet" href="{html.escape(sheet.as_uri())}">'
        for sheet in (*sheets, root / "book/_static/interpbook.css")
    )
    figure = live(models.MLP(hidden=(4,)).eval(), start=torch.zeros(1, 28, 28), caption="Draw.").html(3)
    jump = f'<script src="{html.escape((root / "book/_static/jump.js").as_uri())}"></script>'
    path = tmp_path_factory.mktemp("book") / "page.html"
    path.write_text(
        f'<!doctype html><html lang="en" data-theme="light"><meta charset="utf-8"><title>book</title>{links}'
        f"{jump}<body>"
        '<div class="bd-container"><div class="bd-container__inner bd-page-width"><main class="bd-main">'
        '<div class="bd-content"><div class="bd-article-container"><article class="bd-article">'
        f'<div class="cell docutils container"><div class="cell_output docutils container">'
        f'<div class="output text_html" style="min-height: 2500px">{figure}</div></div></div>{SOLUTION}'
        '<p style="height: 2000px">end</p></article></div></div></main></div></div>'
    )
    return path


@pytest.fixture
def tab(visit, page: Path):
    opened = visit(viewport={"width": 1300, "height": 500}).page
    opened.goto(page.as_uri())
    return opened


def test_the_drawing_stays_in_sight_below_the_header(tab) -> None:
    root, desk = tab.locator(".ib-explore"), tab.locator(".ib-desk")
    beyond = root.bounding_box()["height"] - desk.bounding_box()["height"]
    assert beyond > 200
    start = desk.bounding_box()["y"]
    tab.evaluate("y => scrollTo({top: y, behavior: 'instant'})", start + beyond / 2)
    rem = tab.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
    assert desk.bounding_box()["y"] == pytest.approx(4 * rem, abs=1)


def test_a_folded_solution_has_a_triangle(tab) -> None:
    look = "summary => getComputedStyle(summary, '::after').content"
    summary = tab.locator("summary")
    assert summary.evaluate(look) == '"▸ Solution"'
    summary.click()
    assert summary.evaluate(look) == '"▾ Solution"'


def test_on_paper_lines_wrap_and_buttons_are_gone(tab) -> None:
    buttons, line = tab.locator(".ib-desk .ib-controls"), tab.locator(".cell_output pre")
    assert buttons.is_visible()
    tab.emulate_media(media="print")
    assert not buttons.is_visible()
    assert line.evaluate("pre => pre.scrollWidth <= pre.clientWidth")
    assert not tab.locator("summary").is_visible()
    breaks = "part => getComputedStyle(part).breakInside"
    # A live figure may be as high as a page.
    assert tab.locator("figure.ib-figure").evaluate(breaks) == "auto"
    assert tab.locator(".ib-view").first.evaluate(breaks) == "avoid"


def test_the_first_tab_stop_leads_to_the_live_figure(tab) -> None:
    link = tab.get_by_role("link", name="Figure 3 (live)")
    assert link.bounding_box()["width"] <= 1 or tab.locator(".ib-jump").bounding_box()["width"] <= 1
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Figure 3 (live)"
    assert tab.locator(".ib-jump").bounding_box()["height"] > 20
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.className") == "ib-surface"
    assert tab.locator("#figure-3").bounding_box()["y"] < 500


def test_a_caption_stands_below_its_figure(tab) -> None:
    caption = tab.locator("figcaption", has_text="Figure 3. Draw.")
    assert caption.is_visible()
    figure = tab.locator(".ib-explore").bounding_box()
    assert caption.bounding_box()["y"] >= figure["y"] + figure["height"]
