"""The page's JavaScript computes what torch computes with the same rounded weights: values, gradients, terms."""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from javascript import engine_source, run_node
from networks import randomize
from torch import Tensor, nn

from interpbook import models
from interpbook.attribution import full_gradients
from interpbook.explore.network import pack, rounded
from interpbook.models import MLP, SmallCNN

# Torch speaks up where "same" cannot be the same on both sides; the page pads as it does.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same'")

COUNT = 100
CLOSE = 1e-9

PROGRAM = (
    engine_source()
    + """
var network = readNetwork(data.network);
return data.inputs.map(function (x, n) {
  var trace = forward(network, x);
  var adjoints = backward(network, trace, data.adjoints[n]);
  var terms = fullGradients(network, trace, adjoints);
  return data.everything
    ? { trace: trace, adjoints: adjoints, terms: terms }
    : { trace: trace.slice(-1), adjoints: adjoints.slice(0, 1), terms: terms };
});
"""
)


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


NETWORKS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    "SmallCNN, relu": (SmallCNN(channels=(3, 4, 5)), (1, 28, 28)),
    "SmallCNN, softplus, batch norm": (SmallCNN("softplus", True, channels=(3, 4, 5)), (1, 28, 28)),
    "MLP": (MLP(), (1, 28, 28)),
    "strides and pools": (strided(), (1, 13, 11)),
    "nested": (nested(), (3, 5, 7)),
    "GELU": (curved(), (2, 6)),
}


def compute(model: nn.Module, x: Tensor, adjoints: Tensor, everything: bool = False) -> list[dict[str, Any]]:
    """What the page computes for every example."""
    data = {
        "network": pack(model, tuple(x.shape[1:])).data,
        "inputs": list(x),
        "adjoints": list(adjoints),
        "everything": everything,
    }
    return run_node(PROGRAM, data)


def one_hot(targets: Tensor, classes: int) -> Tensor:
    return nn.functional.one_hot(targets, classes).double()


def worst(ours: list[np.ndarray], theirs: Tensor) -> float:
    """The largest error, relative to the largest value of the same example; where all are 0, 0 is the only answer."""
    expected = theirs.detach().flatten(1).numpy()
    got = np.stack(ours)
    assert got.shape == expected.shape
    scale = np.abs(expected).max(1, keepdims=True)
    return float((np.abs(got - expected) / np.where(scale == 0, 1e-300, scale)).max())


def term_errors(answers: list[dict[str, Any]], model: nn.Module, x: Tensor, targets: Tensor) -> dict[str, float]:
    """The error of every layer's term; the layers are those that torch lists, in its order."""
    parts = full_gradients(model, x, targets)
    errors = {"input": worst([answer["terms"]["input"] for answer in answers], parts.input_term)}
    pages = [{term["name"]: term["values"] for term in answer["terms"]["biases"]} for answer in answers]
    names = list(parts.bias_terms)
    for page in pages:
        assert list(page) == [name for name in names if name in page]
    for name, term in parts.bias_terms.items():
        assert any(name in page for page in pages)
        nothing = np.zeros(term[0].numel())
        errors[name] = worst([page.get(name, nothing) for page in pages], term)
    return errors


def activations(model: nn.Module, x: Tensor) -> list[Tensor]:
    """The input and what every layer gives, in the order in which they run."""
    outputs = [x]
    for layer in model.modules():
        if not isinstance(layer, nn.Sequential | nn.Identity | nn.Dropout | nn.Dropout2d):
            layer.register_forward_hook(lambda _layer, _inputs, output: outputs.append(output))
    model(x)
    return outputs


@pytest.mark.parametrize("name", NETWORKS)
def test_every_value_gradient_and_term_is_torch_s(name: str) -> None:
    model, shape = NETWORKS[name]
    model = randomize(model, dtype=torch.float32)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(COUNT, *shape, generator=generator, dtype=torch.float64)
    same = rounded(model)
    classes = same(x[:1]).shape[1]
    targets = torch.arange(COUNT) % classes
    answers = compute(model, x, one_hot(targets, classes), everything=True)

    errors = term_errors(answers, same, x, targets)
    outputs = activations(same, x.clone().requires_grad_())
    adjoints = torch.autograd.grad(outputs[-1].gather(1, targets[:, None]).sum(), outputs)
    assert len(answers[0]["trace"]) == len(outputs)
    for k, (output, adjoint) in enumerate(zip(outputs, adjoints, strict=True)):
        errors[f"output {k}"] = worst([answer["trace"][k] for answer in answers], output)
        errors[f"adjoint {k}"] = worst([answer["adjoints"][k] for answer in answers], adjoint)
    assert max(errors.values()) < CLOSE, errors


