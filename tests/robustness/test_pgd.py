"""The attack: optimal where the optimum is known, never below its start, in ball and box, each example by itself."""

import math

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from traces import leaves_no_trace

from interpbook.models import MLP
from interpbook.robustness import pgd_attack

each_norm = pytest.mark.parametrize("norm", ["linf", "l2"])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def images(*shape, seed=0):
    """Values in [0, 1], about a third of them at an end."""
    return (1.5 * torch.rand(*shape, dtype=torch.float64, generator=seeded(seed)) - 0.25).clamp(0, 1)


def network(seed=1, activation="softplus"):
    return MLP((12, 8), activation, inputs=6, classes=3, seed=seed).double().eval()


def losses(model, x, y):
    with torch.no_grad():
        return F.cross_entropy(model(x), torch.as_tensor(y), reduction="none")


def length(move, norm):
    return move.flatten(1).norm(dim=1, p=math.inf if norm == "linf" else 2)


def linear(d, seed=0):
    """Two classes, logits W x + b."""
    model = nn.Linear(d, 2).double().eval()
    with torch.no_grad():
        model.weight.copy_(normal(2, d, seed=seed))
        model.bias.copy_(normal(2, seed=seed + 1))
    return model


def least_dual_bound(slope, x, eps):
    """No move in ball and box gains more than this: the least over mu of max_v slope v - mu (|v|^2 - eps^2), where v is
    in the box only, so that the maximum is one coordinate at a time."""
    multipliers = torch.logspace(-9, 4, 20_001, dtype=torch.float64)[:, None]
    moves = torch.minimum(torch.maximum(slope / (2 * multipliers), -x), 1 - x)
    return float(((moves * slope - multipliers * moves.square()).sum(1) + multipliers[:, 0] * eps**2).min())


