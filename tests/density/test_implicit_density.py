"""A classifier's implicit density can be anything: shift all logits, and only what is no property of it moves."""

import math

import jaxtyping
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from traces import leaves_no_trace

from interpbook.attribution import input_gradient, select
from interpbook.density import Shifted, log_density_ratio, noisy_log_density_ratio
from interpbook.models import MLP


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def classifier():
    return MLP((16, 8), "softplus", inputs=12, classes=5, seed=2).double().eval()


PICTURE = 30 * normal(3, 4, seed=5)
Y = torch.tensor([0, 4, 2, 1])


def linear(x):
    return (x * PICTURE).sum((1, 2))


def wavy(x):
    return 20 * x.sin().sum((1, 2)) + linear(x)


@pytest.mark.parametrize("g", [linear, wavy])
def test_a_shift_changes_no_prediction_and_every_saliency_map(g):
    model, x = classifier(), normal(4, 3, 4)
    shifted = Shifted(model, g)
    torch.testing.assert_close(shifted(x).softmax(1), model(x).softmax(1), rtol=0, atol=1e-6)
    assert torch.equal(shifted(x).argmax(1), model(x).argmax(1))

    def loss_of(model):
        return lambda x: F.cross_entropy(model(x), Y, reduction="none")

    torch.testing.assert_close(input_gradient(loss_of(shifted), x), input_gradient(loss_of(model), x))
    for of in ("log_prob", "prob"):
        torch.testing.assert_close(
            input_gradient(select(shifted, Y, of), x), input_gradient(select(model, Y, of), x), rtol=1e-6, atol=1e-10
        )
    before, after = (input_gradient(select(m, Y), x) for m in (model, shifted))
    torch.testing.assert_close(after, before + input_gradient(g, x))
    if g is linear:  # the map becomes the picture
        assert F.cosine_similarity(after.flatten(1), PICTURE.flatten(), dim=1).min() > 0.999
        assert F.cosine_similarity(before.flatten(1), PICTURE.flatten(), dim=1).abs().max() < 0.9


def test_the_density_ratio_moves_with_the_shift():
    model, x, other = classifier(), normal(4, 3, 4), normal(4, 3, 4, seed=1)
    plain = log_density_ratio(select(model, Y), x, other)
    moved = log_density_ratio(select(Shifted(model, linear), Y), x, other)
    torch.testing.assert_close(moved - plain, linear(other) - linear(x))


def test_shifted_is_a_module_with_the_mode_and_parameters_of_both():
    g = nn.Sequential(nn.Flatten(), nn.Linear(12, 1), nn.Flatten(0)).double()
    shifted = Shifted(classifier(), g)
    assert not any(module.training for module in shifted.modules())
    assert len(list(shifted.parameters())) == len(list(classifier().parameters())) + 2
    assert shifted(normal(4, 3, 4)).shape == (4, 5)
    assert Shifted(nn.Linear(2, 2), torch.sin).training


def test_log_density_ratio_of_a_gaussian():
    x, other = normal(5, 3), normal(5, 3, seed=1)
    f = lambda x: -x.square().sum(1) / 2  # noqa: E731
    torch.testing.assert_close(log_density_ratio(f, x, other), (x.square() - other.square()).sum(1) / 2)


def test_noisy_ratios_are_ratios_and_fall_as_the_variance():
    """For a standard normal in d dimensions the mean at x is -sigma^2 d / 2, the standard deviation near sigma |x|."""
    f = lambda x: -x.square().sum(1) / 2  # noqa: E731
    x = normal(3, 4)
    rows = noisy_log_density_ratio(f, x, sigma=0.1, samples=4000)
    assert rows.shape == (4000, 3)
    assert ((rows.mean(0) + 0.01 * 4 / 2) / (rows.std(0) / math.sqrt(4000))).abs().max() < 3.5
    torch.testing.assert_close(rows.std(0), 0.1 * x.norm(dim=1), rtol=0.06, atol=0)
    generator = torch.Generator().manual_seed(1)
    one = noisy_log_density_ratio(f, x, 0.1, generator=generator)
    noise = torch.randn(4, generator=torch.Generator().manual_seed(1)).double()
    torch.testing.assert_close(one[0], log_density_ratio(f, x, x + 0.1 * noise))
    assert torch.equal(noisy_log_density_ratio(f, x, 0.0), torch.zeros(1, 3).double())


def test_predicted_classes_are_those_of_the_clean_input():
    model = lambda x: torch.cat([-x, x - 1], 1)  # noqa: E731
    x, other = torch.tensor([[0.0]]), torch.tensor([[3.0]])
    assert log_density_ratio(select(model), x, other) == -3.0
    rows = noisy_log_density_ratio(select(model), x, sigma=5.0, samples=50)
    torch.testing.assert_close(rows, noisy_log_density_ratio(select(model, 0), x, sigma=5.0, samples=50))


def test_no_trace_is_left():
    model, x = classifier(), normal(4, 3, 4).requires_grad_()
    with leaves_no_trace(model, x):
        assert not log_density_ratio(select(model, Y), x, x + 1).requires_grad
        assert not noisy_log_density_ratio(select(model, Y), x, 0.1).requires_grad


X = torch.zeros(2, 3)
f = lambda x: x.sum(1)  # noqa: E731
WRONG = [
    (lambda: Shifted(f, f), "model: expected a torch.nn.Module, got function"),
    (lambda: Shifted(nn.Identity(), 1.0), "g: expected a function"),
    (lambda: Shifted(nn.Identity(), nn.Identity())(X), r"output of f: expected shape \(B,\)"),
    (lambda: Shifted(nn.Flatten(0), f)(X), r"model output: expected shape \(B, K\)"),
    (lambda: log_density_ratio(f, X, X[:1]), r"other: expected the shape of x, \(2, 3\), got \(1, 3\)"),
    (lambda: log_density_ratio(f, X, X / 0), "other: expected finite values"),
    (lambda: log_density_ratio(nn.Identity().eval(), X, X), r"output of f: expected shape \(B,\)"),
    (lambda: noisy_log_density_ratio(f, X, -1.0), "sigma: expected a finite number of at least 0"),
    (lambda: noisy_log_density_ratio(f, X, 1.0, samples=0), "samples: expected an int of at least 1"),
    (lambda: noisy_log_density_ratio(f, X, 1.0, generator=1), "generator: expected"),
    (lambda: noisy_log_density_ratio(2, X, 1.0), "f: expected a function"),
]


@pytest.mark.parametrize(("call", "said"), WRONG)
def test_wrong_arguments(call, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    if not isinstance(caught.value, jaxtyping.TypeCheckError):
        caught.match(said)
