"""The student edition: solutions out, checks in, and what is left runs and can be handed in."""

import json
import re
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from IPython.core.getipython import get_ipython
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

nbconvert = pytest.importorskip("nbconvert.preprocessors")
student = pytest.importorskip("student")
nbgrader_source = pytest.importorskip("nbgrader_source")

each_lesson = pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)

CHECK = re.compile(r"\bpage\.check\.\w+\.\w+\(")
STARTER = "def double(x):\n    ...\n\n\nprint('answered' if double(1) else 'Your turn')"
SOLUTION = "def double(x):\n    return 2 * x\n\n\nprint('answered' if double(1) else 'Your turn')"
KEY = "<details><summary>Show: the key</summary>\n\nTwice.\n\n</details>"
EXERCISES = "## Exercises\n\nThe checks help. Solutions are folded below."


def code(source: str, *tags: str) -> nbformat.NotebookNode:
    printed = new_output("stream", name="stdout", text="as it was stored\n")
    return new_code_cell(source, metadata={"tags": [*tags]}, outputs=[printed], execution_count=1)


@pytest.fixture
def lesson() -> nbformat.NotebookNode:
    """A lesson with an exercise that has a solution, and a proof that has a key."""
    return new_notebook(
        cells=[
            new_markdown_cell("# Toy"),
            code("start = 1"),
            new_markdown_cell(EXERCISES),
            code(STARTER, "starter"),
            code(SOLUTION, "solution", "hide-cell"),
            new_markdown_cell(KEY, metadata={"tags": ["solution"]}),
            new_markdown_cell("## Further reading"),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )


def test_solutions_are_out_and_the_rest_is_as_it_was(lesson) -> None:
    before = str(lesson)
    handed_out = student.edition(lesson)
    assert str(lesson) == before
    sources = [cell.source for cell in handed_out.cells[:-2]]
    assert sources == ["# Toy", "start = 1", "## Exercises\n\nThe checks help.", STARTER, "## Further reading"]
    assert handed_out.cells[1].outputs == lesson.cells[1].outputs
    assert handed_out.cells[3].outputs == []


def test_at_the_end_stands_the_cell_that_writes_the_file_to_hand_in(lesson) -> None:
    words, report = student.edition(lesson).cells[-2:]
    assert words.source.startswith("## Handing in\n")
    assert report.source == "page.check.report(name=...)"


def test_a_refused_answer_does_not_stop_what_runs_after_it(lesson) -> None:
    handed_out = student.edition(lesson)
    assert [cell.metadata.tags for cell in handed_out.cells if "tags" in cell.metadata][1] == [
        "starter",
        "raises-exception",
    ]


def test_the_edition_is_all_lessons_and_nothing_of_an_earlier_time(lesson, tmp_path) -> None:
    (tmp_path / "notebooks" / "toys").mkdir(parents=True)
    nbformat.write(lesson, tmp_path / "notebooks" / "toys" / "ball.ipynb")
    nbformat.write(lesson, tmp_path / "notebooks" / "toys" / "ball_evidence.ipynb")
    old = tmp_path / student.FOLDER / "toys" / "old.ipynb"
    old.parent.mkdir(parents=True)
    old.touch()
    [written] = student.write(tmp_path)
    assert sorted(path.name for path in written.parent.iterdir()) == ["ball.ipynb", "ball_evidence.ipynb"]
    assert written.relative_to(tmp_path) == Path("_build/student/toys/ball.ipynb")
    assert nbformat.read(written, as_version=4) == student.edition(lesson)


@each_lesson
def test_no_solution_is_left_and_no_check_of_a_starter_is_lost(path) -> None:
    lesson = nbformat.read(path, as_version=4)
    handed_out = student.edition(lesson)
    assert not any("solution" in rules.tags(cell) for cell in handed_out.cells)
    starters = [cell for cell in lesson.cells if "starter" in rules.tags(cell)]
    kept = "\n".join(cell.source for cell in handed_out.cells)
    assert "colab.research" not in kept
    assert all(call in kept for cell in starters for call in CHECK.findall(cell.source))
    assert "olutions are folded" not in kept


@each_lesson
def test_every_starter_waits_for_an_answer_and_can_be_handed_in(path, shown, capsys, tmp_path, monkeypatch) -> None:
    """Without the lesson, which takes its time: a starter needs what is imported, and no solution before it."""
    handed_out = student.edition(nbformat.read(path, as_version=4))
    starters = [cell.source for cell in handed_out.cells if "starter" in rules.tags(cell)]
    monkeypatch.chdir(tmp_path)
    for source in nbgrader_source.preparation(handed_out):
        get_ipython().run_cell(source).raise_error()
    for source in starters:
        capsys.readouterr()
        get_ipython().run_cell(source)
        assert re.fullmatch(r"Your turn \(★+, \d+ minutes?\): .+\.\n", capsys.readouterr().out), source
    get_ipython().run_cell(handed_out.cells[-1].source.replace("...", "'Ada'")).raise_error()
    [written] = tmp_path.glob("*.json")
    exercises = json.loads(written.read_text(encoding="utf-8"))["exercises"]
    assert [(each["result"], "\n".join(each["code"])) for each in exercises] == [("open", text) for text in starters]


@pytest.mark.slow
def test_a_lesson_runs_to_its_end_without_its_solutions(tmp_path) -> None:
    """With its starter cells as they are handed out; a claim that does not hold would stop it, too."""
    path = next(path for path in rules.LESSONS if path.stem == "fullgrad")
    handed_out = student.edition(nbformat.read(path, as_version=4))
    run = nbconvert.ExecutePreprocessor(timeout=300, kernel_name="python3")
    done, _ = run.preprocess(handed_out, {"metadata": {"path": str(tmp_path)}})
    starters = [cell for cell in done.cells if "starter" in rules.tags(cell)]
    assert all("Your turn" in output.text for cell in starters for output in cell.outputs)
    assert "Nothing is written yet" in done.cells[-1].outputs[-1].data["text/plain"]
