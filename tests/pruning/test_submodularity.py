"""F of any set by its definition, the best set and the ratio by looking at all sets, and the bound that joins them."""

import math
from itertools import combinations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from least_squares import explained_by_rows, normal, products, regression

from interpbook.pruning import best_subset, explained, greedy_select, submodularity_ratio


def subsets(columns, most=None):
    columns = [*columns]
    most = len(columns) if most is None else most
    return [s for size in range(most + 1) for s in combinations(columns, size)]


def ratio_by_sets(B, T, k, within):
    """The definition: two loops over sets, least squares for each."""
    value = {kept: explained_by_rows(B, T, [*kept]) for kept in subsets(range(B.shape[1]))}
    rounding = 1e-9 * max(value.values())
    ratio = math.inf
    for first in subsets(within):
        for second in subsets(sorted({*range(B.shape[1])} - {*first}), k):
            together = value[tuple(sorted(first + second))] - value[first]
            if together > rounding:
                singly = sum(value[tuple(sorted((*first, i)))] - value[first] for i in second)
                ratio = min(ratio, singly / together)
    return ratio


# --- F ---


@pytest.mark.parametrize("asymmetric", [False, True])
def test_explained_is_what_least_squares_explains_of_every_set(asymmetric):
    B, T = regression(20, 6, 3, seed=1, asymmetric=asymmetric)
    gram, cross = products(B, T)
    for size in range(7):
        sets = torch.tensor([*combinations(range(6), size)], dtype=torch.int64)
        values = explained(gram, cross, sets)
        assert values.shape == (math.comb(6, size),)
        for kept, value in zip(sets, values, strict=True):
            expected = explained_by_rows(B, T, kept)
            assert float(value) == pytest.approx(expected, rel=1e-10, abs=1e-10)
            assert float(explained(gram, cross, kept.flip(0))) == pytest.approx(expected, rel=1e-10, abs=1e-10)
    assert float(explained(gram, cross, torch.arange(6))) <= float(T.square().sum()) * (1 + 1e-12)
    assert explained(gram, cross, torch.tensor([[[0, 1]], [[2, 3]]])).shape == (2, 1)


