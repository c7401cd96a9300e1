"""The exercises of a lesson, and its links to other chapters, read from the notebook."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from outline import ROOT

BEGINS = re.compile(
    r"^\*\*(?P<number>\d+)\. (?P<title>.+?)\*\* \((?P<stars>★+), (?P<time>\d+) (?P<unit>minutes?|hours?)\)\.\s+",
    re.MULTILINE,
)
CHECK = re.compile(r"\bpage\.check\.\w+\.(\w+)\(")
LINK = re.compile(r"\]\((?:\.\./(\w+)/)?(\w+)\.ipynb[#)]")


@dataclass(frozen=True)
class Exercise:
    """One exercise of a lesson.

    minutes: what its title says; nobody counts a project's.
    task: what is asked, in Markdown.
    checks: the names of the checks that its starter calls.
    starter, solution: cells of the notebook as they are stored; the solution's may be text, the key of a proof.
    """

    number: int
    title: str
    rating: int
    minutes: int
    task: str
    checks: tuple[str, ...] = ()
    starter: tuple[dict, ...] = ()
    solution: tuple[dict, ...] = ()

    @property
    def is_project(self) -> bool:
        return self.title.startswith("Project")


def cells(path: str, root: Path = ROOT) -> list[dict]:
    """The cells of a page, `attribution/fullgrad`, each with its source as one text."""
    stored = json.loads((root / "notebooks" / f"{path}.ipynb").read_text(encoding="utf-8"))
    return [{**cell, "source": "".join(cell["source"])} for cell in stored["cells"]]


def exercises(cells: Sequence[dict]) -> list[Exercise]:
    """What stands under "Exercises", in order.

    >>> [double] = exercises([{"cell_type": "markdown", "source": "**1. Double** (★, 2 minutes). Write it."}])
    >>> double.title, double.rating, double.minutes, double.task
    ('Double', 1, 2, 'Write it.')
    """
    found: list[dict] = []
    for cell in cells:
        tags = cell.get("metadata", {}).get("tags", [])
        if cell["cell_type"] == "markdown" and "solution" not in tags:
            begins = BEGINS.search(cell["source"])
            if begins:
                found.append({"head": begins, "task": [cell["source"][begins.end() :]], "starter": [], "solution": []})
            elif cell["source"].startswith("## "):
                # What follows is no exercise any more; before the first one it changes nothing.
                found.append({})
            elif found and found[-1]:
                found[-1]["task"].append(cell["source"])
        elif found and found[-1]:
            for kind in {"starter", "solution"} & {*tags}:
                found[-1][kind].append(cell)
    return [_exercise(**parts) for parts in found if parts]


def _exercise(head: re.Match, task: list[str], starter: list[dict], solution: list[dict]) -> Exercise:
    called = [name for cell in starter for name in CHECK.findall(cell["source"])]
    return Exercise(
        number=int(head["number"]),
        title=head["title"],
        rating=len(head["stars"]),
        minutes=int(head["time"]) * (60 if head["unit"].startswith("hour") else 1),
        task="\n\n".join(task).partition("\n## ")[0].strip(),
        checks=tuple(dict.fromkeys(called)),
        starter=tuple(starter),
        solution=tuple(solution),
    )


def linked(path: str, cells: Sequence[dict]) -> list[str]:
    """The paths of the pages that a page links to, each once, itself left out.

    >>> text = "See [one](../toys/kite.ipynb#wind), [two](ball_evidence.ipynb), [itself](ball.ipynb)."
    >>> linked("games/ball", [{"cell_type": "markdown", "source": text}])
    ['toys/kite', 'games/ball_evidence']
    """
    part = path.partition("/")[0]
    texts = [cell["source"] for cell in cells if cell["cell_type"] == "markdown"]
    found = [f"{folder or part}/{name}" for text in texts for folder, name in LINK.findall(text)]
    return [name for name in dict.fromkeys(found) if name != path]
