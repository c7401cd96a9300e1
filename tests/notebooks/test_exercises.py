"""Exercises: a heading "Exercise", stars, minutes, and a folded solution that hands its answer to a check."""

import re

import notebook_rules as rules
import pytest

from interpbook import page

HEADING = re.compile(r"^(#{2,4}) Exercise\b.*$", re.MULTILINE)
RATING = re.compile(r"★+☆*")
MINUTES = re.compile(r"\b(\d+) min(?:utes)?\b")
CHECK = re.compile(r"\bcheck\.(\w+)\.(\w+)\(")


def exercises(notebook: dict) -> list[list[dict]]:
    """Each exercise as its cells: from its heading to the next heading of the same or a higher level."""
    found: list[list[dict]] = []
    level = 0
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        heading = re.search(r"^(#+) ", text, re.MULTILINE) if cell["cell_type"] == "markdown" else None
        if heading and (match := HEADING.search(text)):
            level = len(match[1])
            found.append([])
        elif heading and len(heading[1]) <= level:
            level = 0
        if level:
            found[-1].append(cell)
    return found


def complaints(cells: list[dict]) -> list[str]:
    """What one exercise lacks."""
    task = "".join(cells[0]["source"])
    solutions = [cell for cell in cells if "solution" in cell["metadata"].get("tags", [])]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    needed = {
        "a rating in stars": RATING.search(task),
        "minutes": MINUTES.search(task),
        "a code cell tagged solution": [cell for cell in solutions if cell["cell_type"] == "code"],
        "the tag hide-cell on its solution": all("hide-cell" in c["metadata"]["tags"] for c in solutions),
        "a call of a check": CHECK.search(code),
    }
    return [name for name, there in needed.items() if not there]


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_every_exercise_is_complete(path):
    found = exercises(rules.read(path))
    assert len(found) >= 4
    lacking = {"".join(cells[0]["source"]).partition("\n")[0]: complaints(cells) for cells in found}
    assert not any(lacking.values()), lacking


@pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
def test_an_exercise_and_its_check_agree_on_stars_and_minutes(path):
    for cells in exercises(rules.read(path)):
        task = "".join(cells[0]["source"])
        code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
        for chapter, name in CHECK.findall(code):
            assert chapter == path.stem
            check = getattr(getattr(page.check, chapter), name)
            assert RATING.search(task)[0].count("★") == check.rating, name
            assert int(MINUTES.search(task)[1]) == check.minutes, name


def test_an_incomplete_exercise_is_noticed():
    task = {"cell_type": "markdown", "source": "### Exercise 1\n\nDo it.", "metadata": {}}
    solution = {"cell_type": "code", "source": "x = 1", "metadata": {"tags": ["solution"]}}
    after = {"cell_type": "markdown", "source": "## Further reading", "metadata": {}}
    found = exercises({"cells": [task, solution, after]})
    assert found == [[task, solution]]
    assert complaints(found[0]) == [
        "a rating in stars",
        "minutes",
        "the tag hide-cell on its solution",
        "a call of a check",
    ]
