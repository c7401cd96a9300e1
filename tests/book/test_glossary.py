"""The first use of a term of the glossary in a lesson links to its entry, and nothing else does."""

import re
from pathlib import Path

import pytest

application = pytest.importorskip("sphinx.application", reason="the book's own packages are not installed")
docutils = pytest.importorskip("sphinx.util.docutils")

PAGES = {
    "index.md": "# Index\n\n```{toctree}\nbook/glossary\nnotebooks/toys/ball\nnotebooks/toys/ball_evidence\n```\n",
    "book/glossary.md": """# Glossary

```{glossary}
saliency map
attribution map
  One number for each entry of $\\nabla f(x)$.

map
  A picture of a place. It is drawn.

identity
  What holds always. {long}
```
""".replace("{long}", "Word upon word. " * 40),
    "notebooks/toys/ball.md": """# A saliency map is a map

<div class="ib-card">

**The question.** Is every map an identity?

</div>

The `map` of $map$ in [a map](https://example.org) and remaps, a map-maker.

*Saliency
Maps* come first, attribution maps are the same, then any Map and other maps.

Two identities, one identity.
""",
    "notebooks/toys/ball_evidence.md": "# Evidence\n\nA map and a saliency map.\n",
}
LINK = re.compile(r'<a class="ib-term reference internal" href="([^"]*)" title="([^"]*)">(.*?)</a>', re.DOTALL)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with a glossary, a lesson and its evidence."""
    book = tmp_path_factory.mktemp("book")
    for name, text in PAGES.items():
        (book / name).parent.mkdir(parents=True, exist_ok=True)
        (book / name).write_text(text, encoding="utf-8")
    settings = {"extensions": ["myst_parser", "site_glossary"], "myst_enable_extensions": ["dollarmath"]}
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
    assert titles[:2] == ["One number for each entry of ∇f(x).", "A picture of a place. It is drawn."]
    assert titles[2].startswith("What holds always. Word")
    assert titles[2].endswith("upon word.")
    assert len(titles[2]) <= 240


def test_evidence_and_the_glossary_have_no_such_links(built: Path) -> None:
    for page in ("notebooks/toys/ball_evidence.html", "book/glossary.html"):
        assert "ib-term" not in (built / page).read_text(encoding="utf-8")
