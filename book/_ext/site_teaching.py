"""The lecturer's pages: what each chapter's front matter, exercises and stored wrong answers say to the lecturer.

{{ teaching: attribution/fullgrad }}    becomes that chapter's page
{{ chapters }}                          a table of the chapters, with links to these pages
{{ minutes: attribution/fullgrad 45 }}  a number of minutes; see `minutes.py` for what may be asked
{{ clock: 9:00 }}                       sets this page's clock, and shows nothing; {{ clock }} shows the time
{{ step: attribution/fullgrad 45 }}     lets so many minutes go by, and shows from when to when, "9:00–9:45";
                                        a sum is rounded up to five minutes, a plain number stays
{{ figure: attribution/fullgrad#figure-1?class=7 a seven }}
                                        a link to a lesson's figure in the state that its address says
"""

import functools
import re
from collections.abc import Callable
from html import escape
from pathlib import Path

import mistakes
import outline
from front_matter import Chapter
from lesson import Exercise, cells, exercises
from minutes import amount, clock
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.application import Sphinx
from teaching import Step, Teaching

PLACEHOLDER = re.compile(r"\{\{ (teaching|chapters|minutes|clock|step|figure)(?:: ([^{}]+?))? \}\}")
FOLDER = "book/teaching/"


def fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the placeholders of a page in the lecturer's folder."""
    if docname.startswith(FOLDER) and PLACEHOLDER.search(content[0]):
        try:
            content[0] = PLACEHOLDER.sub(Filler(Path(app.srcdir)), content[0])
        except ValueError as error:
            raise ValueError(f"{docname}.md: {error}") from None


@functools.cache
def _book(root: Path) -> tuple[dict[str, Chapter], dict[str, list[Exercise]]]:
    """The chapters by path, and their exercises; read once for all pages."""
    chapters = {chapter.path: chapter for part in outline.read(root) for chapter in part.chapters}
    return chapters, {path: exercises(cells(path, root)) for path in chapters}


