"""The book on paper: everything is there, nothing is left to press, and links lead to the page that they name."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from browser import MISSING, find_browser

paper = pytest.importorskip("paper")
pypdf = pytest.importorskip("pypdf")
from paper_page import Page, anchor  # noqa: E402

DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
STYLE = '<style data-files="explore.css">.ib-explore { border: 0; }</style>'
LIVE = (
    f'<figure class="ib-figure" id="figure-1"><div class="ib-explore ib-live" id="ib-1">{STYLE}<noscript>'
    f'<img src="{DOT}" alt="a ball, alive" width="600" height="300">'
    "<p>This figure moves where scripts are allowed.</p></noscript>"
    '<script type="application/json">{"network": 1}</script><script>bringToLife()</script></div>'
    "<figcaption><b>Figure 1.</b> Look at the ball.</figcaption>"
    '<details class="ib-numbers"><summary>Numbers of Figure 1</summary>12345</details></figure>'
)
FOLDED = (
    '<div class="cell tag_hide-input"><details class="admonition hide"><summary>Show: the set-up</summary>'
    '<div class="cell_input"><pre>folded_code()</pre></div></details>{output}</div>'
)
CLAIM = (
    '<div class="cell_output"><div class="ib-claim" id="claim-round"><details><summary>The ball is round. '
    '<span class="ib-badge">✓ holds · 0.1</span></summary><dl><dt>Criterion</dt>'
    "<dd>below 1</dd></dl></details></div></div>"
)
EXERCISES = (
    '<section id="exercises"><h2>1.2. Exercises</h2><p><strong>1. A box</strong> (★). Put it in a box.</p>'
    '<div class="cell tag_starter"><div class="cell_input"><pre>box = ...</pre></div>'
    '<div class="cell_output">Your turn</div></div>'
    '<div class="cell tag_solution tag_hide-cell"><details class="admonition hide"><summary>Show: a box</summary>'
    "<pre>box = solved_by_code()</pre></details></div>"
    "<p><strong>2. A proof</strong> (★★). Prove it.</p>"
    "<details><summary>Show: the key</summary><p>By a key.</p></details>"
    "</section>"
)
BUTTONS = (
    '<button>Play</button><label><input type="radio" name="q"> An option</label><input type="range"><select></select>'
)
BALL = (
    f'<h1>1. The ball</h1><p>See <a href="#figure-1">Figure 1</a>, and <a href="box.html#exercises">the box</a>.'
    ' A <a class="ib-term" href="../../book/welcome.html#term">term</a>.</p>'
    f'<section id="alive"><h2>1.1. Alive</h2>{LIVE}{FOLDED.format(output="")}{FOLDED.format(output=CLAIM)}'
    f"{BUTTONS}<details><summary>Show: why</summary><p>Because.</p></details></section>{EXERCISES}"
)
# On a narrow screen this is no wider than the text, on paper it is.
WIDE = (
    "<style>@media (max-width: 600px) { .wide { font-size: 4px !important; } }</style>"
    f'<table class="wide"><tr><td style="white-space: nowrap">{"wide " * 40}edge</td></tr></table>'
)
BOX = (
    '<h1>2. The box</h1><p>Unlike <a href="ball.html#figure-1?step=2">the ball</a>, and <a href="gone.html">a page</a>.'
    f'</p><p class="long">A line.</p>{WIDE}<section id="exercises"><h2>2.1. Exercises</h2><p>None.</p></section>'
)
CONTENTS = """
root: book/welcome
parts:
- caption: Toys
  chapters: [{file: notebooks/toys/ball}, {file: notebooks/toys/box}]
- caption: Behind the pages
  chapters: [{file: book/teaching/toys/ball}, {file: book/api/index, sections: [{file: book/api/toys}]}]
