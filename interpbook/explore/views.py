"""What a live figure shows of its network: each view once for the kernel, in torch, and once for the page.

The page's half of the book's own views is `static/views.js`; a test holds the two halves together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from interpbook.attribution import full_gradients, fullgrad_map, input_gradient, select
from interpbook.explore.controls import Values
from interpbook.explore.pictures import Picture, Shown, significant


@dataclass(frozen=True)
class State:
    """What a reader has chosen, and what the network makes of it.

    Attributes:
        model: the network in double precision, its weights rounded to 16 bits.
        x: the input, (1, C, H, W) in [0, 1].
        target: the class explained.
        labels: the names of the classes.
        cursor: row and column of the pointer.
        settings: what the controls say, by name.
        drawn: what the reader has drawn, (1, C, H, W); None where that is x.
    """

    model: nn.Module
    x: Tensor
    target: int
    labels: tuple[str, ...]
    cursor: tuple[int, int]
    settings: Mapping[str, Any] = field(default_factory=dict)
    drawn: Tensor | None = None

    @property
    def drawing(self) -> Tensor:
        """What the reader has drawn, in the shape of x; x itself, unless the figure was given `inputs`."""
        return self.x if self.drawn is None else self.drawn

    @cached_property
    def logits(self) -> Tensor:
        """The logits, (K,)."""
        with torch.no_grad():
            return self.model(self.x)[0]

    @cached_property
    def probabilities(self) -> Tensor:
        """Their softmax, (K,)."""
        return self.logits.softmax(0)

    @cached_property
    def gradient(self) -> Tensor:
        """The gradient of the target's logit at the input, (C, H, W)."""
        return input_gradient(select(self.model, self.target), self.x)[0]

    @cached_property
    def loss_gradient(self) -> Tensor:
        """The gradient of the cross-entropy of the target at the input, (C, H, W)."""
        x = self.x.clone().requires_grad_()
        target = torch.tensor([self.target], device=x.device)
        (gradient,) = torch.autograd.grad(F.cross_entropy(self.model(x), target), x)
        return gradient[0]


@dataclass(frozen=True)
class View:
    """One thing that a live figure shows; a chapter adds its own by making one.

    Attributes:
        name: as an identifier.
        title: what the reader sees above it.
        compute: what it shows of a state, for the kernel.
        script: the same for the page: a JavaScript function of the state `now` that returns
            `{pictures: [{kind, values, shape, ...}], text}`, the values in flat arrays; the head of `static/views.js`
            lists what `now` holds. Left empty for the book's own views, which are in that file.
        settings: the view's own controls, by name: a list of values, as for `explore.sweep`.
        starts: for each setting the value that it starts at.
        needs: scripts of `page/static` whose functions `script` calls. They come into the page once, whichever views
            ask for them.

    >>> def inverted(now):
    ...     return Shown((Picture("image", 1 - now.x[0].cpu().numpy()),), "The input with black and white exchanged.")
    >>> view = View("inverted", "inverted input", inverted, script='''function (now) {
    ...   var values = Array.from(now.x, function (value) { return 1 - value; });
    ...   return { pictures: [{ kind: "image", values: values, shape: now.shape }],
    ...     text: "The input with black and white exchanged." };
    ... }''')
    """

    name: str
    title: str
    compute: Callable[[State], Shown]
    script: str = ""
    settings: Mapping[str, Values] = field(default_factory=dict)
    starts: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()


def _probabilities(now: State) -> Shown:
    p = now.probabilities.tolist()
    first, second = [*sorted(range(len(p)), key=lambda k: -p[k]), 0][:2]
    said = [f"{now.labels[k]} with {_percent(p[k])}" for k in (first, second)][: len(p)]
    logit = f"the logit of {now.labels[now.target]} is {now.logits[now.target]:.2f}"
    return Shown((_answer(now),), f"{', then '.join(said)}; {logit}.")


def _input_gradient(now: State) -> Shown:
    return _map_view(now.gradient.sum(0))


def _gradient_x_input(now: State) -> Shown:
    return _map_view((now.gradient * now.x[0]).sum(0))


def _fullgrad_terms(now: State) -> Shown:
    shares = {name: share.item() for name, share in full_gradients(now.model, now.x, now.target).per_layer().items()}
    picture = Picture("waterfall", np.array(list(shares.values())), tuple(shares), total="logit")
    terms = ", ".join(f"{name} {share:.2f}" for name, share in shares.items())
    return Shown((picture,), f"{terms}; together the logit {sum(shares.values()):.2f}.")


def _fullgrad_map(now: State) -> Shown:
    return _map_view(fullgrad_map(now.model, now.x, now.target)[0])


def _gradient_step(now: State) -> Shown:
    stepped = (now.x + now.settings["eps"] * now.loss_gradient.sign()).clamp(0, 1)
    return _comparison(now, stepped, "after the step")


def _occlusion(now: State) -> Shown:
    covered = now.x.clone()
    reach = int(now.settings["square"]) // 2
    rows, columns = (slice(max(0, center - reach), center + reach + 1) for center in now.cursor)
    covered[..., rows, columns] = 0
    return _comparison(now, covered, "without the square")


def _comparison(now: State, x: Tensor, words: str) -> Shown:
    """What another input looks like, and what the network makes of it."""
    there = replace(now, x=x)
    k = now.target
    text = (
        f"{now.labels[k]} has {_percent(now.probabilities[k].item())}, {words}"
        f" {_percent(there.probabilities[k].item())}; its logit {now.logits[k]:.2f}, {words} {there.logits[k]:.2f}."
    )
    return Shown((Picture("image", x[0].cpu().numpy()), _answer(there)), text)


def _answer(now: State) -> Picture:
    """The classes as bars."""
    return Picture("bars", now.probabilities.cpu().numpy(), now.labels, chosen=now.target)


def _map_view(values: Tensor) -> Shown:
    strongest = int(values.abs().argmax())
    row, column = divmod(strongest, values.shape[1])
    value, total = values.flatten()[strongest].item(), values.sum().item()
    text = f"Strongest {significant(value)} at row {row}, column {column}; sum {significant(total)}."
    return Shown((Picture("map", values.cpu().numpy()),), text)


def _percent(value: float) -> str:
    return f"{int(100 * value + 0.5)}%"


VIEWS = {
    view.name: view
    for view in (
        View("probabilities", "what the network sees", _probabilities),
        View("fullgrad_terms", "the logit, term by term", _fullgrad_terms),
        View("input_gradient", "gradient", _input_gradient),
        View("gradient_x_input", "gradient × input", _gradient_x_input),
        View("fullgrad_map", "FullGrad map", _fullgrad_map),
        View(
            "gradient_step",
            "one step against the class",
            _gradient_step,
            settings={"eps": [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3]},
            starts={"eps": 0.1},
        ),
        View(
            "occlusion",
            "a black square under the pointer",
            _occlusion,
            settings={"square": [1, 3, 5, 7, 9, 11]},
            starts={"square": 7},
        ),
    )
}
