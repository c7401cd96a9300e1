"""Closed forms and identities of the gradient methods, in float64."""

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from traces import leaves_no_trace

from interpbook.attribution.gradients import (
    gradient_x_input,
    input_gradient,
    integrated_gradients,
    smoothgrad,
)
from interpbook.functions.select import select


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def network(inplace=False):
    torch.manual_seed(3)
    layers = [nn.Conv2d(2, 4, 3), nn.ReLU(inplace), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 5)]
    return nn.Sequential(nn.ReLU(inplace), *layers).double().eval()


def bumpy(x):
    """A smooth function without symmetries that could hide a mistake."""
    weight = torch.linspace(-1, 2, x[0].numel(), dtype=x.dtype).view(x.shape[1:])
    return (weight * x.sin()).flatten(1).sum(1) + (weight * x).flatten(1).sum(1).tanh()


METHODS = {
    "input_gradient": input_gradient,
    "gradient_x_input": gradient_x_input,
    "integrated_gradients": lambda f, x: integrated_gradients(f, x, baseline=0.3, steps=4),
    "smoothgrad": lambda f, x: smoothgrad(f, x, sigma=0.2, samples=4),
}
each_method = pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)


def test_input_gradient_is_the_limit_of_differences():
    x, direction, h = normal(3, 2, 5), normal(3, 2, 5, seed=1), 1e-6
    slope = (bumpy(x + h * direction) - bumpy(x - h * direction)) / (2 * h)
    torch.testing.assert_close((input_gradient(bumpy, x) * direction).sum((1, 2)), slope, rtol=1e-8, atol=1e-8)


def test_gradient_x_input_adds_up_for_a_homogeneous_network():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 9, False), nn.ReLU(), nn.Linear(9, 3, False)).double().eval()
    x = normal(4, 6)
    torch.testing.assert_close(gradient_x_input(select(model, 1), x).sum(1), model(x)[:, 1])


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 5), st.integers(0, 10**6))
def test_integrated_gradients_of_a_quadratic_are_exact(steps, dims, seed):
    """x'Ax + b'x from baseline c to x: (x - c) * (A + A')(x + c)/2 + (x - c) * b for any steps."""
    a, b, c, x = (
        normal(dims, dims, seed=seed),
        normal(dims, seed=seed + 1),
        normal(dims, seed=seed + 2),
        normal(3, dims),
    )
    values = integrated_gradients(lambda x: ((x @ a) * x).sum(1) + x @ b, x, baseline=c, steps=steps)
    torch.testing.assert_close(values, (x - c) * ((x + c) / 2 @ (a + a.T) + b), rtol=1e-10, atol=1e-10)


def test_integrated_gradients_complete_as_the_square_of_the_step():
    x, baseline = normal(3, 2, 5), normal(2, 5, seed=7)
    difference = bumpy(x) - bumpy(baseline.expand_as(x))

    def gap(steps):
        values = integrated_gradients(bumpy, x, baseline, steps)
        return (values.sum((1, 2)) - difference).abs().max()

    assert gap(1000) < 1e-5
    assert gap(40) / gap(80) == pytest.approx(4, rel=0.05)


def test_integrated_gradients_do_not_see_the_implementation():
    """Two networks that write the same function differently get the same values."""
    torch.manual_seed(0)
    one = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3)).double().eval()
    wide = nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.Linear(16, 3)).double().eval()
    with torch.no_grad():
        # Every hidden unit split into two of half the outgoing weight, one of which is scaled up in between.
        wide[0].weight.copy_(torch.cat([one[0].weight, 4 * one[0].weight]))
        wide[0].bias.copy_(torch.cat([one[0].bias, 4 * one[0].bias]))
        wide[2].weight.copy_(torch.cat([one[2].weight / 2, one[2].weight / 8], 1))
        wide[2].bias.copy_(one[2].bias)
    x = normal(4, 5)
    torch.testing.assert_close(integrated_gradients(select(one, 2), x), integrated_gradients(select(wide, 2), x))


