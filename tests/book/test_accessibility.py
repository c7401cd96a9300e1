"""Every page of the built book for readers who do not see it, or not well, by axe-core: in light and in dark."""

import json
from pathlib import Path

import pytest

DESK = {"width": 1400, "height": 900}
PHONE = {"width": 380, "height": 800}
SERIOUS = {"serious", "critical"}
CONTRAST = ["color-contrast", "link-in-text-block"]
NEVER_SERIOUS = ["region"]
# Folded parts are hidden from readers and from axe alike until they are opened: here the first of each kind.
UNFOLD = """
    const kinds = new Set();
    document.querySelectorAll("details").forEach(fold => {
        fold.open = fold.open || !kinds.has(fold.className);
        kinds.add(fold.className);
    });
"""
# Contrast takes a second for a thousand words. Words that styles tell apart in nothing look alike in either scheme, on
# this page and on the next: the first of each kind is marked, and what was not known before is handed back.
MARK_NEW_KINDS = """known => {
    const states = ["style", "aria-pressed", "aria-current", "aria-disabled", "disabled", "open"];
    const looks = new Map([[document, ""]]);
    const lookOf = element => {
        if (!looks.has(element)) {
            const { backgroundColor, color, fontSize, fontWeight } = getComputedStyle(element);
            const own = [element.tagName, element.className, backgroundColor, color, fontSize, fontWeight,
                ...states.map(name => element.getAttribute(name))];
            looks.set(element, `${lookOf(element.parentNode)} ${own.join()}`);
        }
        return looks.get(element);
    };
    const seen = new Set(known);
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const { data, parentElement } = texts.currentNode;
        const isSeen = data.trim() && parentElement.checkVisibility() && !parentElement.closest("mjx-container");
        if (isSeen && !seen.has(lookOf(parentElement))) {
            seen.add(lookOf(parentElement));
            parentElement.dataset.newKind = "";
        }
    }
    return [...seen].slice(known.length);
}"""
# Formulas have the colour of the text around them, and to place thousands of boxes takes the rest of the time.
LEAVE_OUT_MORE_OF_A_KIND = """
    const boxes = "mjx-container > *, pre span:not([data-new-kind], :has([data-new-kind]))";
    document.querySelectorAll(boxes).forEach(box => box.remove());
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


def violations(axe, tab, context: dict | None = None, **options: object) -> list[str]:
    """What axe-core calls serious or critical: the rule, and where."""
    options = {"resultTypes": ["violations"], "preload": False, **options}
    return [
        f"{each['id']}: {node['target']} {node['html'][:120]}"
        for each in axe.run(tab, context, options).response["violations"]
        if each["impact"] in SERIOUS
        for node in each["nodes"][:5]
    ]


@pytest.mark.slow
def test_no_page_has_a_serious_violation_in_light_or_dark_or_on_a_phone(visit, pages, server, axe):
    here = visit(color_scheme="light", reduced_motion="reduce")
    kinds: list[str] = []
    found = {}
    for page in pages:
        tab = here.open(f"{server}/{page}")
        tab.set_viewport_size(DESK)
        tab.evaluate(UNFOLD)
        tab.evaluate(SETTLED)
        wrong = violations(axe, tab, rules={rule: {"enabled": False} for rule in [*CONTRAST, *NEVER_SERIOUS]})
        # Of all that is checked only what scrolls is another on a phone, and only the contrast in the dark.
        tab.set_viewport_size(PHONE)
        tab.evaluate(SETTLED)
        wrong += violations(axe, tab, runOnly=["scrollable-region-focusable"])
        tab.set_viewport_size(DESK)
        if new := tab.evaluate(MARK_NEW_KINDS, kinds):
            kinds += new
            tab.evaluate(LEAVE_OUT_MORE_OF_A_KIND)
            marked = {"include": [["[data-new-kind]"]]}
            wrong += violations(axe, tab, marked, runOnly=CONTRAST)
            tab.evaluate(DARK)
            wrong += violations(axe, tab, marked, runOnly=CONTRAST)
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
