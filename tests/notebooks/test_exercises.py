"""Exercises: "**1. Title** (★★, 10 minutes). The task", then a folded solution that hands its answer to a check."""

import re

import notebook_rules as rules
import pytest

from interpbook import page

TASK = re.compile(r"^\*\*\d+\. [^*]+\*\* \((★+), (\d+) minutes\)\. ", re.MULTILINE)
LOOKS_LIKE_A_TASK = re.compile(r"^\*\*(?:Exercise )?\d+\b", re.MULTILINE)
CHECK = re.compile(r"\bcheck\.(\w+)\.(\w+)\(")
FOLDED = {"hide-input", "hide-cell"}

each_notebook = pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)


def section(notebook: dict) -> list[dict]:
    """The cells from the heading "Exercises" to the next heading."""
    headings = [re.search(r"^## (.+)$", "".join(cell["source"]), re.MULTILINE) for cell in notebook["cells"]]
    starts = [at for at, heading in enumerate(headings) if heading and heading[1] == "Exercises"]
    if not starts:
        return []
    ends = [at for at, heading in enumerate(headings) if heading and at > starts[0]]
    return notebook["cells"][starts[0] : ends[0] if ends else None]


def exercises(notebook: dict) -> list[tuple[str, list[dict]]]:
    """Each exercise: its task, and the code cells up to the next."""
    found: list[tuple[str, list[dict]]] = []
    for cell in section(notebook):
        text = "".join(cell["source"])
        if cell["cell_type"] == "markdown" and LOOKS_LIKE_A_TASK.search(text):
            found.append((text, []))
        elif cell["cell_type"] == "code" and found:
            found[-1][1].append(cell)
    return found


def complaints(task: str, code: list[dict]) -> list[str]:
    """What an exercise lacks."""
    solutions = [set(cell["metadata"].get("tags", [])) for cell in code]
    solutions = [tags for tags in solutions if "solution" in tags]
    needed = {
        "stars and minutes, as in (★★, 10 minutes).": TASK.search(task),
        "a code cell tagged solution": solutions,
        "a solution that is folded (hide-input or hide-cell)": all(tags & FOLDED for tags in solutions),
        "a call of a check": CHECK.search("\n".join("".join(cell["source"]) for cell in code)),
    }
    return [name for name, there in needed.items() if not there]


@each_notebook
def test_every_exercise_is_complete(path):
    notebook = rules.read(path)
    found = exercises(notebook)
    assert rules.is_draft(notebook) or len(found) >= 4
    lacking = {task.partition("\n")[0]: complaints(task, code) for task, code in found}
    assert not any(lacking.values()), lacking


@each_notebook
def test_an_exercise_and_its_check_agree_on_stars_and_minutes(path):
    for task, code in exercises(rules.read(path)):
        stars, minutes = TASK.search(task).groups()
        for chapter, name in CHECK.findall("\n".join("".join(cell["source"]) for cell in code)):
            assert chapter == path.stem
            check = getattr(getattr(page.check, chapter), name)
            assert (len(stars), int(minutes)) == (check.rating, check.minutes), name


@each_notebook
def test_every_solution_is_accepted(path):
    """The check's own verdict, in the stored output of the cell that calls it."""
    for task, code in exercises(rules.read(path)):
        outputs = ["".join(output.get("text", [])) for cell in code for output in cell["outputs"]]
        assert any(text.startswith("Correct") for text in outputs), task.partition("\n")[0]


def test_an_incomplete_exercise_is_noticed():
    heading = {"cell_type": "markdown", "source": "## Exercises\n\n**1. A start** (two stars). Do it.", "metadata": {}}
    solution = {"cell_type": "code", "source": "x = 1", "metadata": {"tags": ["solution"]}}
    after = {"cell_type": "markdown", "source": "## Further reading\n\n**2. no task**", "metadata": {}}
    ((task, code),) = exercises({"cells": [heading, solution, after]})
    assert code == [solution]
    assert complaints(task, code) == [
        "stars and minutes, as in (★★, 10 minutes).",
        "a solution that is folded (hide-input or hide-cell)",
        "a call of a check",
    ]
