"""The exercises of a lesson, each with its cells, and what they need from the cells before them."""

import ast
import copy
import re
from dataclasses import dataclass, field

from nbformat import NotebookNode

HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
TASK = re.compile(r"^\*\*\d+\. (?:(?P<kind>\w+): )?[^*]+\*\* \((?P<stars>★+), [^)]+\)", re.MULTILINE)
FOLDED = re.compile(r" ?Solutions are folded[^.]*\.")
CHECK = re.compile(r"\bpage\.check\.\w+\.(\w+)\(")


@dataclass
class Exercise:
    """One exercise.

    name: what its check is called, else its kind and place, as in "prove_6".
    kind: "Predict", "Criticise", "Prove" or "Project" where its title says so, else "".
    cells: its task, its starter, its solutions.
    """

    name: str
    kind: str
    stars: int
    task: NotebookNode
    starter: NotebookNode | None = None
    solutions: list[NotebookNode] = field(default_factory=list)
    keys: list[NotebookNode] = field(default_factory=list)


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return cell.metadata.get("tags", [])


def without_folded(text: str) -> str:
    """A text that does not speak of folded solutions, for an edition that has none.

    >>> without_folded("Each check helps. Solutions are folded below.")
    'Each check helps.'
    """
    return FOLDED.sub("", text)


def section(lesson: NotebookNode) -> list[NotebookNode]:
    """Copies of the cells from the heading "Exercises", which may stand within a cell, to the next heading."""
    found: list[NotebookNode] = []
    for cell in copy.deepcopy(lesson.cells):
        headings = list(HEADING.finditer(cell.source)) if cell.cell_type == "markdown" else []
        if found and headings:
            return found
        starts = [heading.start() for heading in headings if heading[1] == "Exercises"]
        if starts:
            cell.source = without_folded(cell.source[starts[0] :])
        if starts or found:
            found.append(cell)
    return found


def exercises(lesson: NotebookNode) -> list[Exercise]:
    """The exercises of a lesson, in their order."""
    found: list[Exercise] = []
    for cell in section(lesson):
        task = TASK.search(cell.source) if cell.cell_type == "markdown" and "solution" not in tags(cell) else None
        if task:
            kind = task["kind"] or ""
            found.append(Exercise(f"{kind.lower() or 'exercise'}_{len(found) + 1}", kind, len(task["stars"]), cell))
        elif "starter" in tags(cell):
            found[-1].starter = cell
            found[-1].name = CHECK.search(cell.source)[1]
        elif "solution" in tags(cell):
            (found[-1].solutions if cell.cell_type == "code" else found[-1].keys).append(cell)
    return found


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
