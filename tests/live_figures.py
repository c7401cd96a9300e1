"""Small networks of every kind that a page computes, and what the page's scripts make of a live figure's states."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from javascript import figure_source, run_node
from networks import randomize
from torch import Tensor, nn

from interpbook import models
from interpbook.explore import State, View, live
from interpbook.explore.figure import LiveFigure
from interpbook.explore.views import VIEWS
from interpbook.models import MLP, SmallCNN

PROGRAM = """
var network = readNetwork(data.network);
data.views.filter(function (view) { return view.script; }).forEach(addView);
return data.states.map(function (s) {
  var now = stateOf(network, data, s.x, s.target, { row: s.cursor[0], column: s.cursor[1] }, s.settings);
  return {
    target: now.target,
    logits: now.logits,
    more: MORE,
    shown: data.views.map(function (view) {
      var shown = views[view.name](now);
      return { pictures: shown.pictures, text: sentence(view.phrases, shown.facts) };
    })
  };
});
"""


def strided() -> nn.Sequential:
    """Both pools, with sides, strides and paddings that differ along the two axes, on 13 x 11."""
    return nn.Sequential(
        nn.Conv2d(1, 5, (3, 2), stride=(2, 1), padding=(1, 0)),
        nn.SiLU(),
        nn.AvgPool2d(3, 2, 1),
        nn.Conv2d(5, 4, 3, padding="same", dilation=2),
        nn.MaxPool2d((3, 2), stride=(1, 2), padding=1),
        nn.Tanh(),
        nn.AvgPool2d((2, 3), stride=(1, 2), padding=(1, 1), count_include_pad=False),
        nn.Conv2d(4, 6, 2, padding="valid"),
        nn.Softplus(beta=3, threshold=0.4),
        nn.MaxPool2d((2, 1), stride=1),
        nn.Flatten(),
        nn.Linear(18, 4),
    )


def nested() -> nn.Sequential:
    """Colour, groups, a kernel with even sides, no biases, a layer inside of a layer, one that is used twice."""
    again = nn.Softplus()
    body = nn.Sequential(
        nn.Conv2d(3, 6, (2, 4), padding="same", groups=3, bias=False),
        nn.BatchNorm2d(6, affine=False),
        nn.LeakyReLU(0.2),
        nn.Sequential(again, nn.Dropout2d(), nn.Conv2d(6, 4, 3, stride=2, bias=False), again),
        nn.BatchNorm2d(4, eps=0.1),
    )
    head = nn.Sequential(
        nn.Identity(),
        nn.Flatten(),
        nn.Linear(8, 5, bias=False),
        nn.BatchNorm1d(5),
        nn.Sigmoid(),
        nn.Dropout(),
        nn.Linear(5, 3, bias=False),
    )
    return nn.Sequential(body, nn.AdaptiveAvgPool2d((None, 1)), head)


def curved() -> nn.Sequential:
    """Both forms of GELU, and a batch norm in front of everything whose channels are not the first of two axes."""
    square = nn.Linear(12, 12)
    return nn.Sequential(
        nn.BatchNorm1d(2),
        nn.Flatten(),
        square,
        nn.GELU(),
        square,
        nn.GELU(approximate="tanh"),
        nn.Linear(12, 3),
    )


# Of every kind of layer: how to make the network, and the shape of one input.
KINDS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "SmallCNN, relu": (lambda: SmallCNN(channels=(3, 4, 5)), (1, 28, 28)),
    "SmallCNN, softplus, batch norm": (lambda: SmallCNN("softplus", True, channels=(3, 4, 5)), (1, 28, 28)),
    "MLP": (MLP, (1, 28, 28)),
    "strides and pools": (strided, (1, 13, 11)),
    "nested": (nested, (3, 5, 7)),
    "GELU": (curved, (2, 6)),
}
# For views, all of images; see `network`.
NETWORKS = ["mnist-cnn-bn", "fashion-cnn", "mnist-mlp", "colour", "two classes", "one class", "one row"]


def color() -> nn.Sequential:
    """Three channels, sides that differ, strides, a smooth activation, both pools."""
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, stride=2, padding=1),
        nn.Softplus(beta=2),
        nn.MaxPool2d(2, stride=1),
        nn.Conv2d(6, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.SiLU(),
        nn.AvgPool2d((2, 1)),
        nn.Flatten(),
        nn.Linear(4 * 2 * 5, 3),
    )


def flat(height: int, width: int, classes: int) -> nn.Sequential:
    """A convolution and a linear layer, for images of any size."""
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(2 * height * width, classes))


def network(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    """One of `NETWORKS`, with the shape of one input."""
    own = {
        "colour": (color, (3, 10, 12)),
        "two classes": (lambda: flat(5, 9, 2), (1, 5, 9)),
        "one class": (lambda: flat(4, 4, 1), (1, 4, 4)),
        "one row": (lambda: flat(1, 6, 3), (1, 1, 6)),
    }
    if name not in own:
        return models.load(name), (1, 28, 28)
    make, shape = own[name]
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return randomize(make(), dtype=torch.float32), shape


def figure_of(name: str = "colour", views: Any = tuple(VIEWS)) -> LiveFigure:
    """Of a network, with three examples: noise, a blank page, and a page with something in its middle."""
    model, shape = network(name)
    examples = torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    examples[1] = 0
    examples[2, ..., : shape[1] // 3, :] = examples[2, ..., : shape[2] // 3] = 0
    return live(model, start=examples, views=views)


def states_of(figure: LiveFigure, count: int = 6) -> list[State]:
    """The first state that a reader sees, and random ones with the cursor also in the corners."""
    height, width = figure.examples.shape[-2:]
    generator = np.random.default_rng(2)
    states = [figure.first]
    for k in range(count):
        positions = [int(generator.integers(len(control.values))) for control in figure.controls]
        cursor = [(0, 0), (height - 1, 0), (0, width - 1), (height - 1, width - 1), figure.center][k % 5]
        states.append(figure.state(figure.examples[positions[0]][None], positions, cursor))
    return states


def in_page(figure: LiveFigure, states: list[State], more: str = "null") -> list[dict[str, Any]]:
    """What the page makes of the same states.

    Returns:
        For each its `target`, its `logits`, what is `shown` by every view, and `more`, an expression in `now`.
    """
    needed = [
        *([] if figure.inputs is None else ["inputs.js"]),
        *(file for view in figure.views for file in view.needs),
    ]
    sent = [
        {"x": s.drawing, "target": s.settings.get("class"), "cursor": s.cursor, "settings": dict(s.settings)}
        for s in states
    ]
    data = json.loads(json.dumps(figure.data)) | {"states": sent}
    return run_node(figure_source(list(dict.fromkeys(needed))) + PROGRAM.replace("MORE", more), data)


def check_same(page: dict[str, Any], view: View, now: State, where: str) -> None:
    """One view's result from the page is that of torch."""
    pictures, text = view.show(now)
    assert page["text"] == text, where
    assert len(page["pictures"]) == len(pictures)
    for theirs, ours in zip(page["pictures"], pictures, strict=True):
        assert theirs["kind"] == ours.kind
        assert tuple(theirs.get("labels", ())) == ours.labels
        assert (theirs.get("chosen"), theirs.get("total", "")) == (ours.chosen, ours.total)
        assert theirs.get("mark", 0) == ours.mark
        assert tuple(theirs.get("shape", [len(ours.values)])) == ours.values.shape
        values = np.reshape(theirs["values"], ours.values.shape)
        if ours.errors is not None:
            np.testing.assert_allclose(theirs["errors"], ours.errors, rtol=1e-7, atol=1e-9, err_msg=where)
        np.testing.assert_allclose(values, ours.values, rtol=1e-9, atol=1e-9, err_msg=where)


def one_hot(targets: Tensor, classes: int) -> Tensor:
    """For each target 1 at its class, 0 elsewhere."""
    return nn.functional.one_hot(targets, classes).double()


def worst(ours: list[np.ndarray], theirs: Tensor) -> float:
    """The largest error, relative to the largest value of the same example; where all are 0, 0 is the only answer."""
    expected = theirs.detach().flatten(1).numpy()
    got = np.stack(ours)
    assert got.shape == expected.shape
    scale = np.abs(expected).max(1, keepdims=True)
    return float((np.abs(got - expected) / np.where(scale == 0, 1e-300, scale)).max())
