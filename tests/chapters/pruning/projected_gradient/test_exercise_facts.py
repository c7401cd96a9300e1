"""What the exercises and their keys say, tried on the library: a check may not teach what is not so."""

import itertools

import pytest
import torch
from torch import nn
from torch.nn.utils import prune

from interpbook.chapters.pruning.projected_gradient.exercises import (
    critical,
    cycles,
    opened,
    predict,
    returns,
    sparsest,
)
from interpbook.pruning import SparsitySchedule, project_sparsity, train_projected

# Four weights of which the last two are zero, and k = 2.
SPARSE = (2.0, -1.0, 0.0, 0.0)
MASKED, SMALL, LARGE, OPEN, BLACK, LIFTED = predict.SITUATIONS


def stepped(gradient, k, lr=1.0, masked=False):
    """P_k(w - lr g)."""
    w = torch.tensor(SPARSE, dtype=torch.float64)
    g = torch.tensor(gradient, dtype=torch.float64)
    w -= lr * g * (w != 0) if masked else lr * g
    project_sparsity(w, 1 - k / len(w))
    return w


def lifted():
    """A pruned entry, when the mask is set to one and nothing else is done."""
    layer = nn.utils.skip_init(nn.Linear, 4, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[2.0, -1.0, 0.25, 0.5]]))
    prune.l1_unstructured(layer, "weight", amount=2)
    layer(torch.ones(1, 4))
    assert layer.weight[0, 2] == 0
    layer.weight_mask.fill_(1)
    layer(torch.ones(1, 4))
    return layer.weight[0]


# The weights after what each situation says; the weight in question is the third.
OUTCOMES = {
    MASKED: lambda: stepped((0, 0, 9, 9), k=1, masked=True),
    SMALL: lambda: stepped((0, 0, 9, 9), k=2, lr=0.1),
    LARGE: lambda: stepped((0, 0, 9, 1), k=2),
    OPEN: lambda: stepped((0, 0, 1e-9, 0), k=4),
    BLACK: lambda: stepped((9, 9, 0, 9), k=4),
    LIFTED: lifted,
}


@pytest.mark.parametrize("situation", predict.SITUATIONS, ids=lambda situation: situation.partition(";")[2].strip())
def test_a_zero_weight_does_what_the_prediction_says(situation):
    truth, _, _ = predict.SITUATIONS[situation]
    came_back = bool(OUTCOMES[situation]()[2] != 0)
    assert truth == predict.WORDS[0 if came_back else 1]


@pytest.mark.parametrize(("case", "w", "k"), [pytest.param(*case, id=case[0]) for case in sparsest._cases()])
def test_the_projection_of_the_check_is_the_nearest_point_and_that_of_the_library(case, w, k):
    projected = sparsest._largest(w, k)
    distance = (w - projected).norm()
    if w.numel() <= 12:
        for places in itertools.combinations(range(w.numel()), k):
            assert distance <= (w - sparsest._kept(w, torch.tensor(places, dtype=torch.int64))).norm() + 1e-12
    if k > 0:
        other = w.clone()
        project_sparsity(other, 1 - k / w.numel())
        assert torch.equal(other, projected)


@pytest.mark.parametrize(("steps", "cycles_", "sparsity"), cycles.CASES)
def test_the_schedule_of_the_check_is_that_of_the_library(steps, cycles_, sparsity):
    schedule = SparsitySchedule.cyclical(sparsity, steps, cycles=cycles_, ramp=1)
    said = [cycles._right(step, steps, cycles_, sparsity) for step in range(steps + 1)]
    assert said == pytest.approx([schedule(step) for step in range(steps + 1)], abs=1e-12)


@pytest.mark.parametrize("place", range(4))
def test_a_support_is_a_fixed_point_just_below_the_critical_learning_rate_and_none_above(place):
    inputs, y, support = list(critical._cases())[place]
    w = critical._solution(inputs, y, support)
    g = inputs.T @ (inputs @ w - y)
    assert g[support].abs().max() < 1e-9 * g.abs().max()
    rate = w[support].abs().min() / g[~support].abs().max()
    for factor, stays in ((1 - 1e-6, True), (1 + 1e-6, False)):
        after = sparsest._largest(w - factor * rate * g, int(support.sum()))
        assert torch.allclose(after, w, rtol=1e-9, atol=1e-12) == stays


