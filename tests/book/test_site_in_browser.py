"""The built book as a reader meets it: in a browser, over http and straight from the folder, with no network."""

import gzip
import json
import re
from functools import cache
from pathlib import Path
from urllib.parse import unquote

import pytest

HEAVIEST_PAGE = 1_500_000
PHONE = {"width": 380, "height": 800}
# Sets one control to each of its values and back; the source and the alt text of the picture at each.
MOVE_THROUGH = """control => {
    const picture = control.closest(".ib-sweep").querySelector("img");
    const before = control.value;
    const set = value => {
        control.value = value;
        control.dispatchEvent(new Event("input", {bubbles: true}));
        return [picture.src, picture.alt];
    };
    const values = control.options ? [...control.options].map(o => o.value)
        : Array.from({length: control.max - control.min + 1}, (_, step) => String(Number(control.min) + step));
    const seen = values.map(set);
    set(before);
    return seen;
}"""
LABELS = "all => all.map(e => e.getAttribute('aria-label'))"
CUT_OFF = """[...document.querySelectorAll("span.math:has(mjx-math)")]
    .filter(box => box.querySelector("mjx-math").offsetWidth > box.clientWidth + 1)
    .filter(box => getComputedStyle(box).overflowX === "hidden")
    .map(box => box.textContent)"""
TOO_WIDE = """[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > 381)
    .slice(0, 3).map(e => e.outerHTML.slice(0, 120))"""


# What one look at a page brings home.
FACTS = """() => ({
    raw: [...document.querySelectorAll(".math")].filter(m => !m.querySelector("mjx-container")).length,
    formulas: document.querySelectorAll("mjx-container").length,
    broken: document.querySelectorAll("mjx-merror").length,
    mute: [...document.querySelectorAll("img:not([alt])")].map(e => e.outerHTML.slice(0, 120)),
    empty: [...document.querySelectorAll(".cell_output img")].filter(e => !e.alt.trim()).length,
    ids: [...document.querySelectorAll("[id]")].map(e => e.id),
    links: [...document.querySelectorAll("a[href]")].map(e => e.href),
})"""


@pytest.fixture(scope="module", params=["http", "file"])
def door(request, site: Path) -> str:
    """The two ways in."""
    return request.getfixturevalue("server") if request.param == "http" else site.as_uri()


@pytest.fixture(scope="module")
def tour(visit, pages, door, site) -> dict[str, dict]:
    """What a reader finds on every page, coming through this door; every page is opened once for all the tests."""
    found = {}
    for page in pages:
        here = visit()
        found[page] = here.open(f"{door}/{page}").evaluate(FACTS) | {
            "troubles": here.troubles,
            "bytes": {path: _gzipped(site / path) for path in here.paths_under(door)},
        }
        here.context.close()
    return found


@cache
def _gzipped(file: Path) -> int:
    return len(gzip.compress(file.read_bytes()))


def chapters(pages) -> list[str]:
    return [page for page in pages if page.startswith("notebooks/")]


def test_the_front_door_leads_to_the_first_page(visit, pages, door):
    assert chapters(pages), pages
    here = visit()
    here.page.goto(f"{door}/index.html")
    here.page.wait_for_url("**/book/welcome.html")


def test_no_page_has_an_error_or_leaves_this_machine(tour):
    troubles = {page: facts["troubles"] for page, facts in tour.items() if facts["troubles"]}
    assert not troubles, json.dumps(troubles, indent=1)


def test_formulas_are_set(tour):
    left = {page: (facts["raw"], facts["broken"]) for page, facts in tour.items() if facts["raw"] or facts["broken"]}
    assert not left, f"formulas left as text, and with an error: {left}"
    assert all(tour[page]["formulas"] for page in chapters(tour) if not page.endswith("_evidence.html"))


def test_every_picture_says_what_it_shows(tour):
    silent = {page: (facts["mute"], facts["empty"]) for page, facts in tour.items() if facts["mute"] or facts["empty"]}
    assert not silent, silent


def test_every_page_is_light(tour):
    """With all that it loads."""
    heavy = {}
    for page, facts in tour.items():
        total = sum(facts["bytes"].values())
        if total >= HEAVIEST_PAGE:
            heavy[page] = (total, sorted(facts["bytes"].items(), key=lambda item: -item[1])[:6])
    assert tour
    assert not heavy, heavy


def test_links_inside_the_book_lead_somewhere(tour, door, site):
    """Files, and the places in them; links to other sites are not followed."""
    dead = []
    for page, facts in tour.items():
        for href in facts["links"]:
            if not href.startswith(door):
                continue
            path, _, place = unquote(href.removeprefix(door).lstrip("/")).partition("#")
            # A figure's address goes on with its state.
            path, place = path.partition("?")[0], place.partition("?")[0]
            known = tour.get(path)
            if not (site / path).is_file() or (place and known and place not in known["ids"]):
                dead.append(f"{page} -> {href}")
    assert not dead, dead


def test_nothing_scrolls_sideways_on_a_phone(visit, pages, server):
    here = visit(viewport=PHONE, device_scale_factor=2, is_mobile=True)
    wide = {}
    for page in pages:
        now = here.open(f"{server}/{page}")
        if now.evaluate("document.documentElement.scrollWidth") > PHONE["width"]:
            wide[page] = now.evaluate(TOO_WIDE)
        if cut := now.evaluate(CUT_OFF):
            wide[page] = cut
    assert not wide, json.dumps(wide, indent=1)


