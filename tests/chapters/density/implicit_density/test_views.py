"""The figure in which the reader draws the map: the logit's gradient becomes the drawing, and nothing else moves."""

import html
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from live_figures import check_same, in_page
from networks import randomize
from torch import Tensor, nn

from interpbook import models
from interpbook.chapters.density.implicit_density import views
from interpbook.chapters.density.implicit_density.views import drawn_shift
from interpbook.explore import Picture, State, live
from interpbook.explore.figure import LiveFigure
from interpbook.explore.network import rounded
from interpbook.explore.pictures import draw

EMPTY = "Nothing is added, and the old map is taken away. The new map is empty."
# What a view reads of another input: its class, its logits, and the drawing that stays.
THERE = """(function (there) { return [there.target, there.logits, there.drawing, now.x]; })(
  now.at(now.x).at(now.x.map(function (value) { return 1 - value; })))"""


def color() -> nn.Sequential:
    """Three channels, sides that differ."""
    layers = (nn.Conv2d(3, 6, 3, stride=2, padding=1), nn.Softplus(beta=2), nn.AvgPool2d(2), nn.Flatten())
    return nn.Sequential(*layers, nn.Linear(6 * 2 * 3, 4))


def network(name: str) -> tuple[nn.Module, tuple[int, ...]]:
    own = {
        "colour": (color, (3, 8, 12)),
        "one class": (lambda: flat(1), (1, 4, 5)),
        "two": (lambda: flat(2), (1, 4, 5)),
    }
    if name in own:
        make, shape = own[name]
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return randomize(make(), dtype=torch.float32), shape
    return models.load(name), (1, 28, 28)


def flat(classes: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(40, classes))


def drawings(shape: tuple[int, ...]) -> Tensor:
    """Grey noise, nothing, and a white patch."""
    drawn = torch.rand(3, *shape, generator=torch.Generator().manual_seed(1))
    drawn[1:] = 0
    drawn[2, ..., 1:3, 1:4] = 1
    return drawn


def figure_of(name: str = "colour", **options: Any) -> LiveFigure:
    model, shape = network(name)
    inputs = torch.rand(2, *shape, generator=torch.Generator().manual_seed(2))
    return live(model, start=drawings(shape), views=drawn_shift(**options), inputs=inputs)


def state(figure: LiveFigure, drawing: int, shown: int, target: int | None, strength: float, taken: bool) -> State:
    values = (drawing, shown, target, "taken away" if taken else "kept", strength)
    positions = [control.values.index(value) for control, value in zip(figure.controls, values, strict=True)]
    return figure.state(figure.examples[drawing][None], positions, (0, 0))


def states_of(figure: LiveFigure) -> list[State]:
    """Every drawing on every input with the old map kept and taken away, at several strengths and classes."""
    classes = [None, 0, len(figure.labels) - 1]
    cases = [(d, i, taken) for d in range(3) for i in range(2) for taken in (False, True)]
    return [
        state(figure, d, i, classes[k % 3], strength, taken)
        for k, (d, i, taken) in enumerate(cases)
        for strength in (0.0, 1.0, 50.0)
    ]


