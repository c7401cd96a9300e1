"""A notebook's front matter is read as it was written, and refused with one clear error."""

import json
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


def write(folder: Path, path: str, chapter: object) -> Path:
    notebook = folder / f"{path}.ipynb"
    notebook.parent.mkdir(exist_ok=True)
    metadata = {} if chapter is None else {"interpbook": {"executed": "once", "chapter": chapter}}
    notebook.write_text(json.dumps({"cells": [], "metadata": metadata}), encoding="utf-8")
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
