"""Every page of the built book for readers who do not see it, or not well, by axe-core: in light and in dark."""

import json
from pathlib import Path

import pytest

DESK = {"width": 1400, "height": 900}
PHONE = {"width": 380, "height": 800}
SERIOUS = {"serious", "critical"}
# Folded parts are hidden from readers and from axe alike until they are opened: here the first of each kind.
UNFOLD = """
    const kinds = new Set();
    document.querySelectorAll("details").forEach(fold => {
        fold.open = fold.open || !kinds.has(fold.className);
        kinds.add(fold.className);
    });
"""
# Contrast takes a second for a thousand words of code, of which there are a dozen kinds.
ONE_OF_A_KIND = """
    const seen = new Set();
    document.querySelectorAll(":is(pre, .sig) span:not(:has(*), a *)").forEach(word => {
        const look = [word.className, word.parentElement.className, getComputedStyle(word).color].join();
        if (seen.has(look)) { word.textContent = ""; }
        seen.add(look);
    });
"""
DARK = "document.documentElement.dataset.theme = 'dark'"
# What scrolls takes the focus in a frame after that in which it was unfolded.
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => requestAnimationFrame(done))))"
TABLES = """[...document.querySelectorAll("details.ib-numbers")].map(fold => [
    fold.querySelector("summary").textContent,
    fold.closest(".cell_output").querySelector("figure.ib-figure").id,
    [...fold.querySelectorAll("table")].map(table => [table.caption.textContent, table.rows.length]),
])"""


@pytest.fixture(scope="module")
def axe():
    return pytest.importorskip("axe_playwright_python.sync_playwright").Axe()


def violations(axe, tab, *rules: str) -> list[str]:
    """What axe-core calls serious or critical, of all its rules or these: the rule, and where."""
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = axe.run(tab, options=options).response["violations"]
    return [
        f"{each['id']}: {node['target']} {node['html'][:120]}"
        for each in found
        if each["impact"] in SERIOUS
        for node in each["nodes"][:5]
    ]


@pytest.mark.slow
def test_no_page_has_a_serious_violation_in_light_or_dark_or_on_a_phone(visit, pages, server, axe):
    here = visit(color_scheme="light", reduced_motion="reduce")
    found = {}
    for page in pages:
        tab = here.open(f"{server}/{page}")
        tab.set_viewport_size(DESK)
        tab.evaluate(UNFOLD)
        tab.evaluate(ONE_OF_A_KIND)
        tab.evaluate(SETTLED)
        wrong = violations(axe, tab)
        # Of all that is checked only the contrast is another in the dark, and only what scrolls is on a phone.
        tab.evaluate(DARK)
        wrong += violations(axe, tab, "color-contrast")
        tab.set_viewport_size(PHONE)
        tab.evaluate(SETTLED)
        wrong += violations(axe, tab, "scrollable-region-focusable")
        if wrong:
            found[page] = wrong
    assert not found, json.dumps(found, indent=1)


def test_axe_finds_what_is_wrong(visit, axe):
    """A page with pale text and a nameless button; a test that finds nothing proves something only then."""
    tab = visit().page
    tab.set_content(
        '<html lang="en"><title>t</title><main><p style="color:#ccc">pale</p><button></button></main></html>'
    )
    assert {each.partition(":")[0] for each in violations(axe, tab)} == {"color-contrast", "button-name"}


def test_what_is_on_is_seen_where_the_system_sets_all_colours(visit, pages, server):
    here = visit(forced_colors="active")
    grounds: dict[str, set[str]] = {"true": set(), "false": set()}
    for page in (page for page in pages if page.startswith("notebooks/")):
        tab = here.open(f"{server}/{page}")
        for state, seen in grounds.items():
            button = tab.locator(f".ib-explore button[aria-pressed={state}]").first
            if button.count():
                seen.add(button.evaluate("button => getComputedStyle(button).backgroundColor"))
    assert len(grounds["true"]) == 1
    assert not grounds["true"] & grounds["false"]


def test_numbers_stand_behind_their_figure(visit, pages, server, site: Path):
    """Wherever a notebook has stored what a plot shows, the page has it in tables with a name and rows."""
    import site_numbers

    from interpbook.page import executed

    here = visit()
    for page in (page for page in pages if page.startswith("notebooks/")):
        stored = site_numbers.tables_of(executed.read(site / "_sources" / page.replace(".html", ".ipynb")))
        found = here.open(f"{server}/{page}").evaluate(TABLES)
        expected = [
            [
                f"Numbers of Figure {number}",
                f"figure-{number}",
                [[t["title"], t["rows"].count("\n") + 1] for t in tables],
            ]
            for number, tables in stored.items()
        ]
        assert found == expected, page
