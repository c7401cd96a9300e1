"""Which experiments may be compared: equal in everything but the method."""

import copy
from collections.abc import Callable, Iterable
from typing import Any

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function

Experiment = dict[str, Any]
Pairs = set[tuple[int, int]]


def _run(method: str, restarts: int = 1, **other: object) -> Experiment:
    usual = {"steps": 1000, "restarts": restarts, "sparsity": 0.99, "seeds": (0, 1, 2)}
    return {"method": method, **usual, **other}


# The first is that of the report: nothing may be compared with anything.
REPORT = [_run("gradual"), _run("cyclical", 5)]
RACES: dict[str, list[Experiment]] = {
    "the report": REPORT,
    "with its control": [*REPORT, _run("gradual", 5)],
    "more steps": [_run("gradual"), _run("cyclical", steps=5000), _run("iterative")],
    "another sparsity": [_run("gradual"), _run("one-shot"), _run("cyclical", sparsity=0.9), _run("cyclical")],
    "other seeds": [_run("cyclical"), _run("gradual", seeds=(3, 4, 5)), _run("gradual", seeds=(0, 1, 2, 3))],
    "the same twice": [_run("gradual"), _run("gradual"), _run("cyclical")],
    "two races": [_run("gradual"), _run("gradual", 5), _run("cyclical"), _run("cyclical", 5), _run("iterative", 5)],
    "another width": [
        _run("gradual", width=100),
        _run("cyclical", width=300),
        _run("iterative", width=300),
        _run("one-shot", width=100),
    ],
    "nothing to compare": [_run("gradual")],
}
_NUDGE = "take two of the dictionaries and cross out what is equal: what is left?"
_FORMULA = "(i, j) with i < j belongs to the list if the methods differ and the two are equal in every other entry"


@exercise(rating=2, minutes=15)
def fair_pairs(answer: Callable[..., object]) -> str:
    """A function of a list of dictionaries: the pairs of places (i, j), i < j, that differ in their method alone."""
    expect_function(answer)
    for case, experiments in RACES.items():
        _check_pairs(answer, case, experiments)
    return "what differs in two things says nothing about either of them."


def _pairs(experiments: list[Experiment]) -> Pairs:
    places = range(len(experiments))
    return {
        (i, j) for i in places for j in places if i < j and _differing(experiments[i], experiments[j]) == ["method"]
    }


def _differing(one: Experiment, other: Experiment) -> list[str]:
    return [name for name in one if one[name] != other[name]]


def _read(answer: object, count: int) -> list[tuple[int, int]]:
    """The pairs as they were handed in."""
    wanted = WrongAnswer(
        "your function should return a list of pairs (i, j) of places in the list, two whole numbers each",
        "`experiments[i]` and `experiments[j]` are compared: give i and j, not the dictionaries or their methods",
        _FORMULA,
    )
    if isinstance(answer, str) or not isinstance(answer, Iterable):
        raise wanted
    pairs = []
    try:
        for pair in answer:
            i, j = pair
            if int(i) != i or int(j) != j:
                raise wanted
            pairs.append((int(i), int(j)))
    except (TypeError, ValueError, RuntimeError):
        raise wanted from None
    if not all(0 <= place < count for pair in pairs for place in pair):
        raise WrongAnswer(f"places are counted from 0 to {count - 1} in a list of {count}", _FORMULA)
    return pairs


def _check_pairs(answer: Callable[..., object], case: str, experiments: list[Experiment]) -> None:
    handed_in = _read(answer(copy.deepcopy(experiments)), len(experiments))
    for i, j in handed_in:
        if i == j:
            raise WrongAnswer("an experiment is no control of itself", f"({i}, {j}) is one alone ({case})", _FORMULA)
        if i > j or handed_in.count((i, j)) > 1:
            raise WrongAnswer(
                "each pair once: your list is longer than it need be",
                f"({i}, {j}) and ({j}, {i}) are one comparison: only the one with i < j ({case})",
                _FORMULA,
            )
    got, want = {*handed_in}, _pairs(experiments)
    for i, j in sorted(got - want):
        differ = _differing(experiments[i], experiments[j])
        if "method" not in differ:
            hint = "have the same method: nothing is compared"
        else:
            others = [name for name in differ if name != "method"]
            hint = f"differ in {', '.join(others)} as well as in the method: which of them made the difference?"
        raise WrongAnswer(_NUDGE, f"{i} and {j} {hint} ({case})", _FORMULA)
    for i, j in sorted(want - got):
        raise WrongAnswer(
            _NUDGE, f"{i} and {j} differ in the method alone, and are missing in your list ({case})", _FORMULA
        )
