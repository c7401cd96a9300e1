"""Claims in the built book: a sentence with a badge that opens by key, and links to its evidence and the ledger."""

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from notebook_rules import SPLIT

PHONE = {"width": 390, "height": 800}
# Of every claim on the page: the words beside it, and where its links lead.
FACTS = """all => all.map(claim => ({
    id: claim.dataset.claim, anchor: claim.id, words: claim.querySelector("summary").innerText,
    ledger: claim.querySelector("a.ib-ledger")?.href, evidence: claim.querySelector("a.ib-evidence")?.href,
    links: claim.querySelector("dd:last-child").textContent,
}))"""
# The contrast of an element's text with the page behind it, its own half-transparent ground left out.
CONTRAST = """badge => {
    const channel = value => { const c = value / 255; return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4 };
    const luminance = color => { const [r, g, b] = color.match(/[\\d.]+/g).map(Number);
        return .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b) };
    const colors = [getComputedStyle(badge).color, getComputedStyle(document.body).backgroundColor];
    const [text, page] = colors.map(luminance);
    return (Math.max(text, page) + .05) / (Math.min(text, page) + .05);
}"""

each_lesson = pytest.mark.parametrize("lesson", SPLIT, ids=lambda path: path.stem)


def page_of(site: Path, lesson: Path) -> str:
    return (site / "notebooks" / lesson.parent.name / f"{lesson.stem}.html").as_uri()


@each_lesson
def test_a_badge_opens_by_key_and_closes_again(visit: Callable, site: Path, lesson: Path) -> None:
    tab = visit().open(page_of(site, lesson))
    summary = tab.locator(".ib-claim summary").first
    details = tab.locator(".ib-claim details").first
    summary.focus()
    assert summary.evaluate("e => e === document.activeElement")
    tab.keyboard.press("Enter")
    assert details.evaluate("e => e.open")
    assert tab.locator(".ib-claim dl").first.is_visible()
    tab.keyboard.press("Enter")
    assert not details.evaluate("e => e.open")


@each_lesson
def test_every_badge_says_verdict_and_number_and_leads_to_evidence_and_ledger(
    visit: Callable, site: Path, lesson: Path
) -> None:
    tab = visit().open(page_of(site, lesson))
    facts = tab.locator(".ib-claim").evaluate_all(FACTS)
    assert facts
    ledger = (site / "book" / "claims.html").read_text(encoding="utf-8")
    evidence = site / "notebooks" / lesson.parent.name / f"{lesson.stem}_evidence.html"
    sections = evidence.read_text(encoding="utf-8")
    for fact in facts:
        assert any(verdict in fact["words"] for verdict in ("✓ holds", "✓ reproduced", "✗ not reproduced")), fact
        assert any(letter.isdigit() for letter in fact["words"].rpartition("·")[2]), fact
        assert fact["ledger"].endswith(f"book/claims.html#{fact['anchor']}")
        assert f'id="{fact["anchor"]}"' in ledger
        address, _, section = fact["evidence"].partition("#")
        assert address.endswith(evidence.name)
        assert f'id="{section}"' in sections
        assert fact["links"].endswith(" · in the ledger")


@each_lesson
def test_on_paper_a_claim_is_open(visit: Callable, site: Path, lesson: Path) -> None:
    tab = visit().open(page_of(site, lesson))
    tab.emulate_media(media="print")
    for opened in tab.locator(".ib-claim dl").all():
        assert opened.bounding_box()["height"] > 20


@each_lesson
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_badge_can_be_read_in_light_and_dark(visit: Callable, site: Path, lesson: Path, scheme: str) -> None:
    tab = visit(color_scheme=scheme).open(page_of(site, lesson))
    for badge in tab.locator(".ib-badge").all():
        assert badge.evaluate(CONTRAST) >= 4.5


def test_on_a_phone_a_finger_finds_a_badge_and_nothing_scrolls_sideways(visit: Callable, site: Path) -> None:
    for lesson in SPLIT:
        tab = visit(viewport=PHONE, has_touch=True, is_mobile=True).open(page_of(site, lesson))
        for summary in tab.locator(".ib-claim summary").all():
            assert summary.bounding_box()["height"] >= 44
            summary.evaluate("e => { e.parentElement.open = true; }")
        widest = tab.evaluate("Math.max(...[...document.querySelectorAll('.ib-claim')].map(e => e.scrollWidth))")
        assert widest <= PHONE["width"]


def test_the_ledger_leads_back_to_the_page(visit: Callable, site: Path) -> None:
    tab = visit().open((site / "book" / "claims.html").as_uri())
    for row in tab.locator("table.ib-claims tr[id]").all()[:5]:
        id = row.get_attribute("id")
        address = row.get_by_role("link", name="On its page").evaluate("e => e.href")
        assert address.endswith(f"#{id}")
        page = Path(unquote(urlsplit(address).path))
        assert f'id="{id}"' in page.read_text(encoding="utf-8")
