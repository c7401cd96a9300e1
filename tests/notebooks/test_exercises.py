"""Exercises: "**1. Title** (★, 10 minutes). The task", a starter cell that names its check, a folded solution.

A kind is written before the title: "**3. Predict: ...**" (before anything is run), "**4. Criticise: ...**" (a result),
"**5. Prove: ...**" (on paper, with a folded key), "**6. Project: ...**" (open: no check, and a word on what is done).
"""

import re

import notebook_rules as rules
import pytest

from interpbook import page

TASK = re.compile(r"^\*\*\d+\. (?:(\w+): )?[^*]+\*\* \((★+), (\d+) (?:minutes|hours)\)\. ", re.MULTILINE)
LOOKS_LIKE_A_TASK = re.compile(r"^\*\*(?:Exercise )?\d+\b", re.MULTILINE)
CHECK = re.compile(r"\bcheck\.(\w+)\.(\w+)\(")
FOLDED = {"hide-input", "hide-cell"}
KINDS = {"Predict", "Criticise", "Prove", "Project"}
KEY = re.compile(r"<details>\s*<summary>Show: the key</summary>\n\n.*\S.*\n\n</details>", re.DOTALL)

each_lesson = pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)


def source(*cells: dict) -> str:
    return "\n".join("".join(cell["source"]) for cell in cells)


def tagged(cells: list[dict], tag: str, kind: str = "code") -> list[dict]:
    """The cells of a kind that have this tag."""
    return [cell for cell in cells if cell["cell_type"] == kind and tag in cell["metadata"].get("tags", [])]


def section(notebook: dict) -> list[dict]:
    """The cells from the heading "Exercises" to the next heading."""
    headings = [re.search(r"^## (.+)$", source(cell), re.MULTILINE) for cell in notebook["cells"]]
    starts = [at for at, heading in enumerate(headings) if heading and heading[1] == "Exercises"]
    if not starts:
        return []
    ends = [at for at, heading in enumerate(headings) if heading and at > starts[0]]
    return notebook["cells"][starts[0] : ends[0] if ends else None]


def exercises(notebook: dict) -> list[tuple[str, list[dict]]]:
    """Each exercise: its task, and the cells from there to the next, its own included."""
    found: list[tuple[str, list[dict]]] = []
    for cell in section(notebook):
        if cell["cell_type"] == "markdown" and LOOKS_LIKE_A_TASK.search(source(cell)):
            found.append((source(cell), []))
        if found:
            found[-1][1].append(cell)
    return found


def kind_of(task: str) -> str | None:
    """One of KINDS, or None for an exercise of no special kind."""
    head = TASK.search(task)
    return head[1] if head and head[1] in KINDS else None


def complaints(task: str, cells: list[dict]) -> list[str]:
    """What an exercise lacks."""
    forms = {"Prove": on_paper, "Project": project}
    needed = {
        "stars and minutes, as in (★★, 10 minutes).": TASK.search(task),
        **forms.get(kind_of(task) or "", with_starter)(cells),
    }
    return [name for name, there in needed.items() if not there]


def with_starter(cells: list[dict]) -> dict[str, bool]:
    """A starter cell that the reader sees, and a folded solution; both hand an answer to the same check."""
    starters, solutions = tagged(cells, "starter"), tagged(cells, "solution")
    checks = [set(CHECK.findall(source(*found))) for found in (starters, solutions)]
    return {
        "one code cell tagged starter": len(starters) == 1,
        "a starter that is not folded": not any(FOLDED & {*cell["metadata"]["tags"]} for cell in starters),
        "a starter that is not part of the solution": not any(cell in solutions for cell in starters),
        "a call of a check in the starter": len(checks[0]) == 1,
        "a code cell tagged solution": len(solutions) > 0,
        "a solution that is folded with its output (hide-cell)": all(
            "hide-cell" in cell["metadata"]["tags"] for cell in solutions
        ),
        "a solution that hands its answer to the starter's check": checks[0] == checks[1],
        "the starter before the solution": not starters
        or not solutions
        or cells.index(starters[0]) < cells.index(solutions[0]),
    }


def on_paper(cells: list[dict]) -> dict[str, bool]:
    """A proof with its key, which a student's edition drops as it drops a solution."""
    return {
        "a folded key: a Markdown cell tagged solution, with <details> and <summary>Show: the key</summary>": bool(
            KEY.search(source(*tagged(cells, "solution", "markdown")))
        ),
    }


def project(cells: list[dict]) -> dict[str, bool]:
    """An open end: nothing checks it, but the text says what would count as done."""
    return {
        "a word on when the project is done": bool(re.search(r"\bdone\b", source(*cells), re.IGNORECASE)),
        "no check, as a project is open": not CHECK.search(source(*cells)),
    }


@each_lesson
def test_every_exercise_is_complete(path):
    notebook = rules.read(path)
    found = exercises(notebook)
    assert rules.is_draft(notebook) or len(found) >= 4
    lacking = {task.partition("\n")[0]: complaints(task, cells) for task, cells in found}
    assert not any(lacking.values()), lacking


