"""Counting what came back: events between one mask and the next, and weights of the last mask that were away."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, number

_EVENTS = "(masks[1:] & ~masks[:-1]).sum()"
_WEIGHTS = "(masks[-1] & ~masks.all(dim=0)).sum()"

Count = Callable[[Tensor], Tensor]


@exercise(rating=1, minutes=10)
def what_returned(answer: Callable[..., object]) -> str:
    """A function of `masks (T, d)`, bools: how often a weight came back, and how many at the end had been away."""
    expect_function(answer)
    said = [_read(answer, masks) for masks in _cases()]
    events, weights = [each[0] for each in said], [each[1] for each in said]
    often, many = _counted(_events), _counted(_weights)
    if events == many and weights == often:
        raise WrongAnswer(
            "your two numbers answer each other's question",
            "how often comes first: events; how many at the end comes second: weights",
            f"return {_EVENTS}, {_WEIGHTS}",
        )
    _compare(
        events,
        often,
        "how often a weight came back",
        "take one weight, and read its column of the masks from top to bottom: where does it come back?",
        NO_EVENTS,
        _EVENTS,
    )
    _compare(
        weights,
        many,
        "how many at the end had been away",
        "begin with the weights of the last mask: for each of them, was there a mask without it?",
        NO_WEIGHTS,
        _WEIGHTS,
    )
    return "a weight may come back more than once, and be away at the end all the same."


def _cases() -> list[Tensor]:
    """Few masks that are easy to read, some by chance, some of weights that only go, and one mask alone."""
    generator = torch.Generator().manual_seed(0)
    few = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 1]]).T.bool()
    by_chance = torch.rand((7, 40), generator=generator) < 0.6
    going = torch.rand((5, 12), generator=generator) < 0.7
    return [few, by_chance, going.long().cumprod(0).bool(), by_chance[3:4]]


def _read(answer: Callable[..., Any], masks: Tensor) -> tuple[float, float]:
    try:
        first, second = answer(masks.clone())
    except (TypeError, ValueError):
        raise WrongAnswer("your function should return two numbers: how often, and how many at the end") from None
    return number(first, "how often a weight came back"), number(second, "how many had been away")


def _counted(count: Count) -> list[float]:
    return [float(count(masks).sum()) for masks in _cases()]


def _events(masks: Tensor) -> Tensor:
    return masks[1:] & ~masks[:-1]


def _weights(masks: Tensor) -> Tensor:
    return masks[-1] & ~masks.all(0)


NO_EVENTS: dict[str, Count] = {
    "you count whatever changes, also what goes": lambda masks: masks[1:] ^ masks[:-1],
    "you count what goes": lambda masks: masks[:-1] & ~masks[1:],
    "a weight that comes back twice counts twice": lambda masks: _events(masks).any(0),
    "what stands in the first mask has not come back: nothing was before": lambda masks: torch.cat(
        [masks[:1], _events(masks)]
    ),
    "you count while a weight is away, not when it comes back": lambda masks: ~masks,
    "only the first mask and the last are compared: between them much may come and go": lambda masks: (
        masks[-1] & ~masks[0]
    ),
    "compare each mask with the one before it, not with the first": lambda masks: masks[1:] & ~masks[:1],
    "you count what is there, back or not": lambda masks: masks,
}
NO_WEIGHTS: dict[str, Count] = {
    "you count all that was ever away, also what is not there at the end": lambda masks: ~masks.all(0),
    "you look at the first mask alone: a weight may have been away later": lambda masks: masks[-1] & ~masks[0],
    "you look at the last mask but one alone: a weight may have been away before": lambda masks: _events(masks)[-1:],
    "you count weights that are away at the end": lambda masks: ~masks[-1],
    "these are all that is there at the end, away before or not": lambda masks: masks[-1],
    "you count all that came back, also what went again": lambda masks: _events(masks).any(0),
    "you ask for weights that all masks before were without: one such mask is enough": lambda masks: (
        masks[-1] & ~masks[:-1].any(0)
    ),
    "each weight counts once, however often it came back": lambda masks: _events(masks) & masks[-1],
}


def _compare(
    got: list[float], want: list[float], name: str, nudge: str, mistakes: dict[str, Count], formula: str
) -> None:
    if got == want:
        return
    for hint, mistake in mistakes.items():
        if got == _counted(mistake):
            raise WrongAnswer(nudge, f"{name}: {hint}", formula)
    place = next(place for place in range(len(want)) if got[place] != want[place])
    t, d = _cases()[place].shape
    raise WrongAnswer(nudge, f"{name}: of {t} masks with {d} weights {want[place]:g}, not {got[place]:g}", formula)
