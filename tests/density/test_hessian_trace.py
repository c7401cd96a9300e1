"""Hutchinson's estimator against the exact trace, and what its one-sided form costs. All in float64."""

import math

import jaxtyping
import pytest
import torch
from traces import leaves_no_trace

from interpbook.attribution import select
from interpbook.density import exact_trace, hutchinson_trace, trace_estimates
from interpbook.models import MLP

METHODS = {"exact": exact_trace, "hutchinson": hutchinson_trace}


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def quadratic(d, seed=0):
    """f(x) = x'Ax / 2 + b'x, its Hessian and b."""
    a, b = normal(d, d, seed=seed), normal(d, seed=seed + 1)
    h = (a + a.T) / 2
    return lambda x: ((x.flatten(1) @ h) * x.flatten(1)).sum(1) / 2 + x.flatten(1) @ b, h, b


def published():
    """A gradient of length 1 and a trace of 3 in 3072 dimensions, at sigma = 0.01: logits of 32x32 colour images."""
    d, curvature = 3072, 1e-3
    slope = torch.full((d,), d**-0.5, dtype=torch.float64)
    return lambda x: curvature * x.square().sum(1) / 2 + x @ slope, torch.zeros(1, d, dtype=torch.float64)


def smooth_network():
    return MLP((12, 8), "softplus", inputs=6, classes=3, seed=1).double().eval()


def test_exact_trace_of_a_quadratic_and_of_a_cubic():
    f, h, _ = quadratic(6)
    x = normal(4, 2, 3)
    torch.testing.assert_close(exact_trace(f, x), h.trace().expand(4))
    torch.testing.assert_close(exact_trace(lambda x: x.pow(3).sum((1, 2)), x), 6 * x.sum((1, 2)))