@given(
    columns=st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=2, max_size=5),
    target=st.lists(st.integers(-2, 2), min_size=3, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_nothing_explains_nothing_and_more_columns_never_explain_less(columns, target):
    B, T = torch.tensor(columns, dtype=torch.float64).T, torch.tensor(target, dtype=torch.float64)[:, None]
    gram, cross = products(B, T)
    assert float(explained(gram, cross, torch.zeros(0, dtype=torch.int64))) == 0
    for kept in subsets(range(len(columns))):
        value = float(explained(gram, cross, torch.tensor(kept, dtype=torch.int64)))
        assert value == pytest.approx(explained_by_rows(B, T, [*kept]), abs=1e-9)
        for more in {*range(len(columns))} - {*kept}:
            assert float(explained(gram, cross, torch.tensor([*kept, more]))) >= value - 1e-9


def test_duplicates_dead_columns_and_scales_do_not_change_what_is_explained():
    B, T = regression(20, 4, 3, seed=2)
    more = torch.cat([B, B[:, :1] * 2.0**40, 0 * B[:, :1]], 1)
    expected = pytest.approx(explained_by_rows(B, T, [0, 2]), rel=1e-9)
    gram, cross = products(more, T)
    for kept in ([0, 2], [4, 2], [0, 4, 2], [0, 5, 2], [5, 4, 2, 0]):
        assert float(explained(gram, cross, torch.tensor(kept))) == expected


# --- the best set ---


@pytest.mark.parametrize("seed", range(3))
def test_the_best_set_explains_most_of_all_sets(seed):
    B, T = regression(25, 7, 3, seed, asymmetric=seed == 2)
    for k in range(8):
        kept, value = best_subset(*products(B, T), k)
        values = {s: explained_by_rows(B, T, [*s]) for s in combinations(range(7), k)}
        assert tuple(kept.tolist()) == max(values, key=values.get)
        assert float(value) == pytest.approx(max(values.values()), rel=1e-10, abs=1e-10)


def test_more_sets_than_one_piece_are_all_looked_at():
    B = torch.eye(16)
    T = torch.zeros(16, 1)
    T[9:] = 1
    kept, value = best_subset(*products(B, T), 7)
    assert math.comb(16, 7) > 2**12
    assert (kept.tolist(), float(value)) == ([*range(9, 16)], 7)


# --- the ratio ---


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("seed", range(3))
def test_the_ratio_is_that_of_two_loops_over_sets(seed, asymmetric):
    B, T = regression(12, 5, 1 + seed, seed, asymmetric)
    gram, cross = products(B, T)
    for k, within in ((1, range(5)), (2, range(5)), (5, range(5)), (2, (1, 3)), (3, (4,)), (4, ())):
        found = submodularity_ratio(gram, cross, k, torch.tensor([*within], dtype=torch.int64))
        assert found == pytest.approx(ratio_by_sets(B, T, k, within), rel=1e-7)
    assert submodularity_ratio(gram, cross, 3) == submodularity_ratio(gram, cross, 3, torch.arange(5))


def test_orthogonal_columns_have_ratio_1():
    B = torch.linalg.qr(normal(20, 8, seed=3)).Q * torch.arange(1, 9)
    gram, cross = products(B, normal(20, 4, seed=4))
    assert submodularity_ratio(gram, cross, 8) == pytest.approx(1, abs=1e-12)


def test_the_ratio_of_two_columns_is_as_on_paper():
    """Two columns of length 1 with inner product c, each with inner product 1 with T: 2 alone, 2 / (1 + c) together."""
    for c in (-0.9, -0.5, 0.0, 0.5, 0.9):
        gram = torch.tensor([[1, c], [c, 1]], dtype=torch.float64)
        assert submodularity_ratio(gram, torch.ones(2, 1), 2) == pytest.approx(min(1, 1 + c), abs=1e-12)


def test_a_column_that_explains_nothing_alone_and_all_beside_another_has_ratio_near_0():
    for noise in (1.0, 10.0, 1000.0):
        B = torch.tensor([[1.0, 0.0], [noise, 1.0]], dtype=torch.float64)
        T = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
        assert submodularity_ratio(*products(B, T), 2) == pytest.approx(1 / (1 + noise**2), rel=1e-6)


def test_the_scale_of_columns_and_target_and_a_map_of_the_target_leave_the_ratio():
    B, T = regression(20, 6, 3, seed=5)
    expected = submodularity_ratio(*products(B, T), 3)
    factors = 2.0 ** torch.tensor([-20, 3, 0, 20, -1, 6], dtype=torch.float64)
    rotation = torch.linalg.qr(normal(3, 3, seed=6)).Q
    assert submodularity_ratio(*products(B * factors, 1e-3 * T @ rotation), 3) == pytest.approx(expected, rel=1e-8)


def test_where_nothing_adds_anything_the_ratio_is_1():
    assert submodularity_ratio(torch.eye(3), torch.zeros(3, 2), 2) == 1
    assert submodularity_ratio(torch.zeros(3, 3), torch.zeros(3, 2), 2) == 1


# --- the bound ---


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("seed", range(12))
def test_greedy_reaches_its_share_of_the_best_set(seed, asymmetric):
    d = 5 + seed % 4
    B, T = regression(8 + seed, d, 1 + seed % 3, 100 + seed, asymmetric)
    if seed % 2:
        # Columns with much in common that the target does not see: far from submodular.
        B = B + 3 * normal(len(B), 1, seed=seed)
    gram, cross = products(B, T)
    for k in (2, 3):
        order, gains = greedy_select(gram, cross, k)
        best = float(best_subset(gram, cross, k)[1])
        assert float(gains.sum()) <= best * (1 + 1e-9)
        anywhere = submodularity_ratio(gram, cross, k)
        along = submodularity_ratio(gram, cross, k, order)
        assert 0 <= anywhere <= along <= 1
        assert float(gains.sum()) >= (1 - math.exp(-along)) * best * (1 - 1e-9)


def test_ten_columns_are_within_reach():
    gram, cross = products(*regression(15, 10, 2, seed=7))
    order, gains = greedy_select(gram, cross, 4)
    share = 1 - math.exp(-submodularity_ratio(gram, cross, 4, order))
    assert share > 0
    assert float(gains.sum()) >= share * float(best_subset(gram, cross, 4)[1])


def by_stale_bounds(B, T, k):
    """Lazy greedy: a gain of an earlier round is taken for an upper bound, as it is where F is submodular."""
    bounds = {i: explained_by_rows(B, T, [i]) for i in range(B.shape[1])}
    picks = []
    while len(picks) < k:
        fresh = set()
        while True:
            first = max(bounds, key=bounds.get)
            if first in fresh:
                break
            bounds[first] = explained_by_rows(B, T, [*picks, first]) - explained_by_rows(B, T, picks)
            fresh.add(first)
        picks.append(first)
        del bounds[first]
    return picks


def test_stale_upper_bounds_miss_a_column_that_gains_after_another_was_picked():
    # The first is the target with noise; the second is the noise, and explains nothing alone.
    B = torch.tensor([[1.0, 0.0, 1.0], [2.0, 1.0, 0.0], [0.0, 0.0, 3.0]], dtype=torch.float64)
    T = torch.tensor([[1.0], [0.0], [0.0]], dtype=torch.float64)
    order, gains = greedy_select(*products(B, T), 2)
    assert order.tolist() == [0, 1]
    assert gains.tolist() == pytest.approx([0.2, 0.8])
    lazy = by_stale_bounds(B, T, 2)
    assert lazy == [0, 2]
    assert explained_by_rows(B, T, lazy) < 0.3
    # Where gains only fall, as with orthogonal columns, stale bounds do no harm.
    Q = torch.linalg.qr(normal(9, 6, seed=8)).Q
    target = normal(9, 2, seed=9)
    assert by_stale_bounds(Q, target, 6) == greedy_select(*products(Q, target), 6)[0].tolist()


# --- what is refused ---

GRAM, CROSS = products(*regression(20, 4, 3))


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("gram", "cross", "error", "message"),
    [
        (GRAM[:3], CROSS, ValueError, r"gram: expected shape \(d, d\)"),
        (GRAM, CROSS[:3], ValueError, r"cross: expected shape \(4, m\)"),
        (GRAM * torch.nan, CROSS, ValueError, "gram: .*NaN"),
        (GRAM, CROSS / 0, ValueError, "cross: .*infinite"),
        (GRAM.tolist(), CROSS, TypeError, "gram: expected a floating tensor, got list"),
    ],
)
def test_matrices_that_are_no_products_are_refused(gram, cross, error, message):
    for call in (explained, best_subset, submodularity_ratio):
        with pytest.raises(error, match=message):
            call(gram, cross, [0] if call is explained else 1)


