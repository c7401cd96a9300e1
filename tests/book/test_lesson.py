"""Exercises as they are read from the lessons, and the mistakes that their checks name."""

from pathlib import Path

import lesson
import mistakes
import notebook_rules as rules
import outline
import pytest
from lesson import Exercise

from interpbook.page.exercises import check

CHAPTERS = [chapter for part in outline.read() for chapter in part.chapters]
each_chapter = pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: Path(chapter.path).name)


def markdown(source: str, *tags: str) -> dict:
    return {"cell_type": "markdown", "source": source, "metadata": {"tags": [*tags]}}


def code(source: str, *tags: str) -> dict:
    return {"cell_type": "code", "source": source, "metadata": {"tags": [*tags]}}


def test_an_exercise_is_its_task_its_starter_and_its_solution():
    start = code("page.check.toy.one(1)\npage.check.toy.two(2)", "starter")
    solved, proof = code("page.check.toy.one(3)", "solution"), markdown("<details>Q.E.D.</details>", "solution")
    cells = [
        markdown("## Exercises\n\nThey wait.\n\n**1. First** (★★, 10 minutes). Do it."),
        start,
        markdown("More of the task."),
        solved,
        proof,
        markdown("**2. Project: more** (★★★, 5 hours). Invent it.\n\n## Further reading\n\nBooks."),
        code("after()", "solution"),
    ]
    first, second = lesson.exercises(cells)
    assert first == Exercise(
        1, "First", 2, 10, "Do it.\n\nMore of the task.", ("one", "two"), (start,), (solved, proof)
    )
    assert (second.title, second.minutes, second.task, second.is_project) == ("Project: more", 300, "Invent it.", True)


def test_what_follows_the_exercises_belongs_to_none():
    cells = [
        markdown("**1. First** (★, 1 minute). Do it."),
        markdown("## Further reading"),
        markdown("Books."),
        code("more()", "solution"),
    ]
    [only] = lesson.exercises(cells)
    assert (only.task, only.solution) == ("Do it.", ())


@each_chapter
def test_the_exercises_of_a_lesson_are_all_read(chapter):
    """They are numbered from one, their checks are the chapter's, and their minutes those of the card."""
    own = lesson.exercises(lesson.cells(chapter.path))
    assert [exercise.number for exercise in own] == list(range(1, len(own) + 1))
    assert {name for exercise in own for name in exercise.checks} == {*dir(getattr(check, Path(chapter.path).name))}
    counted = sum(exercise.minutes for exercise in own if not exercise.is_project)
    assert counted == chapter.teaching.minutes["Exercises"]


def test_every_solution_of_the_book_belongs_to_an_exercise():
    for chapter in CHAPTERS:
        stored = lesson.cells(chapter.path)
        tagged = [cell for cell in stored if "solution" in rules.tags(cell)]
        assert [cell for exercise in lesson.exercises(stored) for cell in exercise.solution] == tagged


@each_chapter
def test_typical_mistakes_are_stored_ones_with_the_hint_of_the_check(without_shape_checks, chapter):
    stored = mistakes.stored(chapter.path, "WRONG")
    found = mistakes.mistakes(chapter.path)
    assert {name: [each.name for each in all_of_them] for name, all_of_them in found.items()} == {
        name: list(titled) for name, titled in stored.items()
    }
    for name, all_of_them in found.items():
        shown = mistakes.typical(all_of_them)
        assert shown, name
        assert len({each.diagnosis for each in shown}) == len(shown)
        for each in shown:
            assert any(stored[name][each.name][1] in hint for hint in each.hints)


def test_an_answer_that_is_stored_as_wrong_and_accepted_stops_the_page(monkeypatch):
    table = {"product_of_three": {"it is right": (-60, "")}}
    monkeypatch.setattr(mistakes, "stored", lambda path, name: table)
    with pytest.raises(ValueError, match="product_of_three accepts 'it is right', which is stored as a wrong answer"):
        mistakes.mistakes("attribution/fullgrad")


def test_a_chapter_without_stored_answers_has_no_mistakes():
    assert mistakes.mistakes("toys/ball") == {}
