"""The sweep picks what a loop over candidates picks, and new weights are least squares, whatever depends on what."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from least_squares import best_weights, explained_by_rows, normal, products, regression
from networks import randomize
from torch import nn
from traces import leaves_no_trace

from interpbook.pruning import explained, find_couplings, greedy_select, reweight
from interpbook.pruning.activations import input_of, moments, rows_of, weights_of
from interpbook.pruning.selection import columns_of


def by_loop(B, T, k, groups=None):
    """Solve least squares for every candidate that is left, take the best; what each pick adds."""
    groups = torch.arange(B.shape[1]) if groups is None else groups
    picks, values = [], [0.0]
    for _ in range(k):
        scores = {}
        for candidate in range(int(groups.max()) + 1):
            if candidate not in picks:
                kept = torch.isin(groups, torch.tensor([*picks, candidate])).nonzero()[:, 0]
                scores[candidate] = explained_by_rows(B, T, kept)
        picks.append(max(scores, key=scores.get))
        values.append(scores[picks[-1]])
    return picks, torch.tensor(values, dtype=torch.float64).diff()


def close(one, other, rel=1e-9):
    scale = float(torch.as_tensor(other).abs().max()) if torch.as_tensor(other).numel() else 1.0
    torch.testing.assert_close(one, torch.as_tensor(other, dtype=torch.float64), rtol=0, atol=rel * max(scale, 1e-300))


# --- picks and gains ---


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_sweep_picks_what_a_loop_over_all_candidates_picks(seed, asymmetric):
    B, T = regression(40, 9, 5, seed, asymmetric)
    order, gains = greedy_select(*products(B, T), 9)
    expected, added = by_loop(B, T, 9)
    assert order.tolist() == expected
    close(gains, added)
    assert (order.dtype, gains.dtype) == (torch.int64, torch.float64)


GROUPS = {
    "equal": [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3],
    "interleaved": [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3],
    "unequal": [0, 1, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4],
    "unequal and interleaved": [4, 0, 2, 1, 1, 4, 3, 2, 0, 1, 1, 1],
    "one": [0] * 12,
    "of one": [*range(12)],
    "of one, from last to first": [*range(11, -1, -1)],
}
GROUPS = {name: torch.tensor(groups) for name, groups in GROUPS.items()}


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("seed", range(2))
def test_groups_are_picked_as_a_loop_over_groups_picks_them(name, seed):
    groups = GROUPS[name]
    B, T = regression(50, 12, 4, seed)
    k = int(groups.max()) + 1
    order, gains = greedy_select(*products(B, T), k, groups)
    expected, added = by_loop(B, T, k, groups)
    assert order.tolist() == expected
    close(gains, added)


@pytest.mark.parametrize("groups", [None, GROUPS["unequal and interleaved"]])
def test_gains_add_up_to_what_the_kept_columns_explain(groups):
    B, T = regression(60, 12, 7, seed=3)
    gram, cross = products(B, T)
    numbers = torch.arange(12) if groups is None else groups
    order, gains = greedy_select(gram, cross, int(numbers.max()) + 1, groups)
    for k in range(len(order) + 1):
        kept = torch.isin(numbers, order[:k]).nonzero()[:, 0]
        total = float(gains[:k].sum())
        assert total == pytest.approx(explained_by_rows(B, T, kept), rel=1e-10, abs=1e-9)
        assert total == pytest.approx(float(explained(gram, cross, kept)), rel=1e-10, abs=1e-9)
    # All columns leave nothing of T = A W.
    assert total == pytest.approx(float(T.square().sum()), rel=1e-12)


@pytest.mark.parametrize("groups", [None, GROUPS["unequal"]])
def test_picks_do_not_depend_on_how_many_are_wanted(groups):
    gram, cross = products(*regression(30, 12, 3, seed=1))
    most = 12 if groups is None else int(groups.max()) + 1
    order, gains = greedy_select(gram, cross, most, groups)
    assert sorted(order.tolist()) == [*range(most)]
    for k in range(most):
        fewer, their_gains = greedy_select(gram, cross, k, groups)
        assert torch.equal(fewer, order[:k])
        assert torch.equal(their_gains, gains[:k])


def test_of_equal_gains_the_first_is_picked():
    order, gains = greedy_select(torch.eye(5), torch.tensor([[1.0], [2.0], [-2.0], [0.0], [2.0]]), 5)
    assert order.tolist() == [1, 2, 4, 0, 3]
    assert gains.tolist() == [4, 4, 4, 1, 0]


# --- what must not matter ---


def test_an_orthogonal_map_of_the_target_changes_neither_picks_nor_gains():
    B, T = regression(40, 8, 6, seed=5)
    order, gains = greedy_select(*products(B, T), 8)
    rotation = torch.linalg.qr(normal(6, 6, seed=9)).Q
    turned, their_gains = greedy_select(*products(B, T @ rotation), 8)
    assert torch.equal(turned, order)
    close(their_gains, gains)


def test_an_orthogonal_map_of_the_rows_changes_neither_picks_nor_gains():
    B, T = regression(20, 8, 6, seed=6)
    rotation = torch.linalg.qr(normal(20, 20, seed=9)).Q
    order, gains = greedy_select(*products(B, T), 8)
    turned, their_gains = greedy_select(*products(rotation @ B, rotation @ T), 8)
    assert torch.equal(turned, order)
    close(their_gains, gains)


@pytest.mark.parametrize("groups", [None, GROUPS["unequal and interleaved"]])
def test_the_scale_of_a_column_changes_neither_picks_nor_gains(groups):
    gram, cross = products(*regression(40, 12, 4, seed=7))
    k = 12 if groups is None else int(groups.max()) + 1
    order, gains = greedy_select(gram, cross, k, groups)
    factors = 2.0 ** torch.tensor([-60, 40, 0, 3, -1, 60, 7, -30, 10, 2, -2, 1], dtype=torch.float64)
    scaled, their_gains = greedy_select(gram * factors * factors[:, None], cross * factors[:, None], k, groups)
    assert torch.equal(scaled, order)
    close(their_gains, gains)


@pytest.mark.parametrize("factor", [2.0**-70, 3.0, 2.0**70])
def test_the_scale_of_the_target_multiplies_gains_by_its_square(factor):
    gram, cross = products(*regression(40, 8, 4, seed=8))
    order, gains = greedy_select(gram, cross, 8)
    scaled, their_gains = greedy_select(gram, factor * cross, 8)
    assert torch.equal(scaled, order)
    close(their_gains, factor**2 * gains)


def test_a_permutation_of_columns_permutes_the_picks():
    gram, cross = products(*regression(40, 12, 4, seed=9))
    groups = GROUPS["unequal"]
    moved = torch.randperm(12, generator=torch.Generator().manual_seed(1))
    for numbers in (torch.arange(12), groups):
        order, gains = greedy_select(gram, cross, 5, numbers)
        there, their_gains = greedy_select(gram[moved][:, moved], cross[moved], 5, numbers[moved])
        assert torch.equal(there, order)
        close(their_gains, gains)


def test_columns_of_a_group_may_be_mixed():
    B, T = regression(60, 12, 4, seed=10)
    groups = GROUPS["equal"]
    order, gains = greedy_select(*products(B, T), 4, groups)
    mixed = B.clone()
    for group in range(4):
        mixed[:, groups == group] = B[:, groups == group] @ normal(3, 3, seed=group)
    there, their_gains = greedy_select(*products(mixed, T), 4, groups)
    assert torch.equal(there, order)
    close(their_gains, gains)


# --- where columns depend on each other ---


def test_a_duplicate_and_a_dead_column_come_last_and_gain_nothing():
    B, T = regression(40, 6, 4, seed=11)
    B = torch.cat([B, B[:, 2:3], torch.zeros(40, 1, dtype=torch.float64)], 1)
    order, gains = greedy_select(*products(B, T), 8)
    first, their_gains = greedy_select(*products(B[:, :6], T), 6)
    assert torch.equal(order[:6], first)
    close(gains[:6], their_gains)
    assert order[6:].tolist() == [6, 7]
    assert gains[6:].tolist() == [0, 0]


def test_of_columns_that_add_nothing_those_that_explain_most_alone_are_first():
    B = torch.eye(2)[:, [0, 1, 0, 1]]
    order, gains = greedy_select(*products(B, torch.tensor([[1.0], [2.0]])), 4)
    assert (order.tolist(), gains.tolist()) == ([1, 0, 3, 2], [4, 1, 0, 0])


def test_one_column_in_many_copies_is_picked_once_and_the_rest_in_their_order():
    column = normal(30, 1)
    order, gains = greedy_select(*products(column.expand(30, 5), 2 * column), 5)
    assert order.tolist() == [0, 1, 2, 3, 4]
    assert float(gains[0]) == pytest.approx(4 * float(column.square().sum()))
    assert gains[1:].tolist() == [0] * 4


@pytest.mark.parametrize("groups", [None, GROUPS["equal"], GROUPS["unequal and interleaved"]])
def test_with_fewer_rows_than_columns_gains_stop_when_all_is_explained(groups):
    B, T = normal(5, 12, seed=12), normal(5, 3, seed=13)
    k = 12 if groups is None else int(groups.max()) + 1
    order, gains = greedy_select(*products(B, T), k, groups)
    assert sorted(order.tolist()) == [*range(k)]
    assert float(gains.sum()) == pytest.approx(float(T.square().sum()), rel=1e-9)
    expected, added = by_loop(B, T, k, groups)
    useful = int((added > 1e-9 * added.sum()).sum())
    # The last that adds anything adds all that is left, as any other would.
    assert order[: useful - 1].tolist() == expected[: useful - 1]
    close(gains[:useful], added[:useful])
    assert not gains[useful:].any()


def test_a_target_of_zeros_and_columns_of_zeros_are_taken_as_they_are():
    order, gains = greedy_select(torch.eye(3), torch.zeros(3, 2), 3)
    assert (order.tolist(), gains.tolist()) == ([0, 1, 2], [0, 0, 0])
    order, gains = greedy_select(torch.zeros(3, 3), torch.zeros(3, 2), 2, torch.tensor([0, 1, 1]))
    assert (order.tolist(), gains.tolist()) == ([0, 1], [0, 0])
    order, gains = greedy_select(torch.eye(3), torch.zeros(3, 0), 3)
    assert (order.tolist(), gains.tolist()) == ([0, 1, 2], [0, 0, 0])


@given(
    columns=st.lists(st.lists(st.integers(-2, 2), min_size=3, max_size=3), min_size=1, max_size=6),
    target=st.lists(st.integers(-2, 2), min_size=3, max_size=3),
)
@settings(max_examples=150, deadline=None)
def test_gains_fall_to_nothing_only_when_the_columns_explain_no_more(columns, target):
    B = torch.tensor(columns, dtype=torch.float64).T
    T = torch.tensor(target, dtype=torch.float64)[:, None]
    order, gains = greedy_select(*products(B, T), len(columns))
    assert sorted(order.tolist()) == [*range(len(columns))]
    assert bool((gains >= 0).all())
    everything = explained_by_rows(B, T, [*range(len(columns))])
    assert float(gains.sum()) == pytest.approx(everything, abs=1e-9)
    for k in range(1, len(columns) + 1):
        assert float(gains[:k].sum()) == pytest.approx(explained_by_rows(B, T, order[:k]), abs=1e-9)
        rest = [explained_by_rows(B, T, [*order[: k - 1].tolist(), j]) for j in order[k - 1 :].tolist()]
        assert float(gains[:k].sum()) == pytest.approx(max(rest), abs=1e-9)


def test_arguments_are_left_as_they_are():
    gram, cross = products(*regression(20, 6, 3))
    model = nn.Linear(1, 1)
    weights, groups, kept = normal(6, 3), torch.tensor([0, 1, 1, 0, 2, 2]), torch.tensor([4, 0])
    with leaves_no_trace(model, gram, cross, weights, groups, kept):
        greedy_select(gram, cross, 3, groups)
        greedy_select(gram, cross, 6)
        reweight(gram, cross, kept, weights, ridge=0.1)


def test_float32_is_worked_on_in_float64_and_without_gradients():
    gram, cross = (value.float().requires_grad_() for value in products(*regression(40, 8, 4)))
    order, gains = greedy_select(gram, cross, 8)
    expected, their_gains = greedy_select(gram.double(), cross.double(), 8)
    assert torch.equal(order, expected)
    assert torch.equal(gains, their_gains)
    assert not gains.requires_grad
    assert reweight(gram, cross, order[:2], cross).dtype == torch.float64


def test_columns_of_groups_are_found_in_their_order():
    groups = GROUPS["unequal and interleaved"]
    for group, row in enumerate(columns_of(groups).tolist()):
        inside = (groups == group).nonzero()[:, 0].tolist()
        assert row == inside + [12] * (5 - len(inside))


# --- weights ---


@pytest.mark.parametrize("asymmetric", [False, True])
@pytest.mark.parametrize("kept", [[3], [4, 0, 7], [*range(9)]])
def test_new_weights_are_least_squares_and_leave_a_residual_orthogonal_to_kept_columns(kept, asymmetric):
    B, T = regression(40, 9, 5, seed=20, asymmetric=asymmetric)
    V = reweight(*products(B, T), torch.tensor(kept), normal(9, 5, seed=21))
    close(V, best_weights(B, T, kept), 1e-8)
    residual = T - B[:, kept] @ V
    assert float((B[:, kept].T @ residual).abs().max()) < 1e-9 * float(B.norm() * T.norm())


def test_all_columns_keep_their_weights():
    B = regression(40, 9, 1, seed=22)[0]
    W = normal(9, 5, seed=23)
    close(reweight(*products(B, B @ W), torch.arange(9), W), W)
    close(reweight(*products(B, B @ W), torch.arange(8, -1, -1), W), W.flip(0))


@pytest.mark.parametrize("ridge", [1e-3, 0.1, 2.0])
def test_a_ridge_is_the_closed_form_and_where_the_gradient_vanishes(ridge):
    B, T = regression(40, 9, 5, seed=24)
    W, kept = normal(9, 5, seed=25), [5, 2, 8]
    K = B[:, kept]
    penalty = ridge * float(K.square().sum()) / 3
    V = reweight(*products(B, T), torch.tensor(kept), W, ridge)
    # Least squares with rows that ask for the old weights.
    rows = torch.cat([K, penalty**0.5 * torch.eye(3, dtype=torch.float64)])
    close(V, torch.linalg.lstsq(rows, torch.cat([T, penalty**0.5 * W[kept]])).solution)
    free = V.clone().requires_grad_()
    loss = (T - K @ free).square().sum() + penalty * (free - W[kept]).square().sum()
    (gradient,) = torch.autograd.grad(loss, free)
    assert float(gradient.abs().max()) < 1e-9 * float(loss.detach())


def test_a_large_ridge_gives_the_old_weights_and_a_small_one_least_squares():
    gram, cross = products(*regression(40, 9, 5, seed=26))
    W, kept = normal(9, 5, seed=27), torch.tensor([1, 6])
    close(reweight(gram, cross, kept, W, 1e12), W[kept])
    close(reweight(gram, cross, kept, W, 1e-12), reweight(gram, cross, kept, W))
    distances = [float((reweight(gram, cross, kept, W, ridge) - W[kept]).norm()) for ridge in (0, 0.01, 0.1, 1, 10)]
    assert distances == sorted(distances, reverse=True)


@pytest.mark.parametrize("case", ["duplicates", "few rows", "dead", "no rows that differ"])
def test_of_equally_good_weights_those_nearest_to_the_old_ones_are_taken(case):
    B, T = regression(40, 6, 3, seed=28)
    if case == "duplicates":
        B = B[:, [0, 1, 1, 2, 0, 3]]
    elif case == "few rows":
        B, T = normal(3, 6, seed=29), normal(3, 3, seed=30)
    elif case == "dead":
        B = B * torch.tensor([1.0, 0, 1, 1, 0, 1])
    else:
        B = B[:1].expand(40, 6)
    W = normal(6, 3, seed=31)
    kept = torch.tensor([5, 4, 2, 1, 0])
    V = reweight(*products(B, T), kept, W)
    close(V, W[kept] + best_weights(B, T - B[:, kept] @ W[kept], kept), 1e-7)
    unused = torch.eye(5, dtype=torch.float64) - torch.linalg.pinv(B[:, kept], rtol=1e-9) @ B[:, kept]
    close(unused @ V, unused @ W[kept], 1e-7)


def test_the_scale_of_a_column_divides_its_weights():
    """A neuron whose activations are tiny may matter as much as others, by large weights."""
    gram, cross = products(*regression(40, 6, 3, seed=32))
    W, kept = normal(6, 3, seed=33), torch.tensor([0, 3, 5])
    factors = 2.0 ** torch.tensor([-30, 40, 0, 30, -1, 6], dtype=torch.float64)
    scaled = reweight(gram * factors * factors[:, None], cross * factors[:, None], kept, W / factors[:, None])
    close(scaled * factors[kept, None], reweight(gram, cross, kept, W))


def test_a_ridge_works_on_columns_of_any_scale():
    B, T = regression(40, 3, 2, seed=34)
    B, W = B * 2.0 ** torch.tensor([-30, 0, 30], dtype=torch.float64), normal(3, 2, seed=35)
    penalty = 0.1 * float(B.square().sum()) / 3
    gram, cross = products(B, T)
    expected = W + torch.linalg.solve(gram + penalty * torch.eye(3), cross - gram @ W)
    close(reweight(gram, cross, torch.arange(3), W, 0.1), expected)


def test_no_columns_have_no_weights():
    gram, cross = products(*regression(20, 4, 3))
    for ridge in (0, 0.5):
        assert reweight(gram, cross, torch.zeros(0, dtype=torch.int64), normal(4, 3), ridge).shape == (0, 3)


# --- the matrices of a layer ---


def convolutional(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        layers = [nn.Conv2d(2, 3, 3), nn.ReLU(), nn.Conv2d(3, 4, 3, padding=1, stride=2), nn.ReLU(), nn.Flatten()]
        return randomize(nn.Sequential(*layers, nn.Linear(4 * 3 * 3, 5), nn.Tanh(), nn.Linear(5, 2)))


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("size", [1, 7, 23])
@pytest.mark.parametrize("other", [False, True])
def test_moments_are_those_of_all_rows_at_once_whatever_the_batches(place, size, other):
    model, images = convolutional(), normal(23, 2, 8, 8, seed=40)
    original = convolutional(seed=1) if other else None
    coupling = find_couplings(model)[place]
    consumer, reader = (net.get_submodule(coupling.consumer) for net in (model, original or model))
    variables = [*model.parameters(), images]
    with leaves_no_trace(model, *variables), torch.no_grad():
        measured = moments(model, coupling, images.split(size), original)
        B = rows_of(consumer, input_of(model, coupling.consumer, images))
        A = rows_of(reader, input_of(original or model, coupling.consumer, images))
        T = A @ weights_of(reader)
    close(measured.gram, B.T @ B, 1e-13)
    close(measured.cross, B.T @ T, 1e-12)
    assert measured.energy == pytest.approx(float(T.square().sum()), rel=1e-12)
    assert measured.rows == len(B)


# --- what is refused ---

GRAM, CROSS = products(*regression(20, 4, 3))
BAD_MATRICES = {
    "gram of integers": (torch.eye(4).long(), CROSS, TypeError, "gram: expected a floating tensor, got torch.int64"),
    "gram is a list": ([[1.0]], CROSS, TypeError, "gram: expected a floating tensor, got list"),
    "cross of integers": (GRAM, CROSS.long(), TypeError, "cross: expected a floating tensor, got torch.int64"),
    "cross is none": (GRAM, None, TypeError, "cross: expected a floating tensor, got NoneType"),
    "gram is not square": (GRAM[:3], CROSS, ValueError, r"gram: expected shape \(d, d\) .*got \(3, 4\)"),
    "gram has another axis": (GRAM[None], CROSS, ValueError, r"gram: expected shape \(d, d\) .*got \(1, 4, 4\)"),
    "gram is empty": (GRAM[:0, :0], CROSS[:0], ValueError, r"gram: expected .* at least one column, got \(0, 0\)"),
    "cross has other rows": (GRAM, CROSS[:3], ValueError, r"cross: expected shape \(4, m\).*got \(3, 3\)"),
    "cross is a vector": (GRAM, CROSS[:, 0], ValueError, r"cross: expected shape \(4, m\).*got \(4,\)"),
    "gram has a NaN": (GRAM.where(GRAM[1, 2] != GRAM, torch.nan), CROSS, ValueError, "gram: .*NaN"),
    "cross is infinite": (GRAM, CROSS / 0, ValueError, "cross: .*infinite"),
    "gram is negative": (-GRAM, CROSS, ValueError, "gram: expected sums of squares .*negative"),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("name", BAD_MATRICES)
def test_matrices_that_are_no_products_are_refused(name):
    gram, cross, error, message = BAD_MATRICES[name]
    with pytest.raises(error, match=message):
        greedy_select(gram, cross, 1)
    with pytest.raises(error, match=message):
        reweight(gram, cross, torch.tensor([0]), CROSS)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("k", [5, -1, 2.0, True, None, "2", torch.tensor(2)])
def test_k_is_a_count_up_to_the_number_of_columns(k):
    with pytest.raises(ValueError, match=r"k: expected an int from 0 to 4, the number of groups, got"):
        greedy_select(GRAM, CROSS, k)
    with pytest.raises(ValueError, match=r"k: expected an int from 0 to 2, .*got 3"):
        greedy_select(GRAM, CROSS, 3, torch.tensor([0, 1, 1, 0]))


BAD_GROUPS = {
    "a gap": ([0, 0, 2, 2], ValueError, "groups: expected numbers from 0 without gaps, got 0, 2"),
    "from one": ([1, 1, 2, 2], ValueError, "groups: expected numbers from 0 without gaps, got 1, 2"),
    "negative": ([-1, 0, 1, 1], ValueError, "groups: expected numbers from 0 without gaps, got -1, 0, 1"),
    "too few": ([0, 1, 1], ValueError, r"groups: expected one number for each of 4 columns, got shape \(3,\)"),
    "a matrix": ([0], ValueError, r"groups: .*got shape \(1,\)"),
    "floats": (torch.zeros(4), TypeError, "groups: expected an integer tensor"),
    "booleans": ([False, True, True, False], TypeError, "groups: expected an integer tensor"),
    "a number": (2, TypeError, "groups: expected an integer tensor"),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("name", BAD_GROUPS)
def test_groups_that_are_none_are_refused(name):
    groups, error, message = BAD_GROUPS[name]
    with pytest.raises(error, match=message):
        greedy_select(GRAM, CROSS, 1, groups)


BAD_KEPT = {
    "twice": ([1, 2, 1], ValueError, "kept: expected each column once, got one twice"),
    "too large": ([0, 4], ValueError, r"kept: expected places of columns, from 0 to 3, got \[0, 4\]"),
    "negative": ([-1], ValueError, r"kept: expected places of columns, from 0 to 3, got \[-1\]"),
    "a number": (torch.tensor(2), ValueError, "kept: expected places of columns"),
    "floats": (torch.tensor([1.0]), TypeError, "kept: expected an integer tensor"),
    "a mask": (torch.tensor([True, False, True, True]), TypeError, "kept: expected an integer tensor"),
    "none": (None, TypeError, "kept: expected an integer tensor"),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("name", BAD_KEPT)
def test_places_that_are_no_columns_are_refused(name):
    kept, error, message = BAD_KEPT[name]
    with pytest.raises(error, match=message):
        reweight(GRAM, CROSS, kept, CROSS)
    with pytest.raises(error, match=message):
        explained(GRAM, CROSS, kept)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("ridge", "error"),
    [(-0.1, ValueError), (float("nan"), ValueError), (float("inf"), ValueError), (True, TypeError), ("1", TypeError)],
)
def test_a_ridge_is_a_number_of_at_least_0(ridge, error):
    with pytest.raises(error, match="ridge: expected a finite number of at least 0"):
        reweight(GRAM, CROSS, torch.tensor([0]), CROSS, ridge)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("weights", [CROSS[:3], CROSS[:, :2], CROSS.tolist(), None, CROSS[:, 0]])
def test_weights_are_of_the_shape_of_cross(weights):
    with pytest.raises((TypeError, ValueError), match=r"weights: expected .*\(4, 3\)"):
        reweight(GRAM, CROSS, torch.tensor([0]), weights)


@pytest.mark.usefixtures("without_shape_checks")
def test_weights_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match=r"weights: .*NaN"):
        reweight(GRAM, CROSS, torch.tensor([0]), CROSS * torch.nan)


@pytest.mark.parametrize("groups", [None, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]])
def test_where_nothing_is_gained_any_more_selection_begins_anew_with_the_others(groups):
    B, T = normal(4, 10, seed=3), normal(4, 2, seed=4)
    gram, cross = B.T @ B, B.T @ T
    numbers = torch.tensor(groups) if groups else torch.arange(10)
    count = int(numbers.max()) + 1
    order, gains = greedy_select(gram, cross, count, numbers)
    first = int((gains > 0).sum())
    assert first == (2 if groups else 4)
    assert gains[first:].count_nonzero() == 0
    others = sorted({*range(count)} - {*order[:first].tolist()})
    columns = torch.cat([(numbers == group).nonzero()[:, 0] for group in others])
    names = torch.arange(len(others)).repeat_interleave(2 if groups else 1)
    again, _ = greedy_select(gram[columns][:, columns], cross[columns], len(others), names)
    assert order[first:].tolist() == [others[place] for place in again.tolist()]
