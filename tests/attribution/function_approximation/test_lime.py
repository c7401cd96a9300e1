"""LIME, C-LIME and KernelSHAP by name: rows of METHODS, closed forms, and their own arguments."""

from collections.abc import Callable
from math import inf

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from interpbook.attribution import (
    METHODS,
    AdditiveGaussian,
    BinaryExponential,
    Explanation,
    SquaredError,
    c_lime,
    exact_banzhaf,
    exact_shapley,
    kernel_shap,
    lfa,
    lime,
    superpixel_grid,
)

BY_NAME: dict[str, Callable[..., Explanation]] = {"LIME": lime, "C-LIME": c_lime, "KernelSHAP": kernel_shap}
FEW = {"samples": 40}  # of 2^10 masks, so that chance has a part in it

each = pytest.mark.parametrize("name", BY_NAME)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def bent(x: Tensor) -> Tensor:
    """Features that do something together."""
    return (x.flatten(1).cumsum(1).tanh()).sum(1) + x.flatten(1)[:, 0] * x.flatten(1)[:, -1]


def same(one: Explanation, other: Explanation) -> bool:
    """Bit for bit."""
    parts = [(one.weights, other.weights), (one.intercept, other.intercept), (one.standard_error, other.standard_error)]
    return one.evaluations == other.evaluations and all(torch.equal(a, b) for a, b in parts)


@each
@pytest.mark.parametrize("samples", [40, 1024])
def test_a_name_is_a_row_of_the_eight_methods_bit_for_bit(name: str, samples: int) -> None:
    x, baseline = normal(2, 10), normal(10, seed=1)
    options = {"samples": samples, "baseline": baseline}
    got = BY_NAME[name](bent, x, **options, generator=seeded(3))
    assert same(got, lfa(bent, x, **METHODS[name], **options, generator=seeded(3)))
    image = normal(2, 1, 6, 6)
    groups = superpixel_grid((6, 6), 2)
    got = BY_NAME[name](bent, image, groups=groups, **FEW)
    assert same(got, lfa(bent, image, **METHODS[name], groups=groups, **FEW))
    assert got.weights.shape == (2, int(groups.max()) + 1)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_kernel_shap_of_an_additive_game_is_each_feature_s_own_part(d: int, seed: int) -> None:
    """f = sum over i of tanh(a_i x_i): feature i adds tanh(a_i x_i) - tanh(a_i b_i), whatever the others do."""
    a, x, b = normal(d, seed=seed), normal(3, d, seed=seed + 1), normal(d, seed=seed + 2)
    fit = kernel_shap(lambda z: (a * z).tanh().sum(1) + 7, x, baseline=b)
    torch.testing.assert_close(fit.weights, (a * x).tanh() - (a * b).tanh(), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(fit.intercept, ((a * b).tanh().sum() + 7).expand(3))


def test_kernel_shap_with_all_masks_has_shapley_s_values_and_adds_up_with_few() -> None:
    x, b = normal(3, 10), normal(10, seed=1)
    torch.testing.assert_close(
        kernel_shap(bent, x, baseline=b, samples=1024).weights, exact_shapley(bent, x, baseline=b)
    )
    rise = bent(x) - bent(b.expand(3, 10))
    torch.testing.assert_close(kernel_shap(bent, x, baseline=b, samples=24).weights.sum(1), rise)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.integers(0, 10**6))
def test_lime_of_a_linear_f_has_f_s_own_terms(d: int, seed: int) -> None:
    """f = a . x + c: f is its own surrogate, a_i (x_i - b_i) + f(b), under any kernel."""
    a, x, b = normal(d, seed=seed), normal(3, d, seed=seed + 1), normal(d, seed=seed + 2)
    for width in (0.1, 0.25, inf):
        fit = lime(lambda z: z @ a + 2, x, baseline=b, width=width)
        torch.testing.assert_close(fit.weights, a * (x - b), rtol=1e-8, atol=1e-8)
        torch.testing.assert_close(fit.intercept, (b @ a + 2).expand(3), rtol=1e-8, atol=1e-8)


