"""What the exercises and their keys say, tried on the library: a check may not teach what is not so."""

import heapq
import itertools

import pytest
import torch

from interpbook.chapters.pruning.submodular.exercises import counterexample, flattened, given, predict, repair
from interpbook.pruning import best_subset, explained, greedy_select, reweight, submodularity_ratio

DEAD, TWICE, SMALLEST, PAIR, CONSTANT, SPANNED = predict.SITUATIONS
# A disturbance; the target and the disturbance; something of the target, and much else.
DISTURBED = torch.tensor([[0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]], dtype=torch.float64)
FIRST = torch.tensor([[1.0], [0.0], [0.0]], dtype=torch.float64)


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def value(columns, target, kept):
    """F, by the library."""
    return float(explained(columns.T @ columns, columns.T @ target, torch.tensor([*kept], dtype=torch.int64)))


# --- who may go? ---


def lost(columns, weights, kept):
    """The share of T that is lost when only these stay."""
    target = columns @ weights
    return 1 - value(columns, target, kept) / float(target.square().sum())


def dead(seed):
    columns = normal(9, 5, seed=seed)
    columns[:, 0] = 0
    return lost(columns, normal(5, 3, seed=seed + 1), range(1, 5))


def twice(seed):
    columns, weights = normal(9, 5, seed=seed), normal(5, 3, seed=seed + 1)
    columns[:, 0], weights[0] = 2 * columns[:, 1], 10
    return lost(columns, weights, range(1, 5))


def smallest(seed):
    columns, weights = normal(9, 5, seed=seed), normal(5, 3, seed=seed + 1)
    weights[0] = 0.01 * weights[1:].norm(dim=1).min()
    return lost(columns, weights, range(1, 5))


def pair(seed):
    columns, weights = normal(9, 5, seed=seed), normal(5, 3, seed=seed + 1)
    columns[:, 0], weights[0] = columns[:, 1], weights[1]
    return lost(columns, weights, range(2, 5))


def constant(seed):
    columns = normal(9, 5, seed=seed)
    columns[:, 0] = 1
    return lost(columns, normal(5, 3, seed=seed + 1), range(1, 5))


def spanned(seed):
    return lost(normal(4, 7, seed=seed), normal(7, 3, seed=seed + 1), range(3, 7))


OUTCOMES = {DEAD: dead, TWICE: twice, SMALLEST: smallest, PAIR: pair, CONSTANT: constant, SPANNED: spanned}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("situation", predict.SITUATIONS)
def test_a_removal_is_free_or_costs_as_the_prediction_says(situation, seed):
    truth, _, _ = predict.SITUATIONS[situation]
    assert truth == predict.WORDS[OUTCOMES[situation](seed) > 1e-7]


def test_of_two_equal_neurons_either_may_go_alone():
    columns, weights = normal(9, 5), normal(5, 3, seed=1)
    columns[:, 0] = columns[:, 1]
    assert lost(columns, weights, (0, 2, 3, 4)) == pytest.approx(0, abs=1e-12)
    assert lost(columns, weights, (1, 2, 3, 4)) == pytest.approx(0, abs=1e-12)


# --- the repair, and the gains ---


@pytest.mark.parametrize("case", [*repair._cases()], ids=lambda case: str(case[2].tolist()))
def test_the_repair_of_the_check_is_that_of_the_library_and_its_residual_is_orthogonal(case):
    columns, weights, kept = case
    target = columns @ weights
    rows = repair._solved(columns[:, kept], target)
    gram = columns.T @ columns
    assert torch.allclose(rows, reweight(gram, gram @ weights, kept, weights), rtol=1e-9, atol=1e-10)
    left = target - columns[:, kept] @ rows
    assert (columns[:, kept].T @ left).abs().max() < 1e-10
    assert float(target.square().sum() - left.square().sum()) == pytest.approx(value(columns, target, kept.tolist()))


@pytest.mark.parametrize("case", [*given._cases()], ids=lambda case: case[0])
def test_the_gains_of_the_check_are_differences_of_f(case):
    _, columns, target, kept = case
    before = value(columns, target, kept.tolist())
    gains = given._gains(columns, target, kept)
    for i, gain in enumerate(gains.tolist()):
        after = value(columns, target, {*kept.tolist(), i})
        assert gain == pytest.approx(after - before, rel=1e-7, abs=1e-9)


def test_the_cases_of_the_gains_hold_a_replaced_neuron_and_a_dead_one():
    cases = list(given._cases())
    _, columns, target, kept = cases[2]
    nothing = [i for i, gain in enumerate(given._gains(columns, target, kept).tolist()) if gain == 0]
    assert nothing == [0, 2, 3, 5]
    _, columns, target, kept = cases[4]
    assert not given._gains(columns, target, kept).any()


# --- channels behind a flatten ---


@pytest.mark.parametrize("case", flattened.CASES)
def test_the_others_are_taken_away_as_by_a_mask_on_the_channels(case):
    *sizes, kept = case
    layers = flattened._layers(*sizes)
    images = normal(4, sizes[0], flattened.SIDE, flattened.SIDE)
    conv, fc = (layer.double() for layer in layers)
    mask = torch.zeros(sizes[1], dtype=torch.float64)
    mask[[*kept]] = 1
    masked = fc((conv(images).relu() * mask[:, None, None]).flatten(1))
    without = flattened._outputs(flattened._without_the_others(layers, torch.tensor(kept)), images)
    assert torch.allclose(without, masked, rtol=1e-12, atol=1e-12)
    assert not torch.allclose(without, fc(conv(images).relu().flatten(1)))


