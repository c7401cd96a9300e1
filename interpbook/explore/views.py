"""What a live figure shows of its network: each view once for the kernel, in torch, and once for the page.

The page's half of the book's own views is `static/views.js`; a test holds the two halves together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from interpbook.explore.controls import Switches, Values
from interpbook.explore.pictures import Picture, Shown
from interpbook.explore.sentences import Fact, sentence
from interpbook.explore.tables import Tables, pack_tables
from interpbook.functions import input_gradient, select


@dataclass(frozen=True)
class State:
    """What a reader has chosen, and what the network makes of it.

    Attributes:
        model: the network in double precision, its weights rounded to 16 bits.
        x: the input, (1, C, H, W) in [0, 1].
        target: the class explained; of several heads, that of the first.
        labels: the names of the classes; of several heads, those of each.
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
        """The logits, (K,); of several heads, those of all, one after the other."""
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

    Both halves of a view, `compute` and `script`, return pictures and facts. A fact is the name of one of the view's
    phrases with the values of its fields; the view's sentence is made of these phrases, one after the other.

    Attributes:
        name: as an identifier.
        title: what the reader sees above it.
        compute: what it shows of a state, for the kernel.
        script: the same for the page: a JavaScript function of the state `now` that returns
            `{pictures: [{kind, values, shape, ...}], facts: [[name, values], ...]}`, the values of pictures in flat
            arrays; the head of `static/views.js` lists what `now` holds. Where it is long, it stands in a file that
            `needs` names, and `script` is its name there. Left empty for the book's own views.
        phrases: parts of the sentence, by name, for both halves. Their fields are `{label}` for a text or a whole
            number, `{value:z.2f}`, `{share:percent}` or `{value:significant}` for a number.
        settings: the view's own controls, by name: a list of values, as for `explore.sweep`, or `Switches`, of which
            any number is on; the state holds the values that are on, for the page's script in an array.
        starts: for each setting the value that it starts at; for switches, a list of those that are on.
        needs: scripts whose functions `script` calls, in `static` or, as "part/chapter/views.js", in a chapter's
            folder. They come into the page once, whichever views ask for them.
        tables: numbers of 32 bits that `script` is given as its second argument, by name `{shape, values}`.
        on_surface: whether its first picture, an image, is what the reader draws on, in place of the bare drawing.

    >>> def inverted(now):
    ...     picture = Picture("image", 1 - now.x[0].cpu().numpy())
    ...     mean, label = float(1 - now.x.mean()), now.labels[now.target]
    ...     return Shown((picture,), (("mean", {"mean": mean}), ("exchanged", {"label": label})))
    >>> view = View("inverted", "inverted input", inverted, phrases={
    ...     "mean": "The mean is {mean:z.2f}",
    ...     "exchanged": ", with black and white exchanged; the class is still {label}.",
    ... }, script='''function (now) {
    ...   var values = Array.from(now.x, function (value) { return 1 - value; });
    ...   return {
    ...     pictures: [{ kind: "image", values: values, shape: now.shape }],
    ...     facts: [["mean", { mean: sum(values) / values.length }], ["exchanged", { label: now.labels[now.target] }]]
    ...   };
    ... }''')
    >>> now = State(torch.nn.Flatten().eval(), torch.full((1, 1, 1, 2), 0.25), 1, ("cat", "dog"), (0, 0))
    >>> view.show(now)[1]
    'The mean is 0.75, with black and white exchanged; the class is still dog.'
    """

    name: str
    title: str
    compute: Callable[[State], Shown]
    script: str = ""
    phrases: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Values | Switches] = field(default_factory=dict)
    starts: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    tables: Tables = field(default_factory=dict)
    on_surface: bool = False

    def show(self, now: State) -> tuple[tuple[Picture, ...], str]:
        """Its pictures of a state, and the sentence about them.

        Raises:
            TypeError: `compute` returns something else than a Shown with pictures.
            ValueError: facts that the phrases do not fit.
        """
        shown = self.compute(now)
        if not isinstance(shown, Shown) or not all(isinstance(picture, Picture) for picture in shown.pictures):
            kind = type(shown).__name__
            raise TypeError(f"views: {self.name!r} computed a {kind}, expected a Shown with Pictures")
        return shown.pictures, sentence(self.phrases, shown.facts)

    @property
    def data(self) -> dict[str, object]:
        """What the page's script needs to know."""
        own = {"script": self.script, "phrases": dict(self.phrases), "tables": pack_tables(self.tables)}
        surface = {"on_surface": True} if self.on_surface else {}
        return {"name": self.name, "title": self.title, "settings": list(self.settings), **own, **surface}


