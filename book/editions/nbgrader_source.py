"""`make nbgrader`: the exercises of a chapter as an assignment for nbgrader (CHAPTER=attribution/fullgrad).

Written to `_build/nbgrader`, a course folder of nbgrader with the chapter's notebook below `source/`. A coded exercise
is an answer with its solution marked, and a locked cell behind it that has the points; a proof is graded by hand. A
project has no points. The exercises stand without the lesson, so that a class is graded in minutes.
"""

import argparse
import ast
import re
from pathlib import Path

import nbformat
from exercise_cells import Exercise, exercises, preparation
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from outline import ROOT

FOLDER = "_build/nbgrader"
# In the place of a solution nbgrader puts words, and no error: the starter stays, and its check asks for an answer.
CONFIG = '''"""A course with the exercises of interpbook, for nbgrader."""

c = get_config()  # noqa: F821 - nbgrader's own
c.CourseDirectory.course_id = "interpbook"
c.ClearSolutions.code_stub = {"python": "# Write your answer into the lines above, or here."}
c.ClearSolutions.text_stub = "Your answer, in the place of this line."
'''
# A link to the other pages of the book, which an assignment does not have beside it.
LINK = re.compile(r"\[([^]]*)\]\((?!https?://)[^)]*\)")
BEGIN, END = "### BEGIN SOLUTION", "### END SOLUTION"


def source(lesson: NotebookNode, chapter: str) -> NotebookNode:
    """The lecturer's notebook, from which nbgrader makes the students'."""
    setup, imports = preparation(lesson)
    title = lesson.metadata["interpbook"]["chapter"]["title"]
    head = (
        f"# {title}: exercises\n\nRead the lesson first, the chapter `{chapter}` of interpbook, whose notation is used."
    )
    cells = [
        _cell(new_markdown_cell(head), "about"),
        _cell(new_code_cell(setup), "setup"),
        _cell(new_code_cell(imports), "imports"),
    ]
    for exercise in exercises(lesson):
        cells += _exercise(exercise)
    return new_notebook(cells=cells, metadata={"kernelspec": dict(lesson.metadata["kernelspec"])})


def _exercise(exercise: Exercise) -> list[NotebookNode]:
    task = new_markdown_cell(LINK.sub(r"\1", exercise.task.source))
    cells = [_cell(task, f"{exercise.name}_task")]
    if exercise.starter is not None:
        starter, call = _split(exercise.starter.source)
        solution, _ = _split("\n".join(cell.source for cell in exercise.solutions))
        answer = f"{starter}\n\n\n{BEGIN}\n{solution}\n{END}\n\n{call}"
        graded = call.replace("(", ".required(", 1)
        cells.append(_cell(new_code_cell(answer), f"{exercise.name}_answer", solution=True, locked=False))
        cells.append(_cell(new_code_cell(graded), exercise.name, grade=True, points=exercise.stars))
    elif exercise.keys:
        answer = new_markdown_cell("\n\n".join(key.source for key in exercise.keys))
        points = exercise.stars
        cells.append(_cell(answer, exercise.name, grade=True, solution=True, locked=False, points=points))
    return cells


def _split(code: str) -> tuple[str, str]:
    """A cell's code, and the call of the check, its last statement."""
    lines = code.splitlines()
    last = ast.parse(code).body[-1].lineno - 1
    return "\n".join(lines[:last]).strip(), "\n".join(lines[last:])


def _cell(cell: NotebookNode, name: str, **role: object) -> NotebookNode:
    """A cell with its role in nbgrader's terms, version 3; where nothing is said, one that students cannot change."""
    defaults = {"grade": False, "solution": False, "locked": True, "task": False}
    cell.metadata = {"nbgrader": {**defaults, **role, "grade_id": name, "schema_version": 3}}
    cell.id = name
    return cell


def write(chapter: str, root: Path = ROOT) -> Path:
    """Write a chapter's assignment, and the course's configuration; other assignments of the course stay.

    Raises:
        ValueError: there is no such lesson.
    """
    lesson = root / "notebooks" / f"{chapter}.ipynb"
    if not lesson.is_file() or lesson.stem.endswith("_evidence"):
        known = sorted(f"{path.parent.name}/{path.stem}" for path in root.glob("notebooks/*/*.ipynb"))
        lessons = ", ".join(path for path in known if not path.endswith("_evidence"))
        raise ValueError(f"chapter is {chapter!r}, expected one of {lessons}")
    target = root / FOLDER / "source" / lesson.stem / lesson.name
    target.parent.mkdir(parents=True, exist_ok=True)
    (root / FOLDER / "nbgrader_config.py").write_text(CONFIG, encoding="utf-8")
    nbformat.write(source(nbformat.read(lesson, as_version=4), chapter), target)
    return target


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The exercises of a chapter as an assignment for nbgrader.")
    parser.add_argument("chapter", help="its path, as in attribution/fullgrad")
    chosen = parser.parse_args().chapter
    try:
        written = write(chosen)
    except ValueError as error:
        parser.error(str(error))
    print(f"{written.relative_to(ROOT)}; next: cd {FOLDER} && nbgrader generate_assignment {written.stem}")
