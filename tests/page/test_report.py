"""Handing in: what came of the exercises, with the answers' code, in one file; and a class's files in one table."""

import csv
import json
import sys
import types
from pathlib import Path

import pytest
from IPython.core.getipython import get_ipython

from interpbook import page
from interpbook.page import collect
from interpbook.page.exercises import Checks, attempts, forget
from interpbook.page.exercises.report import checksum

CHECKS = """
from interpbook.page.exercises import WrongAnswer, exercise

@exercise(rating=2, minutes=5)
def triple(f):
    if f(2) != 6:
        raise WrongAnswer(f"f(2) is {f(2)}", "three times two is six")
    return "three times."

@exercise(rating=1, minutes=1)
def even(number):
    if number % 2:
        raise WrongAnswer("try half of it")

@exercise(rating=3, minutes=1)
def another(number):
    pass
"""
FILE = "hand_in_numbers_ada_lovelace.json"


@pytest.fixture(autouse=True)
def new_page():
    forget()
    yield
    forget()


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checks:
    """The checks of a chapter called numbers; the working directory is empty."""
    chapter = tmp_path / "toy_hand_in" / "part" / "numbers"
    chapter.mkdir(parents=True)
    for folder in (chapter, chapter.parent, chapter.parent.parent):
        (folder / "__init__.py").touch()
    (chapter / "exercises.py").write_text(CHECKS)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("toy_hand_in")]:
        del sys.modules[name]
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return Checks("toy_hand_in")


@pytest.fixture
def run(shown, check: Checks):
    """Runs cells, as a notebook does, and hands out the last hand-in."""
    get_ipython().user_ns["check"] = check

    def run_cells(*cells: str) -> dict:
        for cell in cells:
            get_ipython().run_cell(cell)
        check.report(name="Ada Lovelace")
        return json.loads(Path(FILE).read_text(encoding="utf-8"))

    return run_cells


def of(handed_in: dict, name: str) -> dict:
    return next(exercise for exercise in handed_in["exercises"] if exercise["exercise"] == name)


RIGHT = "def f(x):\n    return 3 * x\n\n\ncheck.numbers.triple(f)"
WRONG = "check.numbers.triple(lambda x: 2 * x)"


def test_a_hand_in_says_what_came_of_each_exercise(run) -> None:
    handed_in = run(WRONG, WRONG, RIGHT, "check.numbers.even(3)")
    assert [exercise["exercise"] for exercise in handed_in["exercises"]] == ["triple", "even", "another"]
    results = [(each["result"], each["refused"], each["points"]) for each in handed_in["exercises"]]
    assert results == [("passed", 2, 2), ("refused", 1, 0), ("open", 0, 0)]
    assert (handed_in["name"], handed_in["chapter"]) == ("Ada Lovelace", "numbers")
    assert (handed_in["points"], handed_in["possible"]) == (2, 6)
    assert of(handed_in, "even")["said"] == "try half of it"


def test_the_code_is_the_cell_s_and_that_of_functions_in_cells_before(run) -> None:
    helper = "def double(x):\n    return 2 * x"
    answer = "def f(x):\n    return [double(x) + x for _ in range(1)][0]"
    handed_in = run(helper, answer, "unrelated = 1", "check.numbers.triple(f)")
    assert "\n".join(of(handed_in, "triple")["code"]) == f"{helper}\n\n{answer}\n\ncheck.numbers.triple(f)"


def test_the_code_of_an_object_is_its_class(run) -> None:
    cell = "class Triple:\n    def __call__(self, x):\n        return 3 * x"
    assert "\n".join(of(run(cell, "check.numbers.triple(Triple())"), "triple")["code"]).startswith(cell)


def test_a_value_is_written_as_it_prints_itself(run) -> None:
    even = of(run("answer = 2 + 2", "check.numbers.even(answer)"), "even")
    assert (even["values"], even["code"]) == (["4"], ["check.numbers.even(answer)"])


def test_the_best_attempt_counts_and_of_several_the_last(run) -> None:
    even = of(run(*[f"check.numbers.even({number})" for number in (3, 2, 4, 5)]), "even")
    assert (even["result"], even["values"], even["refused"]) == ("passed", ["4"], 2)


def test_an_exercise_without_an_answer_is_open(run) -> None:
    handed_in = run("check.numbers.triple(lambda x: ...)", "check.numbers.even(...)")
    assert [each["result"] for each in handed_in["exercises"]] == ["open"] * 3
    assert handed_in["points"] == 0