def test_a_linear_model_is_attacked_in_closed_form_without_a_box():
    """The loss of two classes rises with w x, w the difference of their weights: x + eps sign(w), x + eps w / |w|."""
    model, x, y = linear(9), normal(6, 9, seed=2), torch.tensor([0, 1, 0, 1, 1, 0])
    eps = torch.tensor([0.0, 0.01, 0.1, 1.0, 10.0, 3.0], dtype=torch.float64)
    slope = (model.weight[1 - y] - model.weight[y]).detach()
    found = pgd_attack(model, x, y, eps, "linf", box=None)
    torch.testing.assert_close(found, x + eps[:, None] * slope.sign(), rtol=1e-12, atol=1e-12)
    found = pgd_attack(model, x, y, eps, "l2", box=None)
    unit = slope / slope.norm(dim=1, keepdim=True)
    # The start leaves an angle behind, which each step of a times eps divides by about 1 + a.
    torch.testing.assert_close(found, x + eps[:, None] * unit, rtol=0, atol=1e-4)
    best = losses(model, x + eps[:, None] * unit, y)
    torch.testing.assert_close(losses(model, found, y), best, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize(("eps", "rest"), [(0.05, 1e-6), (0.5, 1e-6), (1.5, 1e-6), (9.0, 1e-3)])
def test_a_linear_model_is_attacked_as_well_as_the_box_allows(eps, rest):
    """Where the ball holds the whole box, coordinates of a tiny weight are still on their way to a corner."""
    model, x, y = linear(30), images(8, 30, seed=2), torch.arange(8) % 2
    slope = (model.weight[1 - y] - model.weight[y]).detach()
    found = pgd_attack(model, x, y, eps, "linf")
    torch.testing.assert_close(found, (x + eps * slope.sign()).clamp(0, 1), rtol=0, atol=1e-12)
    gains = (slope * (pgd_attack(model, x, y, eps, "l2", steps=60) - x)).sum(1)
    bounds = torch.tensor([least_dual_bound(*pair, eps) for pair in zip(slope, x, strict=True)])
    torch.testing.assert_close(gains, bounds.double(), rtol=rest, atol=0)


@each_norm
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_stays_in_each_ball_and_in_the_box(norm, dtype):
    x, y = images(7, 2, 3).to(dtype), torch.arange(7) % 3
    model = nn.Sequential(nn.Flatten(), network()).to(dtype).eval()
    eps = torch.tensor([0.0, 1e-4, 0.01, 0.1, 0.3, 1.0, 100.0], dtype=dtype)
    found = pgd_attack(model, x, y, eps, norm)
    assert (found.shape, found.dtype) == (x.shape, dtype)
    assert bool((length(found.double() - x.double(), norm) <= eps.double() + 1e-6).all())
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    assert torch.equal(found[0], x[0])
    assert bool((losses(model, found, y)[1:] > losses(model, x, y)[1:]).all())


@each_norm
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_stays_in_the_ball_to_its_own_rounding(norm, dtype):
    x, y, model = images(5, 6).to(dtype), torch.arange(5) % 3, network().to(dtype)
    found = pgd_attack(model, x, y, 0.25, norm)
    assert float(length(found.double() - x.double(), norm).max()) <= 0.25 + 2 * torch.finfo(dtype).eps
    assert float(losses(model.double(), found.double(), y).sum()) > float(losses(model, x.double(), y).sum())


@each_norm
@pytest.mark.parametrize("box", [(0, math.inf), (-math.inf, 1), (-3, 3), None])
def test_a_box_may_have_one_end_or_none(norm, box):
    x, y = images(6, 6), torch.arange(6) % 3
    found = pgd_attack(network(), x, y, 1.5, norm, box=box)
    low, high = box or (-math.inf, math.inf)
    assert low <= float(found.min())
    assert float(found.max()) <= high
    assert bool((found < 0).any()) == (low < 0)
    assert bool((found > 1).any()) == (high > 1)


@each_norm
@pytest.mark.parametrize("step_size", [None, 0, 0.01, 50.0])
@pytest.mark.parametrize("activation", ["softplus", "relu"])
def test_no_example_ends_below_where_it_began(norm, step_size, activation):
    """Not even if the steps are absurd, nor if x is already the worst point of the ball."""
    model, x, y = network(activation=activation), images(30, 6), torch.arange(30) % 3
    for steps in (1, 3):
        found = pgd_attack(model, x, y, 0.5, norm, steps, step_size)
        assert bool((losses(model, found, y) >= losses(model, x, y) - 1e-12).all())
    worst = pgd_attack(model, x, y, 0.5, norm, 100)
    again = pgd_attack(model, worst, y, 1e-3, norm, 2, 1e-3)
    assert bool((losses(model, again, y) >= losses(model, worst, y) - 1e-12).all())


@each_norm
def test_the_best_point_that_was_seen_is_returned(norm):
    """Steps so long that the loss goes up and down."""
    model, x, y = network(), images(10, 6), torch.arange(10) % 3
    seen = []

    def spy(points):
        seen.append(points.detach().clone())
        return 30 * model(points).sin()

    found = pgd_attack(spy, x, y, 1.0, norm, steps=8, step_size=0.7)
    points, values = torch.stack(seen), torch.stack([losses(spy, point, y) for point in seen.copy()])
    assert torch.equal(points[0], x)
    assert len(points) == 1 + 1 + 8
    torch.testing.assert_close(losses(spy, found, y), values.amax(0))
    assert bool((points == found).flatten(2).all(2).any(0).all())
    assert bool((values.argmax(0) < 9).any())


@each_norm
def test_neither_batch_nor_order_changes_a_result(norm):
    model, x, y = network(), images(9, 6), torch.arange(9) % 3
    eps = torch.linspace(0.1, 0.9, 9, dtype=torch.float64)
    together = pgd_attack(model, x, y, eps, norm)
    alone = [pgd_attack(model, x[i : i + 1], y[i : i + 1], float(eps[i]), norm) for i in range(9)]
    torch.testing.assert_close(together, torch.cat(alone), rtol=0, atol=1e-9)
    order = torch.randperm(9, generator=seeded(1))
    torch.testing.assert_close(pgd_attack(model, x[order], y[order], eps[order], norm), together[order])


@each_norm
def test_budgets_and_labels_of_any_kind(norm):
    model, x, y = network(), images(4, 6), [0, 1, 2, 1]
    expected = pgd_attack(model, x, torch.tensor(y), 0.5, norm)
    for eps in (np.float64(0.5), torch.tensor(0.5), torch.full((4,), 0.5), torch.full((4,), 0.5).double()):
        assert torch.equal(pgd_attack(model, x, np.array(y, dtype=np.uint8), eps, norm), expected)
    assert torch.equal(pgd_attack(model, x, y, 0, norm), x)
    assert torch.equal(pgd_attack(model, x, y, 1, norm), pgd_attack(model, x, y, torch.tensor(1), norm))


@each_norm
def test_the_generator_decides_where_the_attack_starts(norm):
    model, x, y = network(), images(4, 6), [0, 1, 2, 1]
    one, same, other = (pgd_attack(model, x, y, 1.0, norm, 1, 1e-3, generator=seeded(k)) for k in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(pgd_attack(model, x, y, 1.0, norm), pgd_attack(model, x, y, 1.0, norm, generator=seeded(0)))


@each_norm
def test_leaves_no_trace_in_any_gradient_mode(norm):
    model, x, y = network(), images(4, 6).requires_grad_(), torch.tensor([0, 1, 2, 1])
    model.fc1.bias.requires_grad_(False)
    model.fc.weight.grad = torch.ones_like(model.fc.weight)
    with leaves_no_trace(model, x, y):
        expected = pgd_attack(model, x, y, 0.5, norm)
        assert not expected.requires_grad
        with torch.no_grad():
            assert torch.equal(pgd_attack(model, x, y, 0.5, norm), expected)
        with torch.inference_mode():
            assert torch.equal(pgd_attack(model, x.clone(), y.clone(), 0.5, norm), expected)
        with pytest.raises(ValueError, match="y: expected classes"):
            pgd_attack(model, x, [0, 1, 2, 3], 0.5, norm)
    assert torch.equal(model.fc.weight.grad, torch.ones_like(model.fc.weight))
    assert torch.equal(pgd_attack(model.requires_grad_(False), x, y, 0.5, norm), expected)


def test_a_model_may_write_into_its_input():
    model, x, y = network(), images(4, 6), [0, 1, 2, 1]
    before = x.clone()
    found = pgd_attack(lambda points: model(points.mul_(1.0).add_(0.0)), x, y, 0.5)
    assert torch.equal(x, before)
    assert torch.equal(found, pgd_attack(model, x, y, 0.5))


@each_norm
def test_climbs_where_the_gradient_of_the_loss_is_rounded_to_zero(norm):
    """Logits 400 apart: in float32 the loss is zero, and so is its gradient, at x and all the way to the boundary."""
    model = nn.Linear(4, 2, bias=False).eval()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[400.0] * 4, [-400.0] * 4]))
    x = torch.full((3, 4), 0.5)
    leaf = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), torch.zeros(3).long()), leaf)
    assert not bool(slope.any())
    found = pgd_attack(model, x, [0, 0, 0], 0.8 if norm == "linf" else 1.6, norm, box=None)
    torch.testing.assert_close(found, torch.full((3, 4), -0.3), rtol=0, atol=1e-3)


