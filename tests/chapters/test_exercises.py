"""The exercises of every chapter: right answers are praised, wrong ones get the hint for their mistake, others a hint.

A chapter's answers stand beside its tests, in `<part>/<chapter>/answers.py`:

    RIGHT[exercise][a short name] = answer
    WRONG[exercise][a short name of the mistake] = (answer, words of the hint)

An exercise of several arguments is given a tuple. The words may stand in any of the mistake's hints; a mistake that is
made again gets the next one.
"""

import copy
import functools
import importlib
import random
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from interpbook.page.exercises import WrongAnswer, check, forget

TESTS = Path(__file__).parent
PACKAGE = TESTS.parents[1] / "interpbook" / "chapters"
# The chapters with exercises, as "part/chapter".
CHAPTERS = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.glob("*/*/") if path.name in dir(check))
LEAST_RIGHT, LEAST_WRONG, LEAST_GRADED = 3, 5, 2


@pytest.fixture(autouse=True)
def first_hints() -> None:
    """Hints begin with the first, whatever was tried before."""
    forget()


def answers(chapter: str, table: str) -> dict[str, dict]:
    """The table RIGHT or WRONG of a chapter; empty where there is none."""
    if not (TESTS / chapter / "answers.py").exists():
        return {}
    return getattr(importlib.import_module(f"chapters.{chapter.replace('/', '.')}.answers"), table)


def exercise(chapter: str, name: str) -> Callable[..., None]:
    return getattr(getattr(check, Path(chapter).name), name)


def parts(answer: object) -> tuple:
    """What the check is called with."""
    return answer if isinstance(answer, tuple) else (answer,)


def cases(table: str) -> list:
    """Every answer in the tables of all chapters."""
    return [
        pytest.param(chapter, name, answer, id=f"{Path(chapter).name}-{name}-{title}")
        for chapter in CHAPTERS
        for name, titled in answers(chapter, table).items()
        for title, answer in titled.items()
    ]


each_exercise = pytest.mark.parametrize(
    ("chapter", "name"), [(chapter, name) for chapter in CHAPTERS for name in dir(getattr(check, Path(chapter).name))]
)
each_right = pytest.mark.parametrize(("chapter", "name", "answer"), cases("RIGHT"))


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_the_tables_name_exercises_and_no_others(chapter: str) -> None:
    exercises = {*dir(getattr(check, Path(chapter).name))}
    assert {*answers(chapter, "RIGHT")} == {*answers(chapter, "WRONG")} == exercises


@each_exercise
def test_an_exercise_has_several_right_and_wrong_answers(chapter: str, name: str) -> None:
    assert len(answers(chapter, "RIGHT").get(name, {})) >= LEAST_RIGHT
    assert len(answers(chapter, "WRONG").get(name, {})) >= LEAST_WRONG


@each_right
def test_a_right_answer_is_praised_in_one_line(capsys, chapter: str, name: str, answer: object) -> None:
    exercise(chapter, name)(*parts(answer))
    assert re.fullmatch(r"Correct: .+\.\n", capsys.readouterr().out)


def refusals(chapter: str, name: str, wrong: object, times: int = 4) -> list[WrongAnswer]:
    """What the check says when the same answer is handed in again and again."""
    refused = []
    for _ in range(times):
        with pytest.raises(WrongAnswer) as caught:
            exercise(chapter, name)(*parts(wrong))
        refused.append(caught.value)
    return refused


@pytest.mark.parametrize(("chapter", "name", "answer"), cases("WRONG"))
def test_a_wrong_answer_walks_through_the_hints_for_its_mistake(
    without_shape_checks, capsys, chapter: str, name: str, answer: tuple
) -> None:
    wrong, words = answer
    refused = refusals(chapter, name, wrong)
    graded = refused[0].hints
    assert any(words in hint for hint in graded), graded
    assert [each.shown for each in refused] == [min(attempt, len(graded) - 1) for attempt in range(len(refused))]
    assert all(str(each) == each.hints[each.shown] for each in refused)
    assert not capsys.readouterr().out


@each_exercise
def test_an_exercise_grades_its_hints(without_shape_checks, chapter: str, name: str) -> None:
    mistakes = {
        refusals(chapter, name, wrong, times=1)[0].hints for wrong, _ in answers(chapter, "WRONG")[name].values()
    }
    assert sum(len(graded) > 1 for graded in mistakes) >= LEAST_GRADED


