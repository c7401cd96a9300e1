"""What the exercises, their keys and the quiz say, tried: a check may not teach what is not so."""

import itertools
import math
from copy import deepcopy

import pytest
import torch
from chapters.attribution.stability.answers import needed, spearman_brown
from torch import nn
from torch.nn import functional as F

from interpbook.chapters.attribution.stability.exercises import (
    longer,
    members,
    predict,
    scale_free,
    top_entries,
    untrained,
)

PROBABILITY, TRIPLED, BIAS, BOTH, ONE_LOGIT, MEAN = predict.SITUATIONS


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def network(widths, seed=0, activation=nn.Tanh):
    """In float64, with weights of its own."""
    layers = []
    for number, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
        layer = nn.utils.skip_init(nn.Linear, inputs, outputs, dtype=torch.float64)
        layer.weight.data.copy_(normal(outputs, inputs, seed=100 * seed + number))
        layer.bias.data.copy_(normal(outputs, seed=100 * seed + number + 50))
        layers += [layer, activation()]
    return nn.Sequential(*layers[:-1])


def angle(a, b):
    u, v = a / a.norm(), b / b.norm()
    return float(2 * torch.atan2((u - v).norm(), (u + v).norm()))


# --- same or not? ---


def log_odds(z):
    return z[1] - z[0]


def explained(scalar, x):
    """The gradient of a number at x."""
    x = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(scalar(x), x)
    return gradient


def with_probability(seed, x, p):
    """A network whose p_1 at x is p."""
    model = network((4, 6, 2), seed)
    with torch.no_grad():
        model[-1].bias[1] += math.log(p / (1 - p)) - log_odds(model(x))
    return model


def changed(situation, seed):
    """The explanation before, and with the change."""
    x, model = normal(4, seed=seed), network((4, 6, 2), seed)
    other, h = deepcopy(model), network((4, 5, 1), seed + 1)
    before = explained(lambda x: log_odds(model(x)), x)
    if situation == TRIPLED:
        other[-1].weight.data *= 3
        other[-1].bias.data *= 3
    if situation == BIAS:
        other[-1].bias.data[1] += 5
    if situation == ONE_LOGIT:
        before = explained(lambda x: model(x)[1], x)
        return before, explained(lambda x: (model(x) + h(x))[1], x)
    if situation == MEAN:
        pair = [with_probability(seed + place, x, p) for place, p in enumerate((0.5, 0.9))]
        before = explained(lambda x: sum(log_odds(each(x)) for each in pair) / 2, x)
        return before, explained(lambda x: sum(each(x).softmax(0)[1] for each in pair) / 2, x)
    after = {
        PROBABILITY: lambda x: model(x).softmax(0)[1],
        TRIPLED: lambda x: log_odds(other(x)),
        BIAS: lambda x: log_odds(other(x)),
        BOTH: lambda x: log_odds(model(x) + h(x)),
    }
    return before, explained(after[situation], x)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("situation", predict.SITUATIONS)
def test_an_explanation_turns_rescales_or_stays_as_the_prediction_says(situation, seed):
    before, after = changed(situation, seed)
    if angle(before, after) > 1e-3:
        outcome = "turns"
    else:
        outcome = "stays" if torch.allclose(before, after, rtol=1e-9) else "rescales"
    assert outcome == predict.SITUATIONS[situation][0]


def test_the_factor_of_a_probability_is_a_quarter_at_most():
    p = torch.linspace(0, 1, 101)
    assert (p * (1 - p)).max() == 0.25
    assert (0.5 * 0.5, round(0.9 * 0.1, 12)) == (0.25, 0.09)


# --- longer tests ---


def test_the_reliability_of_the_check_is_that_of_averages():
    """Members mu + e_i with exactly orthogonal e_i of equal length: every product is its expectation."""
    for shared, own, m in longer.CASES:
        basis = torch.eye(2 * m + 1, dtype=torch.float64)
        members_ = shared**0.5 * basis[0] + own**0.5 * basis[1:]
        a, b = members_[:m].mean(0), members_[m:].mean(0)
        r1 = shared / (shared + own)
        assert float(a @ b / a.square().sum()) == pytest.approx(spearman_brown(r1, m))


def test_the_reliability_of_the_check_is_the_formula():
    r1, m, want = longer._reliabilities()
    assert want.tolist() == pytest.approx([spearman_brown(*case) for case in zip(r1.tolist(), m.tolist(), strict=True)])
    assert spearman_brown(0.5, 2) == pytest.approx(2 / 3)