"""
PATHS = {"book/welcome", "notebooks/toys/ball", "notebooks/toys/box"}


def built(article: str) -> str:
    """A page as the builder writes it."""
    return f'<html><head></head><body><nav>frame</nav><article class="bd-article">{article}</article></body></html>'


def page(article: str = BALL, path: str = "notebooks/toys/ball", level: int = 2) -> Page:
    return Page(path, built(article), PATHS, level=level)


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    """The folder of a book of two chapters."""
    root = tmp_path_factory.mktemp("book")
    (root / "_toc.yml").write_text(CONTENTS, encoding="utf-8")
    for path, article in (
        ("book/welcome", '<h1>Welcome</h1><p id="term">A term.</p>'),
        ("notebooks/toys/ball", BALL),
        ("notebooks/toys/box", BOX),
    ):
        file = root / paper.SITE / f"{path}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(built(article), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def printed(book):
    """The small book as a PDF, read again."""
    browser = find_browser()
    if browser is None:
        pytest.skip(MISSING)
    return pypdf.PdfReader(BytesIO(paper.write(browser, book).read_bytes()))


def outline(reader, items=None, depth: int = 0) -> list[tuple[int, str, int]]:
    """Depth, title and page of every bookmark, pages counted from 1."""
    found = []
    for item in reader.outline if items is None else items:
        if isinstance(item, list):
            found += outline(reader, item, depth + 1)
        else:
            found.append((depth, " ".join(item.title.split()), reader.get_destination_page_number(item) + 1))
    return found


def test_nothing_is_left_to_press_and_no_folded_code() -> None:
    text = str(page().article)
    assert not re.findall(r"<(button|input|select|textarea|details|summary|script|noscript|style)\b", text)
    assert "folded_code" not in text
    assert "Your turn" not in text
    assert "12345" not in text
    assert "☐  An option" in text


def test_a_live_figure_is_its_first_state_with_caption_alt_and_address() -> None:
    figure = page().article.find("figure")
    assert figure.img["alt"] == "a ball, alive"
    assert "Look at the ball." in figure.figcaption.get_text()
    assert "notebooks/toys/ball.html#figure-1" in figure.get_text()
    assert "where scripts are allowed" not in figure.get_text()


def test_a_claim_and_a_folded_passage_lie_open() -> None:
    article = page().article
    assert article.select_one(".ib-claim .ib-badge").get_text() == "✓ holds · 0.1"
    assert "below 1" in article.select_one(".ib-claim").get_text()
    assert article.select_one(".ib-fold-title").get_text() == "Why"
    assert "Because." in article.get_text()


def test_the_number_that_a_claim_measured_stays_in_its_table() -> None:
    row = '<table><tr><td>Claim</td><td class="ib-numbers">0.1</td><td>holds</td></tr></table>'
    cells = page(f"<h1>The ledger</h1>{row}").article.find_all("td")
    assert [cell.get_text() for cell in cells] == ["Claim", "0.1", "holds"]


def test_a_formula_of_a_quiz_is_set_as_all_formulas_are() -> None:
    ball = page(r'<h1>A quiz</h1><span class="math" data-tex="\frac bD">b/D</span>')
    assert ball.has_formulas
    assert ball.article.select_one(".math").get_text() == r"\(\frac bD\)"


def test_the_reference_and_a_lecturers_pages_for_a_lesson_are_not_printed() -> None:
    paths = [entry.path for entry in paper.entries(paper.yaml.safe_load(CONTENTS))]
    assert paths == ["book/welcome", "notebooks/toys/ball", "notebooks/toys/box"]


def test_solutions_are_taken_out_and_each_exercise_says_where_they_are() -> None:
    ball = page()
    assert "solved_by_code" not in ball.article.get_text()
    assert "By a key" not in ball.article.get_text()
    assert [solution.title for solution in ball.solutions] == ["1. A box", "2. A proof"]
    assert "solved_by_code" in ball.solutions[0].body
    assert "By a key" in ball.solutions[1].body
    turns = [link["href"] for link in ball.article.select(".ib-turn a")]
    assert turns == [f"#{solution.place}" for solution in ball.solutions]
    assert all(ball.article.find(id=solution.exercise) for solution in ball.solutions)


def test_places_of_two_pages_are_told_apart_and_links_find_them() -> None:
    ball, box = page(), page(BOX, "notebooks/toys/box")
    names = [element["id"] for element in [*ball.article.find_all(id=True), *box.article.find_all(id=True)]]
    assert len(set(names)) == len(names)
    assert ball.article.find("a", string="the box")["href"] == f"#{anchor('notebooks/toys/box', 'exercises')}"
    assert box.article.find("a", string="the ball")["href"] == f"#{anchor('notebooks/toys/ball', 'figure-1')}"
    assert not box.article.find("a", string="a page")


def test_only_links_to_other_pages_say_on_which_page() -> None:
    shown = [place["data-place"] for place in page().article.select(".ib-on .ib-at")]
    assert shown == [anchor("notebooks/toys/box", "exercises")]


@pytest.mark.parametrize(("level", "expected"), [(2, ["h2", "h3", "h3"]), (3, ["h3", "h4", "h4"])])
def test_headings_are_as_deep_as_the_page_in_the_contents(level, expected) -> None:
    assert [heading.name for heading in page(level=level).article.find_all(re.compile("^h[1-6]$"))] == expected


def test_a_style_sheet_that_many_figures_bring_is_there_once(book) -> None:
    assert paper.assemble(book).count(".ib-explore { border: 0; }") == 1


def test_a_book_that_is_not_built_is_refused(tmp_path) -> None:
    (tmp_path / "_toc.yml").write_text(CONTENTS, encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"welcome.html is not there: run `make book` first"):
        paper.assemble(tmp_path)


def test_the_outline_has_parts_chapters_and_sections(printed) -> None:
    assert [(depth, title) for depth, title, _ in outline(printed)] == [
        (0, "Contents"),
        (0, "Welcome"),
        (0, "Toys"),
        (1, "1. The ball"),
        (2, "1.1. Alive"),
        (2, "1.2. Exercises"),
        (1, "2. The box"),
        (2, "2.1. Exercises"),
        (0, "Solutions"),
        (1, "1. The ball"),
        (2, "1. A box"),
        (2, "2. A proof"),
    ]


def test_every_title_is_on_the_page_that_the_outline_and_the_contents_say(printed) -> None:
    check_titles(printed)
    [contents] = [text for text in texts(printed) if text.startswith("2 Contents")]
    for depth, title, at in outline(printed)[1:-3]:
        assert f"{title} {at}" in contents, (depth, contents)


def test_pages_are_numbered_from_the_second_on(printed) -> None:
    check_page_numbers(printed)


def test_every_link_inside_leads_to_a_page(printed) -> None:
    assert check_links(printed) >= 10


def test_a_wide_table_is_made_smaller_and_not_the_whole_book(printed) -> None:
    assert any("edge" in text for text in texts(printed))
    assert text_size(printed.pages[0]) == pytest.approx(8.4, abs=0.2)


def texts(reader) -> list[str]:
    return [" ".join(page.extract_text().split()) for page in reader.pages]


def check_titles(reader) -> None:
    """The title of every bookmark, letters only, is in the text of its page."""
    # Some fonts give a curly apostrophe back as a letter.
    pages = [re.sub(r"[\W\u02bc]", "", text).lower() for text in texts(reader)]
    marks = outline(reader)
    missing = [(title, at) for _, title, at in marks if re.sub(r"\W", "", title).lower() not in pages[at - 1]]
    assert not missing
    assert [at for *_, at in marks] == sorted(at for *_, at in marks)


def check_page_numbers(reader) -> None:
    """The text of a page begins with what stands in its margins: the chapter's title, and the number."""
    titles = {"", *(f"{title} " for _, title, _ in outline(reader))}
    for number, text in enumerate(texts(reader)[1:], 2):
        assert any(f"{text} ".startswith(f"{title}{number} ") for title in titles), text[:200]


