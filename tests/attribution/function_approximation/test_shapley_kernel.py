"""Which coalitions are looked at, and that their weights are those of the Shapley kernel."""

from math import comb

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interpbook.attribution.function_approximation.coalitions import pairs_of_size
from interpbook.attribution.function_approximation.shapley_kernel import allocate, shapley_design


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 40), st.integers(1, 3000))
def test_allocation_spends_the_budget_from_the_outside_in(d, pairs):
    taken = allocate(d, pairs)
    available = [pairs_of_size(d, s) for s in range(1, d // 2 + 1)]
    assert sum(taken) == min(pairs, sum(available))
    assert all(0 <= t <= a for t, a in zip(taken, available, strict=True))
    share = [t / a for t, a in zip(taken, available, strict=True)]
    # An inner size may be ahead of its neighbour by what one pair is worth.
    assert all(share[s] + 1 / available[s] >= share[s + 1] - 1 / available[s + 1] for s in range(len(share) - 1))


def test_what_rounding_leaves_over_goes_where_it_is_most_missing():
    """40 pairs for the masses 1/8, 2/21, 1/12 and 1/25 of the sizes 2 to 5 of 10: 14.6, 11.1, 9.7 and 4.7."""
    assert allocate(10, 50) == [10, 14, 11, 10, 5]


@pytest.mark.parametrize("d", range(2, 11))
def test_an_enumerated_design_is_the_shapley_kernel(d):
    design = shapley_design(d, 2**d - 2, generator())
    assert design.exact
    sizes = design.xi.sum(1).tolist()
    kernel = torch.tensor([(d - 1) / (comb(d, s) * s * (d - s)) for s in sizes], dtype=torch.float64)
    torch.testing.assert_close(design.weight[0], kernel / kernel.sum())
    assert not shapley_design(d, 2**d - 4, generator()).exact or d == 2


def test_a_sample_has_the_mass_of_each_size():
    design = shapley_design(9, 200, generator())
    assert not design.exact
    sizes = design.xi.sum(1)
    for s in range(1, 9):
        mass = design.weight[0, sizes == s].sum()
        assert float(mass) == pytest.approx(1 / (s * (9 - s)) / sum(1 / (k * (9 - k)) for k in range(1, 9)))
    assert bool((design.xi[0::2] ^ design.xi[1::2]).all())
    pairs = design.stratum.bincount().tolist()
    assert design.unseen.tolist() == pytest.approx([1 - n / comb(9, s) for s, n in enumerate(pairs, 1)])
    assert design.xi[0::2].sum(1).tolist() == (design.stratum + 1).tolist()


def test_draws_come_from_the_generator():
    one, same, other = (shapley_design(12, 100, generator(seed)).xi for seed in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
