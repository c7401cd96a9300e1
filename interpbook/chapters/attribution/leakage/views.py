"""A live figure in which the reader draws a digit above or below a ring, and several networks say where they look.

The page's half of the views is `views.js`; a test holds the two halves together.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.chapters.attribution.leakage.blocks import null_block
from interpbook.explore.arguments import read_heads
from interpbook.explore.pictures import Picture, Shown
from interpbook.explore.sentences import Fact
from interpbook.explore.views import State, View
from interpbook.functions import input_gradient, select

__all__ = ["where_is_the_evidence"]

# As an image of a live figure, whose values are multiples of 1/255.
RING = (null_block() * 255).round()
EMPTY = "the empty block"
INPUTS = ("as drawn", "other block erased", "blocks swapped")


def where_is_the_evidence(heads: Sequence[str]) -> tuple[View, ...]:
    """Views of several networks that look at two blocks: a digit that the reader draws, and a ring, or nothing.

    Of each network's answer c, the class with the largest logit f_c at x, and its gradient g = grad f_c(x) or
    grad log p_c(x), they say

        sum of |g| over the digit's block / sum of |g| over the image,

    how much of it the other block keeps when it is erased, and how alike the gradients of f_c are where the blocks
    are swapped. The digit's block is the one that differs more from what says nothing: from the nearer of ring and
    black. The networks are one model with the logits of all:

        page.explore.live(both, start=examples, heads=names, views=where_is_the_evidence(names))

    Args:
        heads: names of the networks, as for `live`. Images are those of `load_blocks`, (1, 28, 14).

    Returns:
        Their shares, and the controls; what they see; and for each network the map of its gradient and its
        probabilities.

    Raises:
        TypeError, ValueError: heads that are no list of two or more different names.

    >>> [view.name for view in where_is_the_evidence(["standard", "robust"])]
    ['shares', 'seen', 'network_1', 'network_2']
    """
    names = read_heads(heads)
    if not names:
        raise ValueError("heads: expected two or more different names, got none")
    needs, tables = ("attribution/leakage/views.js",), {"ring": RING[0].numpy()}
    shares = View(
        "shares",
        "share of |gradient| on the digit's block, and a line at one half",
        partial(_shares, names),
        f"evidence.shares({json.dumps(names)})",
        phrases=_SHARES_PHRASES,
        settings={"gradient_of": {"logit": "logit", "log-probability": "log_prob"}, "input": INPUTS},
        needs=needs,
        tables=tables,
    )
    seen = View(
        "seen", "what the networks see", _seen, "evidence.seen", phrases=_SEEN_PHRASES, needs=needs, tables=tables
    )
    networks = [
        View(
            f"network_{which + 1}",
            f"{name}: the gradient of its answer, and its probabilities",
            partial(_network, which, len(names)),
            f"evidence.network({which})",
            phrases=_network_phrases(name),
            needs=needs,
            tables=tables,
        )
        for which, name in enumerate(names)
    ]
    return shares, seen, *networks


@dataclass(frozen=True)
class _Blocks:
    """What the networks see, and where in it the digit is.

    Attributes:
        x: the input, (1, 1, 28, 14).
        digit: the digit's block, 0 above and 1 below.
        drawn: whether there is anything but rings and black.
        other: what stands in the other block, in words.
    """

    x: Tensor
    digit: int
    drawn: bool
    other: str


@dataclass(frozen=True)
class _Network:
    """One of the networks in the model of a state."""

    now: State
    which: int
    heads: int

    def logits(self, x: Float[Tensor, "B 1 28 14"]) -> Float[Tensor, "B classes"]:
        return self.now.model(x).unflatten(1, (self.heads, -1))[:, self.which]

    def answer(self, x: Float[Tensor, "1 1 28 14"]) -> Float[Tensor, "classes"]:
        with torch.no_grad():
            return self.logits(x)[0].softmax(0)

    def gradient(self, x: Float[Tensor, "1 1 28 14"], seen: int) -> Float[Tensor, "1 1 28 14"]:
        return input_gradient(select(self.logits, seen, of=self.now.settings["gradient_of"]), x)


def _read(now: State) -> _Blocks:
    ring = RING[0].to(now.x) / 255
    halves = _halves(now.x)
    strange = torch.minimum((halves - ring).abs().sum((1, 2)), halves.sum((1, 2)))
    x, digit = now.x, int(strange[1] > strange[0])
    if now.settings["input"] == "other block erased":
        x = _erased(x, digit)
    elif now.settings["input"] == "blocks swapped":
        x, digit = _swapped(x), 1 - digit
    other = _halves(x)[1 - digit]
    word = "the ring" if torch.equal(other, ring) else "the other drawing"
    return _Blocks(x, digit, bool(strange.any()), word if other.any() else EMPTY)


def _halves(x: Float[Tensor, "1 1 28 14"]) -> Float[Tensor, "2 14 14"]:
    return x[0, 0].unflatten(0, (2, -1))


def _erased(x: Float[Tensor, "1 1 28 14"], digit: int) -> Float[Tensor, "1 1 28 14"]:
    """The input with nothing in the other block."""
    kept = torch.zeros_like(_halves(x))
    kept[digit] = 1
    return x * kept.flatten(0, 1)


def _swapped(x: Float[Tensor, "1 1 28 14"]) -> Float[Tensor, "1 1 28 14"]:
    return x.roll(x.shape[2] // 2, 2)


def _share(gradient: Float[Tensor, "1 1 28 14"], digit: int) -> float:
    """Of |gradient|, what lies on the digit's block; 0 where all of it is zero."""
    sizes = _halves(gradient).abs().sum((1, 2))
    return (sizes[digit] / sizes.sum()).item() if sizes.any() else 0.0


