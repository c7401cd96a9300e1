"""The Banzhaf value: known by its axioms, and by the best linear fit to all coalitions alike."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.chapters.attribution.function_approximation.exercises.games import all_masks, value
from interpbook.chapters.attribution.function_approximation.exercises.least_squares import weighted_fit
from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, vector

_COUNT = "over which coalitions do you add up, and what do you divide by?"
_DIFFERENCE = "a value is what a feature adds: a difference"
_BANZHAF = "the sum of v(S and i) - v(S) over all S without i, divided by 2^(d - 1)"


@exercise(rating=2, minutes=15)
def banzhaf(answer: Callable[..., Tensor]) -> str:
    """A function of a game `v`, from masks (n, d) to values (n,), and of `d`: the Banzhaf value of each feature."""
    expect_function(answer)
    _check_known_game(answer)
    for d in (2, 4, 5):
        _check_axioms(answer, d)
    return "the slopes of LIME with a flat kernel, known by their axioms too."


def _check_known_game(answer: Callable[..., Tensor]) -> None:
    """A game of three features, and the values that other shares of its coalitions would give."""
    cube = all_masks(3).double()
    worth = cube @ torch.tensor([20.0, 50.0, 30.0]).double()
    relu = (worth - 10).relu() + 3 * worth  # a network of ReLUs at (20, 50, 30)
    got, average = _play(answer, relu, 3), value(relu, [0.25] * 3)
    if not close(got, average):
        mistakes = {
            "these are Shapley's values: Banzhaf's count all coalitions of the others alike": [1 / 3, 1 / 6, 1 / 3],
            "your answer is too large: take the mean over the coalitions of the others, not the sum": [1.0, 1, 1],
            "your answer is half as large as it should be: only half of all coalitions leave a feature out": [0.125]
            * 3,
            "this counts only what a feature adds to no feature at all: go through all coalitions": [1.0, 0, 0],
            "this counts only what a feature adds to all the others: go through all coalitions": [0, 0, 1.0],
            "divide by the number of coalitions without the feature, and not by d": [1 / 3, 1 / 3, 1 / 3],
        }
        for hint, share in mistakes.items():
            if close(got, value(relu, share)):
                raise WrongAnswer(_COUNT, hint, _BANZHAF)
        if close(got, (cube * relu[:, None]).sum(0) / 4):
            raise WrongAnswer(_DIFFERENCE, "this is the mean with the feature: subtract the mean without it", _BANZHAF)
        if close(got, -average):
            raise WrongAnswer(_DIFFERENCE, "the sign is wrong: with the feature minus without it", _BANZHAF)
        raise WrongAnswer(
            "take a game of three features and add up by hand what one of them adds",
            f"for v = relu(s - 10) + 3 s, s = 20 m1 + 50 m2 + 30 m3, your answer is {listed(got)}",
            _BANZHAF,
        )


def _check_axioms(answer: Callable[..., Tensor], d: int) -> None:
    """A dummy, two of equal part, the sum of two games, and the slopes of the best linear fit."""
    generator = torch.Generator().manual_seed(d)
    one, two = torch.randn((2, 2**d), generator=generator, dtype=torch.float64)
    masks = all_masks(d)
    dummy = one.view(2, -1)[:1].expand(2, -1).flatten()  # the last feature, which changes nothing
    if _play(answer, dummy, d)[-1].abs() > 1e-5:
        raise WrongAnswer(
            f"right for three features, not for {d}: think of one that does nothing",
            "a feature that never changes v should have the value 0",
            _BANZHAF,
        )
    swapped = masks.clone()
    swapped[:, :2] = masks[:, :2].flip(1)
    order = (swapped * 2 ** torch.arange(d)).sum(1)
    equal = _play(answer, one + one[order], d)
    if not close(equal[0], equal[1]):
        raise WrongAnswer(
            f"right for three features, not for {d}: think of two that can be exchanged",
            "two features with the same part in v should have the same value",
            _BANZHAF,
        )
    first, second = _play(answer, one, d), _play(answer, two, d)
    if not close(_play(answer, one + two, d), first + second):
        raise WrongAnswer(
            f"right for three features, not for {d}: think of the sum of two games",
            "the values of v + u should be those of v and those of u, added",
            _BANZHAF,
        )
    if not close(first, weighted_fit(masks.double(), one, torch.ones(2**d, dtype=torch.float64))[1:]):
        raise WrongAnswer(
            f"right for three features, not for {d}: which coalitions do you count, and how much?",
            f"with d = {d} these are not the slopes of the best linear fit to all coalitions, all alike",
            _BANZHAF,
        )


def _play(answer: Callable[..., Tensor], game: Tensor, d: int) -> Tensor:
    def v(masks: Tensor) -> Tensor:
        if not isinstance(masks, Tensor) or masks.dim() != 2 or masks.shape[1] != d:
            raise WrongAnswer(f"v takes a batch of masks, a tensor of shape (n, {d})")
        return game[(masks.bool() * 2 ** torch.arange(d)).sum(1)]

    return vector(answer(v, d), d, "the answer")