def check_links(reader) -> int:
    """How many links lead to a place of the book, all of which exist."""
    known = {name.removeprefix("/") for name in reader.named_destinations}
    wanted = []
    for link in (note.get_object() for page in reader.pages for note in page.get("/Annots", [])):
        target = link.get("/Dest") or link.get("/A", {}).get("/D")
        if target is not None:
            wanted.append(str(target).removeprefix("/"))
        else:
            assert str(link["/A"]["/URI"]).startswith(("http://", "https://")), link["/A"]
    assert set(wanted) <= known
    return len(wanted)


@pytest.mark.slow
def test_the_whole_book_is_there_and_every_link_inside_finds_its_place(site, root, tmp_path) -> None:
    (tmp_path / "_build").mkdir()
    (tmp_path / paper.SITE).symlink_to(site, target_is_directory=True)
    (tmp_path / "_toc.yml").symlink_to(root / "_toc.yml")
    text = paper.assemble(tmp_path)
    names = re.findall(r'<[a-z][^<>]*? id="([^"]*)"', text)
    assert len(set(names)) == len(names)
    assert set(re.findall(r'<a\b[^<>]* href="#([^"]*)"', text)) <= {*names}
    assert set(re.findall(r'data-place="([^"]*)"', text)) <= {*names}
    contents = paper.yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    paths = [entry.path for entry in paper.entries(contents)]
    assert {anchor(path) for path in paths} <= {*names}
    figures = [(site / f"{path}.html").read_text(encoding="utf-8").count('<figure class="ib-figure"') for path in paths]
    assert text.count('<figure class="ib-figure"') == sum(figures) > 0
    assert not re.search(r"<(button|input|select|textarea|details|iframe|noscript)\b", text)
    assert not re.search(r'<(link|script|img|source)\b[^<>]* (href|src)="(https?:)?//', text)


@pytest.mark.slow
def test_a_real_chapter_is_printed_with_its_formulas_and_nothing_is_cut_off(site, tmp_path) -> None:
    browser = find_browser()
    if browser is None:
        pytest.skip(MISSING)
    (tmp_path / "_build").mkdir()
    (tmp_path / paper.SITE).symlink_to(site, target_is_directory=True)
    chapter = "notebooks/attribution/fullgrad"
    parts = [{"caption": "Attribution", "chapters": [{"file": chapter}]}]
    (tmp_path / "_toc.yml").write_text(
        paper.yaml.safe_dump({"root": "book/notation", "parts": parts}), encoding="utf-8"
    )
    printed = pypdf.PdfReader(BytesIO(paper.write(browser, tmp_path).read_bytes()))
    check_titles(printed)
    check_page_numbers(printed)
    assert check_links(printed) > 20
    assert not re.search(r"\\[()]|\\(frac|nabla|sum)", "".join(texts(printed)))
    # Chromium makes everything smaller where something is too wide: the number of a page stays, its text does not.
    assert text_size(printed.pages[-1]) == pytest.approx(10.4, abs=0.2)


def text_size(page) -> float:
    """The size of most of a page's letters, in points."""
    sizes: dict[float, int] = {}

    def count(text, transform, matrix, font, size) -> None:
        size = round(abs(size * matrix[3] * transform[3]), 1)
        sizes[size] = sizes.get(size, 0) + len(text)

    page.extract_text(visitor_text=count)
    return max(sizes, key=sizes.get)
