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
from lesson import Exercise, exercises
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from outline import ROOT
from student import without_folded

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
KINDS = ("code", "markdown")


def source(lesson: NotebookNode, chapter: str) -> NotebookNode:
    """The lecturer's notebook, from which nbgrader makes the students'."""
    setup, imports = preparation(lesson)
    title = lesson.metadata["interpbook"]["chapter"]["title"]
    head = (
        f"# {title}: exercises\n\nRead the lesson first, the chapter `{chapter}` of interpbook, whose notation is used."
    )
    assignment = [
        _cell(new_markdown_cell(head), "about"),
        _cell(new_code_cell(setup), "setup"),
        _cell(new_code_cell(imports), "imports"),
    ]
    for exercise in exercises(lesson.cells):
        assignment += _exercise(exercise)
    return new_notebook(cells=assignment, metadata={"kernelspec": dict(lesson.metadata["kernelspec"])})


def preparation(lesson: NotebookNode) -> list[str]:
    """The set-up cell, and all that the lesson imports: with these two its exercises run alone."""
    sources = [cell.source for cell in lesson.cells if cell.cell_type == "code"]
    imports: dict[str, None] = {}
    for source in sources[1:]:
        lines = [line for line in source.splitlines() if not line.startswith(("%", "!"))]
        for statement in ast.parse("\n".join(lines)).body:
            if isinstance(statement, ast.Import | ast.ImportFrom):
                imports[ast.unparse(statement)] = None
    return [sources[0], "\n".join(imports)]


def _exercise(exercise: Exercise) -> list[NotebookNode]:
    name = exercise.checks[0] if exercise.checks else f"exercise_{exercise.number}"
    stars = "★" * exercise.rating
    text = f"**{exercise.number}. {exercise.title}** ({stars}, {exercise.minutes} minutes). {exercise.task}"
    found = [_cell(new_markdown_cell(LINK.sub(r"\1", without_folded(text))), f"{name}_task")]
    solutions = {kind: [cell["source"] for cell in exercise.solution if cell["cell_type"] == kind] for kind in KINDS}
    if exercise.starter:
        starter, call = _split(exercise.starter[0]["source"])
        solution, _ = _split("\n".join(solutions["code"]))
        answer = f"{starter}\n\n\n{BEGIN}\n{solution}\n{END}\n\n{call}"
        graded = call.replace("(", ".required(", 1)
        found.append(_cell(new_code_cell(answer), f"{name}_answer", solution=True, locked=False))
        found.append(_cell(new_code_cell(graded), name, grade=True, points=exercise.rating))
    elif solutions["markdown"]:
        answer = new_markdown_cell("\n\n".join(solutions["markdown"]))
        found.append(_cell(answer, name, grade=True, solution=True, locked=False, points=exercise.rating))
    return found


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