def test_integrated_gradients_baseline_broadcasts():
    x = normal(3, 2, 5)
    full = integrated_gradients(bumpy, x, torch.full_like(x, 0.5))
    for baseline in (0.5, torch.tensor(0.5), torch.full((5,), 0.5), torch.full((3, 1, 1), 0.5)):
        torch.testing.assert_close(integrated_gradients(bumpy, x, baseline), full, rtol=1e-6, atol=0)


def test_smoothgrad_of_squares_is_2x_within_its_standard_error():
    x, sigma, samples = normal(1, 400), 0.7, 30
    generator = torch.Generator().manual_seed(11)
    error = smoothgrad(lambda x: (x**2).sum(1), x, sigma, samples, generator) - 2 * x
    standard_error = 2 * sigma / samples**0.5
    z = error / standard_error
    assert abs(z.mean()) < 4 / 400**0.5
    assert z.std() == pytest.approx(1, abs=4 / 800**0.5)


def test_smoothgrad_of_squares_is_2x_plus_the_mean_noise():
    x, sigma, samples = normal(3, 20), 0.7, 6
    smooth = smoothgrad(lambda x: (x**2).sum(1), x, sigma, samples, torch.Generator().manual_seed(5))
    generator = torch.Generator().manual_seed(5)
    noise = torch.stack([torch.randn(20, generator=generator) for _ in range(samples)]).double()
    torch.testing.assert_close(smooth, 2 * (x + sigma * noise.mean(0)), rtol=1e-12, atol=1e-12)


def test_smoothgrad_of_a_linear_function_is_its_gradient():
    weight = normal(7)
    values = smoothgrad(lambda x: x @ weight, normal(3, 7), sigma=2, samples=5)
    torch.testing.assert_close(values, weight.expand(3, 7))


def test_smoothgrad_without_noise_is_the_gradient():
    x = normal(3, 2, 5)
    torch.testing.assert_close(smoothgrad(bumpy, x, sigma=0.0, samples=3), input_gradient(bumpy, x))


def test_smoothgrad_draws_from_its_generator_only():
    x = normal(2, 6)
    first, again = smoothgrad(bumpy, x, 0.5), smoothgrad(bumpy, x, 0.5)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    generator = torch.Generator().manual_seed(1)
    one, two = (smoothgrad(bumpy, x, 0.5, generator=generator) for _ in range(2))
    assert not torch.allclose(one, two)
    single = smoothgrad(bumpy, x.float(), 0.5)
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), first, rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None)
@given(chunk=st.integers(1, 12), order=st.permutations(range(4)), count=st.integers(1, 10))
def test_chunk_and_batch_order_do_not_change_the_result(chunk, order, count):
    x, f = normal(4, 2, 6, 6).float(), select(network().float(), torch.tensor([0, 3, 1, 1]))
    reordered = select(network().float(), torch.tensor([0, 3, 1, 1])[list(order)])
    for method in (
        lambda f, x, **more: integrated_gradients(f, x, steps=count, **more),
        lambda f, x, **more: smoothgrad(f, x, 0.5, samples=count, **more),
    ):
        expected = method(f, x)
        scale = float(expected.abs().max())
        torch.testing.assert_close(method(f, x, chunk=chunk), expected, rtol=1e-5, atol=1e-6 * scale)
        torch.testing.assert_close(
            method(reordered, x[list(order)]), expected[list(order)], rtol=1e-5, atol=1e-6 * scale
        )


def test_chunk_is_the_number_of_copies_in_one_call():
    sizes = []

    def counting(x):
        sizes.append(len(x))
        return bumpy(x)

    integrated_gradients(counting, normal(3, 4), steps=7, chunk=3)
    assert sizes == [9, 9, 3]
    sizes.clear()
    smoothgrad(counting, normal(2, 3, 64, 64), 0.1, samples=3)
    assert sizes == [2, 2, 2]


