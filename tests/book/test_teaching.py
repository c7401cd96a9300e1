"""The lecturer's pages say of each chapter what its front matter, its exercises and its stored answers say."""

import re
from html import unescape
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import parse_qs

import contents
import front_matter
import lesson
import mistakes
import outline
import pytest
from front_matter import Chapter
from lesson import Exercise
from outline import Part
from teaching import Step, Teaching

site_teaching = pytest.importorskip("site_teaching", reason="the book's own packages are not installed")

TEACHING = Teaching(
    goals=(("build a toy", "A start"),),
    minutes={"A start": 6, "What is $x$?": 4},
    routes={
        10: (Step("A start"),),
        45: (Step("A start"), Step("What is $x$?")),
        90: (Step("A start"), Step("What is $x$?", 2, "the first half")),
    },
    misconceptions=(("Toys are red.", "Are they?"),) * 3,
)
EXERCISES = [
    Exercise(1, "Throw", 1, 5, "Throw it.", checks=("throw",)),
    Exercise(2, "Project: a game", 3, 180, "Invent one."),
]
MISTAKES = {"throw": [mistakes.Mistake("the | sign", ("Hm.", "look at $v$ * t", "v t"))]}


@pytest.fixture
def filled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Fills a page in, in a book with one chapter."""

    def fill(text: str, docname: str = "book/teaching/index") -> str:
        ball = Chapter("toys/ball", "Ball", "toys", "Why?", 10, ("gravity",), "finished", TEACHING)
        monkeypatch.setattr(outline, "read", lambda root: [Part("toys", "Toys", chapters=(ball,))])
        monkeypatch.setattr(site_teaching, "cells", lambda path, root: [])
        monkeypatch.setattr(site_teaching, "exercises", lambda cells: EXERCISES)
        monkeypatch.setattr(mistakes, "mistakes", lambda path: MISTAKES)
        content = [text]
        site_teaching.fill_in(SimpleNamespace(srcdir=tmp_path), docname, content)
        return content[0]

    return fill


def test_goals_minutes_routes_and_misconceptions_are_shown(filled):
    page = filled("{{ teaching: toys/ball }}")
    start, question = (
        "[A start](../../../notebooks/toys/ball.ipynb#a-start)",
        "../../../notebooks/toys/ball.ipynb#what-is-",
    )
    assert page.startswith("*Why?*\n\n**Assumes** gravity.")
    assert f"- build a toy ({start})" in page
    assert f"| {start} | 6 |" in page
    assert f"- **In 10 minutes** (6): {start}." in page
    assert f"- **In 45 minutes** (10): {start}, [What is $x$?]({question})." in page
    assert f"- **In 90 minutes** (8): {start}, [What is $x$?]({question}) (the first half, 2 minutes)." in page
    assert page.count("- *Toys are red.* Ask: Are they?") == 3


def test_exercises_are_listed_and_nobody_counts_a_project_s_minutes(filled):
    page = filled("{{ teaching: toys/ball }}")
    assert "| 1. Throw | ★ | 5 |" in page
    assert "| 2. Project: a game | ★★★ |  |" in page


def test_a_mistake_stands_under_its_exercise_in_the_words_of_the_check(filled):
    page = filled("{{ teaching: toys/ball }}")
    assert page.endswith(
        "### 1. Throw\n\n| the mistake | the check says |\n|---|---|\n| the \\| sign | look at \\$v\\$ \\* t |"
    )


def test_other_pages_are_left_alone(filled):
    assert filled("{{ clock: 9:00 }}", docname="book/welcome") == "{{ clock: 9:00 }}"


def test_a_clock_adds_up_what_is_done(filled):
    day = filled(
        "{{ clock: 9:55 }}{{ step: 3 }}, {{ step: toys/ball 90 }}, {{ step: toys/ball lesson + 1 }}; {{ clock }}"
    )
    # A sum is rounded up to five minutes: 8 to 10, 11 to 15.
    assert day == "9:55–9:58, 9:58–10:08, 10:08–10:23; 10:23"


def test_minutes_are_summed(filled):
    asked = "{{ minutes: toys/ball 90 + toys/ball exercises 1 + 7 }}"
    assert filled(asked) == str(8 + 5 + 7)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("minutes: toys/kite 10", "'toys/kite', expected a number, or a chapter with minutes: toys/ball"),
        ("minutes: toys/ball 30", "'30' of toys/ball, expected one of 10, 45, 90"),
        ("minutes: toys/ball exercises 3", "toys/ball has no exercise 3, expected one of 1 to 2"),
        ("step: soon", "'soon', expected a number"),
        ("clock: noon", "'noon', expected a time such as 9:00"),
        ("teaching: toys/kite", "'toys/kite', expected one of toys/ball"),
        ("figure: toys/ball words", "'toys/ball words', expected a chapter, #figure-1 with its state, and words"),
        ("step", "expected '{{ step: ... }}'"),
    ],
)
def test_what_cannot_be_filled_in_is_refused_with_the_page(filled, asked, message):
    with pytest.raises(ValueError, match=re.escape(message)) as refused:
        filled(f"{{{{ {asked} }}}}")
    assert str(refused.value).startswith("book/teaching/index.md: ")


def test_a_link_to_a_figure_keeps_its_state(filled):
    link = filled("{{ figure: toys/ball#figure-1?a=1&b=x+y a <ball> }}")
    assert link == '<a href="../../notebooks/toys/ball.html#figure-1?a=1&amp;b=x+y">a &lt;ball&gt;</a>'


def test_every_chapter_with_teaching_has_a_page_that_the_contents_list(root):
    parts = outline.read()
    pages = contents.lecturer_pages(parts)
    taught = [chapter.path for part in parts for chapter in part.chapters if chapter.teaching]
    assert list(pages) == taught
    [course] = [
        entry
        for entry in contents.table_of_contents(parts, [])["parts"][0]["chapters"]
        if entry["file"] == "book/teaching/index"
    ]
    listed = [entry["file"] for entry in course["sections"]]
    assert listed[-len(taught) :] == [f"book/teaching/{path}" for path in taught]
    by_hand = {f"book/teaching/{path.stem}" for path in root.glob("book/teaching/*.md")}
    assert by_hand == {"book/teaching/index", *listed[: -len(taught)]}


@pytest.fixture(scope="module")
def pages(root: Path) -> dict[str, str]:
    """The lecturer's pages that are written by hand, filled in."""
    found = {}
    for path in root.glob("book/teaching/*.md"):
        content = [path.read_text(encoding="utf-8")]
        site_teaching.fill_in(SimpleNamespace(srcdir=root), f"book/teaching/{path.stem}", content)
        found[path.stem] = content[0]
    return found