class Filler:
    """What one page's placeholders become, one after another: its clock goes on."""

    def __init__(self, root: Path) -> None:
        self._chapters, self._exercises = _book(root)
        self._quiz = {path for path in self._chapters if (root / f"interpbook/chapters/{path}/quiz.yml").exists()}
        self._now = 0

    def __call__(self, match: re.Match) -> str:
        kind, asked = match[1], match[2]
        if kind == "chapters":
            return self._table()
        if kind == "clock" and asked is None:
            return clock(self._now)
        if asked is None:
            raise ValueError(f"{match[0]} says nothing after its word, expected '{{{{ {kind}: ... }}}}'")
        filled: dict[str, Callable[[str], str]] = {
            "teaching": self._page,
            "minutes": lambda text: str(self._amount(text)),
            "clock": self._set,
            "step": self._step,
            "figure": self._figure,
        }
        return filled[kind](asked)

    def _amount(self, text: str) -> int:
        return amount(text, self._chapters, self._exercises)

    def _set(self, text: str) -> str:
        hours, _, minutes = text.partition(":")
        if not hours.isdecimal() or not minutes.isdecimal():
            raise ValueError(f"a clock is set to {text!r}, expected a time such as 9:00")
        self._now = 60 * int(hours) + int(minutes)
        return ""

    def _step(self, text: str) -> str:
        begins, minutes = self._now, self._amount(text)
        # Nobody begins at 10:48: what was summed is rounded up, what was typed is meant.
        self._now += minutes if text.isdecimal() else -(-minutes // 5) * 5
        return f"{clock(begins)}–{clock(self._now)}"

    def _figure(self, text: str) -> str:
        address, _, words = text.partition(" ")
        path, _, state = address.partition("#")
        if path not in self._chapters or not state or not words:
            raise ValueError(f"a link to a figure is {text!r}, expected a chapter, #figure-1 with its state, and words")
        # Not as a link of Markdown: the builder would look for a heading with the state as its name.
        return f'<a href="../../notebooks/{path}.html#{escape(state)}">{escape(words)}</a>'

    def _table(self) -> str:
        rows = [
            f"| [{chapter.title}]({path}.md) | {chapter.minutes} | {_needs(chapter, self._chapters, '../..')} |"
            for path, chapter in self._chapters.items()
            if chapter.teaching
        ]
        return "\n".join(["| chapter | minutes | assumes |", "|---|--:|---|", *rows])

    def _page(self, path: str) -> str:
        taught = {name: chapter for name, chapter in self._chapters.items() if chapter.teaching}
        if path not in taught:
            raise ValueError(f"no chapter that says how it is taught is {path!r}, expected one of {', '.join(taught)}")
        chapter = taught[path]
        assumed = _needs(chapter, self._chapters, "../../..")
        begin = f"*{chapter.question}*\n\n**Assumes** {assumed}."
        own = self._exercises[path]
        parts = [
            begin,
            _goals(chapter, chapter.teaching),
            _minutes(chapter, chapter.teaching),
            _handed_out(chapter, own, path in self._quiz),
            _beliefs(chapter.teaching),
            _mistakes(path, own),
        ]
        return "\n\n".join(filter(None, parts))


def _needs(chapter: Chapter, chapters: dict[str, Chapter], up: str) -> str:
    """What a chapter assumes, with links to the chapters among it."""
    return ", ".join(
        f"[{chapters[name].title}]({up}/notebooks/{name}.ipynb)" if name in chapters else name
        for name in chapter.prerequisites
    )


def _goals(chapter: Chapter, teaching: Teaching) -> str:
    lines = [f"- {goal} ({_link(chapter, section)})" for goal, section in teaching.goals]
    return "\n".join(["## Goals", "", "Afterwards a student can", "", *lines])


def _minutes(chapter: Chapter, teaching: Teaching) -> str:
    rows = [f"| {_link(chapter, section)} | {minutes} |" for section, minutes in teaching.minutes.items()]
    routes = []
    for route, steps in teaching.routes.items():
        named = ", ".join(_route_step(chapter, step) for step in steps)
        routes.append(f"- **In {route} minutes** ({teaching.length(route)}): {named}.")
    table = ["| section | minutes |", "|---|--:|", *rows, f"| all of it | {chapter.minutes} |"]
    before = "Three ways through it; in brackets the sum of the minutes:"
    return "\n".join(["## Minutes", "", *table, "", before, "", *routes])


def _handed_out(chapter: Chapter, own: list[Exercise], quiz: bool) -> str:
    rows = []
    for exercise in own:
        minutes = "" if exercise.is_project else exercise.minutes
        rows.append(f"| {exercise.number}. {exercise.title} | {'★' * exercise.rating} | {minutes} |")
    lines = [
        f"- `make slides`: a deck in which the figures move, `_build/slides/{chapter.path}.html`",
        f"- `make student`: the lesson without solutions, `_build/student/{chapter.path}.ipynb`",
        f"- `make key`, for yourself: the answers to mark by, `_build/key/{chapter.path}.html`",
    ]
    if quiz:
        lesson = f"[the lesson]({_lesson_page(chapter)})"
        lines += [f"- a quiz of five questions that marks itself, in {lesson} before the exercises"]
    table = ["| exercise | rating | minutes |", "|---|---|--:|", *rows]
    return "\n".join(["## To hand out", "", *lines, "", *table])


def _beliefs(teaching: Teaching) -> str:
    lines = [f"- *{belief}* Ask: {question}" for belief, question in teaching.misconceptions]
    return "\n".join(["## What students believe", "", "And the question that brings it out:", "", *lines])


def _mistakes(path: str, own: list[Exercise]) -> str:
    """A table for each exercise whose check is tried with wrong answers."""
    found = mistakes.mistakes(path)
    tables = [_refused(exercise, found) for exercise in own if {*exercise.checks} & {*found}]
    if not tables:
        return ""
    before = (
        "Wrong answers that are stored beside the chapter's tests, and what the check says to each when it is handed "
        "in a second time. The first time it only nudges; the third time it gives the formula."
    )
    return "\n\n".join(["## Typical mistakes", before, *tables])


def _refused(exercise: Exercise, found: dict[str, list[mistakes.Mistake]]) -> str:
    shown = [mistake for name in exercise.checks for mistake in mistakes.typical(found.get(name, []))]
    rows = [f"| {escaped(mistake.name)} | {escaped(mistake.diagnosis)} |" for mistake in shown]
    head = ["| the mistake | the check says |", "|---|---|"]
    return "\n".join([f"### {exercise.number}. {exercise.title}", "", *head, *rows])


def escaped(text: str) -> str:
    r"""Plain text as Markdown that shows it as it is, on one line and in a table.

    >>> escaped("x * y | z")
    'x \\* y \\| z'
    """
    return re.sub(r"([\\`*_{}\[\]<>$|#~^])", r"\\\1", " ".join(text.split()))


def _route_step(chapter: Chapter, step: Step) -> str:
    """A section of a route, with the part that is meant."""
    link = _link(chapter, step.section)
    return f"{link} ({step.part}, {step.minutes} minutes)" if step.part else link


def _lesson_page(chapter: Chapter) -> str:
    """The lesson, as seen from the chapter's page for the lecturer."""
    return f"../../../notebooks/{chapter.path}.ipynb"


def _link(chapter: Chapter, section: str) -> str:
    """A link to a section of a lesson."""
    return f"[{section}]({_lesson_page(chapter)}#{anchor(section)})"


def anchor(heading: str) -> str:
    """The address of a heading in its page, as the builder makes it, which leaves formulas out.

    >>> anchor("What is $x$? Two answers")
    'what-is--two-answers'
    """
    return default_slugify(re.sub(r"\$[^$]+\$", "", heading))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