@each_method
def test_no_trace_is_left(method):
    model, x = network(), normal(3, 2, 6, 6)
    x.requires_grad_()
    with leaves_no_trace(model, x):
        values = method(select(model, 1), x)
    assert not values.requires_grad
    assert values.shape == x.shape
    assert values.dtype == x.dtype

    def breaks(x):
        model(x)
        raise RuntimeError("broken")

    with leaves_no_trace(model, x), pytest.raises(RuntimeError, match="broken"):
        method(breaks, x)


@each_method
def test_gradient_mode_and_flags_of_the_caller_do_not_matter(method):
    model, x = network(), normal(3, 2, 6, 6)
    f = select(model, torch.tensor([0, 4, 2]))
    expected = method(f, x)
    with torch.no_grad():
        torch.testing.assert_close(method(f, x), expected, rtol=0, atol=0)
    with torch.inference_mode():
        torch.testing.assert_close(method(f, x.clone()), expected, rtol=0, atol=0)
    model.requires_grad_(False)
    torch.testing.assert_close(method(f, x), expected, rtol=0, atol=0)


@each_method
def test_a_function_may_overwrite_its_input(method):
    x = normal(3, 2, 6, 6)
    before = x.clone()
    torch.testing.assert_close(method(select(network(True)), x), method(select(network()), x))
    torch.testing.assert_close(x, before, rtol=0, atol=0)


@each_method
@pytest.mark.parametrize(
    ("f", "error", "says"),
    [
        (None, TypeError, "^f: expected a function"),
        (nn.Flatten(0), ValueError, "training mode"),
        (lambda x: x, ValueError, r"^output of f: .*\(\d+,\), one number per example, got \(\d+, 3\)"),
        (lambda x: x.sum(), ValueError, r"^output of f: .*got \(\)"),
        (lambda x: x.sum(1) / 0, ValueError, r"^output of f: expected finite values, got \d+ NaN"),
        (lambda x: (x - x).sum(1).sqrt(), ValueError, "^gradient of f: expected finite"),
        (lambda x: x.sum(1).detach(), ValueError, "^f: expected an output that is differentiable"),
        (
            lambda x: torch.ones(len(x), requires_grad=True),
            ValueError,
            "^f: expected an output that is differ",
        ),
    ],
)
def test_a_bad_function_is_named(method, f, error, says, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=says):
        method(f, torch.ones(2, 3))


@each_method
@pytest.mark.parametrize(
    ("x", "error", "says"),
    [
        (torch.ones(2, 3, dtype=torch.int64), TypeError, r"^x: .*torch.int64 of shape \(2, 3\)"),
        (torch.ones(3), ValueError, r"^x: .*\(3,\)"),
        (torch.full((2, 3), float("nan")), ValueError, "^x: expected finite values, got 6"),
        ("x", TypeError, "^x: .*got str"),
    ],
)
def test_a_bad_x_is_named(method, x, error, says, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=says):
        method(lambda x: x.sum(1), x)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda f, x: integrated_gradients(f, x, steps=0), ValueError, "^steps: .*got 0"),
        (lambda f, x: integrated_gradients(f, x, steps=2.0), TypeError, "^steps: .*got 2.0"),
        (lambda f, x: integrated_gradients(f, x, chunk=-1), ValueError, "^chunk: .*got -1"),
        (lambda f, x: integrated_gradients(f, x, torch.zeros(4)), ValueError, r"^baseline: .*got \(4,\)"),
        (lambda f, x: smoothgrad(f, x, -1.0), ValueError, "^sigma: .*got -1"),
        (lambda f, x: smoothgrad(f, x, torch.ones(1)), TypeError, "^sigma: "),
        (lambda f, x: smoothgrad(f, x, 1.0, samples=0), ValueError, "^samples: .*got 0"),
        (lambda f, x: smoothgrad(f, x, 1.0, generator=7), TypeError, "^generator: .*got int"),
    ],
)
def test_a_bad_option_is_named(call, error, says, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=says):
        call(lambda x: x.sum(1), torch.ones(2, 3))