NETWORKS = ["fashion-cnn", "mnist-cnn-bn", "mnist-mlp", "colour", "two", "one class"]


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_and_the_page_show_and_say_the_same(name: str) -> None:
    figure = figure_of(name)
    states = states_of(figure)
    for k, (page, now) in enumerate(zip(in_page(figure, states, THERE), states, strict=True)):
        assert page["target"] == now.target
        target, logits, drawing, x = page["more"]
        assert target == now.target
        np.testing.assert_allclose(x, now.x.flatten(), rtol=0, atol=0)
        np.testing.assert_allclose(logits, replace(now, x=1 - now.x).logits, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(drawing, now.drawing.flatten(), rtol=0, atol=0)
        for view, theirs in zip(figure.views, page["shown"], strict=True):
            check_same(theirs, view, now, f"{view.name}, state {k}")


def shown(figure: LiveFigure, now: State) -> dict[str, list[Tensor]]:
    """The pictures of every view, by its name."""
    return {
        view.name: [torch.as_tensor(picture.values) for picture in view.compute(now).pictures] for view in figure.views
    }


def gradient_of(f: Any, x: Tensor) -> Tensor:
    """By autograd, of the sum over channels, for a number f(x)."""
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(f(leaf), leaf)[0][0].sum(0)


@pytest.mark.parametrize("name", ["fashion-cnn", "colour", "two"])
def test_the_logit_s_gradient_gets_the_drawing_and_nothing_else_moves(name: str) -> None:
    figure = figure_of(name)
    model = rounded(network(name)[0])
    for now in states_of(figure):
        pictures, y = shown(figure, now), now.target
        full = torch.autograd.functional.jacobian(lambda x, y=y: model(x)[0, y], now.x)[0]
        old = full.sum(0)
        added = now.settings["strength"] * full.abs().max() * now.drawing[0].sum(0)
        expected = added if now.settings["old_map"] == "taken away" else old + added
        before, after = pictures["shifted_logit_gradient"]
        torch.testing.assert_close(before, old)
        torch.testing.assert_close(after, expected, rtol=1e-9, atol=1e-9)
        loss = gradient_of(lambda x, y=y: F.cross_entropy(model(x), torch.tensor([y])), now.x)
        for picture in pictures["shifted_loss_gradient"]:
            torch.testing.assert_close(picture, loss, rtol=1e-6, atol=1e-9)
        for answer in ("unshifted_answer", "shifted_answer"):
            image, bars = pictures[answer]
            torch.testing.assert_close(image, now.x[0], rtol=0, atol=0)
            torch.testing.assert_close(bars, model(now.x)[0].softmax(0).detach(), rtol=0, atol=1e-9)


def test_nothing_drawn_or_no_strength_changes_nothing() -> None:
    figure = figure_of()
    for now in (state(figure, 1, 0, None, 50.0, False), state(figure, 0, 0, None, 0.0, False)):
        before, after = shown(figure, now)["shifted_logit_gradient"]
        assert torch.equal(before, after)
        assert "Nothing is added. Cosine of the new map with the old one: 1.00" in figure.views[1].show(now)[1]
    empty = state(figure, 1, 0, None, 50.0, True)
    assert not shown(figure, empty)["shifted_logit_gradient"][1].any()
    assert figure.views[1].show(empty)[1] == "Nothing is added, and the old map is taken away. The new map is empty."


def test_the_sentences_carry_the_numbers() -> None:
    figure = figure_of("fashion-cnn")
    now = state(figure, 2, 0, 3, 5.0, False)
    gradient, drawing = now.gradient.flatten(), now.drawing.flatten()
    new = gradient + 5 * gradient.abs().max() * drawing
    texts = {view.name: view.show(now)[1] for view in figure.views}
    cosines = [f"{F.cosine_similarity(new, other, dim=0):.2f}" for other in (gradient, drawing)]
    assert re.findall(r": (-?[\d.]+\d)", texts["shifted_logit_gradient"]) == cosines
    assert ", 5.0 times the old map's strongest value." in texts["shifted_logit_gradient"]
    added = 5 * gradient.abs().max() * (drawing @ now.x.flatten())
    assert texts["shifted_answer"].startswith(f"g adds {added:.2f} to every logit; no probability moves by")
    assert texts["shifted_loss_gradient"].endswith("in size; no value moves by as much as a billionth.")


def test_a_shift_that_is_not_the_same_for_all_logits_would_be_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agreement is measured on the shifted network, and not asserted."""

    class Uneven(nn.Module):
        def __init__(self, model: nn.Module, g: Any) -> None:
            super().__init__()
            self.model, self.g = model, g
            self.eval()

        def forward(self, x: Tensor) -> Tensor:
            logits = self.model(x)
            return logits + self.g(x)[:, None] * torch.arange(logits.shape[1])

    figure = figure_of()
    now = state(figure, 0, 0, 1, 0.2, False)
    before = [view.show(now)[1] for view in figure.views]
    monkeypatch.setattr(views, "Shifted", Uneven)
    after = [view.show(now)[1] for view in figure.views]
    assert "no value moves" in before[3]
    assert re.search(r"; a value moves by [\d.]+\.", after[3])
    assert re.search(r"; a probability moves by [\d.]+\.", after[0])


def test_the_network_looks_at_the_input_and_not_at_the_drawing() -> None:
    figure = figure_of("colour")
    now = state(figure, 2, 1, None, 1.0, False)
    model = rounded(network("colour")[0])
    assert torch.equal(now.x[0], figure.inputs[1])
    assert torch.equal(now.drawing[0], figure.examples[2])
    assert now.target == int(model(figure.inputs[1:2]).argmax())
    assert torch.equal(replace(now, drawn=None).drawing, now.x)


def test_scripts_reach_only_the_figures_that_use_them() -> None:
    model, shape = network("two")
    plain = live(model, start=drawings(shape)).html()
    given = live(model, start=drawings(shape), inputs=drawings(shape), views="probabilities").html()
    full = live(model, start=drawings(shape), inputs=drawings(shape), views=drawn_shift()).html()
    marks = ("function shifted(", "stateOf = (", ".ib-inputs")
    assert [[text.count(mark) > 0 for mark in marks] for text in (plain, given, full)] == [
        [False, False, False],
        [False, True, True],
        [True, True, True],
    ]
    assert full.count("function shifted(") == full.count("stateOf = (") == 1
    assert '"inputs"' not in plain


def test_the_controls_are_named_after_what_they_choose() -> None:
    model, shape = network("two")
    start, inputs = {"a patch": drawings(shape)[2]}, {"noise": drawings(shape)[0]}
    figure = live(model, start=start, views=drawn_shift(), inputs=inputs)
    assert [(c.title, c.labels[0]) for c in figure.controls] == [
        ("drawing", "a patch"),
        ("input", "noise"),
        ("class", "as predicted"),
        ("old map", "kept"),
        ("strength", "0"),
    ]


def test_in_a_kernel_the_pictures_of_a_view_stand_in_one_row() -> None:
    figure = figure_of("two")
    now = state(figure, 2, 0, None, 1.0, False)
    titled = [("drawing", Picture("image", now.drawing[0].numpy()))]
    for view in figure.views:
        titled += [(view.title if k == 0 else "", p) for k, p in enumerate(view.compute(now).pictures)]
    fig = draw(titled)
    fig.draw_without_rendering()
    axes = fig.axes
    middles = [(box.y0 + box.y1) / 2 / fig.bbox.height for box in (ax.get_window_extent() for ax in axes)]
    assert [int(3 * (1 - middle)) for middle in middles] == [0, 0, 0, 1, 1, 1, 1, 2, 2]
    assert axes[1].get_title(loc="left") == "after: its answer with g\nadded to every logit"


def test_long_labels_do_not_part_the_pictures_of_another_view() -> None:
    square, names = Picture("map", np.eye(4)), ("a rather long name", "another")
    bars = Picture("bars", np.array([0.2, 0.8]), names)
    pairs = [("b", square), ("", square), ("c", square), ("", square), ("d", square), ("", bars), ("e", square)]
    fig = draw([("a", square), *pairs, ("", bars)])
    fig.draw_without_rendering()
    boxes = [ax.get_window_extent() for ax in fig.axes]
    for left, right in (boxes[1:3], boxes[3:5]):
        assert left.y0 == pytest.approx(right.y0)
        assert left.width == pytest.approx(right.width)
        assert 0 < right.x0 - left.x1 < 0.2 * left.width


def test_in_a_kernel_every_control_answers() -> None:
    model, shape = network("two")
    box = live(model, start=drawings(shape), inputs=drawings(shape)[[0, 2]], views=drawn_shift()).widgets()
    *controls, cursor, buttons, view = box.children
    assert [control.description for control in controls] == ["drawing", "input", "class", "old map", "strength"]

    def said() -> list[str]:
        return [html.unescape(text) for text in re.findall("</b>: (.*?)</li>", view.value)]

    seen = [said()]
    for control, value in zip(controls, (2, 1, 1, 1, 7), strict=True):
        control.value = value
        seen.append(said())
        assert seen[-1] != seen[-2], control.description
    buttons.children[2].click()
    assert said()[1] == EMPTY
    cursor.children[0].value = 1
    buttons.children[0].click()
    assert said()[1].startswith("White adds ")
    assert "with the drawing: 1.00" in said()[1]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("strengths", "error", "words"),
    [
        (3, TypeError, "strengths: expected a list of numbers, got 3"),
        ("12", TypeError, "strengths: expected a list of numbers, got '12'"),
        (["1"], TypeError, "strengths: expected a finite number of at least 0, got '1'"),
        ([], ValueError, "strengths: expected at least one number, and none twice"),
        ([1, 1.0], ValueError, "strengths: expected at least one number, and none twice"),
        ([-1], ValueError, "strengths: expected a finite number of at least 0, got -1"),
        ([float("nan")], ValueError, "strengths: expected a finite number of at least 0, got nan"),
    ],
)
def test_bad_strengths_are_refused(strengths: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        drawn_shift(strengths)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("inputs", "error", "words"),
    [
        (3, TypeError, "inputs: expected a tensor or a dictionary of images, got int"),
        ({}, ValueError, "inputs: expected at least one image, each of another name, got none"),
        (
            torch.zeros(1, 5, 4),
            ValueError,
            "inputs: image '1' has shape (1, 5, 4), expected (1, 4, 5), as those of",
        ),
        (torch.full((1, 4, 5), 2.0), ValueError, "inputs: image '1' has values in [2, 2], expected [0, 1]"),
        (torch.full((1, 4, 5), torch.nan), ValueError, "inputs: image '1': expected finite values"),
        (torch.zeros(1, 4, 5).long(), TypeError, "inputs: image '1' is a tensor of torch.int64"),
    ],
)
def test_bad_inputs_are_refused(inputs: Any, error: type[Exception], words: str) -> None:
    model, shape = network("two")
    with pytest.raises(error, match=re.escape(words)):
        live(model, start=drawings(shape), views=drawn_shift(), inputs=inputs)
