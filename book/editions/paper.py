"""`make pdf`: the built book on paper, `_build/interpbook.pdf`.

The pages that `make book` built are put together into one page of HTML, `_build/paper/index.html`, and Chromium prints
it. So every link inside the book leads to a place in the PDF, and the page that it leads to is printed beside it.

What lives on the screen stands still: a figure shows its first state and says where it moves. Folded code is left out,
as nobody reads it who reads the text; a claim shows all that its badge hides; solutions stand together at the end.
"""

import argparse
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import yaml
from bs4 import BeautifulSoup
from outline import ROOT
from paper_page import Page, Solution, anchor, page_of
from playwright.sync_api import sync_playwright
from pypdf import PdfReader

import interpbook

SITE = "_build/html"
FOLDER = "_build/paper"
PDF = "_build/interpbook.pdf"
SOLUTIONS = "solutions"
# What is looked up beside a screen: the functions' reference, and the pages that help to teach one lesson, which tell
# before the lesson what is wrong in answers to its exercises.
WEB_ONLY = re.compile(r"book/(api|teaching/\w+)/")


@dataclass(frozen=True)
class Entry:
    """A page of the book: the caption of its part, its path without a suffix, and how deep it is in the contents."""

    part: str
    path: str
    depth: int

    @property
    def level(self) -> int:
        """Of its title's heading: a part's is 1."""
        return self.depth + (2 if self.part else 1)


def entries(contents: dict) -> list[Entry]:
    """The pages that are printed, in the order of the book, from the table of contents that the builder reads.

    >>> chapter = {"file": "notebooks/a", "sections": [{"file": "notebooks/a_evidence"}]}
    >>> found = entries({"root": "book/welcome", "parts": [{"caption": "Part", "chapters": [chapter]}]})
    >>> [(entry.part, entry.path, entry.depth) for entry in found]
    [('', 'book/welcome', 0), ('Part', 'notebooks/a', 0), ('Part', 'notebooks/a_evidence', 1)]
    """
    found = [Entry("", contents["root"], 0)]
    for part in contents["parts"]:
        found += _below(part["caption"], part["chapters"], 0)
    return [entry for entry in found if not WEB_ONLY.match(entry.path)]


def _below(part: str, chapters: list[dict], depth: int) -> Iterator[Entry]:
    for chapter in chapters:
        yield Entry(part, chapter["file"], depth)
        yield from _below(part, chapter.get("sections", []), depth + 1)


def assemble(root: Path = ROOT) -> str:
    """The whole book as one page of HTML.

    Raises:
        FileNotFoundError: the book is not built.
    """
    contents = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    listed = entries(contents)
    pages = [_read(root, entry, {entry.path for entry in listed}) for entry in listed]
    solved = [(page, page.solutions) for page in pages if page.solutions]
    body = [_title_page(), _contents(listed, pages, bool(solved))]
    part, named = "", []
    for entry, page in zip(listed, pages, strict=True):
        if entry.depth == 0:
            body += ["</div>"] * bool(named)
            named.append(page.title)
            body.append(f'<div class="ib-chapter" style="page: chapter{len(named)}">')
        if entry.part != part:
            part = entry.part
            body.append(f'<h1 class="ib-part" id="{_part_anchor(part)}">{html.escape(part)}</h1>')
        body.append(str(page.article))
    body.append("</div>")
    if solved:
        named.append("Solutions")
        body.append(f'<div class="ib-chapter" style="page: chapter{len(named)}">{_solutions(solved)}</div>')
    styles = dict.fromkeys(style for page in pages for style in page.styles)
    return _document(_head(root, pages), "\n".join([_headers(named), *styles]), "\n".join(body))


def _read(root: Path, entry: Entry, paths: set[str]) -> Page:
    """One built page, made ready for paper."""
    file = root / SITE / f"{entry.path}.html"
    if not file.exists():
        raise FileNotFoundError(f"{file.relative_to(root)} is not there: run `make book` first")
    text = file.read_text(encoding="utf-8")
    return Page(entry.path, text, paths, level=entry.level)


def _title_page() -> str:
    return (
        '<header class="ib-title"><p class="ib-name">interpbook</p>'
        '<p class="ib-subtitle">What deep models really tell us: a textbook that runs, and checks itself</p>'
        f"<p>The interpbook authors · version {interpbook.__version__}</p>"
        '<div class="ib-colophon"><p>This is the web book on paper. Figures that move there stand still here, in the '
        "state in which a reader meets them. Code that is folded there is left out here: set-up, drawing routines, "
        "and how each claim is measured. Every claim is printed with all that its badge hides on the screen. Solutions "
        "to the exercises stand together at the end, and each exercise says on which page. The package's reference "
        "and a lecturer's page for each lesson are in the web book only.</p></div></header>"
    )


def _part_anchor(part: str) -> str:
    return anchor(f"part/{part.lower().replace(' ', '-')}")


def _contents(listed: list[Entry], pages: list[Page], solved: bool) -> str:
    """The printed table of contents; the numbers come when the pages have them."""
    lines, part = [], ""
    for entry, page in zip(listed, pages, strict=True):
        if entry.part != part:
            part = entry.part
            lines.append(_line("part", _part_anchor(part), html.escape(part)))
        lines.append(_line("page" if entry.depth == 0 else "below", anchor(entry.path), page.heading))
        lines += [_line("section", place, heading) for place, heading in page.sections if entry.depth == 0]
    lines += [_line("part", SOLUTIONS, "Solutions")] * solved
    return f'<nav class="ib-contents" id="contents"><h1>Contents</h1>{"".join(lines)}</nav>'


