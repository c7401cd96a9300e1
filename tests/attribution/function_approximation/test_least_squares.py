"""Least squares against numpy and scikit-learn, and its influences and leverages against their definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from interpbook.attribution.function_approximation.least_squares import least_squares


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def weights(rows, n, seed=9):
    weight = torch.rand(rows, n, dtype=torch.float64, generator=torch.Generator().manual_seed(seed)) + 0.1
    return weight / weight.sum(1, keepdim=True)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 6), st.integers(1, 30), st.booleans(), st.booleans(), st.integers(0, 10**6))
def test_smallest_solution_is_numpys(d, n, intercept, shared, seed):
    a, y = normal(n, d, seed=seed), normal(3, n, seed=seed + 1)
    weight = weights(1 if shared else 3, n, seed)
    fit = least_squares(a, weight, y, intercept)
    for b, w in enumerate(weight.expand(3, n)):
        # The intercept is free of the norm: it is taken out by centring.
        center = w @ a if intercept else 0 * a[0]
        level = w @ y[b] if intercept else 0 * y[b, 0]
        root = w.sqrt()
        slope = np.linalg.lstsq((root[:, None] * (a - center)).numpy(), (root * (y[b] - level)).numpy(), rcond=1e-12)[0]
        np.testing.assert_allclose(fit.slope[b], slope, rtol=1e-6, atol=1e-8)
        np.testing.assert_allclose(fit.intercept[b], level - slope @ center.numpy(), rtol=1e-6, atol=1e-8)
    assert fit.rank == min(d, n - intercept)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.3, 5.0])
def test_ridge_is_that_of_scikit_learn(intercept, alpha):
    a, y = normal(40, 4), normal(2, 40, seed=1)
    weight = weights(2, 40)
    fit = least_squares(a, weight, y, intercept, ridge=alpha / 7)
    for b in range(2):
        ridge = Ridge(alpha, fit_intercept=intercept, tol=1e-12).fit(a, y[b], sample_weight=7 * weight[b])
        np.testing.assert_allclose(fit.slope[b], ridge.coef_, rtol=1e-9)
        np.testing.assert_allclose(fit.intercept[b], ridge.intercept_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("intercept", [True, False])
def test_influence_and_leverage_are_derivatives(intercept):
    a, y, weight = normal(12, 3), normal(2, 12, seed=1), weights(2, 12)
    fit = least_squares(a, weight, y, intercept)
    residual = y - fit.intercept[:, None] - fit.slope @ a.T
    for k in range(12):
        moved = y.clone()
        moved[:, k] += 1
        again = least_squares(a, weight, moved, intercept)
        torch.testing.assert_close(fit.influence[..., k], (again.slope - fit.slope) * residual[:, k, None])
        fitted = again.intercept - fit.intercept + (again.slope - fit.slope) @ a[k]
        torch.testing.assert_close(fit.leverage[:, k], fitted)


def test_equal_columns_share_their_weight():
    a = normal(20, 3)[:, [0, 1, 1, 2, 1]]
    y = a @ torch.tensor([2.0, 6.0, 0.0, 1.0, 0.0], dtype=torch.float64) + 3
    fit = least_squares(a, weights(1, 20), y[None], intercept=True)
    torch.testing.assert_close(fit.slope, torch.tensor([[2.0, 2.0, 2.0, 1.0, 2.0]], dtype=torch.float64))
    assert fit.rank == 3


def test_points_that_say_nothing_give_zero():
    fit = least_squares(torch.ones(4, 2).double(), weights(1, 4), normal(1, 4), intercept=True)
    assert fit.rank == 0
    assert not fit.slope.any()
    empty = least_squares(torch.zeros(0, 2).double(), torch.zeros(1, 0).double(), torch.zeros(3, 0).double(), False)
    assert torch.equal(empty.slope, torch.zeros(3, 2).double())


@pytest.mark.parametrize("intercept", [True, False])
def test_terms_that_are_noise_make_it_generalised_least_squares(intercept):
    a, y, noise, weight = normal(15, 3), normal(2, 15, seed=1), normal(15, 6, seed=2), weights(1, 15)
    fit = least_squares(a, weight, y, intercept, noise=noise)
    root = weight[0].sqrt()[:, None]
    columns = root * (torch.cat([a, torch.ones(15, 1)], 1) if intercept else a)
    inverse = torch.linalg.inv(torch.eye(15, dtype=torch.float64) + (root * noise) @ (root * noise).T)
    gram = columns.T @ inverse @ columns
    operator = torch.linalg.solve(gram, columns.T @ inverse)
    expected = (root.T * y) @ operator.T
    torch.testing.assert_close(fit.slope, expected[:, :3])
    if intercept:
        torch.testing.assert_close(fit.intercept, expected[:, 3])
    keeps = inverse - inverse @ columns @ operator
    torch.testing.assert_close(fit.leverage[0], 1 - (keeps @ keeps).diagonal())
    influence = operator[:3] * ((root.T * y) @ keeps)[:, None]
    torch.testing.assert_close(fit.influence, influence)
    # What is linear comes back.
    exact = least_squares(a, weight, (a @ normal(3, seed=5) + 2 * intercept)[None], intercept, noise=noise)
    torch.testing.assert_close(exact.slope[0], normal(3, seed=5))


def test_pairs_among_noise_are_corrected_as_by_the_jackknife():
    """Points and terms change sign within a pair; a pair left out moves the slope by its influence over 1 - h."""
    half, weight = normal(9, 3), weights(1, 9)
    a, noise = (torch.stack([part, -part], 1).flatten(0, 1) for part in (half, normal(9, 5, seed=2)))
    both = (weight / 2).repeat_interleave(2, 1)
    y, share = normal(1, 18, seed=1), torch.rand(9, dtype=torch.float64, generator=torch.Generator().manual_seed(4))
    plain = least_squares(a, both, y, False, noise=noise)
    fit = least_squares(a, both, y, False, noise=noise, missing=share.repeat_interleave(2))
    left = (1 - fit.leverage[0].view(9, 2).sum(1)).sqrt()
    influence = plain.influence[0].unflatten(1, (9, 2)).sum(2)
    for k in range(9):
        rest = [row for row in range(18) if row // 2 != k]
        without = least_squares(a[rest], both[:, rest], y[:, rest], False, noise=noise[rest])
        torch.testing.assert_close(plain.slope[0] - without.slope[0], influence[:, k] / left[k])
    torch.testing.assert_close(fit.slope[0] - plain.slope[0], influence @ (share * (1 - left)))
    linear = least_squares(a, both, (a @ half[0])[None], False, noise=noise, missing=share.repeat_interleave(2))
    torch.testing.assert_close(linear.slope[0], half[0])