def test_a_page_that_is_started_again_has_tried_nothing(run, check) -> None:
    run(RIGHT)
    page.start()
    with pytest.raises(RuntimeError, match="no exercise was checked; run the cells of the exercises"):
        check.report(name="Ada Lovelace")


def test_a_later_report_replaces_the_file_and_leaves_no_other(run) -> None:
    first = run("check.numbers.even(3)")
    second = run("check.numbers.even(2)")
    assert (first["points"], second["points"]) == (0, 1)
    assert [path.name for path in Path().iterdir()] == [FILE]


def test_the_page_shows_the_table_and_what_was_not_run(run, shown) -> None:
    run(RIGHT, "check.numbers.even(3)")
    table, not_run, written = (output.data for output in shown.outputs[-3:])
    words = " ".join(table["text/plain"].split())
    assert "The exercises of `numbers`: 2 of 6 points. result refused points triple passed — 2 of 2" in words
    assert "even not yet once 0 of 1 another open — 0 of 3" in words
    assert "Not run since the page began: another." in not_run["text/plain"]
    assert str(Path(FILE).resolve()) in written["text/plain"]
    assert written["text/html"].startswith("<p>Written, for handing in: <code>")


def test_without_a_name_nothing_is_written(run, check, shown) -> None:
    get_ipython().run_cell(RIGHT + "\ncheck.report()")
    assert "Nothing is written yet: put your name" in shown.outputs[-1].data["text/plain"]
    assert not list(Path().iterdir())


@pytest.mark.parametrize(("name", "error"), [("", ValueError), (" _ ", ValueError), (7, TypeError)])
def test_a_name_that_is_none_is_refused(without_shape_checks, check, name: object, error: type) -> None:
    check.numbers.even(2)
    with pytest.raises(error, match=r"name is .*, expected your name"):
        check.report(name=name)


