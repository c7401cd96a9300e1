"""A live figure in which the reader draws the map that a network is made to show.

The page's half of the views is `views.js`; a test holds the two halves together.
"""

from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor

from interpbook.chapters.density.implicit_density.moved import moved, moved_phrases
from interpbook.checks import check_number
from interpbook.density import Shifted
from interpbook.explore.pictures import Picture, Shown
from interpbook.explore.sentences import Fact
from interpbook.explore.views import VIEWS, State, View

__all__ = ["drawn_shift"]

STRENGTHS = (0, 0.2, 0.5, 1, 2, 5, 10, 20, 50)
KEPT, TAKEN = "kept", "taken away"


def drawn_shift(strengths: Sequence[float] = STRENGTHS) -> tuple[View, ...]:
    """Views of a network before and after a function is added to all of its logits [srinivas2021rethinking]:

        f_i(x) + g(x),    g(x) = <c T, x>,    grad g = c T    for every class i,

    with T what the reader draws. The network looks at another image x0, one of the `inputs` of `live`:

        page.explore.live(model, start=drawings, inputs=images, views=drawn_shift())

    Probabilities and the gradient of the loss stay, and the gradient of the logit becomes the drawing. With the old
    map taken away, g(x) = <c T - grad f_y(x0), x>, y the class: at x0 the new map is exactly c T.

    Args:
        strengths: values of a slider, which starts at the middle one. At strength s, c is s times the largest
            |grad f_y(x0)|: where the drawing is white, s = 1 adds as much as the strongest value of the old map.

    Returns:
        Four views: the network's answer after; the gradient of the logit of class y, before and after, with the
        controls of all; the answer before; the gradient of the loss (cross-entropy), before and after. What does not
        move stands beside the drawing.

    Raises:
        TypeError: `strengths` is no list of numbers.
        ValueError: it is empty, has one value twice, or one that is negative or not finite.

    >>> [view.title for view in drawn_shift()][:2]
    ['after: its answer with g added to every logit', 'gradient of the logit, before and after']
    """
    if isinstance(strengths, str) or not isinstance(strengths, Sequence):
        raise TypeError(f"strengths: expected a list of numbers, got {strengths!r}")
    values = [check_number(strength, "strengths", minimum=0) for strength in strengths]
    if not values or len(set(values)) < len(values):
        raise ValueError(f"strengths: expected at least one number, and none twice, got {list(strengths)}")
    middle = values[len(values) // 2]
    logit = replace(_LOGIT, settings={"old_map": [KEPT, TAKEN], "strength": values}, starts={"strength": middle})
    return _AFTER, logit, _BEFORE, _LOSS


def _unit(now: State) -> float:
    """What strength 1 adds where the drawing is white."""
    return now.gradient.abs().max().item() or 1.0


def _shifted(now: State) -> State:
    """The same state of the network with g added to its logits."""
    slope = now.settings["strength"] * _unit(now) * now.drawing[0]
    if now.settings["old_map"] == TAKEN:
        slope = slope - now.gradient
    return replace(now, model=Shifted(now.model, lambda x: (slope * x).flatten(1).sum(1)))


def _before(now: State) -> Shown:
    answer = VIEWS["probabilities"].compute(now)
    return Shown((_input(now), *answer.pictures), answer.facts)


def _after(now: State) -> Shown:
    there = _shifted(now)
    added = (there.logits - now.logits)[now.target].item()
    bars = Picture("bars", there.probabilities.cpu().numpy(), now.labels, chosen=now.target)
    facts = (("added", {"added": added}), moved(now.probabilities, there.probabilities))
    return Shown((_input(now), bars), facts)


def _logit(now: State) -> Shown:
    after, strength = _shifted(now).gradient, now.settings["strength"]
    drawn = bool(now.drawing.any())
    facts: list[Fact] = []
    if drawn and strength > 0:
        facts.append(("white", {"added": strength * _unit(now)}))
        if now.gradient.any():
            facts.append(("times", {"strength": strength}))
    else:
        facts.append(("nothing", {}))
    if now.settings["old_map"] == TAKEN:
        facts.append(("taken", {}))
    if after.any():
        facts.append(("old", {"cosine": _cosine(after, now.gradient)}))
        if drawn:
            facts.append(("drawing", {"cosine": _cosine(after, now.drawing[0])}))
    else:
        facts.append(("empty", {}))
    return _maps(now.gradient, after, *facts, ("end", {}))


def _loss(now: State) -> Shown:
    before, after = now.loss_gradient, _shifted(now).loss_gradient
    return _maps(before, after, ("strongest", {"value": before.abs().max().item()}), moved(before, after))


def _input(now: State) -> Picture:
    return Picture("image", now.x[0].cpu().numpy())


def _maps(before: Tensor, after: Tensor, *facts: Fact) -> Shown:
    return Shown(tuple(Picture("map", gradient.sum(0).cpu().numpy()) for gradient in (before, after)), facts)


def _cosine(a: Tensor, b: Tensor) -> float:
    norms = (a.square().sum() * b.square().sum()).sqrt().item()
    return (a * b).sum().item() / norms if norms > 0 else 0.0


_NEEDS = ("density/implicit_density/moved.js", "density/implicit_density/views.js")
_LOGIT = View(
    "shifted_logit_gradient",
    "gradient of the logit, before and after",
    _logit,
    "shift.logit",
    phrases={
        "nothing": "Nothing is added",
        "white": "White adds {added:significant}",
        "times": ", {strength:significant} times the old map's strongest value",
        "taken": ", and the old map is taken away",
        "old": ". Cosine of the new map with the old one: {cosine:z.2f}",
        "drawing": "; with the drawing: {cosine:z.2f}",
        "empty": ". The new map is empty",
        "end": ".",
    },
    needs=_NEEDS,
)
_LOSS = View(
    "shifted_loss_gradient",
    "gradient of the loss, before and after",
    _loss,
    "shift.loss",
    phrases={"strongest": "Strongest {value:significant}, in size; ", **moved_phrases("value")},
    needs=_NEEDS,
)
_BEFORE = View(
    "unshifted_answer",
    "before: the network's answer",
    _before,
    "shift.before",
    phrases=VIEWS["probabilities"].phrases,
    needs=_NEEDS,
)
_AFTER = View(
    "shifted_answer",
    "after: its answer with g added to every logit",
    _after,
    "shift.after",
    phrases={"added": "g adds {added:z.2f} to every logit; ", **moved_phrases("probability")},
    needs=_NEEDS,
)