@pytest.mark.parametrize("name", ["mnist-cnn", "mnist-cnn-bn", "mnist-mlp", "fashion-cnn", "fashion-cnn-bn"])
def test_the_book_s_networks_answer_as_in_torch(name: str) -> None:
    """Half the inputs are noise; the others are blank but for a square, as a page is under the first stroke."""
    model = models.load(name)
    x = torch.rand(COUNT, 1, 28, 28, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x[::2, :, :9] = x[::2, :, 15:] = 0
    same = rounded(model)
    targets = same(x).argmax(1)
    answers = compute(model, x, one_hot(targets, 10))
    errors = term_errors(answers, same, x, targets)
    x.requires_grad_()
    logits = same(x)
    (gradient,) = torch.autograd.grad(logits.gather(1, targets[:, None]).sum(), x)
    errors["logits"] = worst([answer["trace"][-1] for answer in answers], logits)
    errors["gradient"] = worst([answer["adjoints"][0] for answer in answers], gradient)
    assert max(errors.values()) < CLOSE, errors


def test_several_logits_at_once() -> None:
    """The adjoint may be any direction, such as one class against another."""
    model = randomize(strided())
    x = torch.randn(10, 1, 13, 11, generator=torch.Generator().manual_seed(3), dtype=torch.float64, requires_grad=True)
    direction = torch.tensor([1.0, -1.0, 0.0, 0.5], dtype=torch.float64).expand(10, 4)
    (expected,) = torch.autograd.grad(rounded(model)(x), x, direction)
    answers = compute(model, x, direction)
    assert worst([answer["adjoints"][0] for answer in answers], expected) < CLOSE


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.MaxPool2d(3, stride=1, padding=1), nn.MaxPool2d((2, 3), (1, 2))])
def test_the_first_of_equal_values_takes_the_gradient(pool: nn.Module) -> None:
    model = nn.Sequential(pool, nn.Flatten()).double().eval()
    x = torch.randint(-1, 2, (COUNT, 2, 7, 6), generator=torch.Generator().manual_seed(4)).double()
    adjoints = torch.randn(COUNT, *model(x).shape[1:], generator=torch.Generator().manual_seed(5)).double()
    x.requires_grad_()
    (expected,) = torch.autograd.grad(model(x), x, adjoints)
    answers = compute(model, x, adjoints)
    assert worst([answer["adjoints"][0] for answer in answers], expected) < CLOSE


AVERAGES = [
    nn.AvgPool2d(3, 2, 1),
    nn.AvgPool2d((2, 3), padding=(1, 0), count_include_pad=False),
    nn.AvgPool2d(2, stride=1, padding=1, divisor_override=3),
    nn.AdaptiveAvgPool2d((None, 2)),
    nn.AdaptiveAvgPool2d(1),
]


@pytest.mark.parametrize("pool", AVERAGES, ids=str)
def test_what_an_average_is_over(pool: nn.Module) -> None:
    model = nn.Sequential(pool, nn.Flatten()).double().eval()
    x = torch.randn(10, 2, 7, 6, generator=torch.Generator().manual_seed(7), dtype=torch.float64, requires_grad=True)
    output = model(x)
    adjoints = torch.randn(output.shape, generator=torch.Generator().manual_seed(8), dtype=torch.float64)
    (expected,) = torch.autograd.grad(output, x, adjoints)
    answers = compute(model, x, adjoints)
    assert worst([answer["trace"][-1] for answer in answers], output) < CLOSE
    assert worst([answer["adjoints"][0] for answer in answers], expected) < CLOSE


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.LeakyReLU(0.25), nn.Softplus(threshold=2), nn.SiLU(), nn.GELU()])
def test_at_zero_at_kinks_and_far_out(activation: nn.Module) -> None:
    """Zeros of both signs, Softplus's threshold, and values where an exponential overflows."""
    model = nn.Sequential(activation).double().eval()
    x = torch.tensor([[0.0, -0.0, 2.0, 40.0, -40.0, 800.0, -800.0, 1e-300]], dtype=torch.float64, requires_grad=True)
    output = model(x)
    (expected,) = torch.autograd.grad(output.sum(), x)
    (answer,) = compute(model, x, torch.ones(1, 8), everything=True)
    np.testing.assert_allclose(answer["trace"][1], output[0].detach(), rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(answer["adjoints"][0], expected[0], rtol=1e-13, atol=1e-15)


def test_a_second_shape_of_the_same_layer_has_its_own_term() -> None:
    again = nn.Softplus()
    model = randomize(nn.Sequential(nn.Linear(3, 4), again, nn.Linear(4, 5), again, nn.Linear(5, 5), again))
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    targets = torch.arange(5)
    answers = compute(model, x, one_hot(targets, 5))
    errors = term_errors(answers, rounded(model), x, targets)
    assert "1#2" in errors
    assert max(errors.values()) < CLOSE, errors


def test_layers_that_add_nothing_are_left_out() -> None:
    """A bias of zeros, and one that no logit depends on."""
    model = randomize(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)))
    with torch.no_grad():
        model[2].bias.zero_()
        model[0].bias.fill_(-100)
    x = torch.ones(1, 3, dtype=torch.float64)
    (answer,) = compute(model, x, one_hot(torch.tensor([1]), 2))
    names = [term["name"] for term in answer["terms"]["biases"]]
    assert names == list(full_gradients(rounded(model), x, 1).bias_terms) == ["4"]
    assert [(term["layer"], term["shape"]) for term in answer["terms"]["biases"]] == [(5, [2])]


def test_every_half_is_read_exactly() -> None:
    halves = np.arange(2**16, dtype="<u2").view("<f2")
    halves = halves[np.isfinite(halves)]
    text = base64.b64encode(halves.tobytes()).decode()
    read = run_node(engine_source() + "return decodeHalves(data);", text)
    np.testing.assert_array_equal(read, halves.astype(float))


def test_shapes_go_with_the_trace() -> None:
    packed = pack(nested().eval(), (3, 5, 7))
    network = run_node(engine_source() + "return readNetwork(data);", packed.data)
    assert network["shapes"] == [[3, 5, 7], *(layer["shape"] for layer in packed.layers)]
    assert tuple(layer["name"] for layer in network["layers"]) == packed.names