def test_colab_offers_the_file(run, monkeypatch: pytest.MonkeyPatch) -> None:
    offered = []
    files = types.ModuleType("google.colab.files")
    files.download = offered.append
    for name in ("google", "google.colab"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setitem(sys.modules, "google.colab.files", files)
    run(RIGHT)
    assert offered == [str(Path(FILE).resolve())]


def test_a_chapter_cannot_take_the_report_s_name(check, tmp_path: Path) -> None:
    taken = tmp_path / "toy_hand_in" / "part" / "report"
    taken.mkdir()
    (taken / "exercises.py").touch()
    with pytest.raises(ValueError, match="a chapter is called 'report'"):
        dir(check)


def test_a_grading_program_refuses_what_has_no_answer(check) -> None:
    for answer in (..., None):
        with pytest.raises(AssertionError, match="there is no answer here yet"):
            check.numbers.even.required(answer)
    check.numbers.even.required(2)
    assert [attempt.verdict for attempt in attempts.since_the_page_began()] == ["open", "open", "passed"]


# --- the lecturer's side ---


def handed_in(
    name: str = "Ada", chapter: str = "numbers", at: str = "2026-03-01T10:00:00+00:00", **results: str
) -> dict:
    """A hand-in on two exercises, each worth two points; even and triple are open where nothing is said."""
    exercises = []
    for exercise in ("triple", "even"):
        result = results.get(exercise, "open")
        exercises.append(
            {
                "exercise": exercise,
                "result": result,
                "refused": int(result == "refused"),
                "points": 2 * (result == "passed"),
                "possible": 2,
                "said": f"the hint of {exercise}",
                "code": [f"check.numbers.{exercise}(1)  # by {name}"],
                "values": [],
            }
        )
    points = sum(exercise["points"] for exercise in exercises)
    content = {
        "format": "interpbook hand-in 1",
        "name": name,
        "chapter": chapter,
        "written": at,
        "versions": {"interpbook": "0.9.0"},
        "points": points,
        "possible": 4,
        "exercises": exercises,
    }
    return {**content, "checksum": checksum(content)}


def table_of(folder: Path, *files: object, expected: int = 0) -> list[dict]:
    """The rows that the command writes for these files."""
    for at, content in enumerate(files):
        (folder / f"{at}").mkdir()
        text = content if isinstance(content, str) else json.dumps(content)
        (folder / f"{at}" / "hand_in_numbers.json").write_text(text, encoding="utf-8")
    assert collect.main([str(folder)]) == expected
    with (folder / "handed_in.csv").open(encoding="utf-8-sig", newline="") as table:
        return list(csv.DictReader(table))


def test_a_class_is_one_table(tmp_path, capsys) -> None:
    students = [handed_in(f"Student {at:02}", triple="passed", even=["refused", "open"][at % 2]) for at in range(40)]
    rows = table_of(tmp_path, *students)
    assert [row["name"] for row in rows] == [f"Student {at:02}" for at in range(40)]
    assert [(row["numbers.triple"], row["numbers.even"], row["points"]) for row in rows[:2]] == [
        ("2", "0", "2"),
        ("2", "", "2"),
    ]
    assert list(rows[0])[:6] == ["name", "chapter", "points", "possible", "numbers.triple", "numbers.even"]
    said = capsys.readouterr().out
    assert (
        "numbers.even: 0 passed, 20 refused, 20 open\n    refused most often with (20 of 20): the hint of even" in said
    )
    assert "40 counted, 0 not" in said


def test_what_a_page_writes_the_lecturer_reads(run, tmp_path) -> None:
    run(RIGHT, WRONG)
    [hand_in], broken = collect.collect(Path.cwd())
    assert (hand_in.content["name"], hand_in.note, broken) == ("Ada Lovelace", "", {})


def test_answers_are_there_to_read_side_by_side(tmp_path) -> None:
    table_of(tmp_path, handed_in("Ada", even="passed"), handed_in("Bob", even="refused"))
    text = (tmp_path / "handed_in.md").read_text(encoding="utf-8")
    part = text[text.index("## numbers.even") :]
    assert "### Ada: passed\n\n    check.numbers.even(1)  # by Ada\n" in part
    assert "### Bob: refused (refused once)\n\n    check.numbers.even(1)  # by Bob\n" in part


def lacking(field: str) -> dict:
    return {key: value for key, value in handed_in().items() if key != field}


BROKEN = {
    "cut off": (json.dumps(handed_in())[:200], "it is not JSON"),
    "nested without end": ("[" * 100_000, "it is not JSON"),
    "another file": ({"cells": []}, "it is not a file that page.check.report wrote"),
    "no name": (lacking("name"), "it has no 'name'"),
    "no exercises": (lacking("exercises"), "it has no list of exercises"),
    "a result that is none": (handed_in(even="perfect"), "the result of exercise 2 is 'perfect', expected one of"),
    "an exercise that is none": ({**handed_in(), "exercises": [3]}, "exercise 1 has no 'exercise'"),
    "no time": (handed_in(at="yesterday"), "Invalid isoformat"),
}


@pytest.mark.parametrize(("broken", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_named_and_the_others_count(tmp_path, capsys, broken: object, reason: str) -> None:
    rows = table_of(tmp_path, handed_in("Ada"), broken, handed_in("Bob"), expected=1)
    assert [row["name"] for row in rows] == ["Ada", "Bob"]
    error = capsys.readouterr().err
    assert error.startswith(f"not counted: {tmp_path / '1' / 'hand_in_numbers.json'}: ")
    assert reason in error


def test_a_changed_file_counts_with_a_note(tmp_path) -> None:
    [row] = table_of(tmp_path, {**handed_in("Ada"), "points": 4})
    assert (row["points"], row["note"]) == ("4", "changed after it was written")


def test_the_newest_of_a_student_counts_whatever_the_time_zone(tmp_path) -> None:
    early = handed_in("Ada  Lovelace", at="2026-03-01T10:30:00+02:00", even="refused")
    late = handed_in("ada lovelace", at="2026-03-01T10:00:00+00:00", even="passed")
    [row] = table_of(tmp_path, late, early)
    assert (row["points"], row["note"]) == ("2", "the newest of 2")


def test_chapters_stand_in_one_table(tmp_path) -> None:
    rows = table_of(tmp_path, handed_in(even="passed"), handed_in(chapter="letters", even="refused"))
    assert [(row["chapter"], row["numbers.even"], row["letters.even"]) for row in rows] == [
        ("letters", "", "0"),
        ("numbers", "2", ""),
    ]


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@sum"])
def test_a_name_is_no_formula(tmp_path, name: str) -> None:
    [row] = table_of(tmp_path, handed_in(name))
    assert row["name"] == f"'{name}"


def test_a_folder_without_hand_ins_is_said(tmp_path, capsys) -> None:
    assert collect.main([str(tmp_path)]) == 2
    assert "no hand-in below" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        collect.main([str(tmp_path / "nowhere")])
    assert "nowhere is no folder" in capsys.readouterr().err
