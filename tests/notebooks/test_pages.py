"""A chapter has two pages: a lesson that one sitting holds, and its evidence, one click away."""

import json
from pathlib import Path

import notebook_rules as rules
import pytest

each_split_lesson = pytest.mark.parametrize("path", rules.SPLIT, ids=lambda path: path.stem)


def cell(kind: str, source: str = "x = 1", **more: object) -> dict:
    return {"cell_type": kind, "source": source, "metadata": {"tags": more.pop("tags", [])}, **more}


@each_split_lesson
def test_a_lesson_is_one_sitting(path):
    notebook = rules.read(path)
    assert rules.is_draft(notebook) or rules.too_much_for_a_sitting(notebook) == []


@each_split_lesson
def test_a_lesson_and_its_evidence_link_to_each_other(path):
    assert rules.evidence_complaints(path) == []


def test_every_finished_lesson_has_its_evidence():
    assert rules.without_evidence(rules.LESSONS) == []


def test_words_count_up_to_the_exercises():
    text = "one two\n\n## Exercises\n\nthree"
    cells = [cell("markdown", "zero"), cell("code", "## Exercises"), cell("markdown", text), cell("markdown", "four")]
    assert rules.words(rules.before_exercises({"cells": cells})) == 3
    assert (
        rules.words(rules.before_exercises({"cells": [cell("markdown", "### Exercises\n\nfour words stand here")]}))
        == 4
    )


def test_folded_cells_starters_and_empty_ones_are_not_code_to_read():
    tagged = [cell("code", tags=[tag]) for tag in ("hide-input", "hide-cell", "starter")]
    cells = [cell("code"), cell("markdown"), cell("code", " \n"), *tagged, cell("code", tags=["other"])]
    assert rules.code_to_read({"cells": cells}) == 2


def test_a_lesson_with_too_much_is_noticed():
    output = {"output_type": "display_data", "metadata": {"interpbook": {"claim": {"id": "toy.sum"}}}}
    prose = cell("markdown", "word " * rules.LESSON_WORDS)
    code = cell("code", outputs=[])
    claim = cell("code", tags=["hide-input"], outputs=[output])
    just = [prose, *[code] * rules.LESSON_CELLS, *[claim] * rules.LESSON_CLAIMS]
    assert rules.too_much_for_a_sitting({"cells": just}) == []
    assert rules.too_much_for_a_sitting({"cells": [*just, cell("markdown", "more"), code, claim]}) == [
        f"{rules.LESSON_WORDS + 1} words before the exercises, at most {rules.LESSON_WORDS}",
        f"{rules.LESSON_CELLS + 1} code cells to read, at most {rules.LESSON_CELLS}",
        f"{rules.LESSON_CLAIMS + 1} claims, at most {rules.LESSON_CLAIMS}",
    ]


def write(path: Path, status: str | None, *cells: dict) -> Path:
    """A notebook; a lesson where it has a status."""
    metadata = {"interpbook": {"chapter": {"title": "Toy", "status": status}}} if status else {}
    path.write_text(json.dumps({"cells": cells, "metadata": metadata}), encoding="utf-8")
    return path


def test_a_finished_lesson_without_evidence_is_noticed(tmp_path):
    alone, draft, split = (tmp_path / f"{name}.ipynb" for name in ("alone", "draft", "split"))
    lessons = [write(alone, "finished"), write(draft, "draft"), write(split, "finished")]
    write(tmp_path / "split_evidence.ipynb", None)
    assert rules.without_evidence(lessons) == ["alone"]


CARD = "# Toy\n\n[Evidence](toy_evidence.ipynb)"
PAGE = "# Evidence: Toy\n\nWhat the [lesson](toy.ipynb) claims. More."


@pytest.mark.parametrize(
    ("card", "page", "complaint"),
    [
        (CARD, PAGE, None),
        ("# Toy", PAGE, "the lesson's card has no link [Evidence](toy_evidence.ipynb)"),
        (CARD, PAGE.replace("Evidence:", "The evidence of"), "does not begin with # Evidence: Toy"),
        (CARD, "# Evidence: Toy\n\nMore. And the [lesson](toy.ipynb).", "no link back to the lesson"),
        (CARD, PAGE.replace("toy.ipynb", "ball.ipynb"), "no link back to the lesson"),
        (CARD, f'{PAGE}\n\n<div class="ib-card">', "a card of its own"),
    ],
)
def test_pages_that_do_not_link_to_each_other_are_noticed(tmp_path, card, page, complaint):
    lesson = write(tmp_path / "toy.ipynb", "finished", cell("markdown", card))
    write(tmp_path / "toy_evidence.ipynb", None, cell("markdown", page))
    found = rules.evidence_complaints(lesson)
    assert found == [] if complaint is None else len(found) == 1 and complaint in found[0]
