"""The map of ideas names every chapter, what it assumes and what it leads to, in a drawing and in words."""

import re
from pathlib import Path
from xml.etree import ElementTree

import lesson
import outline
import pytest
from front_matter import Chapter

site_concepts = pytest.importorskip("site_concepts", reason="the book's own packages are not installed")

CHAPTERS = [chapter for part in outline.read() for chapter in part.chapters]


def chapter(path: str, *prerequisites: str, evidence: bool = False) -> Chapter:
    title = path.partition("/")[2].title()
    return Chapter(path, title, path.split("/")[0], "Why?", 10, prerequisites, "finished", evidence=evidence)


TOYS = [
    chapter("toys/ball", "gravity"),
    chapter("toys/kite", "gravity", "wind & air", "toys/ball"),
    chapter("games/tag"),
]


def texts(drawing: str) -> list[str]:
    """The lines of text in a drawing, those of one text joined."""
    svg = ElementTree.fromstring(drawing)
    return [" ".join(span.text for span in text) for text in svg.iter("text")]


@pytest.fixture
def links(monkeypatch) -> dict[str, list[str]]:
    """Tag links to the kite, the kite's evidence to the ball, which the kite assumes anyway."""
    pages = {"games/tag": "[see](../toys/kite.ipynb#wind)", "toys/kite_evidence": "[see](ball.ipynb) [me](kite.ipynb)"}
    stored = lambda page, root: [{"cell_type": "markdown", "source": pages.get(page, "")}]  # noqa: E731
    monkeypatch.setattr(lesson, "cells", stored)
    linking = [TOYS[0], chapter("toys/kite", "toys/ball", evidence=True), TOYS[2]]
    return site_concepts.leans_on(linking, Path())


def test_a_link_counts_where_it_is_not_assumed_anyway(links):
    assert links == {"toys/ball": [], "toys/kite": [], "games/tag": ["toys/kite"]}


def test_ideas_chapters_and_arrows_are_drawn(links):
    drawing = site_concepts.drawn(TOYS, links)
    assert sorted(texts(drawing)) == ["Ball", "Kite", "Tag", "gravity", "wind & air"]
    assert drawing.count('class="ib-assumes"') == 1
    assert drawing.count('class="ib-links"') == 1
    assert drawing.count('class="ib-shared"') == 2


def test_arrows_lead_from_what_is_assumed_to_what_assumes_it(links):
    drawing = site_concepts.drawn(TOYS, links)
    [(begins, ends)] = re.findall(r'class="ib-assumes" d="M\S+ (\S+?)C.* (\S+?)"/>', drawing)
    assert float(begins) < float(ends)
    assert f'class="ib-head" d="M{site_concepts.END + 1} {ends}l' in drawing


def test_the_same_is_listed(links):
    listed = site_concepts.listed(TOYS, links)
    ball, kite = "[Ball](../../notebooks/toys/ball.ipynb)", "[Kite](../../notebooks/toys/kite.ipynb)"
    assert f"**{ball}**\n\n- *assumes* gravity\n- *leads to* {kite}\n" in listed
    assert f"- *assumes* gravity, wind & air, {ball}" in listed
    assert f"- *links to* {kite}" in listed


def test_the_map_of_the_book_names_every_chapter_and_every_idea(root):
    links = site_concepts.leans_on(CHAPTERS, root)
    drawn, listed = texts(site_concepts.drawn(CHAPTERS, links)), site_concepts.listed(CHAPTERS, links)
    for own in CHAPTERS:
        assert own.title in drawn
        assert f"**[{own.title}](../../notebooks/{own.path}.ipynb)**" in listed
        for name in own.prerequisites:
            assert name in own.chapters_before or name in drawn


def test_a_drawing_says_what_it_shows():
    svg = ElementTree.fromstring(site_concepts.drawn(TOYS, {each.path: [] for each in TOYS}))
    assert svg.get("role") == "img"
    assert svg.find("title").get("id") == svg.get("aria-labelledby")
    assert "listed" in svg.find("title").text


def test_nothing_in_the_drawing_is_outside_of_it(root):
    """Texts are narrower than their places, at six tenths of a letter's height for a letter."""
    svg = ElementTree.fromstring(site_concepts.drawn(CHAPTERS, site_concepts.leans_on(CHAPTERS, root)))
    _, _, _, height = map(float, svg.get("viewBox").split())
    for text in svg.iter("text"):
        room, size = (
            (site_concepts.END - site_concepts.BEGIN, 12) if text.get("class") else (site_concepts.IDEAS_END, 10.5)
        )
        for line in text:
            assert len(line.text) * 0.6 * size <= room, line.text
            assert 6 <= float(line.get("y")) <= height - 6


def test_a_page_without_a_place_for_it_stays(root):
    content = ["another page"]
    site_concepts.fill_in(None, "book/welcome", content)
    assert content == ["another page"]
    assert site_concepts.PLACEHOLDER in (root / "book/teaching/concepts.md").read_text(encoding="utf-8")