# --- lazy greedy ---


def lazy_greedy(columns, target, k):
    """With a heap of old gains, as it is programmed for submodular functions."""
    kept = []
    heap = [(-value(columns, target, [i]), i, 0) for i in range(columns.shape[1])]
    heapq.heapify(heap)
    while len(kept) < k:
        _, i, computed = heapq.heappop(heap)
        if computed == len(kept):
            kept.append(i)
        else:
            gain = value(columns, target, [*kept, i]) - value(columns, target, kept)
            heapq.heappush(heap, (-gain, i, len(kept)))
    return kept


@pytest.mark.parametrize("seed", range(40))
def test_the_lazy_pick_of_the_check_is_that_of_a_heap(seed):
    columns, target = normal(3, 3, seed=seed), normal(3, 1, seed=100 + seed)
    if seed % 2:
        # A disturbance, and two that it disturbs: here the two choices often part.
        columns[:, 1] = target[:, 0] + columns[:, 0]
        columns[:, 2] = target[:, 0] + 2 * columns[:, 2]
    first, second = lazy_greedy(columns, target, 2)
    alone = counterexample._gains(columns, target)
    assert first == int(alone.argmax())
    ahead, behind = sorted({0, 1, 2} - {first}, key=lambda i: -float(alone[i]))
    assert counterexample._lazy_pick(alone, counterexample._gains(columns, target, first), ahead, behind) == second


def test_lazy_greedy_ends_at_five_ninths_where_greedy_explains_all():
    lazy = lazy_greedy(DISTURBED, FIRST, 2)
    greedy, gains = greedy_select(DISTURBED.T @ DISTURBED, DISTURBED.T @ FIRST, 2)
    assert lazy == [1, 2]
    assert greedy.tolist() == [1, 0]
    assert float(gains.sum()) == pytest.approx(1)
    assert value(DISTURBED, FIRST, lazy) == pytest.approx(5 / 9)


# --- the proofs ---


def test_f_is_the_square_of_the_projection_and_grows_with_the_set():
    columns, target = normal(8, 5), normal(8, 2, seed=1)
    for size in range(1, 6):
        for kept in itertools.combinations(range(5), size):
            own = columns[:, kept]
            projected = own @ torch.linalg.pinv(own) @ target
            assert value(columns, target, kept) == pytest.approx(float(projected.square().sum()))
            for fewer in itertools.combinations(kept, size - 1):
                assert value(columns, target, fewer) <= value(columns, target, kept) + 1e-12


def test_with_orthogonal_columns_f_adds_up_and_greedy_is_best():
    columns = torch.linalg.qr(normal(9, 6)).Q * torch.tensor([1.0, 3.0, 0.2, 5.0, 2.0, 1.0])
    target = normal(9, 2, seed=1)
    singly = [value(columns, target, [i]) for i in range(6)]
    gram, cross = columns.T @ columns, columns.T @ target
    assert submodularity_ratio(gram, cross, 6) == pytest.approx(1)
    for k in range(1, 6):
        order, gains = greedy_select(gram, cross, k)
        best, most = best_subset(gram, cross, k)
        assert {*order.tolist()} == {*best.tolist()}
        assert float(gains.sum()) == pytest.approx(float(most)) == pytest.approx(sum(sorted(singly)[-k:]))


def test_any_n_columns_explain_all_of_n_examples():
    columns, target = normal(3, 6), normal(3, 4, seed=1)
    for kept in itertools.combinations(range(6), 3):
        assert value(columns, target, kept) == pytest.approx(float(target.square().sum()))


@pytest.mark.parametrize("small", [0.5, 0.1, 0.01])
def test_two_columns_have_a_ratio_as_small_as_one_likes(small):
    columns = torch.tensor([[small, 0.0], [1.0, 1.0]], dtype=torch.float64)
    target = torch.tensor([[1.0], [0.0]], dtype=torch.float64)
    ratio = submodularity_ratio(columns.T @ columns, columns.T @ target, 2)
    assert ratio == pytest.approx(small**2 / (1 + small**2), rel=1e-6)
    assert torch.allclose(columns @ torch.tensor([[1.0], [-1.0]], dtype=torch.float64) / small, target)


@pytest.mark.parametrize("seed", range(10))
def test_each_pick_closes_a_kth_of_gamma_of_what_is_missing(seed):
    columns, target, k = normal(7, 6, seed=seed) + 0.7, normal(7, 2, seed=50 + seed), 3
    gram, cross = columns.T @ columns, columns.T @ target
    ratio = submodularity_ratio(gram, cross, k)
    most = float(best_subset(gram, cross, k)[1])
    missing = most
    for gain in greedy_select(gram, cross, k)[1].tolist():
        assert missing - gain <= (1 - ratio / k) * missing + 1e-9
        missing -= gain
    assert 0 < ratio < 1
    assert most - missing >= (1 - torch.exp(torch.tensor(-ratio)).item()) * most
