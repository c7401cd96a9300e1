"""Every view of a live figure: torch and the page show the same pictures and say the same, and what they show is so."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from javascript import figure_source, run_node
from networks import randomize
from torch import Tensor, nn

from interpbook import models
from interpbook.attribution import fullgrad_map
from interpbook.explore import Picture, Shown, State, View
from interpbook.explore.arguments import read_figure
from interpbook.explore.figure import LiveFigure
from interpbook.explore.network import rounded
from interpbook.explore.views import VIEWS

PROGRAM = """
var network = readNetwork(data.network);
return data.states.map(function (s) {
  var now = stateOf(network, data, s.x, s.target, { row: s.cursor[0], column: s.cursor[1] }, s.settings);
  return { logits: now.logits, shown: data.views.map(function (name) { return views[name](now); }) };
});
"""


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
    own = {
        "colour": (color, (3, 10, 12)),
        "two classes": (lambda: flat(5, 9, 2), (1, 5, 9)),
        "one class": (lambda: flat(4, 4, 1), (1, 4, 4)),
        "one row": (lambda: flat(1, 6, 3), (1, 1, 6)),
    }
    if name in own:
        make, shape = own[name]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return randomize(make(), dtype=torch.float32), shape
    return models.load(name), (1, 28, 28)


NETWORKS = ["mnist-cnn-bn", "fashion-cnn", "mnist-mlp", "colour", "two classes", "one class", "one row"]


def figure_of(name: str = "colour", views: Any = tuple(VIEWS)) -> LiveFigure:
    """Of a network, with three examples: noise, a blank page, and a page with something in its middle."""
    model, shape = network(name)
    examples = torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    examples[1] = 0
    examples[2, ..., : shape[1] // 3, :] = examples[2, ..., : shape[2] // 3] = 0
    return read_figure(model, examples, views, None)


def states_of(figure: LiveFigure, count: int = 6) -> list[State]:
    """The first state that a reader sees, and random ones with the cursor also in the corners."""
    height, width = figure.examples.shape[-2:]
    generator = np.random.default_rng(2)
    states = [figure.state(figure.examples[:1], [c.start for c in figure.controls], figure.center)]
    for k in range(count):
        positions = [int(generator.integers(len(control.values))) for control in figure.controls]
        cursor = [(0, 0), (height - 1, 0), (0, width - 1), (height - 1, width - 1), figure.center][k % 5]
        states.append(figure.state(figure.examples[positions[0]][None], positions, cursor))
    return states


def in_page(figure: LiveFigure, states: list[State], predicted: bool = False) -> list[dict[str, Any]]:
    """What the page makes of the same states, or of the same for the class that it predicts."""
    added = "".join(f"views[{view.name!r}] = {view.script};" for view in figure.views if view.script)
    sent = [
        {"x": s.x, "target": None if predicted else s.target, "cursor": s.cursor, "settings": dict(s.settings)}
        for s in states
    ]
    data = {"network": figure.network.data, "labels": figure.labels, "states": sent}
    return run_node(figure_source() + added + PROGRAM, data | {"views": [view.name for view in figure.views]})


def check_same(page: dict[str, Any], shown: Shown, where: str) -> None:
    """One view's result from the page, and from torch."""
    assert page["text"] == shown.text, where
    assert len(page["pictures"]) == len(shown.pictures)
    for theirs, ours in zip(page["pictures"], shown.pictures, strict=True):
        assert theirs["kind"] == ours.kind
        assert tuple(theirs.get("labels", ())) == ours.labels
        assert (theirs.get("chosen"), theirs.get("total", "")) == (ours.chosen, ours.total)
        assert tuple(theirs.get("shape", [len(ours.values)])) == ours.values.shape
        values = np.reshape(theirs["values"], ours.values.shape)
        np.testing.assert_allclose(values, ours.values, rtol=1e-9, atol=1e-9, err_msg=where)


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_and_the_page_show_and_say_the_same(name: str) -> None:
    figure = figure_of(name)
    states = states_of(figure)
    for k, (page, state) in enumerate(zip(in_page(figure, states), states, strict=True)):
        np.testing.assert_allclose(page["logits"], state.logits, rtol=1e-9, atol=1e-9)
        for view, result in zip(figure.views, page["shown"], strict=True):
            check_same(result, view.compute(state), f"{view.name}, state {k}")


def test_without_a_class_both_explain_the_predicted_one() -> None:
    figure = figure_of("mnist-mlp", ["probabilities"])
    states = states_of(figure)
    predicted = [int(state.logits.argmax()) for state in states]
    assert len(set(predicted)) > 1
    answers = in_page(figure, states, predicted=True)
    assert [answer["shown"][0]["pictures"][0]["chosen"] for answer in answers] == predicted
    assert figure.state(states[1].x, [0, 0], (0, 0)).target == predicted[1]


@pytest.fixture(scope="module")
def colourful() -> tuple[nn.Module, list[State]]:
    figure = figure_of()
    return rounded(network("colour")[0]), states_of(figure, 8)


