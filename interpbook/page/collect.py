"""For the lecturer: what a class has handed in, as one table and as one page to read.

`python -m interpbook.page.collect FOLDER` reads every .json file below a folder, whatever it is called, and writes into
the folder `handed_in.csv`, a row for each student and chapter, and `handed_in.md`, the answers exercise by exercise.
The code of the answers is copied, and never run. A file that is no hand-in is named, and the others count.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from interpbook.page.exercises.report import FORMAT, VERDICTS, checksum, times

TABLE, ANSWERS = "handed_in.csv", "handed_in.md"
# What a hand-in has to have for the table, and of which kind it is.
FIELDS = {"name": str, "chapter": str, "written": str, "versions": dict, "points": int, "possible": int}
RESULT = {"exercise": str, "result": str, "refused": int, "points": int, "possible": int, "said": str, "code": list}


@dataclass(frozen=True)
class HandIn:
    """One student's file on one chapter.

    note: what the lecturer should know of it, "" where nothing is.
    """

    path: Path
    content: dict[str, Any]
    note: str = ""

    @property
    def student(self) -> tuple[str, str]:
        """Whose it is, and on which chapter: names are compared without regard to case and spaces."""
        return self.content["chapter"], " ".join(self.content["name"].casefold().split())


def read(path: Path) -> HandIn:
    """A hand-in.

    Raises:
        ValueError: the file is no hand-in, or lacks something.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"it is not JSON: {error}") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError(f"it is not a file that page.check.report wrote: its format should be {FORMAT!r}")
    _require(content, FIELDS, "it")
    exercises = content.get("exercises")
    if not isinstance(exercises, list):
        raise ValueError("it has no list of exercises")
    for at, exercise in enumerate(exercises):
        _require(exercise, RESULT, f"exercise {at + 1}")
        if exercise["result"] not in VERDICTS:
            raise ValueError(f"the result of exercise {at + 1} is {exercise['result']!r}, expected one of {VERDICTS}")
    _time(content)
    intact = content.get("checksum") == checksum(content)
    return HandIn(path, content, "" if intact else "changed after it was written")


def _require(content: object, fields: dict[str, type], name: str) -> None:
    for field, kind in fields.items():
        if not isinstance(content, dict) or not isinstance(content.get(field), kind):
            raise ValueError(f"{name} has no {field!r}, or one that is no {kind.__name__}")


def _time(content: dict[str, Any]) -> float:
    """When a hand-in was written, whatever the time zone.

    Raises:
        ValueError: its `written` is no time.
    """
    return datetime.fromisoformat(content["written"]).timestamp()


def newest(hand_ins: Iterable[HandIn]) -> list[HandIn]:
    """One for each student and chapter, by name; where somebody handed in twice, what was written last."""
    by_student: dict[tuple[str, str], list[HandIn]] = {}
    for each in hand_ins:
        by_student.setdefault(each.student, []).append(each)
    chosen = []
    for student in sorted(by_student):
        *earlier, last = sorted(by_student[student], key=lambda each: _time(each.content))
        again = [f"the newest of {len(earlier) + 1}"] if earlier else []
        chosen.append(HandIn(last.path, last.content, "; ".join([*filter(None, [last.note]), *again])))
    return chosen