def test_what_returned_is_counted_as_in_a_history():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((64, 12), generator=generator, dtype=torch.float64)
    y = x @ torch.randn((12, 3), generator=generator, dtype=torch.float64)
    model = nn.utils.skip_init(nn.Linear, 12, 3, bias=False, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.randn((3, 12), generator=generator, dtype=torch.float64))
    masks = []
    history = train_projected(
        model,
        (x, y),
        SparsitySchedule.cyclical(0.75, 40, cycles=4),
        loss=nn.functional.mse_loss,
        lr=0.3,
        watch=lambda _, module: masks.append(module.weight.detach().flatten() != 0),
    )
    # Before the first step the schedule is open: all weights are there.
    seen = torch.stack([torch.ones_like(masks[0]), *masks])
    assert int(returns._events(seen).sum()) == sum(history.reactivations) > 0
    assert int(returns._weights(seen).sum()) == history.returned > 0


def test_a_weight_that_was_away_and_is_there_at_the_end_came_back_but_not_the_other_way_around():
    every = torch.cartesian_prod(*[torch.tensor([False, True])] * 5).T
    assert not bool((returns._weights(every) & ~returns._events(every).any(0)).any())
    assert bool((returns._events(every).any(0) & ~returns._weights(every)).any())


def test_under_a_mask_of_torch_pruned_entries_get_no_gradient_and_keep_the_values_they_had():
    layer, x, y = opened._layer(6, 5, 3, 0.5)
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator, dtype=torch.float64) for shape in ((6, 5), (6, 3), (3, 5))]
    before = drawn[2]
    pruned = layer.weight_mask == 0
    nn.functional.mse_loss(layer(x), y).backward()
    assert torch.equal(x, drawn[0])
    assert not layer.weight_orig.grad[pruned].any()
    assert torch.equal(layer.weight_orig[pruned], before[pruned])
    assert bool((layer.weight_orig != before)[~pruned].all())
    # The gradient that projected gradient descent takes is not zero there.
    assert bool(torch.autograd.grad(nn.functional.mse_loss(layer(x), y), layer.weight)[0][pruned].all())


# --- the proofs ---


def test_nearest_points_are_two_where_magnitudes_tie_and_their_projections_lie_apart():
    for small in (1e-1, 1e-3, 1e-6):
        one = torch.tensor([1 + small, 1.0], dtype=torch.float64)
        other = one.flip(0)
        apart = (sparsest._largest(one, 1) - sparsest._largest(other, 1)).norm()
        assert (one - other).norm() == pytest.approx(2**0.5 * small)
        assert apart == pytest.approx(2**0.5 * (1 + small))


def test_with_orthonormal_columns_one_step_with_learning_rate_one_is_best_from_anywhere():
    generator = torch.Generator().manual_seed(0)
    inputs, _ = torch.linalg.qr(torch.randn((9, 6), generator=generator, dtype=torch.float64))
    y = torch.randn(9, generator=generator, dtype=torch.float64)
    for k in range(1, 6):
        losses = []
        for places in itertools.combinations(range(6), k):
            own = inputs[:, places]
            losses.append(float((own @ (torch.linalg.pinv(own) @ y) - y).square().sum()))
        for _ in range(3):
            w = torch.randn(6, generator=generator, dtype=torch.float64)
            reached = sparsest._largest(w - inputs.T @ (inputs @ w - y), k)
            assert float((inputs @ reached - y).square().sum()) == pytest.approx(min(losses), abs=1e-12)


def test_with_orthonormal_columns_all_supports_are_traps_for_a_small_learning_rate_and_one_for_the_learning_rate_one():
    generator = torch.Generator().manual_seed(0)
    inputs, _ = torch.linalg.qr(torch.randn((9, 6), generator=generator, dtype=torch.float64))
    y = torch.randn(9, generator=generator, dtype=torch.float64)
    best = sparsest._largest(inputs.T @ y, 2)
    for lr, expected in ((1e-3, 15), (1.0, 1)):
        traps = []
        for places in itertools.combinations(range(6), 2):
            support = torch.zeros(6, dtype=torch.bool)
            support[[*places]] = True
            w = critical._solution(inputs, y, support)
            if torch.allclose(sparsest._largest(w - lr * inputs.T @ (inputs @ w - y), 2), w, atol=1e-12):
                traps.append(support)
        assert len(traps) == expected
    assert torch.equal(traps[0], best != 0)
