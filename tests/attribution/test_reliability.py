"""Spearman and Brown's formula as algebra over all splits, and estimates with errors against Gaussian explanations."""

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from interpbook.attribution import angle, ensemble_agreement, spearman_brown
from interpbook.attribution.reliability import jackknife_error, mean_products

MU = torch.tensor([[1.0, 0.5, -1.0, 0.0], [0.0, 2.0, 0.5, -0.5], [1.5, 0.0, 0.0, 1.0]], dtype=torch.float64)
SPREAD = 0.8


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def crowds(count: int, members: int, seed: int = 0) -> Tensor:
    """`count` crowds of explanations mu + e, Float[count members 3 4], e Gaussian with variance SPREAD^2."""
    return MU + SPREAD * normal(count, members, *MU.shape, seed=seed)


# The formula.


@given(st.floats(0.01, 50), st.floats(0.01, 50), st.floats(0, 1))
@settings(max_examples=200, deadline=None)
def test_two_lengthenings_are_one(m, n, r1):
    twice = spearman_brown(spearman_brown(r1, m), n)
    assert twice == pytest.approx(spearman_brown(r1, m * n), rel=1e-12)
    assert spearman_brown(spearman_brown(r1, m), 1 / m) == pytest.approx(r1, rel=1e-12)
    assert 0 <= twice <= 1


@given(st.floats(0.01, 50), st.floats(1e-3, 10))
@settings(max_examples=100, deadline=None)
def test_it_is_a_share_of_signal(signal, noise):
    """r_m = s / (s + n / m), from r_1 = s / (s + n)."""
    for m in (0.5, 1, 2, 7.5):
        found = spearman_brown(signal / (signal + noise), m)
        assert found == pytest.approx(signal / (signal + noise / m), rel=1e-10)


def test_known_values():
    assert spearman_brown(0.5, 2) == 2 / 3
    assert [spearman_brown(r1, m) for r1 in (0.0, 1.0) for m in (0.1, 1, 3)] == [0, 0, 0, 1, 1, 1]
    assert spearman_brown(-0.3, 1) == -0.3
    assert spearman_brown(-0.25, 3) == -1.5
    r1, m = torch.tensor([[0.2], [0.6]], dtype=torch.float64), torch.arange(1, 4)
    each = [[spearman_brown(0.2, m) for m in (1, 2, 3)], [spearman_brown(0.6, m) for m in (1, 2, 3)]]
    torch.testing.assert_close(spearman_brown(r1, m), r1.new_tensor(each), rtol=1e-14, atol=0)


@pytest.mark.parametrize(("members", "m"), [(4, 2), (6, 2), (6, 3), (8, 4)])
def test_over_all_splits_it_is_exact(members, m):
    """Of any explanations whatever: mean <a, b> / mean |a|^2 over all pairs of disjoint groups of m."""
    g = normal(members, 5, 3) + 0.7
    products, squares = [], []
    for one in combinations(range(members), m):
        for two in combinations(sorted({*range(members)} - {*one}), m):
            a, b = g[list(one)].mean(0), g[list(two)].mean(0)
            products.append((a * b).sum(1).mean())
            squares.append(a.square().sum(1).mean())
    ratio = torch.stack(products).mean() / torch.stack(squares).mean()
    single = ensemble_agreement(g, 1).reliability
    assert float(ratio) == pytest.approx(spearman_brown(single, m), rel=1e-12)


# The estimates.


@pytest.mark.parametrize("m", [1, 3])
def test_numerator_and_denominator_are_unbiased(m):
    """Their means over 4,000 crowds, within 4 standard errors of |mu|^2 and of |mu|^2 + s^2 / m."""
    averages = crowds(4000, 4 * m).unflatten(1, (4, m)).mean(2)
    tables = torch.stack([mean_products(each) for each in averages])
    signal = MU.square().sum(1).mean()
    noise = MU.shape[1] * SPREAD**2 / m
    rows, columns = torch.triu_indices(4, 4, offset=1)
    for found, expected in (
        (tables[:, rows, columns].mean(1), signal),
        (tables.diagonal(dim1=1, dim2=2).mean(1), signal + noise),
    ):
        assert abs(found.mean() - expected) < 4 * found.std() / 4000**0.5
        assert found.std() / 4000**0.5 < 0.01 * expected


def test_errors_are_the_spread_over_crowds():
    """Of 400 crowds of 12 networks: standard errors, on average, are the standard deviation of the estimates."""
    found = [ensemble_agreement(crowd, 1) for crowd in crowds(400, 12, seed=1)]
    for name in ("reliability", "angle"):
        spread = torch.tensor([getattr(each, name) for each in found]).std()
        error = torch.tensor([getattr(each, f"{name}_error") for each in found]).square().mean().sqrt()
        assert 0.8 < error / spread < 1.25, name


def test_ensembles_follow_the_formula_from_single_networks():
    truth = spearman_brown(float(MU.square().sum() / (MU.square().sum() + MU.numel() * SPREAD**2)), 5)
    found = ensemble_agreement(crowds(1, 300)[0], 5)
    assert abs(found.reliability - truth) < 4 * found.reliability_error
    assert found.reliability_error < 0.02
    assert found.groups == 60


def test_the_jackknife_of_a_mean_is_its_standard_error():
    values = normal(9)
    mean, error = jackknife_error(lambda pairs: float(pairs.diagonal().mean()), torch.diag(values))
    assert mean == pytest.approx(float(values.mean()))
    assert error == pytest.approx(float(values.std() / 3))