def exercises_of(hand_ins: Sequence[HandIn]) -> list[tuple[str, str]]:
    """The exercises, as (chapter, name), in the order in which most notebooks have them."""
    places: dict[tuple[str, str], list[int]] = {}
    for each in hand_ins:
        for at, exercise in enumerate(each.content["exercises"]):
            places.setdefault((each.content["chapter"], exercise["exercise"]), []).append(at)
    return sorted(places, key=lambda exercise: (exercise[0], sorted(places[exercise])[len(places[exercise]) // 2]))


def result(hand_in: HandIn, exercise: tuple[str, str]) -> dict[str, Any] | None:
    """What came of an exercise, None where the file does not have it."""
    chapter, name = exercise
    if hand_in.content["chapter"] != chapter:
        return None
    return next((each for each in hand_in.content["exercises"] if each["exercise"] == name), None)


def rows(hand_ins: Sequence[HandIn], folder: Path) -> list[list[str | int]]:
    """The table, its titles first.

    An exercise has its points: zero where it was tried and refused, nothing where it is open.
    """
    exercises = exercises_of(hand_ins)
    table: list[list[str | int]] = [
        ["name", "chapter", "points", "possible", *map(".".join, exercises), "written", "version", "note", "file"]
    ]
    for each in hand_ins:
        content = each.content
        table.append([content[field] for field in ("name", "chapter", "points", "possible")])
        table[-1] += [_points(result(each, exercise)) for exercise in exercises]
        version = str(content["versions"].get("interpbook", ""))
        table[-1] += [content["written"], version, each.note, each.path.relative_to(folder).as_posix()]
    return [[_harmless(cell) for cell in row] for row in table]


def _points(exercise: dict[str, Any] | None) -> str | int:
    return "" if exercise is None or exercise["result"] == "open" else exercise["points"]


def _harmless(cell: str | int) -> str | int:
    """A cell that a spreadsheet does not take for a formula, whoever wrote it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


def summary(hand_ins: Sequence[HandIn]) -> str:
    """For each exercise how many passed, and what the check said most often to those who did not."""
    lines = []
    for exercise in exercises_of(hand_ins):
        found = [each for hand_in in hand_ins if (each := result(hand_in, exercise))]
        counts = Counter(each["result"] for each in found)
        lines.append(
            f"{'.'.join(exercise)}: " + ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS[::-1])
        )
        said = Counter(each["said"] for each in found if each["result"] == "refused").most_common(1)
        lines += [f"    refused most often with ({often} of {counts['refused']}): {words}" for words, often in said]
    return "\n".join(lines)


def answers(hand_ins: Sequence[HandIn]) -> str:
    """All answers to read, exercise by exercise, as Markdown."""
    lines = ["# Handed in", "", "Written by `python -m interpbook.page.collect`. None of this code was run."]
    for exercise in exercises_of(hand_ins):
        lines += ["", f"## {'.'.join(exercise)}"]
        for hand_in in hand_ins:
            found = result(hand_in, exercise)
            if found and found["code"]:
                refused = f" (refused {times(found['refused'])})" if found["refused"] else ""
                lines += ["", f"### {hand_in.content['name']}: {found['result']}{refused}", ""]
                # Indented and not fenced, so that no answer can end its block.
                lines += [f"    {line}" for line in found["code"]]
    return "\n".join(lines) + "\n"


def collect(folder: Path) -> tuple[list[HandIn], dict[Path, str]]:
    """The hand-ins below a folder that count, and what is wrong with the files that do not.

    Raises:
        ValueError: there is no such folder.
    """
    if not folder.is_dir():
        raise ValueError(f"{folder} is no folder")
    good, broken = [], {}
    for path in sorted(folder.rglob("*.json")):
        try:
            good.append(read(path))
        except (OSError, ValueError) as error:
            broken[path] = str(error)
    return newest(good), broken


def main(arguments: Sequence[str] | None = None) -> int:
    """The command: 0 where all files were read, 1 where one was not, 2 where none could be."""
    parser = argparse.ArgumentParser(prog="python -m interpbook.page.collect", description=__doc__)
    parser.add_argument("folder", type=Path, help="the folder with the files that were handed in")
    folder = parser.parse_args(arguments).folder
    try:
        hand_ins, broken = collect(folder)
    except ValueError as error:
        parser.error(str(error))
    for path, reason in broken.items():
        print(f"not counted: {path}: {reason}", file=sys.stderr)
    if not hand_ins:
        print(f"no hand-in below {folder}", file=sys.stderr)
        return 2
    # With its mark of order, which Excel needs to read accents.
    with (folder / TABLE).open("w", encoding="utf-8-sig", newline="") as table:
        csv.writer(table).writerows(rows(hand_ins, folder))
    (folder / ANSWERS).write_text(answers(hand_ins), encoding="utf-8")
    print(summary(hand_ins))
    print(f"{len(hand_ins)} counted, {len(broken)} not: {folder / TABLE}, {folder / ANSWERS}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