def test_lime_with_a_flat_kernel_has_banzhaf_s_values() -> None:
    x = normal(3, 6)
    torch.testing.assert_close(lime(bent, x, width=inf).weights, exact_banzhaf(bent, x), rtol=1e-10, atol=1e-10)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 6), st.floats(1e-3, 10), st.integers(0, 10**6))
def test_c_lime_of_a_linear_f_has_its_slope(d: int, sigma: float, seed: int) -> None:
    a, x = normal(d, seed=seed), normal(3, d, seed=seed + 1)
    fit = c_lime(lambda z: z @ a + 2, x, sigma=sigma, samples=40)
    torch.testing.assert_close(fit.weights, a.expand(3, d), rtol=1e-6, atol=1e-6)
    torch.testing.assert_close(fit.intercept, x @ a + 2, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("sigma", [0.3, 1.5])
def test_c_lime_tends_to_the_slope_of_the_smoothed_f(sigma: float) -> None:
    """E grad sin(a . (x + e)) = a cos(a . x) exp(-sigma^2 |a|^2 / 2)."""
    a, x = torch.tensor([1.0, -0.6, 0.3]).double(), normal(4, 3)
    fit = c_lime(lambda z: (z @ a).sin(), x, sigma=sigma, samples=20_000)
    limit = a * (x @ a).cos()[:, None] * torch.exp(-(sigma**2) * (a @ a) / 2)
    assert ((fit.weights - limit).abs() < 5 * fit.standard_error + 1e-9).all()


def test_widths_are_those_of_the_neighborhoods() -> None:
    x, loss = normal(2, 10), SquaredError()
    assert same(lime(bent, x, width=0.6, **FEW), lfa(bent, x, neighborhood=BinaryExponential(0.6), loss=loss, **FEW))
    assert same(c_lime(bent, x, sigma=0.6, **FEW), lfa(bent, x, neighborhood=AdditiveGaussian(0.6), loss=loss, **FEW))


@each
def test_the_generator_alone_decides_on_the_points(name: str) -> None:
    x, explain = normal(2, 10), BY_NAME[name]
    before = torch.get_rng_state()
    assert same(explain(bent, x, **FEW), explain(bent, x, **FEW, generator=seeded(0)))
    assert not torch.equal(explain(bent, x, **FEW).weights, explain(bent, x, **FEW, generator=seeded(1)).weights)
    generator = seeded(1)
    first, second = (explain(bent, x, **FEW, generator=generator).weights for _ in range(2))
    assert not torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)


@each
@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"samples": 0}, ValueError, "^samples: "),
        ({"samples": 2.5}, TypeError, "^samples: "),
        ({"generator": 3}, TypeError, "^generator: "),
        ({"groups": torch.zeros(7).long()}, ValueError, "^groups: "),
        ({"baseline": torch.zeros(7)}, ValueError, "^baseline: "),
        ({"baseline": "black"}, TypeError, "^baseline: "),
    ],
)
def test_errors_name_the_argument(without_shape_checks, name: str, options: dict, error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        BY_NAME[name](bent, normal(2, 10), **options)
    with pytest.raises(TypeError, match="positional"):
        BY_NAME[name](bent, normal(2, 10), 100)


@pytest.mark.parametrize(("sigma", "error"), [(0, ValueError), (-1, ValueError), (inf, ValueError), ("1", TypeError)])
def test_errors_of_widths(without_shape_checks, sigma: object, error: type) -> None:
    with pytest.raises(error, match=r"^sigma: expected .*, got "):
        c_lime(bent, normal(2, 10), sigma=sigma)
    if sigma != inf:
        with pytest.raises(error, match=r"^width: expected .*, got "):
            lime(bent, normal(2, 10), width=sigma)
