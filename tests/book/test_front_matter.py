"""A notebook's front matter is read as it was written, and refused with one clear error."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import front_matter
import pytest

GOOD = {
    "title": "Toy",
    "part": "toys",
    "question": "What is a toy?",
    "minutes": 10,
    "prerequisites": ["softmax"],
    "status": "draft",
}


def write(folder: Path, path: str, chapter: object, sections: Sequence[str] = ()) -> Path:
    notebook = folder / f"{path}.ipynb"
    notebook.parent.mkdir(exist_ok=True)
    metadata = {} if chapter is None else {"interpbook": {"executed": "once", "chapter": chapter}}
    cells = [{"cell_type": "markdown", "source": f"## {section}\n\nText."} for section in sections]
    notebook.write_text(json.dumps({"cells": cells, "metadata": metadata}), encoding="utf-8")
    return notebook


def test_a_chapter_is_read_as_it_was_written(tmp_path):
    chapter = front_matter.read(write(tmp_path, "toys/one", {**GOOD, "prerequisites": ["softmax", "toys/two"]}))
    assert chapter.path == "toys/one"
    assert (chapter.title, chapter.question, chapter.minutes) == ("Toy", "What is a toy?", 10)
    assert chapter.prerequisites == ("softmax", "toys/two")
    assert chapter.chapters_before == ("toys/two",)


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("title", "", "a line of text"),
        ("title", "Two\nlines", "a line of text"),
        ("part", "games", "'toys', the folder that the notebook is in"),
        ("question", "No question.", r"ends in \?"),
        ("minutes", "ten", "a whole number above zero"),
        ("minutes", 0, "a whole number above zero"),
        ("minutes", True, "a whole number above zero"),
        ("prerequisites", "softmax", "a list of chapters"),
        ("prerequisites", ["softmax", 3], "a list of chapters"),
        ("status", "done", "one of draft, finished"),
    ],
)
def test_a_value_that_will_not_do_is_named(tmp_path, key, value, expected):
    notebook = write(tmp_path, "toys/one", {**GOOD, key: value})
    with pytest.raises(ValueError, match=expected) as refused:
        front_matter.read(notebook)
    assert str(refused.value).startswith(f"toys/one.ipynb: {key} is {value!r}, expected ")


@pytest.mark.parametrize("chapter", [None, [], {}, {**GOOD, "author": "me"}, {"title": "Toy"}])
def test_other_keys_are_refused(tmp_path, chapter):
    with pytest.raises(ValueError, match=r"toys/one\.ipynb: .*expected the keys title, part, question, minutes"):
        front_matter.read(write(tmp_path, "toys/one", chapter))


def test_a_prerequisite_that_is_no_chapter_is_named(tmp_path):
    write(tmp_path, "toys/one", {**GOOD, "prerequisites": ["toys/nowhere"]})
    with pytest.raises(ValueError, match=r"toys/one\.ipynb: .*'toys/nowhere', expected one of the chapters toys/one"):
        front_matter.read_all(tmp_path)


def test_every_chapter_of_a_folder_is_read(tmp_path):
    for path in ("toys/two", "toys/one"):
        write(tmp_path, path, GOOD)
    assert [chapter.path for chapter in front_matter.read_all(tmp_path)] == ["toys/one", "toys/two"]


def test_evidence_belongs_to_its_lesson(tmp_path):
    write(tmp_path, "toys/one", GOOD)
    write(tmp_path, "toys/two", GOOD)
    write(tmp_path, "toys/two_evidence", None)
    one, two = front_matter.read_all(tmp_path)
    assert one.pages == ("toys/one",)
    assert two.pages == ("toys/two", "toys/two_evidence")


def test_evidence_without_a_lesson_is_refused(tmp_path):
    write(tmp_path, "toys/one_evidence", None)
    with pytest.raises(ValueError, match=r"toys/one_evidence\.ipynb: there is no lesson; expected one\.ipynb beside"):
        front_matter.read_all(tmp_path)


def test_evidence_registers_no_chapter(tmp_path):
    write(tmp_path, "toys/one", GOOD)
    write(tmp_path, "toys/one_evidence", GOOD)
    with pytest.raises(ValueError, match=r"toys/one_evidence\.ipynb: .*chapter is there; expected it in the lesson"):
        front_matter.read_all(tmp_path)


SECTIONS = ["A start", "Exercises"]
TEACHING = {
    "goals": [{"goal": "build a toy", "section": "A start"}],
    "minutes": {"Exercises": 4, "A start": 6},
    "routes": {"10": ["A start"], "45": ["A start", "Exercises"], "90": ["A start", "Exercises"]},
    "misconceptions": [{"belief": f"Toys are {what}.", "question": "Are they?"} for what in ("red", "round", "loud")],
}


def test_what_the_lecturer_wants_to_know_is_read(tmp_path):
    teaching = front_matter.read(write(tmp_path, "toys/one", {**GOOD, "teaching": TEACHING}, SECTIONS)).teaching
    assert teaching.goals == (("build a toy", "A start"),)
    assert list(teaching.minutes.items()) == [("A start", 6), ("Exercises", 4)]
    assert (teaching.length(10), teaching.length(45)) == (6, 10)
    assert teaching.misconceptions[0] == ("Toys are red.", "Are they?")


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("goals", [], "goals is [], expected a list of entries with goal and section"),
        ("goals", ["build"], "goals has the entry 'build', expected text as goal and section"),
        ("goals", [{"goal": " ", "section": "A start"}], "expected text as goal and section"),
        ("goals", [{"goal": "build", "section": "The end"}], "goals names 'The end', expected a section"),
        ("minutes", 10, "minutes is 10, expected a whole number for every section"),
        ("minutes", {"A start": 10}, "minutes leaves out 'Exercises'"),
        ("minutes", {"A start": 6, "Exercises": 4, "The end": 0}, "minutes names 'The end', expected a section"),
        ("minutes", {"A start": 6, "Exercises": 5}, "minutes sum to 11, expected 10, the minutes of the card"),
        ("minutes", {"A start": 11, "Exercises": -1}, "minutes['Exercises'] is -1, expected a whole number"),
        ("minutes", {"A start": 6, "Exercises": 4.0}, "minutes['Exercises'] is 4.0, expected a whole number"),
        ("routes", {"10": ["A start"]}, "routes is 10; expected the keys 10, 45, 90"),
        ("routes", {**TEACHING["routes"], "45": []}, "routes['45'] is [], expected a list of sections"),
        ("routes", {**TEACHING["routes"], "45": ["A start"] * 2}, "expected a list of sections, each once"),
        ("routes", {**TEACHING["routes"], "90": ["The end"]}, "routes['90'] names 'The end', expected a section"),
        (
            "routes",
            {**TEACHING["routes"], "90": [{"section": "A start"}]},
            "expected a section, or section, minutes and",
        ),
        (
            "routes",
            {**TEACHING["routes"], "90": [{"section": "A start", "minutes": 500, "part": "all"}]},
            "takes 500 minutes of 'A start', expected less than its",
        ),
        ("misconceptions", TEACHING["misconceptions"][:2], "misconceptions has 2 entries, expected 3"),
        ("misconceptions", [{"belief": "Red."}], "expected text as belief and question"),
    ],
)
def test_what_a_lecturer_cannot_use_is_refused(tmp_path, key, value, expected):
    notebook = write(tmp_path, "toys/one", {**GOOD, "teaching": {**TEACHING, key: value}}, SECTIONS)
    with pytest.raises(ValueError, match=re.escape(expected)) as refused:
        front_matter.read(notebook)
    assert str(refused.value).startswith(f"toys/one.ipynb: teaching.{key}")


@pytest.mark.parametrize(("first", "fits"), [(12, True), (13, False)])
def test_a_route_may_run_over_by_a_fifth(tmp_path, first, fits):
    teaching = {**TEACHING, "minutes": {"A start": first, "Exercises": 4}}
    notebook = write(tmp_path, "toys/one", {**GOOD, "minutes": first + 4, "teaching": teaching}, SECTIONS)
    if fits:
        assert front_matter.read(notebook).teaching.length(10) == 12
    else:
        with pytest.raises(ValueError, match=r"teaching\.routes\['10'\] takes 13 minutes, expected at most 12"):
            front_matter.read(notebook)


@pytest.mark.parametrize("teaching", [None, {}, {**TEACHING, "slides": []}])
def test_other_keys_for_the_lecturer_are_refused(tmp_path, teaching):
    notebook = write(tmp_path, "toys/one", {**GOOD, "teaching": teaching}, SECTIONS)
    with pytest.raises(ValueError, match=r"toys/one\.ipynb: teaching is .*; expected the keys goals, minutes, routes"):
        front_matter.read(notebook)


def test_a_finished_chapter_with_evidence_needs_what_the_lecturer_wants_to_know(tmp_path):
    lesson = write(tmp_path, "toys/one", {**GOOD, "status": "finished"}, SECTIONS)
    assert front_matter.read(lesson).teaching is None
    write(tmp_path, "toys/one_evidence", None)
    with pytest.raises(ValueError, match=r"toys/one\.ipynb: status is 'finished', and teaching is not there"):
        front_matter.read(lesson)
    write(tmp_path, "toys/one", GOOD)
    assert front_matter.read(lesson).teaching is None