def test_exact_trace_of_a_network_is_that_of_the_full_hessian():
    model, x = smooth_network(), normal(3, 6)
    for k in range(3):
        full = torch.autograd.functional.hessian(lambda z: model(z[None])[0, 1], x[k])
        torch.testing.assert_close(exact_trace(select(model, 1), x)[k], full.trace(), rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("antithetic", [True, False])
def test_hutchinson_is_unbiased(antithetic):
    """Over 400 seeds the mean lies within 3.5 of its own standard errors of the exact trace."""
    f, h, _ = quadratic(5)
    x = normal(1, 5, seed=3)
    values = torch.cat(
        [
            hutchinson_trace(f, x, sigma=0.3, antithetic=antithetic, generator=torch.Generator().manual_seed(seed))
            for seed in range(400)
        ]
    )
    z = (values.mean() - h.trace()) / (values.std() / math.sqrt(len(values)))
    assert abs(z) < 3.5


def test_hutchinson_of_a_network_agrees_with_the_exact_trace_within_its_standard_error():
    model, x = smooth_network(), normal(4, 6)
    f = select(model, 2)
    rows = trace_estimates(f, x, samples=4000, sigma=1e-3)
    z = (rows.mean(0) - exact_trace(f, x)) / (rows.std(0) / math.sqrt(4000))
    assert z.abs().max() < 4


@pytest.mark.parametrize("antithetic", [True, False])
def test_variance_of_one_estimate_is_the_derived_one(antithetic):
    """2 |H|^2, and one-sided 4 |g|^2 / sigma^2 more: sample variances of 20,000 within six percent."""
    f, h, b = quadratic(4)
    x, sigma = normal(1, 4, seed=5), 0.1
    rows = trace_estimates(f, x, samples=20_000, sigma=sigma, antithetic=antithetic)
    expected = 2 * h.square().sum()
    if not antithetic:
        expected = expected + 4 * (h @ x[0] + b).square().sum() / sigma**2
    assert abs(rows.var() / expected - 1) < 0.06


def test_in_the_published_setting_the_antithetic_variance_is_a_hundred_times_smaller():
    """And much more: standard deviations near 200 and 0.08, of a trace of 3."""
    f, x = published()
    one_sided = trace_estimates(f, x, samples=300, sigma=0.01, antithetic=False)
    antithetic = trace_estimates(f, x, samples=300, sigma=0.01)
    assert antithetic.var() < one_sided.var() / 100
    assert 170 < one_sided.std() < 230
    assert 0.066 < antithetic.std() < 0.09
    assert abs(antithetic.mean() / 3.072 - 1) < 0.01


def test_the_same_noise_for_every_example_and_whatever_the_chunk():
    f = select(smooth_network(), torch.tensor([0, 1, 2, 1]))
    x = normal(4, 6)
    together = trace_estimates(f, x, samples=7, sigma=0.05)
    for chunk in (1, 3, 7, 100):
        torch.testing.assert_close(trace_estimates(f, x, samples=7, sigma=0.05, chunk=chunk), together)
    for k in range(4):
        alone = trace_estimates(select(smooth_network(), [0, 1, 2, 1][k]), x[k : k + 1], samples=7, sigma=0.05)
        torch.testing.assert_close(alone[:, 0], together[:, k])
    torch.testing.assert_close(hutchinson_trace(f, x, samples=7, sigma=0.05), together.mean(0))


def test_predicted_classes_are_held_fixed():
    """f = max of two parabolas; the class of x, not that of its noisy copies, is followed."""
    model = lambda x: torch.stack([-x.square().sum(1), -4 * (x - 0.01).square().sum(1)], 1)  # noqa: E731
    x = torch.zeros(1, 2, dtype=torch.float64)
    rows = trace_estimates(select(model), x, samples=50, sigma=1.0)
    torch.testing.assert_close(rows, trace_estimates(select(model, 0), x, samples=50, sigma=1.0))


def test_float32_rounding_stays_below_what_the_docstring_says():
    model = MLP((12, 8), "softplus", inputs=6, classes=3, seed=1).eval()
    x = normal(8, 6).float()
    logit = select(model, 0)
    coarse = trace_estimates(lambda x: logit(x) + 10, x, samples=20)
    fine = trace_estimates(select(model.double(), 0), x.double(), samples=20)
    assert (coarse.double() - fine).abs().max() < 0.06


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_no_trace_is_left(method):
    model, x = smooth_network(), normal(2, 6).requires_grad_()
    with leaves_no_trace(model, x), torch.no_grad():
        result = method(select(model, 1), x)
    assert not result.requires_grad
    assert not method(select(model, 1), x).requires_grad
    with torch.inference_mode():
        torch.testing.assert_close(method(select(model, 1), x.detach()), result)


def f(x):
    return x.square().flatten(1).sum(1)


X = torch.ones(2, 3)
WRONG = [
    ({"x": torch.ones(3)}, r"x: expected shape \(B, \*dims\)"),
    ({"x": X.long()}, "x: expected a floating tensor"),
    ({"x": X / 0}, "x: expected finite values"),
    ({"f": lambda x: x}, r"output of f: expected shape \(B,\) = \(2,\)"),
    ({"f": lambda x: f(x) / 0}, "output of f: expected finite values"),
    ({"f": 3}, "f: expected a function"),
    ({"samples": 0}, "samples: expected an int of at least 1, got 0"),
    ({"samples": 1.5}, "samples: expected an int"),
    ({"sigma": 0}, "sigma: expected a number above 0, got 0"),
    ({"sigma": -1.0}, "sigma: expected a finite number of at least 0, got -1"),
    ({"sigma": math.nan}, "sigma: expected a finite number"),
    ({"sigma": 1e-30}, "estimates of the trace: expected finite values"),
    ({"generator": 0}, "generator: expected a torch.Generator or None, got int"),
    ({"chunk": 0}, "chunk: expected an int of at least 1"),
]


@pytest.mark.parametrize(("change", "said"), WRONG)
def test_wrong_arguments(change, said):
    arguments = {"f": f, "x": X} | change
    with pytest.raises((TypeError, ValueError)) as caught:
        hutchinson_trace(arguments.pop("f"), arguments.pop("x"), **arguments)
    if not isinstance(caught.value, jaxtyping.TypeCheckError):
        caught.match(said)
    if set(change) <= {"f", "x"}:
        with pytest.raises((TypeError, ValueError)):
            exact_trace(change.get("f", f), change.get("x", X))


def test_no_path_to_x_has_no_exact_trace():
    with pytest.raises(ValueError, match="f: expected an output that is differentiable in x"):
        exact_trace(lambda x: x.detach().sum(1), X)
