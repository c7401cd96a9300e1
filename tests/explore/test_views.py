"""Every view of a live figure: torch and the page show the same pictures and say the same, and what they show is so."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from javascript import figure_source, run_node
from live_figures import NETWORKS, check_same, figure_of, in_page, network, states_of
from networks import randomize
from torch import Tensor, nn

from interpbook.explore import Picture, Shown, State, View, live
from interpbook.explore.network import rounded
from interpbook.explore.pictures import draw
from interpbook.explore.views import VIEWS


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_and_the_page_show_and_say_the_same(name: str) -> None:
    figure = figure_of(name)
    states = states_of(figure)
    for k, (page, state) in enumerate(zip(in_page(figure, states), states, strict=True)):
        np.testing.assert_allclose(page["logits"], state.logits, rtol=1e-9, atol=1e-9)
        for view, result in zip(figure.views, page["shown"], strict=True):
            check_same(result, view, state, f"{view.name}, state {k}")


def test_without_a_class_both_explain_the_predicted_one() -> None:
    figure = figure_of("mnist-mlp", ["probabilities"])
    states = [figure.state(example[None], [k, 0], (0, 0)) for k, example in enumerate(figure.examples)]
    predicted = [int(state.logits.argmax()) for state in states]
    assert len(set(predicted)) > 1
    assert [state.target for state in states] == predicted
    assert [answer["shown"][0]["pictures"][0]["chosen"] for answer in in_page(figure, states)] == predicted


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


def test_gradient_times_input_adds_up_to_a_linear_network_s_logit() -> None:
    model = nn.Sequential(nn.Flatten(), nn.Linear(30, 3, bias=False)).eval()
    now = live(model, start=torch.rand(1, 6, 5), views="gradient_x_input").first
    torch.testing.assert_close(pictures("gradient_x_input", now)[0].sum(), now.logits[now.target])


def test_the_gradient_predicts_a_small_change_of_the_logits(colourful) -> None:
    """On noise, where no two values of a pool are equal."""
    model, states = colourful
    small = 1e-6
    change = (model(states[0].x + small) - model(states[0].x - small))[0].detach() / (2 * small)
    for target in range(3):
        [gradient] = pictures("input_gradient", replace(states[0], target=target))
        torch.testing.assert_close(gradient.sum(), change[target], rtol=1e-6, atol=1e-8)


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
    start = torch.rand(1, 4, 4, generator=torch.Generator().manual_seed(3))
    figure = live(model, start=start, views=["gradient_step"])
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
        facts = [("gap", {"label": label, "gap": float(gap)}) for label, gap in zip(now.labels, values, strict=True)]
        return Shown((Picture("waterfall", values, now.labels, total="sum"),), (("against", {"row": 3}), *facts))

    script = """function (now) {
      var values = now.labels.map(function (_, k) {
        return now.settings.scale * (now.logits[k] - now.logits[now.target]);
      });
      var facts = now.labels.map(function (label, k) { return ["gap", { label: label, gap: values[k] }]; });
      return { pictures: [{ kind: "waterfall", values: values, labels: now.labels, total: "sum" }],
        facts: [["against", { row: 3 }]].concat(facts) };
    }"""
    phrases = {"against": "In row {row}", "gap": ", {label} {gap:significant}"}
    own = View("margin", "margins", margin, script, phrases, settings={"scale": [1, 2, 5]}, starts={"scale": 2})
    figure = figure_of("colour", [own, "probabilities"])
    states = states_of(figure)
    assert states[0].settings["scale"] == 2
    assert own.show(states[0])[1].startswith("In row 3, 0 ")
    for page, state in zip(in_page(figure, states), states, strict=True):
        check_same(page["shown"][0], own, state, "margin")


def test_every_built_in_view_is_in_the_page_under_its_name() -> None:
    assert run_node(figure_source() + "return Object.keys(views).sort();") == sorted(VIEWS)


def test_a_picture_of_an_unknown_kind_is_refused(without_shape_checks) -> None:
    with pytest.raises(
        ValueError, match=r"^kind: expected one of image, map, bars, waterfall, intervals, chart, got 'imag'$"
    ):
        Picture("imag", np.zeros((1, 2, 2)))  # type: ignore[arg-type]


@pytest.mark.parametrize(("mark", "drawn"), [(0.5, [0.5]), (0.0, [])])
def test_bars_are_compared_with_their_mark(mark: float, drawn: list[float]) -> None:
    [ax] = draw([("shares", Picture("bars", np.array([0.25, 0.75]), ("a", "b"), mark=mark))]).axes
    assert [line.get_xdata()[0] for line in ax.lines] == drawn
    assert ax.get_xlim() == (0, 1)
