"""The lecturer's page: `{{ teaching }}` becomes what each chapter's front matter says to the lecturer."""

import re
from pathlib import Path

import outline
from front_matter import Chapter
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.application import Sphinx
from teaching import Step, Teaching

PLACEHOLDER = "{{ teaching }}"


def fill_in(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the placeholder; there is nothing to say while no chapter says it."""
    if PLACEHOLDER in content[0]:
        chapters = [chapter for part in outline.read(Path(app.srcdir)) for chapter in part.chapters]
        shown = [_chapter(chapter, chapter.teaching) for chapter in chapters if chapter.teaching]
        text = "\n\n".join(["## Chapter by chapter", *shown]) if shown else ""
        content[0] = content[0].replace(PLACEHOLDER, text)


def _chapter(chapter: Chapter, teaching: Teaching) -> str:
    """Goals, minutes, routes and misconceptions of one chapter, in Markdown."""
    page = f"../notebooks/{chapter.path}.ipynb"
    goals = [f"- {goal} ({_link(page, section)})" for goal, section in teaching.goals]
    rows = [f"| {_link(page, section)} | {minutes} |" for section, minutes in teaching.minutes.items()]
    routes = [
        f"- **In {route} minutes** ({teaching.length(route)}): {', '.join(_step(page, step) for step in steps)}."
        for route, steps in teaching.routes.items()
    ]
    beliefs = [f"- *{belief}* Ask: {question}" for belief, question in teaching.misconceptions]
    return "\n".join(
        [
            *(f"### [{chapter.title}]({page})", "", "Afterwards a student can", "", *goals, ""),
            *("| section | minutes |", "|---|--:|", *rows, f"| all of it | {chapter.minutes} |", ""),
            *("Three ways through it:", "", *routes, ""),
            *("What students believe, and the question that brings it out:", "", *beliefs),
        ]
    )


def _step(page: str, step: Step) -> str:
    """A section of a route, with the part that is meant."""
    return (
        f"{_link(page, step.section)} ({step.part}, {step.minutes} minutes)" if step.part else _link(page, step.section)
    )


def _link(page: str, section: str) -> str:
    """A link to a section of a lesson."""
    return f"[{section}]({page}#{anchor(section)})"


def anchor(heading: str) -> str:
    """The address of a heading in its page, as the builder makes it, which leaves formulas out.

    >>> anchor("What is $x$? Two answers")
    'what-is--two-answers'
    """
    return default_slugify(re.sub(r"\$[^$]+\$", "", heading))


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", fill_in)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
