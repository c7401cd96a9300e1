"""Every lesson ends with a quiz, before its exercises; where its questions are answered, and what they come from."""

import importlib

import notebook_rules as rules
import pytest

from interpbook.page import executed, questions
from interpbook.page.quiz import as_html

each_lesson = pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)


def wrong_answers(chapter: str) -> dict[str, dict]:
    """The stored wrong answers of a chapter, by exercise and name."""
    return importlib.import_module(f"chapters.{chapter.replace('/', '.')}.answers").WRONG


@each_lesson
def test_a_lesson_shows_its_quiz_before_the_exercises(path):
    assert rules.quiz_complaints(rules.read(path), path.stem) == []


@each_lesson
def test_the_stored_quiz_has_the_present_questions(path):
    shown = rules.shown_quizzes(rules.read(path))
    assert shown == [as_html(questions.of_chapter(path.stem))], f"make notebooks NOTEBOOKS={path}"


@each_lesson
def test_a_question_names_the_section_that_answers_it(path):
    sections = rules.sections(rules.before_exercises(rules.read(path)))
    named = [question.section for question in questions.of_chapter(path.stem)]
    assert {*named} <= {*sections}
    assert len({*named}) > 1, "all questions are about one section"


@each_lesson
def test_the_right_answer_has_no_place_of_its_own(path):
    asked = questions.of_chapter(path.stem)
    assert len({question.right for question in asked}) >= 3


@each_lesson
def test_wrong_options_come_from_mistakes_that_are_stored(path):
    named = [option.source for question in questions.of_chapter(path.stem) for option in question.options]
    assert sum(map(bool, named)) >= 3, "few options say where they come from"
    stored = wrong_answers(executed.chapter_of(path))
    for source in filter(None, named):
        found = questions.SOURCE.fullmatch(source)
        if found["exercise"]:
            assert found["title"] in stored.get(found["exercise"], {}), f"no stored wrong answer {source}"


# --- the rules themselves ---


def lesson(*sources: tuple[str, str, list[str]]) -> dict:
    return {
        "cells": [
            {"cell_type": kind, "source": source, "metadata": {"tags": tags}, "outputs": []}
            for kind, source, tags in sources
        ]
    }


EXERCISES = ("markdown", "## Exercises", [])
CALL = ("code", 'page.quiz("toy")', ["hide-input"])


@pytest.mark.parametrize(
    ("notebook", "complaint"),
    [
        (lesson(EXERCISES), 'no cell page.quiz("toy")'),
        (lesson(CALL, CALL, EXERCISES), "more than one quiz"),
        (lesson(("code", 'page.quiz("other")', ["hide-input"]), EXERCISES), 'no cell page.quiz("toy")'),
        (lesson(EXERCISES, CALL), "it does not stand right before ## Exercises"),
        (lesson(CALL, ("code", "1", []), EXERCISES), "it does not stand right before ## Exercises"),
        (lesson(("code", 'page.quiz("toy")', []), EXERCISES), "its code is not folded"),
    ],
)
def test_a_quiz_in_the_wrong_form_is_noticed(notebook, complaint):
    assert complaint in rules.quiz_complaints(notebook, "toy")


def test_a_quiz_in_good_form_is_left_alone():
    assert rules.quiz_complaints(lesson(CALL, EXERCISES), "toy") == []