@pytest.mark.parametrize("case", members.CASES)
def test_no_case_lies_where_rounding_decides(case):
    r1, degrees = case
    m = needed(*case)
    assert members._is_the_first(float(m), r1, degrees)
    exact = float(
        members._needed(torch.tensor(r1, dtype=torch.float64), torch.tensor(degrees).double().deg2rad().cos())
    )
    assert abs(exact - round(exact)) > 0.01


def test_half_a_small_angle_takes_about_four_times_as_many():
    for r1 in (0.3, 0.5, 0.8):
        assert needed(r1, 1) / needed(r1, 2) == pytest.approx(4, rel=0.02)


# --- agreement, angles ---


@pytest.mark.parametrize("case", [*top_entries._cases()], ids=lambda case: f"{tuple(case[0].shape)}, {case[2]}")
def test_the_agreement_of_the_check_is_a_count_over_sets(case):
    a, b, k = case
    for row, other, share in zip(a, b, top_entries._agreed(a, b, k), strict=True):
        best, others = (sorted(range(len(a[0])), key=lambda i: -abs(each[i]))[:k] for each in (row, other))
        count = sum(row[i] * other[i] > 0 for i in {*best} & {*others})
        assert float(share) == pytest.approx(count / k)
    for values in (a, b):
        sizes = values.abs().sort(dim=1, descending=True).values
        assert (sizes[:, k - 1] > sizes[:, k]).all(), "a tie would leave the sets open"
        assert values.any(1).all()


def test_two_zero_rows_agree_by_the_order_of_their_features_alone():
    zero = torch.zeros(1, 6)
    assert torch.equal(top_entries._agreed(zero, zero, 2), torch.ones(1))


def test_the_angle_of_the_check_is_that_of_arccos_and_has_every_size():
    g, new = scale_free._explanations()
    cosine = (g * new).sum(1) / g.norm(dim=1) / new.norm(dim=1)
    angles = scale_free._angles(g, new)
    assert torch.allclose(angles, cosine.arccos())
    assert angles.min() < 0.2
    assert angles.max() > 1.57


# --- never trained ---


@pytest.mark.parametrize("case", [*untrained._cases()], ids=lambda case: f"{case[0][-1].out_features} classes")
def test_the_movement_of_the_check_is_that_of_a_step(case):
    model, x, y, lr = case
    copied = deepcopy(model)
    F.cross_entropy(copied(x), y).backward()
    torch.optim.SGD(copied.parameters(), lr).step()
    step = untrained._matrix(model) - untrained._matrix(copied)
    assert torch.allclose(step, lr * untrained._row_gradients(model, x, y)["the cross-entropy"], rtol=1e-9, atol=1e-12)
    assert step.sum(0).abs().max() < 1e-14
    assert step.norm(dim=1).max() > 1e-2


LOSSES = {
    "squared error of the logits": lambda z, y: F.mse_loss(z, F.one_hot(y, z.shape[1]).to(z)),
    "no softmax": F.nll_loss,
    "a sigmoid": lambda z, y: F.binary_cross_entropy_with_logits(z, F.one_hot(y, z.shape[1]).to(z)),
    "a softmax of a softmax": lambda z, y: F.cross_entropy(z.softmax(1), y),
    "squared error of the probabilities": lambda z, y: F.mse_loss(z.softmax(1), F.one_hot(y, z.shape[1]).to(z)),
}


@pytest.mark.parametrize("words", LOSSES)
def test_what_another_loss_sends_to_the_logits(words):
    z, y = normal(7, 4).requires_grad_(), torch.randint(4, (7,), generator=torch.Generator().manual_seed(0))
    (back,) = torch.autograd.grad(LOSSES[words](z, y), z)
    (known,) = [known for name, known in untrained._logit_gradients(z.detach(), y).items() if words in name]
    assert untrained._parallel(back, known)
    # A softmax anywhere ties the classes together.
    assert (back.sum(1).abs().max() < 1e-15) == ("softmax of" in words or "probabilities" in words)