def _probabilities(now: State) -> Shown:
    p = now.probabilities.tolist()
    names = ("first", "second")[: len(p)]
    best = sorted(range(len(p)), key=lambda k: -p[k])
    facts = [(name, {"label": now.labels[k], "share": p[k]}) for name, k in zip(names, best, strict=False)]
    logit = ("logit", {"label": now.labels[now.target], "logit": now.logits[now.target].item()})
    return Shown((_answer(now),), (*facts, logit))


def _input_gradient(now: State) -> Shown:
    return map_view(now.gradient.sum(0))


def _gradient_x_input(now: State) -> Shown:
    return map_view((now.gradient * now.x[0]).sum(0))


def _gradient_step(now: State) -> Shown:
    shown = _comparison(now, (now.x + now.settings["eps"] * now.loss_gradient.sign()).clamp(0, 1))
    if now.probabilities[now.target].item() < _NOTHING_TO_TAKE:
        return replace(shown, facts=(*shown.facts, ("nothing", {"label": now.labels[now.target]})))
    return shown


def _occlusion(now: State) -> Shown:
    covered = now.x.clone()
    reach = int(now.settings["square"]) // 2
    rows, columns = (slice(max(0, center - reach), center + reach + 1) for center in now.cursor)
    covered[..., rows, columns] = 0
    return _comparison(now, covered)


def _comparison(now: State, x: Tensor) -> Shown:
    """What another input looks like, and what the network makes of it."""
    there = replace(now, x=x)
    k = now.target
    shares = {"share": now.probabilities[k].item(), "share_there": there.probabilities[k].item()}
    logits = {"logit": now.logits[k].item(), "logit_there": there.logits[k].item()}
    facts = (("compared", {"label": now.labels[k], **shares, **logits}),)
    return Shown((Picture("image", x[0].cpu().numpy()), _answer(there)), facts)


def _compared(there: str) -> dict[str, str]:
    """The phrase of a comparison, with words for where the other input is."""
    shares = f"{{label}} has {{share:percent}}, {there} {{share_there:percent}}"
    return {"compared": f"{shares}; its logit {{logit:z.2f}}, {there} {{logit_there:z.2f}}."}


def _answer(now: State) -> Picture:
    """The classes as bars."""
    return Picture("bars", now.probabilities.cpu().numpy(), now.labels, chosen=now.target)


_NOTHING_TO_TAKE = 0.005  # a probability that is shown as 0%

MAP_PHRASES = {"map": "Strongest {value:significant} at row {row}, column {column}; sum {sum:significant}."}


def map_view(values: Tensor) -> Shown:
    """A map of signed values (h, w), with the fact of `MAP_PHRASES`.

    >>> map_view(torch.tensor([[0.5, -2.0]])).facts
    (('map', {'value': -2.0, 'row': 0, 'column': 1, 'sum': -1.5}),)
    """
    strongest = int(values.abs().argmax())
    row, column = divmod(strongest, values.shape[1])
    place: Fact = (
        "map",
        {"value": values.flatten()[strongest].item(), "row": row, "column": column, "sum": values.sum().item()},
    )
    return Shown((Picture("map", values.cpu().numpy()),), (place,))


VIEWS = {
    view.name: view
    for view in (
        View(
            "probabilities",
            "what the network sees",
            _probabilities,
            phrases={
                "first": "{label} with {share:percent}",
                "second": ", then {label} with {share:percent}",
                "logit": "; the logit of {label} is {logit:z.2f}.",
            },
        ),
        View("input_gradient", "gradient", _input_gradient, phrases=MAP_PHRASES),
        View("gradient_x_input", "gradient × input", _gradient_x_input, phrases=MAP_PHRASES),
        View(
            "gradient_step",
            "one step against the class",
            _gradient_step,
            phrases={
                **_compared("after the step"),
                "nothing": " The network does not see {label} here, so the step has no probability to take from it.",
            },
            settings={"eps": [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2, 0.25, 0.3]},
            starts={"eps": 0.1},
        ),
        View(
            "occlusion",
            "a black square under the pointer",
            _occlusion,
            phrases=_compared("without the square"),
            settings={"square": [1, 3, 5, 7, 9, 11]},
            starts={"square": 7},
        ),
    )
}
