"""The glossary has the terms of all chapters; the first use of one in a lesson links to it, and nothing else does."""

import json
import re
from pathlib import Path

import pytest

application = pytest.importorskip("sphinx.application", reason="the book's own packages are not installed")
docutils = pytest.importorskip("sphinx.util.docutils")

LESSON = """# A saliency map is a map

<div class="ib-card">

**The question.** Is every map an identity?

</div>

The `map` of $map$ in [a map](https://example.org) and remaps, a map-maker.

*Saliency
Maps* come first, attribution maps are the same, then any Map and other maps.

Two identities, one identity.
"""
ABOUT = {"part": "toys", "question": "Why?", "minutes": 10, "prerequisites": [], "status": "draft"}


def notebook(text: str, **metadata: object) -> str:
    """A notebook of one cell."""
    cell = {"cell_type": "markdown", "metadata": {}, "source": text}
    return json.dumps({"cells": [cell], "metadata": metadata, "nbformat": 4, "nbformat_minor": 4})


FILES = {
    "index.md": "# Index\n\n```{toctree}\nbook/glossary\nnotebooks/toys/ball\nnotebooks/toys/ball_evidence\n```\n",
    "book/glossary.md": "# Glossary\n\nAll terms.\n\n{{ terms }}\n",
    "book/terms.yml": """
- term: identity
  means: What holds always. {long}
""".replace("{long}", "Word upon word. " * 40),
    "interpbook/chapters/toys/ball/terms.yml": """
- term: saliency map
  also: [attribution map]
  means: One number for each entry of $\\nabla f(x)$.

- term: map
  means: >-
    A picture of a place.
    It is drawn.
""",
    "notebooks/toys/ball.ipynb": notebook(LESSON, interpbook={"chapter": {"title": "A ball", **ABOUT}}),
    "notebooks/toys/ball_evidence.ipynb": notebook("# Evidence\n\nA map and a saliency map.\n"),
}
LINK = re.compile(r'<a class="ib-term reference internal" href="([^"]*)" title="([^"]*)">(.*?)</a>', re.DOTALL)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with a glossary, a lesson and its evidence."""
    book = tmp_path_factory.mktemp("book")
    for name, text in FILES.items():
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(text, encoding="utf-8")
    settings = {"extensions": ["myst_nb", "site_glossary"], "myst_enable_extensions": ["dollarmath"]}
    out = book / "html"
    # The next book in this process begins without the nodes of this one.
    with docutils.docutils_namespace():
        app = application.Sphinx(book, None, out, book / "doctrees", "html", settings, status=None, warningiserror=True)
        app.build()
    return out


@pytest.fixture(scope="module")
def links(built: Path) -> list[tuple[str, str, str]]:
    """Address, title and text of the links to terms in the lesson."""
    return LINK.findall((built / "notebooks" / "toys" / "ball.html").read_text(encoding="utf-8"))


def test_an_entry_is_linked_once_where_one_of_its_terms_is_first_used(links) -> None:
    assert [" ".join(text.split()) for _, _, text in links] == ["Saliency Maps", "Map", "identities"]


def test_a_link_leads_to_the_entry(links, built: Path) -> None:
    glossary = (built / "book" / "glossary.html").read_text(encoding="utf-8")
    for address, _, _ in links:
        page, _, anchor = address.partition("#")
        assert page == "../../book/glossary.html"
        assert f'id="{anchor}"' in glossary


def test_a_link_says_what_the_term_means(links) -> None:
    titles = [title for _, title, _ in links]
    assert titles[:2] == [
        "One number for each entry of ∇f(x). Lesson: A ball.",
        "A picture of a place. It is drawn. Lesson: A ball.",
    ]
    assert titles[2].startswith("What holds always. Word")
    assert titles[2].endswith("upon word.")
    assert len(titles[2]) <= 240


def test_the_glossary_has_the_terms_of_every_folder_in_order_and_each_leads_to_its_lesson(built: Path) -> None:
    page = (built / "book" / "glossary.html").read_text(encoding="utf-8")
    terms = re.findall(r'<dt id="[^"]*">([^<]*)', page)
    assert terms == ["identity", "map", "saliency map", "attribution map"]
    definitions = re.findall(r"<dd>.*?</dd>", page, re.DOTALL)
    lessons = [re.findall(r'href="([^"]*)"', definition) for definition in definitions]
    assert lessons == [[], ["../notebooks/toys/ball.html"], ["../notebooks/toys/ball.html"]]


def test_evidence_and_the_glossary_have_no_such_links(built: Path) -> None:
    for page in ("notebooks/toys/ball_evidence.html", "book/glossary.html"):
        assert "ib-term" not in (built / page).read_text(encoding="utf-8")
