"""In the built book a page of evidence stands under its lesson and has no number."""

import re
from pathlib import Path

import pytest

application = pytest.importorskip("sphinx.application", reason="the book's own packages are not installed")
docutils = pytest.importorskip("sphinx.util.docutils")

CONTENTS = """
format: jb-book
root: index
parts:
  - caption: Toys
    numbered: true
    chapters:
      - file: ball
        sections: [{file: ball_evidence}]
      - file: kite
"""
EXTENSIONS = ["sphinx_external_toc", "sphinx_multitoc_numbering", "site_evidence"]
NUMBER = '<span class="section-number">'


def heading(text: str, underline: str) -> str:
    return f"{text}\n{underline * len(text)}\n\n"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book with two chapters, one of which has its evidence on a page of its own."""
    book = tmp_path_factory.mktemp("book")
    (book / "_toc.yml").write_text(CONTENTS, encoding="utf-8")
    for name in ("index", "ball", "ball_evidence", "kite"):
        (book / f"{name}.rst").write_text(heading(name, "=") + heading(f"inside {name}", "-"), encoding="utf-8")
    settings = {"extensions": EXTENSIONS, "external_toc_path": "_toc.yml"}
    out = book / "html"
    # The next book in this process begins without the nodes of this one.
    with docutils.docutils_namespace():
        app = application.Sphinx(book, None, out, book / "doctrees", "html", settings, status=None, warningiserror=True)
        app.build()
    return out


def numbers(page: str) -> list[str]:
    """The numbers of a page's headings and of its entries in the contents."""
    return [number.strip() for number in re.findall(rf"{NUMBER}([\d. ]+)</span>", page)]


def test_lessons_are_numbered_and_their_evidence_is_not(built: Path) -> None:
    assert set(numbers((built / "ball.html").read_text(encoding="utf-8"))) == {"1.", "1.1."}
    assert set(numbers((built / "kite.html").read_text(encoding="utf-8"))) == {"2.", "2.1."}
    evidence = (built / "ball_evidence.html").read_text(encoding="utf-8")
    body = evidence[evidence.index("<h1>") : evidence.index("</section>")]
    assert numbers(body) == []


def test_evidence_stands_under_its_lesson_in_the_contents(built: Path) -> None:
    ball = (built / "ball.html").read_text(encoding="utf-8")
    entries = re.findall(r'<li class="toctree-(l\d)"><a class="reference internal" href="(\w+)\.html">(.*?)</a>', ball)
    assert entries == [("l2", "ball_evidence", "ball_evidence"), ("l1", "kite", "2. kite")]