def pictures(view: str, state: State, **settings: object) -> list[Tensor]:
    shown = VIEWS[view].compute(replace(state, settings={**state.settings, **settings}))
    return [torch.as_tensor(picture.values) for picture in shown.pictures]


def test_probabilities_are_the_softmax_of_the_rounded_network(colourful) -> None:
    model, states = colourful
    for state in states:
        torch.testing.assert_close(pictures("probabilities", state)[0], model(state.x)[0].softmax(0).detach())


def test_the_waterfall_ends_at_the_logit_and_begins_with_gradient_times_input(colourful) -> None:
    model, states = colourful
    for state in states:
        [terms] = pictures("fullgrad_terms", state)
        torch.testing.assert_close(terms.sum(), model(state.x)[0, state.target].detach())
        torch.testing.assert_close(pictures("gradient_x_input", state)[0].sum(), terms[0])


def test_the_gradient_predicts_a_small_change_of_the_logits(colourful) -> None:
    """On noise, where no two values of a pool are equal."""
    model, states = colourful
    small = 1e-6
    change = (model(states[0].x + small) - model(states[0].x - small))[0].detach() / (2 * small)
    for target in range(3):
        [gradient] = pictures("input_gradient", replace(states[0], target=target))
        torch.testing.assert_close(gradient.sum(), change[target], rtol=1e-6, atol=1e-8)


def test_the_fullgrad_map_is_the_library_s(colourful) -> None:
    model, states = colourful
    for state in states:
        torch.testing.assert_close(
            pictures("fullgrad_map", state)[0], fullgrad_map(model, state.x, state.target)[0].detach()
        )


def test_a_step_of_nothing_changes_nothing(colourful) -> None:
    for state in colourful[1]:
        image, bars = pictures("gradient_step", state, eps=0)
        torch.testing.assert_close(image, state.x[0], rtol=0, atol=0)
        torch.testing.assert_close(bars, state.probabilities)


def test_a_step_adds_the_sign_of_the_loss_s_gradient_and_stays_an_image(colourful) -> None:
    """The loss is the cross-entropy of the class: its gradient has not always the sign of minus the logit's."""
    model, states = colourful
    for state in states:
        x = state.x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad(F.cross_entropy(model(x), torch.tensor([state.target])), x)
        expected = (state.x + 0.1 * gradient.sign()).clamp(0, 1)
        image, bars = pictures("gradient_step", state, eps=0.1)
        torch.testing.assert_close(image, expected[0])
        torch.testing.assert_close(bars, model(expected)[0].softmax(0).detach())


def test_a_step_against_a_class_of_a_linear_classifier_costs_it_probability() -> None:
    """The cross-entropy of a linear classifier is convex: along the sign of its gradient it can only grow."""
    model = randomize(nn.Sequential(nn.Flatten(), nn.Linear(16, 4)), dtype=torch.float32)
    figure = read_figure(
        model, torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(3)), ["gradient_step"], None
    )
    for target in range(4):
        state = figure.state(figure.examples, [0, target + 1, 5], (0, 0))
        _, bars = pictures("gradient_step", state)
        assert bars[target] < state.probabilities[target]


@pytest.mark.parametrize(
    ("cursor", "square", "rows", "columns"),
    [((4, 5), 3, range(3, 6), range(4, 7)), ((0, 11), 5, range(3), range(9, 12)), ((9, 0), 1, [9], [0])],
)
def test_occlusion_is_the_network_without_those_pixels(colourful, cursor, square, rows, columns) -> None:
    model, states = colourful
    state = replace(states[0], cursor=cursor)
    expected = state.x.clone()
    for row in rows:
        for column in columns:
            expected[0, :, row, column] = 0
    image, bars = pictures("occlusion", state, square=square)
    torch.testing.assert_close(image, expected[0], rtol=0, atol=0)
    torch.testing.assert_close(bars, model(expected)[0].softmax(0).detach())


def test_a_chapter_s_own_view_computes_in_both() -> None:
    def margin(now: State) -> Shown:
        values = now.settings["scale"] * (now.logits - now.logits[now.target]).numpy()
        return Shown((Picture("waterfall", values, now.labels, total="sum"),), f"Against {now.labels[now.target]}.")

    script = """function (now) {
      var values = now.labels.map(function (_, k) {
        return now.settings.scale * (now.logits[k] - now.logits[now.target]);
      });
      return { pictures: [{ kind: "waterfall", values: values, labels: now.labels, total: "sum" }],
        text: "Against " + now.labels[now.target] + "." };
    }"""
    own = View("margin", "margins", margin, script, settings={"scale": [1, 2, 5]}, starts={"scale": 2})
    figure = figure_of("colour", [own, "probabilities"])
    states = states_of(figure)
    assert states[0].settings["scale"] == 2
    for page, state in zip(in_page(figure, states), states, strict=True):
        check_same(page["shown"][0], margin(state), "margin")


def test_every_built_in_view_is_in_the_page_under_its_name() -> None:
    assert run_node(figure_source() + "return Object.keys(views).sort();") == sorted(VIEWS)