def _shares(names: tuple[str, ...], now: State) -> Shown:
    blocks = _read(now)
    shares = np.zeros(len(names))
    facts: list[Fact] = [("nothing", {})]
    if blocks.drawn:
        facts = []
        for which, name in enumerate(names):
            network = _Network(now, which, len(names))
            gradient = network.gradient(blocks.x, int(network.answer(blocks.x).argmax()))
            shares[which] = _share(gradient, blocks.digit)
            facts.append(("next" if which else "first", {"name": name, "share": shares[which].item()}))
        facts.append(("end", {}))
    return Shown((Picture("bars", shares, names, mark=0.5),), tuple(facts))


def _seen(now: State) -> Shown:
    blocks = _read(now)
    where: Fact = ("below" if blocks.digit else "above", {"other": blocks.other})
    return Shown((Picture("image", blocks.x[0].cpu().numpy()),), (where if blocks.drawn else ("nothing", {}),))


def _network(which: int, heads: int, now: State) -> Shown:
    blocks, network = _read(now), _Network(now, which, heads)
    answer = network.answer(blocks.x)
    seen = int(answer.argmax())
    gradient = network.gradient(blocks.x, seen)
    facts: list[Fact] = [("says", {"label": now.labels[seen], "share": answer[seen].item()})]
    if not gradient.any():
        facts.append(("flat", {}))
    elif blocks.drawn:
        share = _share(gradient, blocks.digit)
        facts.append(("looks", {"on": share, "off": 1 - share, "other": blocks.other}))
        facts += _elsewhere(network, blocks, seen, gradient)
    bars = Picture("bars", answer.cpu().numpy(), now.labels, chosen=seen)
    return Shown((Picture("map", gradient[0, 0].cpu().numpy()), bars), tuple(facts))


def _elsewhere(network: _Network, blocks: _Blocks, seen: int, gradient: Tensor) -> list[Fact]:
    """The same class with the other block erased, and with the blocks swapped."""
    facts: list[Fact] = []
    if blocks.other != EMPTY:
        erased = _erased(blocks.x, blocks.digit)
        share = network.answer(erased)[seen].item()
        facts.append(("erased", {"other": blocks.other, "label": network.now.labels[seen], "share": share}))
        there = network.gradient(erased, seen)
        facts.append(("left", {"share": 1 - _share(there, blocks.digit)}) if there.any() else ("flat", {}))
    there = network.gradient(_swapped(blocks.x), seen)
    if there.any():
        cosine = torch.cosine_similarity(gradient.flatten(), there.flatten(), 0).item()
        facts.append(("swapped", {"cosine": cosine}))
    return facts


_NOTHING = "There is no digit: draw one, above or below."
_SEEN_PHRASES = {
    "above": "The digit is above, {other} below.",
    "below": "The digit is below, {other} above.",
    "nothing": _NOTHING,
}
_SHARES_PHRASES = {
    "first": "{name} {share:percent}",
    "next": ", {name} {share:percent}",
    "end": ".",
    "nothing": _NOTHING,
}


def _network_phrases(name: str) -> dict[str, str]:
    # A brace in a name would be read as a field.
    shown = name.replace("{", "(").replace("}", ")")
    return {
        "says": f"{shown} says {{label}} ({{share:percent}}).",
        "looks": " {on:percent} of its gradient lies on the digit, {off:percent} on {other}.",
        "erased": " With {other} erased, {label} has {share:percent}.",
        "left": " The empty block then has {share:percent} of the gradient.",
        "swapped": " Swap the blocks, and the gradient has cosine {cosine:z.2f} with this one.",
        "flat": " Its gradient is zero everywhere.",
    }
