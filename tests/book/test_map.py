"""The map on the welcome page: every chapter is on it, drafts and plans are told apart."""

import outline
import pytest
from front_matter import Chapter
from notebook_rules import LESSONS
from outline import Part

site_map = pytest.importorskip("site_map", reason="the book's own packages are not installed")


def chapter(path: str, title: str = "Ball", status: str = "finished") -> Chapter:
    return Chapter(path, title, path.split("/")[0], "Why?", 10, (), status)


def test_every_lesson_is_linked():
    drawn = site_map.map_html(outline.read())
    for notebook in LESSONS:
        assert drawn.count(f'href="../notebooks/{notebook.parent.name}/{notebook.stem}.html"') == 1


def test_drafts_and_plans_are_told_apart():
    chapters = (chapter("toys/ball"), chapter("toys/kite", "Kites & <winds>", "draft"))
    drawn = site_map.map_html([Part("toys", "Toys", "What?", "<svg></svg>\n", ("Tops",), chapters)])
    assert '<li><a href="../notebooks/toys/ball.html">Ball</a></li>' in drawn
    assert '<li class="ib-draft"><a href="../notebooks/toys/kite.html">Kites &amp; &lt;winds&gt;</a></li>' in drawn
    assert '<li class="ib-planned">Tops</li>' in drawn


def test_a_part_with_nothing_in_it_is_not_drawn():
    assert "<section>" not in site_map.map_html([Part("toys", "Toys")])


def test_the_book_begins_with_what_is_finished():
    draft, finished = chapter("toys/ball", status="draft"), chapter("toys/kite")
    assert site_map.first([Part("games", "Games"), Part("toys", "Toys", chapters=(draft, finished))]) == finished
    assert site_map.first([Part("toys", "Toys", chapters=(draft,))]) == draft


def test_the_welcome_page_is_filled_in(site):
    page = (site / "book" / "welcome.html").read_text(encoding="utf-8")
    assert "{{ " not in page
    assert 'class="ib-map"' in page
