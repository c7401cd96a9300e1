"""Second derivatives in closed form, and the refusal of functions that have none worth the name."""

import functools

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from interpbook.attribution import select
from interpbook.density import (
    anti_score_matching_loss,
    exact_trace,
    gradient_norm_penalty,
    hutchinson_trace,
    score_matching_loss,
)
from interpbook.functions.differentiation import check_smooth
from interpbook.models import SmallCNN

SMOOTH = [nn.Softplus(beta=10), nn.GELU(), nn.SiLU(), nn.Tanh(), nn.ELU(), nn.Sigmoid(), nn.Softsign()]
KINKED = [nn.ReLU(), nn.ReLU(inplace=True), nn.ReLU6(), nn.LeakyReLU(), nn.PReLU(), nn.Hardtanh()]
KINKED += [nn.Threshold(0.1, 0.0), nn.Softshrink(), nn.Hardsigmoid(), nn.RReLU()]


def images():
    return torch.rand(2, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def network(activation):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(3, 4), activation, nn.Linear(4, 2)).eval()


NEED_CURVATURE = {
    "hutchinson_trace": hutchinson_trace,
    "exact_trace": exact_trace,
    "score_matching_loss": score_matching_loss,
    "anti_score_matching_loss": anti_score_matching_loss,
}
each = pytest.mark.parametrize("method", NEED_CURVATURE.values(), ids=NEED_CURVATURE)


@each
def test_relu_is_refused_with_the_name_of_the_layer(method):
    said = r"f: expected a smooth function, got one with layer 'act1' \(ReLU\).*almost everywhere.*Softplus\(beta=10\)"
    with pytest.raises(ValueError, match=said):
        method(select(SmallCNN("relu").eval(), 3), images())


@each
def test_the_same_network_with_softplus_is_welcome(method):
    model = SmallCNN(functools.partial(nn.Softplus, beta=10)).eval()
    assert method(select(model, 3), images()[:, :, ::2, ::2].repeat(1, 1, 2, 2)[:1]).isfinite().all()


@each
def test_a_relu_that_is_called_as_a_function_is_found_too(method):
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    with pytest.raises(ValueError, match="got one with the operation Relu"):
        method(lambda x: x.relu().square().sum(1), x)


@each
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_refused(method, dtype):
    """A second difference of such numbers is rounding error: 2 to 17 where the truth was -0.011."""
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    half = select(network(nn.Tanh()).to(dtype), 0)
    with pytest.raises(ValueError, match=rf"^x: expected float32 or float64, got {dtype}.*`\.float\(\)`"):
        method(half, x.to(dtype))
    with pytest.raises(ValueError, match=rf"^output of f: expected float32 or float64, got {dtype}"):
        method(lambda x: half(x.to(dtype)), x)
    with pytest.raises(ValueError, match=r"^x: expected float32 or float64"):
        method(lambda x: select(network(nn.Tanh()), 0)(x.float()), x.to(dtype))


def test_the_gradient_norm_is_taken_in_half_precision_too():
    x = torch.randn(4, 3, generator=torch.Generator().manual_seed(1))
    model = network(nn.Tanh())
    exact = gradient_norm_penalty(select(model, 0), x)
    half = gradient_norm_penalty(select(model.bfloat16(), 0), x.bfloat16())
    assert abs(half / exact - 1) < 0.05


def test_the_gradient_norm_needs_no_second_derivative():
    assert gradient_norm_penalty(select(SmallCNN("relu").eval(), 3), images()) > 0


@pytest.mark.parametrize("layer", KINKED, ids=repr)
def test_every_kinked_activation_is_refused(layer):
    with pytest.raises(ValueError, match=rf"layer '1' \({type(layer).__name__}\)"):
        exact_trace(select(network(layer), 0), torch.randn(5, 3, generator=torch.Generator().manual_seed(1)))


@pytest.mark.parametrize("layer", SMOOTH, ids=repr)
def test_every_smooth_activation_is_welcome(layer):
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
    assert exact_trace(select(network(layer), 0), x).abs().max() > 1e-6


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.AdaptiveMaxPool2d(2)], ids=repr)
def test_max_pooling_is_refused_and_average_pooling_is_not(pool):
    x = torch.rand(2, 1, 4, 4)
    with pytest.raises(ValueError, match=f"layer '1' \\({type(pool).__name__}\\)"):
        exact_trace(select(nn.Sequential(nn.Tanh(), pool, nn.Flatten()).eval(), 0), x)
    exact_trace(select(nn.Sequential(nn.Tanh(), nn.AvgPool2d(2), nn.Flatten()).eval(), 0), x)


def test_only_what_lies_between_input_and_output_counts():
    """A ReLU of the weights, or one whose result is not used, does not make f less smooth in x."""
    weight = torch.tensor([1.0, -2.0, 3.0], requires_grad=True)

    def f(x):
        x.relu()
        return x.square() @ F.relu(weight)

    x = torch.ones(2, 3)
    torch.testing.assert_close(exact_trace(f, x), torch.full((2,), 8.0))
    leaf = x.clone().requires_grad_()
    check_smooth(f, f(leaf), leaf)


def test_a_linear_function_has_no_curvature_and_is_no_reason_to_complain():
    x = torch.randn(3, 5)
    assert torch.equal(exact_trace(lambda x: x.sum(1), x), torch.zeros(3))
    assert torch.equal(exact_trace(select(nn.Linear(5, 2).eval(), 1), x), torch.zeros(3))
    assert hutchinson_trace(lambda x: x.sum(1), x.double()).abs().max() < 1e-9
