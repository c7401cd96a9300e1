"""Exercises: found by name, right answers praised, wrong ones given a hint and no traceback."""

import functools
import json
import sys
from pathlib import Path

import pytest
import torch
from IPython.core.getipython import get_ipython

from interpbook import page
from interpbook.page.exercises import Checks, WrongAnswer, exercise, forget

CHAPTER = '''
from interpbook.page.exercises import WrongAnswer, exercise

@exercise(rating=1, minutes=1)
def graded(answer):
    raise WrongAnswer("first", "second")

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
    if number == 7:
        raise WrongAnswer("seven, of all numbers", "seven is odd", "write 2 * k")
    if number % 2:
        raise WrongAnswer(f"try half of {number}", f"{number} is odd", "write 2 * k")
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
    (lambda x: x.shape, r"^your function raised AttributeError"),
    (functools.partial(broken), r"^your function `partial` raised ZeroDivisionError: "),
    (torch.nn.Linear(2, 2), r"^your function `Linear` raised "),
]


UNANSWERED = [
    (None, "there is no answer here yet."),
    (..., "there is no answer here yet."),
    ({"this moves": True, "that moves": ...}, "there is no answer here yet."),
    ({"this moves": None}, "there is no answer here yet."),
    (forgetful, "your function `forgetful` returns nothing yet (if it is written: is there a `return` at its end?)."),
    (lambda x: ..., "your function returns nothing yet (if it is written: is there a `return` at its end?)."),
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


@pytest.fixture(autouse=True)
def first_hints() -> None:
    forget()


def test_a_right_answer_gets_one_line(check: Checks, capsys: pytest.CaptureFixture) -> None:
    assert check.toychapter.additive(lambda x: 3 * x) is None
    check.toychapter.even(4)
    assert capsys.readouterr().out == "Correct: additive.\nCorrect.\n"


@pytest.mark.parametrize(("answer", "hint"), WRONG_ANSWERS)
def test_a_wrong_answer_gets_its_hint(check: Checks, answer, hint: str) -> None:
    with pytest.raises(WrongAnswer, match=hint):
        check.toychapter.additive(answer)


@pytest.mark.parametrize(("answer", "line"), UNANSWERED)
def test_what_is_not_answered_yet_is_the_reader_s_turn(check: Checks, capsys, answer, line: str) -> None:
    check.toychapter.additive(answer)
    assert capsys.readouterr().out == f"Your turn (★★, 5 minutes): {line}\n"


def said(check: Checks, *answers: int) -> list[str]:
    """The lines that a notebook shows for these answers, one after the other."""
    lines = []
    for answer in answers:
        try:
            check.toychapter.even(answer)
            lines.append("right")
        except WrongAnswer as wrong:
            lines += wrong._render_traceback_()
    return lines


def test_a_mistake_made_again_gets_the_next_hint_and_the_last_one_stays(check: Checks) -> None:
    assert said(check, 3, 5, 9, 11) == [
        "Not yet (hint 1 of 3): try half of 3",
        "Not yet (hint 2 of 3): 5 is odd",
        "Not yet (hint 3 of 3): write 2 * k",
        "Not yet (hint 3 of 3): write 2 * k",
    ]


def test_another_mistake_begins_with_its_own_first_hint(check: Checks) -> None:
    assert said(check, 3, 7, 5, 7) == [
        "Not yet (hint 1 of 3): try half of 3",
        "Not yet (hint 1 of 3): seven, of all numbers",
        "Not yet (hint 2 of 3): 5 is odd",
        "Not yet (hint 2 of 3): seven is odd",
    ]


def test_a_right_answer_begins_the_hints_of_its_exercise_again(check: Checks) -> None:
    with pytest.raises(WrongAnswer):
        check.toychapter.graded(1)
    assert said(check, 3, 5, 4, 3)[2:] == ["right", "Not yet (hint 1 of 3): try half of 3"]
    with pytest.raises(WrongAnswer, match=r"^second$"):
        check.toychapter.graded(1)


def test_a_page_begins_with_the_first_hints(check: Checks) -> None:
    said(check, 3, 3)
    page.start()
    assert said(check, 3) == ["Not yet (hint 1 of 3): try half of 3"]


def test_no_answer_is_no_mistake(check: Checks) -> None:
    said(check, 3)
    check.toychapter.even(...)
    assert said(check, 3) == ["Not yet (hint 2 of 3): 3 is odd"]


@pytest.mark.parametrize("hints", [(), ("a", "b", "c", "d"), ("a", "a")])
def test_there_are_one_to_three_hints_that_differ(hints: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"hints is .*, expected one to three sentences that differ"):
        WrongAnswer(*hints)


def test_a_function_that_changes_torch_s_modes_leaves_the_check_as_it_was(check: Checks) -> None:
    def untidy(x):
        assert torch.is_grad_enabled(), "the call before this one has left gradients off"
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        return 3 * x

    check.toychapter.additive(untidy)
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


def test_an_exercise_carries_its_rating_and_text(check: Checks) -> None:
    additive = check.toychapter.additive
    assert (additive.rating, additive.minutes, additive.__doc__) == (2, 5, "f(a + b) is f(a) + f(b).")


def test_completion_lists_chapters_and_exercises(check: Checks) -> None:
    assert dir(check) == ["toychapter", "untouched"]
    assert dir(check.toychapter) == ["additive", "even", "graded"]
    assert not hasattr(check, "_repr_html_")


def test_unknown_names_list_the_known_ones(check: Checks) -> None:
    with pytest.raises(AttributeError, match=r"no exercises for a chapter 'toy'; known: toychapter, untouched"):
        _ = check.toy
    with pytest.raises(
        AttributeError, match=r"chapter 'toychapter' has no exercise 'helper'; known: additive, even, graded"
    ):
        _ = check.toychapter.helper


def test_a_notebook_shows_the_hint_alone(shown, check: Checks, capsys: pytest.CaptureFixture) -> None:
    shell = get_ipython()
    shell.user_ns["check"] = check
    shell.run_cell("check.toychapter.even(3)")
    assert capsys.readouterr().out.strip() == "Not yet (hint 1 of 3): try half of 3"


@pytest.mark.parametrize("wrong", [{"rating": 4, "minutes": 1}, {"rating": 1, "minutes": 0}])
def test_ratings_and_minutes_are_checked(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"rating is 4|minutes is 0"):
        exercise(**wrong)


def test_the_book_s_own_chapters_load() -> None:
    for chapter in dir(page.check):
        assert dir(getattr(page.check, chapter)), f"{chapter} has no exercise"