def _line(kind: str, place: str, heading: str) -> str:
    return (
        f'<p class="ib-line-{kind}"><a href="#{place}">{heading}</a><span class="ib-leader"></span>{page_of(place)}</p>'
    )


def _solutions(solved: list[tuple[Page, list[Solution]]]) -> str:
    """What the exercises fold away, lesson by lesson."""
    parts = [f'<h1 class="ib-part" id="{SOLUTIONS}">Solutions</h1>']
    for page, solutions in solved:
        parts.append(f"<h2>{page.heading}</h2>")
        for solution in solutions:
            back = f'<a href="#{solution.exercise}">The exercise</a>: page {page_of(solution.exercise)}'
            parts.append(f'<h3 id="{solution.place}">{solution.title}</h3><p class="ib-turn">{back}</p>{solution.body}')
    return "\n".join(parts)


def _headers(named: list[str]) -> str:
    """The title of a chapter above each of its pages."""
    texts = (title.replace("\\", "\\\\").replace('"', '\\"') for title in named)
    rules = (f'@page chapter{at} {{ @top-left {{ content: "{text}"; }} }}' for at, text in enumerate(texts, 1))
    return "\n".join(rules)


def _head(root: Path, pages: list[Page]) -> str:
    """The style sheets of the web book, and the script that sets its formulas; only pages with formulas have it."""
    path = next((page.path for page in pages if page.has_formulas), pages[0].path)
    head = BeautifulSoup((root / SITE / f"{path}.html").read_text(encoding="utf-8"), "html.parser").head
    wanted = [*head.find_all("link", rel="stylesheet"), *head.find_all("script", string=re.compile("MathJax"))]
    wanted += head.find_all("script", src=re.compile("mathjax"))
    up = "../" * path.count("/")
    return "".join(str(tag).replace(f'"{up}_static', '"../html/_static') for tag in wanted)


def _document(head: str, styles: str, body: str) -> str:
    """The page that is printed; the sheet for paper comes last."""
    own = Path(__file__).with_name("paper.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en" data-theme="light" data-mode="light"><head><meta charset="utf-8">'
        f"<title>interpbook: what deep models really tell us</title>{head}\n<style>{styles}\n{own}</style></head>\n"
        '<body><main class="bd-main"><div class="bd-content"><div class="bd-article-container"><div class="bd-article">'
        f"{body}</div></div></div></main></body></html>"
    )


# A4 in the pixels of a style sheet: rules for narrow screens go by the sheet, not by what its margins leave.
PRINTED = {"width": 794, "height": 1123}
PATIENCE = 600_000  # milliseconds, on a machine that is busy
# A formula or a table that is wider than the text is set as much smaller. Chromium would shrink the whole book instead.
FIT = """document.querySelectorAll("mjx-container[display], .bd-article table").forEach(wide => {
    const room = wide.parentElement.getBoundingClientRect().width;
    const content = wide.tagName === "TABLE" ? wide : wide.firstElementChild;
    const share = room / content.getBoundingClientRect().width;
    const size = parseFloat(getComputedStyle(wide).fontSize);
    if (share < 1) wide.style.setProperty("font-size", `${share * 0.98 * size}px`, "important");
})"""
FILL_IN = """numbers => document.querySelectorAll("[data-place]").forEach(
    e => { e.textContent = numbers[e.dataset.place] ?? "" })"""


def print_it(page: Path, browser: str) -> bytes:
    """The page as a PDF with an outline, the numbers of pages filled in.

    Chromium knows no `target-counter`: the page is printed, read, and printed again until the numbers stay.
    """
    with sync_playwright() as playwright, playwright.chromium.launch(executable_path=browser) as chromium:
        tab = chromium.new_context(offline=True, color_scheme="light", viewport=PRINTED).new_page()
        tab.set_default_timeout(PATIENCE)
        tab.emulate_media(media="print")
        tab.goto(page.resolve().as_uri(), wait_until="load")
        tab.wait_for_function("!window.MathJax || window.MathJax.startup?.output")
        tab.evaluate("window.MathJax?.startup?.promise")
        tab.evaluate("document.fonts.ready")
        tab.evaluate(FIT)
        numbers: dict[str, int] = {}
        for _ in range(4):
            before, numbers = numbers, page_numbers(tab.pdf(prefer_css_page_size=True, print_background=True))
            if numbers == before:
                break
            tab.evaluate(FILL_IN, numbers)
        # Chromium makes the outline from the tags, which take it most of the time: only once.
        return tab.pdf(prefer_css_page_size=True, print_background=True, outline=True, tagged=True)


def page_numbers(printed: bytes) -> dict[str, int]:
    """For each place that something links to, the page that it is on; the first page is 1."""
    reader = PdfReader(BytesIO(printed))
    at = {page.indirect_reference.idnum: number for number, page in enumerate(reader.pages, 1)}
    places = reader.named_destinations.items()
    return {name.removeprefix("/"): at[place.page.idnum] for name, place in places}


def write(browser: str, root: Path = ROOT) -> Path:
    """Write the page and the PDF."""
    page = root / FOLDER / "index.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(assemble(root), encoding="utf-8")
    target = root / PDF
    target.write_bytes(print_it(page, browser))
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--browser", required=True, help="the path of Chromium or Chrome, 131 or newer")
    written = write(parser.parse_args().browser)
    print(f"The book on paper: {written.relative_to(ROOT)}")