@each_lesson
def test_the_ramp_begins_at_one_star_and_has_every_kind_of_exercise(path):
    notebook = rules.read(path)
    found = [task for task, _ in exercises(notebook)]
    assert TASK.search(found[0])[2] == "★", f"the first exercise has more than one star: {found[0][:80]}"
    missing = KINDS - {kind_of(task) for task in found}
    assert rules.is_draft(notebook) or not missing, f"no exercise of the kind {', '.join(sorted(missing))}"


@each_lesson
def test_an_exercise_and_its_check_agree_on_stars_and_minutes(path):
    for task, cells in exercises(rules.read(path)):
        _, stars, minutes = TASK.search(task).groups()
        for chapter, name in CHECK.findall(source(*[cell for cell in cells if cell["cell_type"] == "code"])):
            assert chapter == path.stem
            check = getattr(getattr(page.check, chapter), name)
            assert (len(stars), int(minutes)) == (check.rating, check.minutes), name


def verdicts(cells: list[dict]) -> list[str]:
    """What the checks printed, in the stored outputs of code cells."""
    return ["".join(output.get("text", [])) for cell in cells for output in cell["outputs"]]


@each_lesson
def test_every_solution_is_accepted(path):
    """The check's own verdict, in the stored output of the cell that calls it."""
    for task, cells in exercises(rules.read(path)):
        solutions = tagged(cells, "solution")
        if solutions or kind_of(task) not in {"Prove", "Project"}:
            assert any(text.startswith("Correct") for text in verdicts(solutions)), task.partition("\n")[0]


@each_lesson
def test_every_starter_runs_and_leaves_the_answer_to_the_reader(path):
    for task, cells in exercises(rules.read(path)):
        for starter in tagged(cells, "starter"):
            said = verdicts([starter])
            assert [text.partition(" (")[0] for text in said] == ["Your turn"], (task.partition("\n")[0], said)


# --- the rules themselves ---


def cell(kind: str, text: str, *tags: str) -> dict:
    return {"cell_type": kind, "source": text, "metadata": {"tags": list(tags)} if tags else {}, "outputs": []}


STARTER = "def f(x):\n    '''Twice x.'''\n    ...\n\n\npage.check.toy.twice(f)"
SOLUTION = "def f(x):\n    return 2 * x\n\n\npage.check.toy.twice(f)"
KEY_TEXT = "<details>\n<summary>Show: the key</summary>\n\nBecause.\n\n</details>"
CODED = [cell("markdown", "**1. Twice** (★, 5 minutes). Do it."), cell("code", STARTER, "starter")]
CODED = [*CODED, cell("code", SOLUTION, "solution", "hide-cell")]
PROOF = [cell("markdown", "**2. Prove: twice** (★★, 10 minutes). On paper."), cell("markdown", KEY_TEXT, "solution")]
OPEN = [cell("markdown", "**3. Project: thrice** (★★★, 3 hours). Find out. It is done when a friend believes it.")]
TOY = [cell("markdown", "## Exercises\n\nWith checks."), *CODED, *PROOF, *OPEN, cell("markdown", "## Further reading")]

BROKEN = {
    "no starter": ([CODED[0], CODED[2]], "one code cell tagged starter"),
    "a folded starter": ([CODED[0], cell("code", STARTER, "starter", "hide-input"), CODED[2]], "not folded"),
    "a starter that a student never gets": (
        [CODED[0], cell("code", STARTER, "starter", "solution", "hide-cell"), CODED[2]],
        "not part of the solution",
    ),
    "a starter without its check": ([CODED[0], cell("code", "f = ...", "starter"), CODED[2]], "check in the starter"),
    "no solution": (CODED[:2], "a code cell tagged solution"),
    "a solution whose output shows": (
        [*CODED[:2], cell("code", SOLUTION, "solution", "hide-input")],
        "folded with its output",
    ),
    "a solution for another check": (
        [*CODED[:2], cell("code", "page.check.toy.thrice(f)", "solution", "hide-cell")],
        "the starter's check",
    ),
    "the solution first": ([CODED[0], CODED[2], CODED[1]], "before the solution"),
    "no minutes": ([cell("markdown", "**1. Twice** (two stars). Do it."), *CODED[1:]], "stars and minutes"),
    "a proof without a key": (PROOF[:1], "a folded key"),
    "a key that a student gets too": ([PROOF[0], cell("markdown", KEY_TEXT)], "a folded key"),
    "an open key": ([PROOF[0], cell("markdown", "Because.", "solution")], "a folded key"),
    "a project without an end": ([cell("markdown", OPEN[0]["source"].partition(" It is")[0])], "is done"),
    "a project with a check": ([*OPEN, CODED[1]], "no check"),
}


def test_exercises_in_good_form_are_left_alone():
    found = exercises({"cells": TOY})
    assert [cells for _, cells in found] == [CODED, PROOF, OPEN]
    assert [complaints(task, cells) for task, cells in found] == [[], [], []]
    assert [kind_of(task) for task, _ in found] == [None, "Prove", "Project"]


@pytest.mark.parametrize(("cells", "words"), BROKEN.values(), ids=BROKEN)
def test_what_an_exercise_lacks_is_noticed(cells, words):
    ((task, own),) = exercises({"cells": [TOY[0], *cells, TOY[-1]]})
    assert any(words in complaint for complaint in complaints(task, own)), complaints(task, own)