def test_all_pairs_of_groups_are_compared():
    """By the definitions, one pair after the other; what is left over of 11 networks is not used."""
    g = normal(11, 4, 2, 3) + 0.5
    averages = [g[first : first + 3].mean(0) for first in (0, 3, 6)]
    pairs = list(combinations(averages, 2))
    products = torch.stack([(a * b).flatten(1).sum(1) for a, b in pairs]).mean()
    squares = torch.stack([a.square().flatten(1).sum(1) for a in averages]).mean()
    found = ensemble_agreement(g, 3)
    assert found.groups == 3
    assert found.reliability == pytest.approx(float(products / squares))
    assert found.angle == pytest.approx(float(torch.stack([angle(a, b) for a, b in pairs]).mean()))


def test_small_angles_are_kept():
    """Three directions at 0, 1e-9 and 2e-9, of which a cosine sees nothing."""
    turn = torch.tensor([0, 1e-9, 2e-9], dtype=torch.float64)
    g = torch.stack([turn.cos(), turn.sin()], 1)[:, None]
    assert ensemble_agreement(g, 1).angle == pytest.approx(4e-9 / 3, rel=1e-6)


def test_equal_members_agree_in_all():
    found = ensemble_agreement((normal(1, 4, 3) + 2).expand(6, 4, 3), 2)
    assert found.reliability == pytest.approx(1, abs=1e-14)
    assert found.reliability_error == pytest.approx(0, abs=1e-7)
    assert found.angle == pytest.approx(0, abs=1e-14)


def test_members_rotations_and_scale_do_not_matter():
    g = normal(8, 5, 4) + 0.5
    found, order = ensemble_agreement(g, 1), [3, 1, 7, 0, 2, 6, 5, 4]
    rotation = torch.linalg.qr(normal(4, 4, seed=3)).Q
    for other in (ensemble_agreement(g[order], 1), ensemble_agreement(1e3 * g @ rotation, 1)):
        for name in ("reliability", "reliability_error", "angle", "angle_error"):
            assert getattr(other, name) == pytest.approx(getattr(found, name), rel=1e-10), name


def test_a_generator_splits_at_random():
    g = normal(9, 5, 4) + 0.5
    in_order, one, same, other = (
        ensemble_agreement(g, 3, generator=seed if seed is None else torch.Generator().manual_seed(seed))
        for seed in (None, 1, 1, 2)
    )
    assert one == same
    assert len({each.reliability for each in (in_order, one, other)}) == 3
    # The mean over many random splits is near the formula, which is the mean over all.
    generator = torch.Generator().manual_seed(0)
    many = torch.tensor([ensemble_agreement(g, 3, generator=generator).reliability for _ in range(200)])
    expected = spearman_brown(ensemble_agreement(g, 1).reliability, 3)
    assert abs(many.mean() - expected) < 4 * many.std() / 200**0.5 + 0.01


def test_float32_is_summed_in_float64():
    g = (1000 + normal(6, 4, 3)).float()
    assert ensemble_agreement(g, 2) == ensemble_agreement(g.double(), 2)


G = torch.ones(7, 4, 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: ensemble_agreement(G, 3),
            ValueError,
            "^explanations: expected at least 9, for 3 groups of m = 3, got 7",
        ),
        (
            lambda: ensemble_agreement(G[0], 1),
            ValueError,
            r"^explanations: expected shape \(M, B, \*dims\), got \(4, 3\)",
        ),
        (
            lambda: ensemble_agreement(0 * G, 1),
            ValueError,
            "^explanations, average of group 0: .*zeros only, got 4 of 4",
        ),
        (lambda: ensemble_agreement(G / 0, 1), ValueError, "^explanations: expected finite"),
        (lambda: ensemble_agreement(G.long(), 1), TypeError, "^explanations: .*int64"),
        (lambda: ensemble_agreement([G], 1), TypeError, "^explanations: .*list"),
        (lambda: ensemble_agreement(G, 0), ValueError, "^m: expected an int of at least 1, got 0"),
        (lambda: ensemble_agreement(G, 1.0), TypeError, "^m: .*got 1.0"),
        (lambda: ensemble_agreement(G, 1, generator=3), TypeError, "^generator: .*got int"),
        (lambda: spearman_brown(1.1, 2), ValueError, "^r1: expected at most 1, .*got 1.1 with m = 2.0"),
        (lambda: spearman_brown(1 + 1e-12, 2), ValueError, "^r1: expected at most 1"),
        (lambda: spearman_brown(-0.5, 3), ValueError, r"^r1: .*more than -1 / \(m - 1\).*got -0.5 with m = 3.0"),
        (lambda: spearman_brown(torch.tensor([0.5, -1.5]), 2), ValueError, "^r1: .*got -1.5 with m = 2.0"),
        (lambda: spearman_brown(0.5, 0), ValueError, "^m: expected more than 0, got 0"),
        (lambda: spearman_brown(0.5, torch.tensor([1.0, -2.0])), ValueError, "^m: .*got -2.0"),
        (lambda: spearman_brown(math.nan, 2), ValueError, "^r1: expected a finite number"),
        (lambda: spearman_brown(torch.tensor([math.inf]), 2), ValueError, "^r1: expected finite"),
        (lambda: spearman_brown("0.5", 2), TypeError, "^r1: .*got '0.5'"),
        (lambda: spearman_brown(torch.tensor([True]), 2), TypeError, "^r1: .*got torch.bool"),
    ],
)
def test_wrong_arguments_are_refused(without_shape_checks, call, error, says):
    with pytest.raises(error, match=says):
        call()