def trained(model, optimizer, steps=30, labels_seed=1):
    """The sum of the rows of [W, b] before and after training on labels that mean nothing."""
    x, classes = normal(40, model[0].in_features, seed=9), model[-1].out_features
    y = torch.randint(classes, (40,), generator=torch.Generator().manual_seed(labels_seed))
    before = untrained._matrix(model)
    for rows in torch.arange(40).repeat(steps).split(16)[:steps]:
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()
    return before, untrained._matrix(model)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_sum_of_the_rows_stays_with_and_without_momentum(momentum):
    model = network((5, 8, 3))
    before, after = trained(model, torch.optim.SGD(model.parameters(), 0.1, momentum=momentum))
    assert (after - before).sum(0).abs().max() < 1e-13
    assert (after - before).norm(dim=1).max() > 0.1


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_with_decay_the_sum_shrinks_by_the_product_exactly_without_momentum_alone(momentum):
    model, steps, wd = network((5, 8, 3)), 30, 0.05
    rates = [0.1 / (1 + step) for step in range(steps)]
    optimizer = torch.optim.SGD(model.parameters(), 0.1, weight_decay=wd, momentum=momentum)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    x, y = normal(16, 5, seed=9), torch.randint(3, (16,), generator=torch.Generator().manual_seed(1))
    before = untrained._matrix(model).sum(0)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
        schedule.step()
    factor = math.prod(1 - rate * wd for rate in rates)
    after = untrained._matrix(model).sum(0)
    assert torch.allclose(after, factor * before, rtol=1e-12) == (momentum == 0)
    assert torch.allclose(after, after[0] / before[0] * before, rtol=1e-10)


@pytest.mark.parametrize(("classes", "stays"), [(2, True), (3, False)])
def test_adam_moves_the_sum_from_three_classes_on(classes, stays):
    """With two, the gradients of the rows are opposite in every step, and so are Adam's moments and steps."""
    model = network((5, 8, classes))
    before, after = trained(model, torch.optim.Adam(model.parameters(), 0.01))
    assert ((after - before).sum(0).abs().max() < 1e-12) == stays


def test_two_sets_of_labels_leave_the_same_sum():
    sums = []
    for labels_seed in (1, 2):
        model = network((5, 8, 3))
        sums.append(trained(model, torch.optim.SGD(model.parameters(), 0.1), labels_seed=labels_seed)[1].sum(0))
    assert torch.allclose(*sums, rtol=1e-12)


# --- the proofs ---


def test_an_error_that_a_whole_ensemble_shares_sets_a_limit_below_one():
    """Members mu + c + e_i, c of each data set, all of them orthogonal: every product is its expectation."""
    shared, common, own = 3.0, 1.0, 4.0
    for m in (1, 5, 400):
        basis = torch.eye(2 * m + 3, dtype=torch.float64)
        e = own**0.5 * basis[3:]
        a = shared**0.5 * basis[0] + common**0.5 * basis[1] + e[:m].mean(0)
        b = shared**0.5 * basis[0] + common**0.5 * basis[2] + e[m:].mean(0)
        r = float(a @ b / a.square().sum())
        assert r == pytest.approx(shared / (shared + common + own / m))
        assert r <= spearman_brown(shared / (shared + common + own), m) + 1e-12
    assert r == pytest.approx(shared / (shared + common), abs=0.01)


def ridge(x, y, strength):
    """Logistic regression without a bias, by Newton's steps: mean log-loss + strength / 2 ||theta||^2."""
    theta = torch.zeros(x.shape[1], dtype=torch.float64)
    for _ in range(50):
        p = (x @ theta).sigmoid()
        gradient = x.T @ (p - y) / len(x) + strength * theta
        hessian = (x.T * (p * (1 - p))) @ x / len(x) + strength * torch.eye(x.shape[1], dtype=torch.float64)
        theta = theta - torch.linalg.solve(hessian, gradient)
    return theta


def test_under_a_strong_ridge_the_change_vanishes_and_the_relative_change_does_not():
    x = normal(200, 6)
    y = (x @ normal(6, seed=1) + normal(200, seed=2) > 0).double()
    shifted = x + 0.3 * normal(200, 6, seed=3)
    means = [each.T @ (0.5 - y) / len(each) for each in (x, shifted)]  # the gradients at zero
    limit = float((means[0] - means[1]).norm() / means[0].norm())
    raw, relative = [], []
    for strength in (1e-2, 1, 1e2, 1e4):
        first, second = (ridge(each, y, strength) for each in (x, shifted))
        assert first.norm() <= 2 * means[0].norm() / strength
        raw.append(float((first - second).norm()))
        relative.append(float((first - second).norm() / first.norm()))
    assert raw[-1] == pytest.approx(raw[-2] / 100, rel=0.01)
    assert relative[-1] == pytest.approx(limit, rel=1e-3)
    assert limit > 0.01


def test_the_top_feature_of_an_average_may_be_in_no_members_set():
    first, second = torch.tensor([3.0, 0.0, 2.0]), torch.tensor([0.0, 3.0, 2.0])
    assert [int(each.argmax()) for each in (first, second, (first + second) / 2)] == [0, 1, 2]
