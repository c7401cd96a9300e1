"""The page's JavaScript computes what torch computes with the same rounded weights: values and gradients."""

import base64
from typing import Any

import numpy as np
import pytest
import torch
from javascript import engine_source, run_node
from live_figures import KINDS, nested, one_hot, strided, worst
from networks import randomize
from torch import Tensor, nn

from interpbook import models
from interpbook.explore.network import pack, rounded

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
  return data.everything
    ? { trace: trace, adjoints: adjoints }
    : { trace: trace.slice(-1), adjoints: adjoints.slice(0, 1) };
});
"""
)


def compute(model: nn.Module, x: Tensor, adjoints: Tensor, everything: bool = False) -> list[dict[str, Any]]:
    """What the page computes for every example."""
    data = {
        "network": pack(model, tuple(x.shape[1:])).data,
        "inputs": list(x),
        "adjoints": list(adjoints),
        "everything": everything,
    }
    return run_node(PROGRAM, data)


def activations(model: nn.Module, x: Tensor) -> list[Tensor]:
    """The input and what every layer gives, in the order in which they run."""
    outputs = [x]
    for layer in model.modules():
        if not isinstance(layer, nn.Sequential | nn.Identity | nn.Dropout | nn.Dropout2d):
            layer.register_forward_hook(lambda _layer, _inputs, output: outputs.append(output))
    model(x)
    return outputs


@pytest.mark.parametrize("name", KINDS)
def test_every_value_and_gradient_is_torch_s(name: str) -> None:
    make, shape = KINDS[name]
    model = randomize(make(), dtype=torch.float32)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(COUNT, *shape, generator=generator, dtype=torch.float64)
    same = rounded(model)
    classes = same(x[:1]).shape[1]
    targets = torch.arange(COUNT) % classes
    answers = compute(model, x, one_hot(targets, classes), everything=True)

    errors = {}
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
    errors = {}
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
