"""`page.quiz(chapter)`: five questions that mark themselves in the page, with no kernel, and can be printed."""

import hashlib
import html
import re
from collections.abc import Sequence

from interpbook.output import blocks
from interpbook.output.cell import show
from interpbook.output.prose import to_html, to_plain
from interpbook.page import questions
from interpbook.page.questions import Option, Question

OPENING = "Five questions on this page. Each answer says why it is right or wrong; what you choose is stored nowhere."


def quiz(chapter: str) -> None:
    """Show the quiz of a chapter: one output that needs nothing outside itself.

    A reader chooses and checks, reads why, and may try again; at the end stands how many were right at the first try.
    Where scripts are off, and on paper, it is a list of questions with the answers folded, or below.

    Args:
        chapter: its name without its part, "fullgrad"; the questions are in the chapter's `quiz.yml`.

    Raises:
        KeyError: there is no such quiz.
        ValueError: its file is not as `interpbook.page.questions` expects it.

    >>> quiz("fullgrad")  # doctest: +ELLIPSIS
    Quiz of 5 questions; the web page of this chapter marks them.
    1. ...
    """
    asked = questions.of_chapter(chapter)
    show(as_plain(asked), as_html(asked), {"quiz": chapter})


def section_id(heading: str) -> str:
    """What the book calls a section in addresses.

    >>> section_id("Two wishes, and a walk round a circle"), section_id("A map's sum")
    ('two-wishes-and-a-walk-round-a-circle', 'a-maps-sum')
    """
    # Quotation marks are curly in the book, and left out of addresses there.
    return re.sub(r"[^a-z0-9]+", "-", re.sub("['\"]", "", heading).lower()).strip("-")


def as_plain(asked: Sequence[Question]) -> str:
    """The questions and their options for a terminal, without the answers."""
    lines = [f"Quiz of {len(asked)} questions; the web page of this chapter marks them."]
    for number, question in enumerate(asked, 1):
        lines.append(f"{number}. {to_plain(question.text)}")
        lines += [f"   {letter}. {to_plain(text)}" for letter, text in _lettered(question)]
    return "\n".join(lines)


def as_html(asked: Sequence[Question]) -> str:
    """The quiz for a page. Each question is followed by its answers, which a script takes from there."""
    name = f"ib-quiz-{hashlib.sha256(repr(asked).encode()).hexdigest()[:12]}"
    parts = [
        _question(question, f"{name}-{number}", f"{number} of {len(asked)}") + _answers(question, number)
        for number, question in enumerate(asked, 1)
    ]
    return (
        f'<div class="ib-quiz" id="{name}" role="group" aria-label="Quiz">{blocks.style("page/static/quiz.css")}'
        f'<p class="ib-opening"><b>Quiz.</b> {OPENING}</p>{"".join(parts)}<p class="ib-answers">Answers</p>'
        f"{blocks.script(name, 'page/static/quiz.js')}</div>"
    )


def _lettered(question: Question) -> list[tuple[str, str]]:
    return [("ABCDE"[place], option.text) for place, option in enumerate(question.options)]


def _question(question: Question, name: str, count: str) -> str:
    box = f'<label class="ib-option"><input type="radio" name="{name}">'
    choices = "".join(
        f"{box}<b>{letter}</b><span>{to_html(text)}</span></label>" for letter, text in _lettered(question)
    )
    return (
        f'<fieldset class="ib-question" data-right="{question.right}"><legend><b>{count}.</b>'
        f" {to_html(question.text)}</legend>{choices}</fieldset>"
    )


def _answers(question: Question, number: int) -> str:
    because = "".join(f"<li>{_because(option)}</li>" for option in question.options)
    link = f'<a class="ib-section" href="#{section_id(question.section)}">{html.escape(question.section)}</a>'
    return (
        f'<details class="ib-because"><summary>Answers to question {number}</summary>'
        f'<ol type="A">{because}</ol><p>Section: {link}</p></details>'
    )


def _because(option: Option) -> str:
    return f"<strong>{'Right.' if option.right else 'Not this one.'}</strong> {to_html(option.because)}"