def test_the_class_takes_90_minutes_and_its_steps_follow_each_other(pages):
    steps = re.findall(r"^## (\d+:\d\d)–(\d+:\d\d) ", pages["class"], re.MULTILINE)
    assert steps[0][0] == "0:00"
    assert steps[-1][1] == "1:30"
    assert [end for _, end in steps[:-1]] == [begin for begin, _ in steps[1:]]


def test_the_class_shows_sections_and_figures_that_the_lesson_has(root, pages):
    """A figure's address may set what the figure can be set to, and nothing else."""
    stored = lesson.cells("attribution/fullgrad")
    sections = front_matter.read(root / "notebooks/attribution/fullgrad.ipynb").teaching.minutes
    named = re.findall(r"\[\*(.+?)\*\]\(\S+/fullgrad\.ipynb#(\S+?)\)", pages["class"])
    assert len(named) > 3
    assert {name for name, _ in named} <= {*sections}
    assert all(site_teaching.anchor(name) == address for name, address in named)
    shown = [output.get("data", {}) for cell in stored for output in cell.get("outputs", [])]
    outputs = ["".join(data.get("text/html", "")) for data in shown]
    addresses = re.findall(r'href="[^"]*fullgrad\.html#([^"]+)"', pages["class"])
    assert len(addresses) > 4
    for address in map(unescape, addresses):
        number, _, state = address.partition("?")
        [figure] = [html for html in outputs if f'id="{number}"' in html]
        for control, values in parse_qs(state, strict_parsing=bool(state)).items():
            assert control in figure, address
            assert all(value in figure for value in values), address


def test_the_module_takes_chapters_after_those_that_they_assume(pages):
    weeks = re.findall(r"^\*\*Week (\d+): \[.+?\]\((\w+/\w+)\.md\)\*\*", pages["syllabus"], re.MULTILINE)
    assert [int(week) for week, _ in weeks] == list(range(1, 7))
    chapters = {chapter.path: chapter for part in outline.read() for chapter in part.chapters}
    order = [path for _, path in weeks]
    assert all(order.index(before) < order.index(path) for path in order for before in chapters[path].chapters_before)


def test_the_weeks_of_the_module_add_up(pages):
    weeks = [int(minutes) for minutes in re.findall(r"All of a student's week\*: (\d+) minutes", pages["syllabus"])]
    [together] = re.findall(r"In six weeks that is (\d+) minutes", pages["syllabus"])
    assert sum(weeks) == int(together)


def test_exercises_to_hand_in_are_named_as_they_are_counted(root):
    """The numbers in the words are those in the sum beside them."""
    text = (root / "book/teaching/syllabus.md").read_text(encoding="utf-8")
    found = re.findall(r"exercises (\d[\d, and]*?) \(\{\{ minutes: \S+ exercises ([\d ]+) \}\}", text)
    assert len(found) == 6
    assert all(re.findall(r"\d+", words) == numbers.split() for words, numbers in found)


def test_the_day_follows_from_its_steps(pages):
    day = re.findall(r"^\| (\d+:\d\d)–(\d+:\d\d) \|", pages["syllabus"], re.MULTILINE)
    assert [end for _, end in day[:-1]] == [begin for begin, _ in day[1:]]
    assert f"The day ends at {day[-1][1]}." in pages["syllabus"]


def test_no_placeholder_is_left(pages):
    left = {name: site_teaching.PLACEHOLDER.findall(text) for name, text in pages.items()}
    assert not any(left.values())
