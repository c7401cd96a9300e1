"""The views of full-gradients: the page computes torch's terms and map, shows the same and says the same."""

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from javascript import figure_source, run_node
from live_figures import KINDS, NETWORKS, check_same, figure_of, in_page, network, one_hot, states_of, worst
from networks import randomize
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from interpbook import models
from interpbook.attribution import full_gradients, fullgrad_map
from interpbook.chapters.attribution.fullgrad.views import APART, FOLDED, FULLGRAD_MAP, FULLGRAD_TERMS
from interpbook.explore import State
from interpbook.explore.network import pack, rounded

# Torch speaks up where "same" cannot be the same on both sides; the page pads as it does.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")

VIEWS = [FULLGRAD_TERMS, FULLGRAD_MAP, "gradient_x_input"]
COUNT = 100
CLOSE = 1e-9

PROGRAM = (
    figure_source(FULLGRAD_TERMS.needs)
    + """
var network = readNetwork(data.network);
return data.inputs.map(function (x, n) {
  var trace = forward(network, x);
  return fullGradients(network, trace, backward(network, trace, data.adjoints[n]));
});
"""
)


def terms_in_page(model: nn.Module, x: Tensor, targets: Tensor) -> list[dict[str, Any]]:
    """The page's full-gradients of every example."""
    adjoints = one_hot(targets, rounded(model)(x[:1]).shape[1])
    packed = pack(model, tuple(x.shape[1:]))
    return run_node(PROGRAM, {"network": packed.data, "inputs": list(x), "adjoints": list(adjoints)})


def term_errors(model: nn.Module, x: Tensor, targets: Tensor) -> dict[str, float]:
    """The error of every layer's term; the layers are those that torch lists, in its order."""
    answers = terms_in_page(model, x, targets)
    parts = full_gradients(rounded(model), x, targets)
    errors = {"input": worst([answer["input"] for answer in answers], parts.input_term)}
    pages = [{term["name"]: term["values"] for term in answer["biases"]} for answer in answers]
    names = list(parts.bias_terms)
    for page in pages:
        assert list(page) == [name for name in names if name in page]
    for name, term in parts.bias_terms.items():
        assert any(name in page for page in pages)
        nothing = np.zeros(term[0].numel())
        errors[name] = worst([page.get(name, nothing) for page in pages], term)
    return errors


@pytest.mark.parametrize("name", KINDS)
def test_every_term_is_torch_s(name: str) -> None:
    make, shape = KINDS[name]
    model = randomize(make(), dtype=torch.float32)
    x = torch.randn(COUNT, *shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    classes = rounded(model)(x[:1]).shape[1]
    errors = term_errors(model, x, torch.arange(COUNT) % classes)
    assert max(errors.values()) < CLOSE, errors


@pytest.mark.parametrize("name", ["mnist-cnn", "mnist-cnn-bn", "mnist-mlp", "fashion-cnn", "fashion-cnn-bn"])
def test_the_terms_of_the_book_s_networks_are_torch_s(name: str) -> None:
    """Half the inputs are noise; the others are blank but for a square, as a page is under the first stroke."""
    model = models.load(name)
    x = torch.rand(COUNT, 1, 28, 28, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x[::2, :, :9] = x[::2, :, 15:] = 0
    errors = term_errors(model, x, rounded(model)(x).argmax(1))
    assert max(errors.values()) < CLOSE, errors


def test_a_second_shape_of_the_same_layer_has_its_own_term() -> None:
    again = nn.Softplus()
    model = randomize(nn.Sequential(nn.Linear(3, 4), again, nn.Linear(4, 5), again, nn.Linear(5, 5), again))
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    errors = term_errors(model, x, torch.arange(5))
    assert "1#2" in errors
    assert max(errors.values()) < CLOSE, errors


def test_layers_that_add_nothing_are_left_out() -> None:
    """A bias of zeros, and one that no logit depends on."""
    model = randomize(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)))
    with torch.no_grad():
        model[2].bias.zero_()
        model[0].bias.fill_(-100)
    x = torch.ones(1, 3, dtype=torch.float64)
    (answer,) = terms_in_page(model, x, torch.tensor([1]))
    names = [term["name"] for term in answer["biases"]]
    assert names == list(full_gradients(rounded(model), x, 1).bias_terms) == ["4"]
    assert [(term["layer"], term["shape"]) for term in answer["biases"]] == [(5, [2])]


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_and_the_page_show_and_say_the_same(name: str) -> None:
    figure = figure_of(name, VIEWS)
    states = states_of(figure)
    for k, (page, state) in enumerate(zip(in_page(figure, states), states, strict=True)):
        for view, result in zip(figure.views, page["shown"], strict=True):
            check_same(result, view, state, f"{view.name}, state {k}")