def test_the_default_steps_fall_from_twice_the_budget_to_a_twentieth():
    """A loss that rises without end along the first coordinate; the ball is never left, so steps show in its middle."""
    seen = []

    def model(points):
        seen.append(points.detach())
        return torch.stack([-points[:, 0], points[:, 0]], 1) * torch.tensor([1.0]) * (-1) ** len(seen)

    pgd_attack(model, torch.zeros(1, 1, dtype=torch.float64), [0], 1.0, "l2", steps=4, box=None)
    moves = torch.cat(seen).flatten().diff()[1:]
    start = float(seen[1])
    expected, point = [], start
    for k, size in enumerate((2.0, 1.35, 0.7, 0.05)):
        sign = 1 if k % 2 == 0 else -1
        after = min(max(point + sign * size, -1), 1)
        expected.append(after - point)
        point = after
    torch.testing.assert_close(moves, torch.tensor(expected, dtype=torch.float64))


M, X, Y = network(), images(4, 6), [0, 1, 2, 1]
WRONG = [
    (lambda: pgd_attack(network().train(), X, Y, 0.1), ValueError, "model: expected evaluation mode"),
    (lambda: pgd_attack("resnet", X, Y, 0.1), TypeError, "model: expected a module or a function, got str"),
    (lambda: pgd_attack(M, X.float(), Y, 0.1), ValueError, "x: expected dtype torch.float64"),
    (lambda: pgd_attack(M, X.long(), Y, 0.1), TypeError, "x: expected a floating tensor"),
    (lambda: pgd_attack(M, X[:0], Y[:0], 0.1), ValueError, "x: expected at least one example"),
    (lambda: pgd_attack(M, X[:, :5], Y, 0.1), ValueError, r"x: expected a shape that the model takes, got \(4, 5\)"),
    (lambda: pgd_attack(M, X + 1, Y, 0.1), ValueError, "x: expected values inside of the box from 0 to 1, got .* to 2"),
    (lambda: pgd_attack(M, X, [0, 1, 2, 3], 0.1), ValueError, "y: expected classes from 0 to 2, got 3"),
    (lambda: pgd_attack(M, X, [0, 1], 0.1), ValueError, r"y: expected one class per example, shape \(4,\), got \(2,\)"),
    (lambda: pgd_attack(M, X, X[:, 0], 0.1), TypeError, "y: expected an integer tensor"),
    (lambda: pgd_attack(M, X, None, 0.1), TypeError, "y: expected an integer tensor"),
    (lambda: pgd_attack(M, X, Y, -1), ValueError, "eps: expected a finite number of at least 0"),
    (lambda: pgd_attack(M, X, Y, 0.1, "l1"), ValueError, 'norm: expected "linf" or "l2"'),
    (lambda: pgd_attack(M, X, Y, 0.1, steps=0), ValueError, "steps: expected an int of at least 1, got 0"),
    (lambda: pgd_attack(M, X, Y, 0.1, step_size=-1), ValueError, "step_size: expected a finite number of at least 0"),
    (lambda: pgd_attack(M, X, Y, 0.1, box=(1, 0)), ValueError, "box: expected"),
    (lambda: pgd_attack(M, X, Y, 0.1, generator=3), TypeError, "generator: expected a torch.Generator or None"),
    (lambda: pgd_attack(lambda x: M(x)[:, 0], X, Y, 0.1), ValueError, r"model output: expected shape \(B, K\)"),
    (lambda: pgd_attack(lambda x: M(x)[:, :1], X, [0] * 4, 0.1), ValueError, "expected at least two classes, got 1"),
    (lambda: pgd_attack(lambda x: M(x) * math.nan, X, Y, 0.1), ValueError, "model output: expected finite values"),
    (lambda: pgd_attack(lambda x: M(x).detach(), X, Y, 0.1), ValueError, "differentiable in x"),
    (
        lambda: pgd_attack(lambda x: M(x) + (0.96 - x[:, :1]).sqrt(), X * 0 + 0.95, Y, 0.1),
        ValueError,
        r"model output: expected finite values in all of the ball, got others for \d of 4",
    ),
]


@pytest.mark.parametrize(("call", "error", "said"), WRONG)
def test_wrong_arguments(without_shape_checks, call, error, said):
    with pytest.raises(error, match=said):
        call()
