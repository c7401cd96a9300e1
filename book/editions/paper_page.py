"""One page of the built book, made ready for paper: nothing to press, nothing that moves, every name its own."""

import posixpath
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

# The scripts and styles of an article weigh more than its text, and the parser would read them all.
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
STYLE = re.compile(r"<style\b[^>]*>(.*?)</style>", re.DOTALL)
# Buttons of the page, and tables that only say in numbers what a plot shows.
NOT_ON_PAPER = ".headerlink, .toctree-wrapper, details.ib-numbers, button, select, textarea, iframe"
# A folded solution, and the key of a proof, which Markdown folds without a class.
FOLDED_ANSWER = ".tag_solution, details:not([class])"
HEADINGS = re.compile(r"^h[1-6]$")
EXERCISE = re.compile(r"(\d+)\. .*")


@dataclass(frozen=True)
class Solution:
    """What an exercise folds away: its place, the exercise's place and title, and its parts as HTML."""

    place: str
    exercise: str
    title: str
    parts: list[str] = field(default_factory=list)

    @property
    def body(self) -> str:
        return "".join(self.parts)


def anchor(path: str, place: str = "") -> str:
    """The name that a place of a page has in the book on paper.

    >>> anchor("notebooks/density/ball", "figure-1")
    'notebooks-density-ball--figure-1'
    """
    page = path.replace("/", "-")
    return f"{page}--{place}" if place else page


def page_of(place: str) -> str:
    """Where the number of a place's page will stand: until it is known, one that is as wide as most."""
    return f'<span class="ib-at" data-place="{place}">100</span>'


def _html(text: str) -> BeautifulSoup:
    return BeautifulSoup(text, "html.parser")


