"""Coalitions against enumeration, and draws against their probabilities."""

from itertools import combinations
from math import comb

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interpbook.attribution.function_approximation.coalitions import (
    all_coalitions,
    coalitions_by_size,
    coalitions_of_size,
    distinct_pairs,
    paired,
    pairs_by_size,
    pairs_of_size,
)


def drawn(d, count, generator, size=None):
    """`count` pairs of one size, or of any."""
    if size is None:
        return distinct_pairs(d, count, generator)
    return pairs_by_size(d, [0] * (size - 1) + [count], generator)


def sets(masks):
    return [frozenset(row.nonzero().flatten().tolist()) for row in masks]


@pytest.mark.parametrize("d", range(1, 9))
def test_all_coalitions_are_all_subsets(d):
    masks = all_coalitions(d)
    assert len(set(sets(masks))) == len(masks) == 2**d
    assert all(sum(2**i for i in members) == k for k, members in enumerate(sets(masks)))


@pytest.mark.parametrize("d", range(2, 10))
def test_pairs_of_all_sizes_are_every_coalition_but_two(d):
    masks = torch.cat([paired(coalitions_of_size(d, size)) for size in range(1, d // 2 + 1)])
    subsets = {frozenset(c) for size in range(1, d) for c in combinations(range(d), size)}
    assert set(sets(masks)) == subsets
    assert len(masks) == len(subsets)
    assert [len(coalitions_of_size(d, size)) for size in range(1, d // 2 + 1)] == [
        pairs_of_size(d, size) for size in range(1, d // 2 + 1)
    ]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 12), st.integers(0, 10**6))
def test_drawn_pairs_are_distinct_and_of_their_size(data, d, seed):
    size = data.draw(st.none() | st.integers(1, d // 2)) if d > 1 else None
    available = 2 ** (d - 1) if size is None else pairs_of_size(d, size)
    count = data.draw(st.integers(0, min(available, 200)))
    half = drawn(d, count, torch.Generator().manual_seed(seed), size)
    assert half.shape == (count, d)
    both = sets(paired(half))
    assert len(set(both)) == 2 * count
    assert size is None or {len(members) for members in both} <= {size, d - size}


@pytest.mark.parametrize(("d", "count", "size"), [(6, 2, 2), (6, 10, 2), (6, 2, 3), (5, 2, None), (5, 12, None)])
def test_every_pair_is_drawn_equally_often(d, count, size):
    """Both ways of drawing: by rejection, and from a list."""
    generator, draws = torch.Generator().manual_seed(5), 2000
    rows = torch.cat([drawn(d, count, generator, size) for _ in range(draws)])
    # As the subset with feature 0, or of the smaller size.
    seen = dict.fromkeys(sets(rows), 0)
    for members in sets(rows):
        seen[members] += 1
    available = 2 ** (d - 1) if size is None else comb(d, size) // (2 if 2 * size == d else 1)
    assert len(seen) == available
    share = count / available
    z = torch.tensor([(n - draws * share) / (draws * share * (1 - share)) ** 0.5 for n in seen.values()])
    assert z.abs().max() < 4.5


def test_more_features_than_an_integer_has_bits():
    half = drawn(200, 50, torch.Generator().manual_seed(0), 90)
    assert half.sum(1).tolist() == [90] * 50
    assert distinct_pairs(200, 50, torch.Generator().manual_seed(0)).sum(1).float().mean() == pytest.approx(100, abs=5)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 12), st.integers(0, 10**6))
def test_coalitions_drawn_by_size_are_distinct_and_as_many_as_asked(data, d, seed):
    counts = [data.draw(st.integers(0, min(comb(d, size), 60))) for size in range(d + 1)]
    drawn = coalitions_by_size(d, counts, torch.Generator().manual_seed(seed))
    assert drawn.sum(1).bincount(minlength=d + 1).tolist() == counts
    assert len(set(sets(drawn))) == sum(counts)


@pytest.mark.parametrize(("d", "size", "count"), [(6, 3, 2), (6, 3, 15), (5, 2, 2), (5, 4, 3)])
def test_every_coalition_of_a_size_is_drawn_equally_often(d, size, count):
    generator, draws = torch.Generator().manual_seed(5), 2000
    counts = [count if s == size else 0 for s in range(d + 1)]
    rows = torch.cat([coalitions_by_size(d, counts, generator) for _ in range(draws)])
    _, seen = rows.unique(dim=0, return_counts=True)
    assert len(seen) == comb(d, size)
    share = count / comb(d, size)
    assert ((seen - draws * share) / (draws * share * (1 - share)) ** 0.5).abs().max() < 4.5