def test_moving_a_control_changes_the_picture(visit, pages, door, site):
    here = visit()
    for page in chapters(pages):
        now = here.open(f"{door}/{page}")
        controls = now.locator(".ib-sweep").locator("input, select").all()
        assert bool(controls) == (' ib-sweep"' in (site / page).read_text(encoding="utf-8")), page
        for control in controls:
            seen = control.evaluate(MOVE_THROUGH)
            assert all(picture and words for picture, words in seen), page
            assert len({picture for picture, _ in seen}) > 1, (page, control.inner_text())
        assert not here.troubles, here.troubles


def test_a_figure_is_there_without_scripts(visit, pages, server):
    """Where scripts are off, the first picture of each explorable figure stands in its place."""
    here = visit(java_script_enabled=False)
    for page in chapters(pages):
        here.page.goto(f"{server}/{page}")
        for explorable in here.page.locator(".ib-explore").all():
            assert explorable.locator("img").count() == 1, page


def test_a_reader_draws_and_the_network_answers(visit, pages, door):
    here = visit()
    for page in chapters(pages):
        now = here.open(f"{door}/{page}")
        for surface in now.locator(".ib-live .ib-surface").all():
            figure = surface.locator("xpath=ancestor::div[contains(@class, 'ib-live')]")
            panels = figure.locator("[role=img]")
            before = panels.evaluate_all(LABELS)
            surface.scroll_into_view_if_needed()
            box = surface.bounding_box()
            now.mouse.move(box["x"] + 0.2 * box["width"], box["y"] + 0.2 * box["height"])
            now.mouse.down()
            now.mouse.move(box["x"] + 0.8 * box["width"], box["y"] + 0.8 * box["height"], steps=5)
            now.mouse.up()
            now.wait_for_timeout(100)
            changed = [a != b for a, b in zip(before, panels.evaluate_all(LABELS), strict=True)]
            # Where the network looks at given inputs, some of what it shows does not depend on the drawing.
            given = figure.locator("label").filter(has_text=re.compile("^input")).count()
            assert any(changed) if given else all(changed), page
        assert not here.troubles, here.troubles


def test_search_finds_a_word(visit, door):
    here = visit()
    now = here.open(f"{door}/search.html?q=completeness")
    now.wait_for_selector("ul.search li", timeout=10_000)
    assert now.locator("ul.search li").count() > 0
    excerpt = now.locator("ul.search li p.context").first
    excerpt.wait_for(timeout=10_000)
    assert "completeness" in " ".join(now.locator("ul.search li p.context").all_inner_texts()).lower()
    assert not here.troubles, here.troubles


def test_a_page_says_how_to_cite_it(visit, pages, server):
    import interpbook

    for page in chapters(pages):
        foot = visit().open(f"{server}/{page}").locator("details.ib-cite")
        foot.locator("summary").click()
        title = foot.page.locator("h1").first.evaluate("heading => heading.firstChild.textContent").strip()
        words, entry = foot.locator("p").inner_text(), foot.locator("pre").inner_text()
        assert f"(Version {interpbook.__version__})" in words
        assert title in words
        assert f"interpbook-{Path(page).stem}," in entry
        assert foot.locator("p a").get_attribute("href").endswith(page.replace(".html", ".ipynb"))


def test_dark_mode_can_be_chosen_and_stays(visit, pages, server):
    here = visit(color_scheme="light")
    now = here.open(f"{server}/{chapters(pages)[0]}")
    assert _brightness(now) > 200
    button = now.locator(".theme-switch-button").locator("visible=true").first
    for _ in range(3):
        if now.evaluate("document.documentElement.dataset.mode") == "dark":
            break
        button.click()
    assert _brightness(now) < 60
    now = here.open(f"{server}/{pages[0]}")
    assert now.evaluate("document.documentElement.dataset.theme") == "dark"


def _brightness(page) -> float:
    """Of the ground on which the text stands, from 0 to 255."""
    color = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return sum(float(part) for part in color[color.index("(") + 1 : -1].split(",")[:3]) / 3


def test_figures_lie_on_the_page_itself_in_the_dark(visit, pages, server):
    """The theme would lay white paper under every picture and every HTML output."""
    here = visit(color_scheme="dark")
    for page in chapters(pages):
        now = here.open(f"{server}/{page}")
        grounds = now.eval_on_selector_all(
            ".cell_output img, .cell_output .text_html, .cell_output .ib-explore",
            "all => [...new Set(all.map(e => getComputedStyle(e).backgroundColor))]",
        )
        assert set(grounds) <= {"rgba(0, 0, 0, 0)"}, (page, grounds)


def test_a_chapter_offers_colab_download_and_edit(visit, root, pages, server):
    import release

    import interpbook

    address, ref = release.repository(root), release.ref(interpbook.__version__)
    here = visit()
    for page in chapters(pages):
        links = here.open(f"{server}/{page}").eval_on_selector_all("a[href]", "all => all.map(e => e.href)")
        source = page.replace(".html", ".ipynb")
        owner = address.removeprefix("https://github.com/")
        assert f"https://colab.research.google.com/github/{owner}/blob/{ref}/{source}" in links
        assert any(link.startswith(f"{address}/edit/main/{source}") for link in links)
        assert any(link.endswith(f"_sources/{source}") for link in links)