class Page:
    """A page on paper.

    Attributes:
        article: its content.
        has_formulas: whether it needs the script that sets formulas.
        styles: the style sheets that its outputs brought along.
        solutions: what its exercises fold away; it is no longer in the article.
        heading: the title as HTML, with its number.
        sections: place and heading of each of its sections.

    Args:
        path: where it is in the book, without a suffix.
        text: the built page.
        paths: all pages of the book.
        level: of its title's heading, from 1.
    """

    def __init__(self, path: str, text: str, paths: set[str], *, level: int) -> None:
        self.path = path
        content = text[text.index("<article") : text.index("</article>") + len("</article>")]
        self.styles = list(dict.fromkeys(STYLE.findall(content)))
        self.article: Tag = BeautifulSoup(STYLE.sub("", SCRIPT.sub("", content)), "html.parser").article
        self.article.name = "section"
        self.has_formulas = self.article.find(class_="math") is not None
        self._leave_out(NOT_ON_PAPER)
        self._still_figures()
        self._mark_boxes()
        self._set_formulas()
        self._name_places()
        self._lead_links(paths)
        self.solutions = self._take_solutions()
        self._unfold()
        self._lower_headings(level)
        title = self.article.find(class_="ib-page-title")
        self.title = " ".join(title.get_text().split())
        self.heading = title.decode_contents()
        self.sections = [
            (heading.parent["id"], heading.decode_contents())
            for heading in self.article.find_all(f"h{level + 1}")
            if heading.parent.get("id")
        ]

    def _leave_out(self, selector: str) -> None:
        for element in self.article.select(selector):
            element.decompose()

    def _still_figures(self) -> None:
        """A figure that moves becomes the picture that stands where scripts are off, and says where it moves."""
        for figure in self.article.select(".ib-explore"):
            picture = figure.noscript.img.extract()
            place = figure.find_parent("figure")
            figure.replace_with(picture)
            address = f"{self.path}.html#{place['id']}"
            place.append(_html(f'<p class="ib-elsewhere">It moves in the web book: <code>{address}</code></p>'))

    def _take_solutions(self) -> list[Solution]:
        """Solutions of the exercises, folded cells and keys of proofs, in the order of the exercises."""
        found: dict[str, Solution] = {}
        exercises = self.article.find("section", id=anchor(self.path, "exercises"))
        for fold in exercises.select(FOLDED_ANSWER) if exercises else ():
            if fold.find_parent(class_=["tag_solution", "ib-claim", "ib-quiz"]):
                continue
            task = next(p for p in fold.find_all_previous("p") if p.strong and EXERCISE.match(p.strong.get_text()))
            number = EXERCISE.match(task.strong.get_text())[1]
            if number not in found:
                found[number] = self._solution(number, task)
                solution = f'<a href="#{found[number].place}">Solution</a>: page {page_of(found[number].place)}'
                fold.insert_before(_html(f'<p class="ib-turn">{solution}</p>'))
            self._open(fold if fold.name == "details" else fold.details)
            found[number].parts.append(str(fold.extract()))
        return list(found.values())

    def _solution(self, number: str, task: Tag) -> Solution:
        task["id"] = anchor(self.path, f"exercise-{number}")
        return Solution(anchor(self.path, f"solution-{number}"), task["id"], task.strong.decode_contents())

    @staticmethod
    def _open(fold: Tag) -> None:
        """A fold that lies open: no summary to press."""
        fold.summary.decompose()
        fold.name = "div"
        fold["class"] = "ib-opened"

    def _unfold(self) -> None:
        """Folded code goes; a claim, and a passage that was folded, lies open. A starter's cell is not run on paper."""
        for fold in self.article.select("details.hide"):
            fold.decompose()
        for output in self.article.select(".tag_starter > .cell_output"):
            output.decompose()
        for cell in self.article.select("div.cell"):
            if not cell.get_text(strip=True) and not cell.find(["img", "svg"]):
                cell.decompose()
        for fold in self.article.find_all("details"):
            summary = fold.summary
            if not fold.find_parent(class_="ib-claim"):
                summary["class"] = "ib-fold-title"
                first = summary.find(string=re.compile(r"^\s*Show: "))
                if first:
                    words = first.strip().removeprefix("Show: ")
                    first.replace_with(words[0].upper() + words[1:])
            summary.name = fold.name = "div"

    def _mark_boxes(self) -> None:
        """What is to be ticked on the screen has a box to tick on paper."""
        for box in self.article.find_all("input"):
            if box.get("type") in ("radio", "checkbox"):
                box.insert_before("☐ ")
            box.decompose()

    def _set_formulas(self) -> None:
        """A formula of a quiz, which a script of the quiz sets on the screen, is set like all others."""
        for formula in self.article.select("[data-tex]"):
            formula.string = rf"\({formula['data-tex']}\)"

    def _name_places(self) -> None:
        """Names that are one page's own on the screen are told apart on paper."""
        for element in self.article.find_all(id=True):
            element["id"] = anchor(self.path, element["id"])
        for element in self.article.find_all(True):
            for attribute in ("aria-labelledby", "aria-describedby", "for"):
                if element.has_attr(attribute):
                    element[attribute] = anchor(self.path, element[attribute])
        self.article["id"] = anchor(self.path)

    def _lead_links(self, paths: set[str]) -> None:
        """Links inside the book lead to their place on paper, and say on which page where that is another one.

        Not in a heading, and not at a term of the glossary, where a number would stand in the way.
        """
        for link in self.article.find_all("a", href=True):
            parts = urlsplit(link["href"])
            if parts.scheme or parts.netloc:
                continue
            target = posixpath.join(posixpath.dirname(self.path), unquote(parts.path)) if parts.path else self.path
            path = posixpath.normpath(target).removesuffix(".html")
            if path not in paths:
                link.unwrap()
                continue
            place = anchor(path, unquote(parts.fragment).partition("?")[0])
            link["href"] = f"#{place}"
            quiet = link.find_parent(HEADINGS) or "ib-term" in link.get("class", [])
            if path != self.path and not quiet:
                link.insert_after(_html(f'\u00a0<span class="ib-on">p.\u00a0{page_of(place)}</span>'))

    def _lower_headings(self, level: int) -> None:
        """The page's title becomes a heading of `level`, and everything below it as much lower."""
        for heading in self.article.find_all(HEADINGS):
            if heading.name == "h1":
                heading["class"] = "ib-page-title"
            heading.name = f"h{min(int(heading.name[1]) + level - 1, 6)}"
