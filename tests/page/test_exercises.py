"""Exercises: found by name, right answers praised, wrong ones given a hint and no traceback."""

import functools
import json
import sys
from pathlib import Path

import pytest
import torch
from IPython.core.getipython import get_ipython

from interpbook import page
from interpbook.page.exercises import Checks, WrongAnswer, exercise

CHAPTER = '''
from interpbook.page.exercises import WrongAnswer, exercise

def helper():
    "not an exercise"

@exercise(rating=2, minutes=5)
def additive(f):
    """f(a + b) is f(a) + f(b)."""
    if f(3) != f(1) + f(2):
        raise WrongAnswer("f(1) + f(2) is not f(3)")
    return "additive."

@exercise(rating=1, minutes=1)
def even(number):
    if number % 2:
        raise WrongAnswer(f"{number} is odd")
'''


def offset(x):
    return x + 1


def broken(x):
    return x / 0


def stumbling(x):
    x = str(x)
    return json.loads("{" + x)  # fails deep inside the library, and the hint names this line


def forgetful(x):
    x * 2


WRONG_ANSWERS = [
    (offset, r"^f\(1\) \+ f\(2\) is not f\(3\)$"),
    (broken, r"^your function `broken` raised ZeroDivisionError in line \d+: "),
    (
        stumbling,
        rf"^your function `stumbling` raised JSONDecodeError in line {stumbling.__code__.co_firstlineno + 2}: ",
    ),
    (forgetful, r"^your function `forgetful` returned None: is there a `return`"),
    (lambda x: x.shape, r"^your function raised AttributeError"),
    (functools.partial(broken), r"^your function `partial` raised ZeroDivisionError: "),
    (torch.nn.Linear(2, 2), r"^your function `Linear` raised "),
    (None, "there is no answer here yet"),
    (..., "there is no answer here yet"),
]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checks:
    part = tmp_path / "toy_exercises" / "toypart"
    for folder in (part.parent, part, part / "toychapter", part / "untouched"):
        folder.mkdir()
        (folder / "__init__.py").write_text("")
    (part / "toychapter" / "exercises.py").write_text(CHAPTER)
    (part / "untouched" / "exercises.py").write_text("raise RuntimeError('imported too early')")
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("toy_exercises")]:
        del sys.modules[name]
    return Checks("toy_exercises")


def test_a_right_answer_gets_one_line(check: Checks, capsys: pytest.CaptureFixture) -> None:
    assert check.toychapter.additive(lambda x: 3 * x) is None
    check.toychapter.even(4)
    assert capsys.readouterr().out == "Correct: additive.\nCorrect.\n"


@pytest.mark.parametrize(("answer", "hint"), WRONG_ANSWERS)
def test_a_wrong_answer_gets_its_hint(check: Checks, answer, hint: str) -> None:
    with pytest.raises(WrongAnswer, match=hint):
        check.toychapter.additive(answer)


def test_an_exercise_carries_its_rating_and_text(check: Checks) -> None:
    additive = check.toychapter.additive
    assert (additive.rating, additive.minutes, additive.__doc__) == (2, 5, "f(a + b) is f(a) + f(b).")


def test_completion_lists_chapters_and_exercises(check: Checks) -> None:
    assert dir(check) == ["toychapter", "untouched"]
    assert dir(check.toychapter) == ["additive", "even"]
    assert not hasattr(check, "_repr_html_")


def test_unknown_names_list_the_known_ones(check: Checks) -> None:
    with pytest.raises(AttributeError, match=r"no exercises for a chapter 'toy'; known: toychapter, untouched"):
        _ = check.toy
    with pytest.raises(AttributeError, match=r"chapter 'toychapter' has no exercise 'helper'; known: additive, even"):
        _ = check.toychapter.helper


def test_a_notebook_shows_the_hint_alone(shown, check: Checks, capsys: pytest.CaptureFixture) -> None:
    shell = get_ipython()
    shell.user_ns["check"] = check
    shell.run_cell("check.toychapter.even(3)")
    assert capsys.readouterr().out.strip() == "Not yet: 3 is odd"


@pytest.mark.parametrize("wrong", [{"rating": 4, "minutes": 1}, {"rating": 1, "minutes": 0}])
def test_ratings_and_minutes_are_checked(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"rating is 4|minutes is 0"):
        exercise(**wrong)


def test_the_book_s_own_chapters_load() -> None:
    for chapter in dir(page.check):
        assert dir(getattr(page.check, chapter)), f"{chapter} has no exercise"