@each_exercise
def test_after_a_right_answer_the_hints_begin_again(without_shape_checks, chapter: str, name: str) -> None:
    wrong, _ = next(iter(answers(chapter, "WRONG")[name].values()))
    refusals(chapter, name, wrong, times=2)
    exercise(chapter, name)(*parts(next(iter(answers(chapter, "RIGHT")[name].values()))))
    assert refusals(chapter, name, wrong, times=1)[0].shown == 0


# --- no answer, an answer of another kind, a function that fails or returns something else ---


class Failing:
    """An object that is called, and fails."""

    def __call__(self, *arguments: object) -> object:
        raise RuntimeError("I always fail")


def fails(*arguments: object) -> object:
    raise KeyError("no such thing")


def takes_nothing() -> object:
    return 1


UNANSWERED = {"None": None, "an ellipsis": ...}
UNWRITTEN = {"nothing": lambda *_: None, "an ellipsis": lambda *_: ...}
NO_FUNCTION = {
    "text": "an answer",
    "a number": 3,
    "a tensor": torch.ones(5),
    "a list": [1.0, 2.0],
    "a dictionary": {"answer": 1},
}
FAILING = {
    "a function that fails": fails,
    "a function without arguments": takes_nothing,
    "an object that fails": Failing(),
    "a method that fails": Failing().__call__,
    "a part of a function that fails": functools.partial(fails, 1),
}
OF_A_LIBRARY = {
    "a class": nn.Linear,
    "a module": nn.Linear(2, 2),
    "a function of torch": torch.linalg.solve,
    "a function of Python": len,
}
RETURNED = {
    "text": "an answer",
    "a number": 0.5,
    "an object": object(),
    "no numbers": torch.zeros(0),
    "five axes": torch.zeros(1, 2, 1, 2, 1),
    "integers": torch.ones(3, dtype=torch.int64),
    "truth": torch.tensor(True),
    "complex numbers": torch.ones(3, dtype=torch.complex128),
    "an array of text": np.array(["a", "b"]),
    "an empty tuple": (),
    "three times None": (None, None, None),
    "three times text": ("a", "b", "c"),
    "a function": len,
    "a function that fails": fails,
}
# What is handed in, and words of the hint where a function is asked for.
STRANGE = {
    **{name: (thing, "should be a function") for name, thing in NO_FUNCTION.items()},
    **{name: (thing, " raised ") for name, thing in FAILING.items()},
    **{name: (thing, None) for name, thing in OF_A_LIBRARY.items()},
    **{f"returns {name}": (lambda *_, value=value: value, None) for name, value in RETURNED.items()},
}


def in_place(chapter: str, name: str, thing: object, callable_only: bool = False) -> list[tuple]:
    """A right answer, with the thing in place of each of its parts."""
    right = parts(next(iter(answers(chapter, "RIGHT")[name].values())))
    places = [place for place, part in enumerate(right) if callable(part) or not callable_only]
    return [(*right[:place], thing, *right[place + 1 :]) for place in places]


@pytest.mark.parametrize("missing", UNANSWERED.values(), ids=UNANSWERED)
@each_exercise
def test_a_starter_runs_and_says_whose_turn_it_is(capsys, chapter: str, name: str, missing: object) -> None:
    check = exercise(chapter, name)
    for answer in in_place(chapter, name, missing):
        check(*answer)
        turn = rf"Your turn \({'★' * check.rating}, {check.minutes} minutes?\): there is no answer here yet\.\n"
        assert re.fullmatch(turn, capsys.readouterr().out)


@pytest.mark.parametrize("unwritten", UNWRITTEN.values(), ids=UNWRITTEN)
@each_exercise
def test_a_function_that_returns_nothing_is_not_written_yet(
    without_shape_checks, capsys, chapter: str, name: str, unwritten: Callable
) -> None:
    for answer in in_place(chapter, name, unwritten, callable_only=True):
        exercise(chapter, name)(*answer)
        assert re.fullmatch(r"Your turn .+ returns nothing yet \(.+`return`.+\)\.\n", capsys.readouterr().out)


def with_nan(value: object) -> object:
    """The same with every number in it, and in what it returns, turned into nan."""
    if isinstance(value, Tensor):
        return value * float("nan") if value.is_floating_point() else value
    if isinstance(value, float | int | np.ndarray | np.floating):
        return value * float("nan")
    if isinstance(value, tuple | list):
        return type(value)(map(with_nan, value))
    if isinstance(value, dict):
        return dict.fromkeys(value, float("nan"))
    if isinstance(value, nn.Module):
        broken = copy.deepcopy(value)
        broken.load_state_dict({name: with_nan(part) for name, part in value.state_dict().items()})
        return broken
    if not callable(value):
        return value
    return lambda *arguments: with_nan(value(*arguments))