@pytest.fixture(scope="module")
def colourful() -> tuple[nn.Module, list[State]]:
    return rounded(network("colour")[0]), states_of(figure_of("colour", VIEWS), 8)


def test_the_waterfall_ends_at_the_logit_and_begins_with_gradient_times_what_is_counted_from_zero(colourful) -> None:
    model, states = colourful
    for state in states:
        [terms] = FULLGRAD_TERMS.compute(state).pictures
        values = torch.as_tensor(terms.values)
        torch.testing.assert_close(values.sum(), model(state.x)[0, state.target].detach())
        counted = state.x[0] - state.settings["what_is_zero"]
        torch.testing.assert_close(values[0], (state.gradient * counted).sum())


def test_the_map_is_the_library_s(colourful) -> None:
    model, states = colourful
    for state in states:
        [picture] = FULLGRAD_MAP.compute(state).pictures
        expected = fullgrad_map(model, state.x, state.target)[0].detach()
        torch.testing.assert_close(torch.as_tensor(picture.values), expected)


def shares(state: State) -> dict[str, float]:
    [terms] = FULLGRAD_TERMS.compute(state).pictures
    return dict(zip(terms.labels, terms.values.tolist(), strict=True))


def chosen(state: State, **settings: object) -> State:
    return replace(state, settings={**state.settings, **settings})


def test_another_zero_is_the_full_gradients_of_the_moved_network() -> None:
    """The same function of x - zero: its padding has the moved colour, its first layer another bias."""
    zero, padding = 0.3, (1, 1, 1, 1)
    model = rounded(models.load("mnist-cnn-bn"))
    moved = copy.deepcopy(model)
    with torch.no_grad():
        moved.conv1.bias += zero * moved.conv1.weight.sum((1, 2, 3))
    moved.conv1.padding = (0, 0)
    outer = nn.Sequential(nn.ConstantPad2d(padding[0], -zero), *moved).eval()
    x = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    now = State(model, x, 3, tuple("0123456789"), (0, 0), {"what_is_zero": zero, "batch_norm": APART})
    parts = full_gradients(outer, x - zero, 3).per_layer()
    # The padding is an operation with a bias, which belongs to the convolution that pads.
    expected = [parts["input"], parts["0"] + parts["1"], *list(parts.values())[3:]]
    np.testing.assert_allclose(list(shares(now).values()), torch.cat(expected).detach(), rtol=1e-9, atol=1e-9)


def test_folding_is_the_full_gradients_of_the_network_without_batch_norm() -> None:
    model = rounded(models.load("mnist-cnn-bn"))
    folded = copy.deepcopy(model)
    for number in "123":
        fused = fuse_conv_bn_eval(getattr(folded, f"conv{number}"), getattr(folded, f"bn{number}"))
        setattr(folded, f"conv{number}", fused)
        setattr(folded, f"bn{number}", nn.Identity().eval())
    x = torch.rand(1, 1, 28, 28, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    now = State(model, x, 3, tuple("0123456789"), (0, 0), {"what_is_zero": 0, "batch_norm": FOLDED})
    expected = {name: share.item() for name, share in full_gradients(folded, x, 3).per_layer().items()}
    assert shares(now) == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert len(shares(chosen(now, batch_norm=APART))) == len(expected) + 3


def test_the_logit_does_not_move_with_what_is_zero_or_with_folding(colourful) -> None:
    _, states = colourful
    for state in states:
        logit = state.logits[state.target].item()
        for zero in (0, 0.4, 1):
            for batch_norm in (APART, FOLDED):
                now = chosen(state, what_is_zero=zero, batch_norm=batch_norm)
                assert sum(shares(now).values()) == pytest.approx(logit, rel=1e-9, abs=1e-9)


def test_where_nothing_can_be_folded_the_sentence_says_so() -> None:
    figure = figure_of("mnist-mlp", [FULLGRAD_TERMS])
    words = "no batch norm to fold"
    assert words in FULLGRAD_TERMS.show(chosen(figure.first, batch_norm=FOLDED))[1]
    assert words not in FULLGRAD_TERMS.show(figure.first)[1]


def test_the_sentence_lists_the_terms_and_their_sum(colourful) -> None:
    model, states = colourful
    shares = full_gradients(model, states[0].x, states[0].target).per_layer()
    _, text = FULLGRAD_TERMS.show(states[0])
    *terms, total = text.replace("; together the logit", ",").removesuffix(".").split(", ")
    assert [term.rsplit(" ", 1)[0] for term in terms] == list(shares)
    numbers = [float(term.rsplit(" ", 1)[1]) for term in terms]
    np.testing.assert_allclose(numbers, torch.cat([*shares.values()]).detach(), rtol=0, atol=0.00501)
    assert float(total) == pytest.approx(states[0].logits[states[0].target].item(), abs=0.00501)