@pytest.mark.usefixtures("without_shape_checks")
def test_sets_of_columns_are_refused_where_one_is_none():
    with pytest.raises(ValueError, match="kept: expected each column once"):
        explained(GRAM, CROSS, torch.tensor([[0, 1], [2, 2]]))
    with pytest.raises(ValueError, match="kept: expected places of columns, from 0 to 3"):
        explained(GRAM, CROSS, torch.tensor([[[0, 1]], [[2, 4]]]))
    with pytest.raises(TypeError, match="kept: expected an integer tensor"):
        explained(GRAM, CROSS, torch.tensor([[0.0, 1.0]]))


@pytest.mark.usefixtures("without_shape_checks")
def test_counts_and_columns_of_the_ratio_are_checked():
    for k, error in ((0, ValueError), (-1, ValueError), (1.0, TypeError), (True, TypeError)):
        with pytest.raises(error, match="k: expected an int of at least 1"):
            submodularity_ratio(GRAM, CROSS, k)
    with pytest.raises(ValueError, match="within: expected places of columns, from 0 to 3"):
        submodularity_ratio(GRAM, CROSS, 2, torch.tensor([4]))
    with pytest.raises(ValueError, match="within: expected each column once"):
        submodularity_ratio(GRAM, CROSS, 2, torch.tensor([1, 1]))


@pytest.mark.usefixtures("without_shape_checks")
def test_sizes_of_the_best_set_are_checked():
    for k in (5, -1, 2.0, True, None):
        with pytest.raises(ValueError, match="k: expected an int from 0 to 4, the number of columns, got"):
            best_subset(GRAM, CROSS, k)


def test_more_sets_than_can_be_looked_at_are_refused():
    gram, cross = torch.eye(30), torch.ones(30, 1)
    with pytest.raises(ValueError, match="k: expected at most 1048576 sets, got 155117520 sets of 15 of 30 columns"):
        best_subset(gram, cross, 15)
    with pytest.raises(ValueError, match="gram: expected at most 12 columns"):
        submodularity_ratio(gram, cross, 2)
    with pytest.raises(ValueError, match="gram: expected at most 12 columns"):
        submodularity_ratio(gram[:13, :13], cross[:13], 2)
    assert best_subset(gram, cross, 1)[0].tolist() == [0]
