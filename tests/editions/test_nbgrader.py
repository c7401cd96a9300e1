"""The assignment for nbgrader: what it asks of a notebook's metadata, solutions that pass, starters that do not.

Where nbgrader itself is installed, it makes the students' notebook from ours and grades three submissions.
"""

import copy
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from IPython.core.getipython import get_ipython

from interpbook.page.exercises import WrongAnswer

assignment = pytest.importorskip("nbgrader_source")

each_lesson = pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)

REGION = re.compile(r"### BEGIN SOLUTION\n.*?### END SOLUTION", re.DOTALL)


def made(path: Path) -> nbformat.NotebookNode:
    """The lecturer's notebook of a lesson."""
    return assignment.source(nbformat.read(path, as_version=4), f"{path.parent.name}/{path.stem}")


def role(cell: nbformat.NotebookNode) -> dict:
    return cell.metadata["nbgrader"]


@each_lesson
def test_the_metadata_is_nbgrader_s_version_3(path) -> None:
    notebook = made(path)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        about = role(cell)
        needed = {"grade", "grade_id", "locked", "schema_version", "solution", "task"}
        assert {*about} == needed | ({"points"} if about["grade"] else set())
        assert about["schema_version"] == 3
        assert re.fullmatch(r"[a-zA-Z0-9_-]+", about["grade_id"])
        assert about["locked"] == (not about["solution"])
        assert not about["task"]
        # A cell that nbgrader grades by running is code that students cannot change; one graded by hand is an answer.
        assert not about["grade"] or about["solution"] == (cell.cell_type == "markdown")
    names = [role(cell)["grade_id"] for cell in notebook.cells]
    assert len({*names}) == len(names)


@each_lesson
def test_every_exercise_has_the_points_of_its_stars(path) -> None:
    lesson = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in lesson.cells if cell.cell_type == "markdown")
    tasks = re.findall(r"^\*\*\d+\. ([^*]+)\*\* \((★+), ", text, re.MULTILINE)
    stars = [len(stars) for title, stars in tasks if not title.startswith("Project: ")]
    assert [role(cell)["points"] for cell in made(path).cells if role(cell)["grade"]] == stars


@each_lesson
def test_a_solution_stands_between_its_marks_and_nowhere_else(path) -> None:
    notebook = made(path)
    answers = [cell for cell in notebook.cells if role(cell)["solution"] and cell.cell_type == "code"]
    solutions = [cell for cell in nbformat.read(path, as_version=4).cells if "solution" in rules.tags(cell)]
    assert len(answers) == sum(cell.cell_type == "code" for cell in solutions)
    keys = [cell.source for cell in notebook.cells if role(cell)["solution"] and cell.cell_type == "markdown"]
    left = "\n".join(REGION.sub("", cell.source) for cell in notebook.cells if cell.source not in keys)
    for cell in solutions:
        if cell.cell_type == "markdown":
            assert cell.source not in left
    assert "olutions are folded" not in left
    for answer in answers:
        assert len(REGION.findall(answer.source)) == 1
        # The student still has the starter, and the check that helps.
        assert re.search(r"\.\.\.|None", REGION.sub("", answer.source))
        assert re.search(r"\npage\.check\.", REGION.sub("", answer.source))


def run(notebook: nbformat.NotebookNode) -> dict[str, BaseException | None]:
    """What each graded code cell raised."""
    raised = {}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            result = get_ipython().run_cell(cell.source)
            raised[role(cell)["grade_id"]] = result.error_before_exec or result.error_in_exec
    return {name: error for name, error in raised.items() if role_of(notebook, name)["grade"]}


def role_of(notebook: nbformat.NotebookNode, name: str) -> dict:
    return next(role(cell) for cell in notebook.cells if role(cell)["grade_id"] == name)


@each_lesson
def test_solutions_pass_and_starters_do_not_without_the_lesson(path, shown, without_shape_checks) -> None:
    notebook = made(path)
    passed = run(notebook)
    assert {*passed.values()} == {None}, passed
    for cell in notebook.cells:
        cell.source = REGION.sub("# Your answer.", cell.source)
    untouched = run(notebook)
    assert {*untouched} == {*passed}
    assert all(isinstance(error, WrongAnswer) for error in untouched.values()), untouched


def test_a_chapter_that_is_none_is_refused(tmp_path) -> None:
    for chapter in ("attribution/nothing", "attribution/fullgrad_evidence"):
        with pytest.raises(ValueError, match=rf"chapter is '{chapter}', expected one of attribution/fullgrad, "):
            assignment.write(chapter)


@pytest.mark.slow
def test_nbgrader_gives_points_for_right_answers_and_none_for_others(tmp_path, root) -> None:
    """The chapter on full-gradients: generate_assignment, then three submissions through autograde."""
    pytest.importorskip("nbgrader")
    course = tmp_path / "course"
    shutil.copytree(root / "notebooks", tmp_path / "notebooks")
    written = assignment.write("attribution/fullgrad", tmp_path)
    shutil.move(tmp_path / assignment.FOLDER, course)
    source = nbformat.read(course / "source" / "fullgrad" / written.name, as_version=4)
    nbgrader(course, "generate_assignment", "fullgrad")
    release = nbformat.read(course / "release" / "fullgrad" / written.name, as_version=4)
    assert not any("SOLUTION" in cell.source or "Show: the key" in cell.source for cell in release.cells)

    answers = {role(cell)["grade_id"]: cell.source for cell in source.cells if role(cell)["solution"]}
    mistaken = {**answers, "two_layers_answer": answers["two_layers_answer"].replace("* beta, c", ", c")}
    for student, handed_in in {"right": answers, "mistaken": mistaken, "untouched": {}}.items():
        notebook = copy.deepcopy(release)
        for cell in notebook.cells:
            cell.source = handed_in.get(role(cell)["grade_id"], cell.source)
        target = course / "submitted" / student / "fullgrad" / written.name
        target.parent.mkdir(parents=True)
        nbformat.write(notebook, target)
    nbgrader(course, "autograde", "fullgrad")

    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course / 'gradebook.db'}") as gradebook:
        submissions = {each.student.id: each for each in gradebook.assignment_submissions("fullgrad")}
        scores = {student: each.score for student, each in submissions.items()}
        by_hand = {grade.name for grade in submissions["right"].notebooks[0].grades if grade.needs_manual_grade}
    assert scores == {"right": 7, "mistaken": 5, "untouched": 0}
    assert by_hand == {"exercise_6"}


def nbgrader(course: Path, *command: str) -> None:
    """One command of nbgrader, which calls others that are installed with it, without this user's settings."""
    settings = {"JUPYTER_CONFIG_DIR": str(course / "config"), "JUPYTER_DATA_DIR": str(course / "data")}
    settings["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", *command],
        cwd=course,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
