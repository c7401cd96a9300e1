"""The axioms of Shapley and Banzhaf values, on random games."""

from itertools import permutations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interpbook.attribution.function_approximation.features import superpixel_grid
from interpbook.attribution.function_approximation.games import exact_banzhaf, exact_shapley

VALUES = pytest.mark.parametrize("value", [exact_shapley, exact_banzhaf])


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def game(d, seed):
    """A random number for each coalition, as a function of inputs of zeros and ones."""
    worth = normal(2**d, seed=seed)
    return lambda x: worth[(x.long() * 2 ** torch.arange(d)).sum(1)]


def ones(d):
    return torch.ones(1, d, dtype=torch.float64)


games = given(st.integers(1, 6), st.integers(0, 10**6))
few = settings(max_examples=30, deadline=None)


@few
@games
def test_shapley_is_the_mean_over_orders_of_arrival(d, seed):
    v, values = game(d, seed), torch.zeros(d, dtype=torch.float64)
    orders = list(permutations(range(d)))
    for order in orders:
        here = torch.zeros(1, d, dtype=torch.float64)
        for i in order:
            before = v(here)
            here[0, i] = 1
            values[i] += (v(here) - before)[0] / len(orders)
    torch.testing.assert_close(exact_shapley(v, ones(d))[0], values)


@few
@games
def test_banzhaf_is_the_mean_over_coalitions(d, seed):
    v = game(d, seed)
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * d).view(-1, d)
    for i in range(d):
        joined, without = masks.clone(), masks.clone()
        joined[:, i], without[:, i] = 1, 0
        torch.testing.assert_close(exact_banzhaf(v, ones(d))[0, i], (v(joined) - v(without)).mean())


@few
@games
def test_shapley_is_efficient(d, seed):
    v = game(d, seed)
    torch.testing.assert_close(exact_shapley(v, ones(d)).sum(1), v(ones(d)) - v(0 * ones(d)))


def test_banzhaf_is_not_efficient():
    assert exact_banzhaf(lambda x: x.prod(1), ones(3)).sum() == pytest.approx(0.75)


@VALUES
@few
@games
def test_equal_players_get_the_same(value, d, seed):
    v = game(d, seed)
    swapped = list(range(d))
    swapped[0], swapped[-1] = d - 1, 0
    values = value(lambda x: v(x) + v(x[:, swapped]), ones(d))[0]
    torch.testing.assert_close(values[0], values[-1])


@VALUES
@few
@games
def test_a_dummy_gets_what_it_brings(value, d, seed):
    v = game(d, seed)
    values = value(lambda x: v(x[:, 1:]) + 2.5 * x[:, 0], ones(d + 1))
    torch.testing.assert_close(values[0, 0], torch.tensor(2.5, dtype=torch.float64))
    torch.testing.assert_close(values[:, 1:], value(v, ones(d)))


@VALUES
@few
@games
def test_values_add_up_over_games(value, d, seed):
    v, w = game(d, seed), game(d, seed + 1)
    both = value(lambda x: v(x) - 3 * w(x), ones(d))
    torch.testing.assert_close(both, value(v, ones(d)) - 3 * value(w, ones(d)))


@pytest.mark.parametrize(
    ("f", "x", "shapley", "banzhaf"),
    [
        (lambda x: x[:, 0] * x[:, 1] + x[:, 2], [1.0, 1.0, 1.0], [0.5, 0.5, 1.0], [0.5, 0.5, 1.0]),
        (lambda x: x.prod(1), [2.0, 2.0, 2.0], [8 / 3] * 3, [2.0, 2.0, 2.0]),
        (lambda x: x.amax(1), [3.0, 1.0, 0.0], [2.5, 0.5, 0.0], [2.5, 0.5, 0.0]),
    ],
)
def test_known_values(f, x, shapley, banzhaf):
    x = torch.tensor([x], dtype=torch.float64)
    torch.testing.assert_close(exact_shapley(f, x)[0], torch.tensor(shapley, dtype=torch.float64))
    torch.testing.assert_close(exact_banzhaf(f, x)[0], torch.tensor(banzhaf, dtype=torch.float64))


@VALUES
def test_a_linear_function_has_its_terms(value):
    weight, x, baseline = normal(2, 3), normal(4, 2, 3, seed=1), normal(2, 3, seed=2)
    values = value(lambda x: (weight * x).sum((1, 2)) + 7, x, baseline=baseline, chunk=3)
    torch.testing.assert_close(values, weight * (x - baseline))


@VALUES
def test_a_group_is_one_player(value):
    x, grid = normal(2, 3, 4, 4), superpixel_grid((4, 4), 2)
    f = lambda x: x.flatten(1).sum(1).tanh() * (1 + x[:, 0, 0, 0])  # noqa: E731
    parts = torch.stack([(x * (grid == k)).flatten(1) for k in range(4)], 1)
    expected = value(lambda keep: f((keep[:, :, None] * parts[:1]).sum(1).view(-1, 3, 4, 4)), ones(4))
    torch.testing.assert_close(value(f, x, groups=grid)[:1], expected)


@VALUES
def test_sixteen_features_and_no_more(value):
    weight = normal(16)
    torch.testing.assert_close(value(lambda x: x.float() @ weight.float(), ones(16))[0], weight, atol=1e-5, rtol=1e-4)
    with pytest.raises(ValueError, match="x: expected at most 16 features, got 17"):
        value(lambda x: x.sum(1), ones(17))
    with pytest.raises(ValueError, match="output of f: expected finite"):
        value(lambda x: x.sum(1) / x[:, 0], ones(3))