@pytest.mark.filterwarnings("ignore:Casting complex values")
@pytest.mark.parametrize("strange", STRANGE.values(), ids=STRANGE)
@each_exercise
def test_a_strange_answer_gets_a_hint(without_shape_checks, chapter: str, name: str, strange: tuple) -> None:
    """In place of each part of a right answer."""
    thing, hint = strange
    right = parts(next(iter(answers(chapter, "RIGHT")[name].values())))
    for place, part in enumerate(right):
        with pytest.raises(WrongAnswer, match=hint if callable(part) else r"\w+ \w+"):
            exercise(chapter, name)(*right[:place], thing, *right[place + 1 :])


@each_exercise
def test_an_answer_of_nan_gets_a_hint(without_shape_checks, chapter: str, name: str) -> None:
    right = parts(next(iter(answers(chapter, "RIGHT")[name].values())))
    with pytest.raises(WrongAnswer):
        exercise(chapter, name)(*map(with_nan, right))


# --- what a check leaves alone ---


def content(value: object) -> object:
    """What a value holds, to be compared by ==; functions by what they carry with them."""
    if isinstance(value, Tensor):
        return (value.dtype, value.requires_grad, value.detach().tolist())
    if isinstance(value, torch.Generator):
        return value.get_state().tolist()
    if isinstance(value, tuple | list):
        return [content(part) for part in value]
    if isinstance(value, nn.Module):
        return (value.training, {name: content(part) for name, part in value.state_dict().items()})
    if callable(value):
        return {name: content(part) for name, part in getattr(value, "__dict__", {}).items()}
    return value


def global_states() -> list[object]:
    name, keys, *rest = np.random.get_state()  # noqa: NPY002
    return [torch.get_rng_state().tolist(), [name, keys.tolist(), *rest], random.getstate()]


def seed_everything(seed: int) -> None:
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    random.seed(seed)


def recorded(answer: object, heard: list[object]) -> object:
    """The answer, which notes what it is called with."""
    if isinstance(answer, Tensor) or not callable(answer):
        return answer

    def listening(*arguments: object) -> object:
        heard.append(content(arguments))
        return answer(*arguments)

    return listening


@each_right
def test_a_check_neither_uses_nor_changes_the_global_random_state(
    without_shape_checks, chapter: str, name: str, answer: object
) -> None:
    # Without shape checks: those of tests look at list items by chance, with Python's own generator.
    heard: list[list[object]] = [[], []]
    for seed, noted in enumerate(heard):
        seed_everything(seed)
        before = global_states()
        exercise(chapter, name)(*[recorded(part, noted) for part in parts(answer)])
        assert global_states() == before
    assert heard[0] == heard[1]


@each_right
def test_an_answer_stays_as_it_is(chapter: str, name: str, answer: object) -> None:
    own = [part.detach().clone() if isinstance(part, Tensor) else part for part in parts(answer)]
    before = content(own)
    exercise(chapter, name)(*own)
    assert content(own) == before


def spoiling(answer: object) -> object:
    """The answer, which at last writes over the tensors that it was given, where nothing needs them any more."""
    if isinstance(answer, Tensor) or not callable(answer):
        return answer

    def careless(*arguments: object) -> object:
        result = answer(*arguments)
        results = result if isinstance(result, tuple | list) else [result]
        if any(callable(part) or getattr(part, "requires_grad", False) for part in results):
            return result
        result = copy.deepcopy(result)
        for tensor in filter(torch.is_tensor, arguments):
            tensor.detach().fill_(7)
        return result

    return careless


def untidy(answer: object) -> object:
    """The answer, which leaves torch without gradients, with another default dtype, and layers as in training."""
    if isinstance(answer, Tensor) or not callable(answer):
        return answer

    def leaving(*arguments: object) -> object:
        result = answer(*arguments)
        for argument in arguments:
            if isinstance(argument, nn.Module):
                argument.train().requires_grad_(False)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        return result

    return leaving


@each_right
def test_an_answer_may_leave_modes_and_flags_changed(
    without_shape_checks, chapter: str, name: str, answer: object
) -> None:
    exercise(chapter, name)(*map(untidy, parts(answer)))
    assert torch.is_grad_enabled()
    assert torch.get_default_dtype() == torch.float32


@each_right
def test_an_answer_may_write_into_what_it_is_given(chapter: str, name: str, answer: object) -> None:
    exercise(chapter, name)(*map(spoiling, parts(answer)))
