"""What the lesson and its evidence prove, tried in double precision."""

import math

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from interpbook.models import MLP
from interpbook.training import fit

DOUBLE = torch.float64


def two_data_sets():
    """Rows, signs, and the same rows with noise."""
    generator = torch.Generator().manual_seed(0)
    signs = 2.0 * (torch.rand(300, generator=generator, dtype=DOUBLE) > 0.4) - 1
    rows = torch.randn(300, 8, generator=generator, dtype=DOUBLE) + 0.5 * signs[:, None]
    return rows, signs, rows + 0.3 * torch.randn(300, 8, generator=generator, dtype=DOUBLE)


def minimizer(rows, signs, decay):
    model = LogisticRegression(C=1 / (decay * len(rows)), fit_intercept=False, tol=1e-12, max_iter=10000)
    return torch.from_numpy(model.fit(rows.numpy(), signs.numpy()).coef_[0])


def risk_gradient(rows, signs, theta):
    return -((torch.sigmoid(-signs * (rows @ theta)) * signs)[:, None] * rows).mean(0)


@pytest.mark.parametrize("decay", [1e-3, 1e-1, 10.0])
def test_regularized_solutions_are_no_further_apart_than_their_risks_gradients_allow(decay):
    rows, signs, noisy = two_data_sets()
    one, two = minimizer(rows, signs, decay), minimizer(noisy, signs, decay)
    bound = (risk_gradient(rows, signs, two) - risk_gradient(noisy, signs, two)).norm() / decay
    assert (one - two).norm() <= bound + 1e-8
    assert (one - two).norm() > bound / 1000


def test_strong_decay_shrinks_the_raw_change_and_leaves_the_relative_one():
    rows, signs, noisy = two_data_sets()
    zero = torch.zeros(8, dtype=DOUBLE)
    first, second = risk_gradient(rows, signs, zero), risk_gradient(noisy, signs, zero)
    raw, relative = [], []
    for decay in (1e2, 1e3, 1e4):
        one, two = minimizer(rows, signs, decay), minimizer(noisy, signs, decay)
        raw.append(float(decay * (one - two).norm()))
        relative.append(float((one - two).norm() / one.norm()))
    assert raw[-1] == pytest.approx(float((first - second).norm()), rel=1e-3)
    assert relative[-1] == pytest.approx(float((first - second).norm() / first.norm()), rel=1e-3)


@pytest.mark.parametrize("beta", [2, 5, 10])
def test_softplus_bends_at_most_by_a_quarter_of_beta_and_at_zero_by_as_much(beta):
    z = torch.linspace(-3, 3, 601, dtype=DOUBLE, requires_grad=True)
    (slope,) = torch.autograd.grad(torch.nn.functional.softplus(z, beta=beta).sum(), z, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), z)
    assert bend.max() <= beta / 4 + 1e-12
    assert bend[300] == pytest.approx(beta / 4, abs=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.01])
@pytest.mark.parametrize("labels", ["given", "drawn"])
def test_the_schedule_alone_decides_what_becomes_of_the_sum_of_the_last_layer_s_rows(decay, labels):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(40, 3, generator=generator, dtype=DOUBLE)
    y = (x[:, 0] > 0).long() if labels == "given" else torch.randint(0, 3, (40,), generator=generator)
    model = MLP((6,), inputs=3, classes=3, seed=0).double()
    start = torch.cat([model.fc.weight, model.fc.bias[:, None]], 1).detach().clone()
    fit(model, (x, y), epochs=5, optimizer="sgd", lr=0.1, weight_decay=decay, batch_size=10, progress=False)
    end = torch.cat([model.fc.weight, model.fc.bias[:, None]], 1).detach()

    # SGD with momentum on lambda s alone, as torch has it, with the cosine of `fit`.
    factor, velocity = 1.0, 0.0
    for step in range(20):
        velocity = 0.9 * velocity + decay * factor
        factor -= 0.1 * (1 + math.cos(math.pi * step / 20)) / 2 * velocity
    np.testing.assert_allclose(end.sum(0), factor * start.sum(0), atol=1e-14)
    assert (end - start).abs().max() > 0.01
