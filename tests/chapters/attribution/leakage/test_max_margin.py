"""What the lesson proves of one hidden layer on the points +-e_j, tried on networks that were drawn or searched for."""

import itertools
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from interpbook.attribution import input_gradient
from interpbook.chapters.attribution.leakage.max_margin import (
    bump_network,
    free_bias_network,
    linear_network,
    margin_at_worst_corner,
    margins,
    max_margin_leak,
    network_size,
    relu_network,
    signed_units,
)

DOUBLE = torch.float64
SIZES = [1, 2, 3, 4, 10]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*shape: int, seed: int) -> Tensor:
    return torch.randn(*shape, dtype=DOUBLE, generator=seeded(seed))


def of_size_one(w: Tensor, a: Tensor) -> tuple[Tensor, Tensor]:
    """Weights Float[... h d] and Float[... h], of which the second are scaled."""
    return w, a / (a.abs() * w.norm(dim=-1)).sum(-1, keepdim=True)


def outputs(w: Tensor, a: Tensor, x: Tensor) -> Tensor:
    """Of many bias-free networks Float[m h d], Float[m h] at points Float[m n d] or Float[n d]: Float[m n]."""
    return torch.einsum("mh,mnh->mn", a, (x @ w.transpose(-1, -2)).relu())


def corners(d: int, eps: float) -> Tensor:
    """All moves by eps of every coordinate, Float[2**d d]."""
    return eps * torch.tensor(list(itertools.product([-1.0, 1.0], repeat=d)), dtype=DOUBLE)


def worst_at_corners(f, x: Tensor, y: Tensor, eps: float) -> Tensor:
    """The smallest of all margins at the corners around each of the points."""
    return torch.stack([margins(f, x + move, y) for move in corners(x.shape[1], eps)]).amin(0)


# The lemma.


@given(seed=st.integers(0, 10_000), d=st.integers(1, 6), hidden=st.integers(1, 9))
@settings(max_examples=50, deadline=None)
def test_without_biases_the_gradients_at_opposite_points_add_up_to_one_vector(seed, d, hidden):
    w, a = normal(hidden, d, seed=seed), normal(hidden, seed=seed + 1)
    f, v = relu_network(w, a), a @ w
    x = normal(20, d, seed=seed + 2)
    both = input_gradient(f, x) + input_gradient(f, -x)
    torch.testing.assert_close(both, v.expand(20, d), rtol=0, atol=1e-12)
    torch.testing.assert_close(f(x) - f(-x), x @ v, rtol=0, atol=1e-12)


def test_with_hidden_biases_they_do_not():
    f = bump_network(2, 0.3)
    x = torch.tensor([[0.1, 0.1], [1.0, 0.1]], dtype=DOUBLE)
    both = input_gradient(f, x) + input_gradient(f, -x)
    assert both.tolist() == [[0, 0], [2, 0]]


# Theorem 1.


@pytest.mark.parametrize("r", SIZES)
def test_the_linear_network_has_the_largest_margin(r):
    leak, f, (x, y) = max_margin_leak(r), linear_network(r), signed_units(r)
    assert network_size(f) == pytest.approx(1, abs=1e-15)
    assert leak.margin == 1 / (2 * r**0.5)
    torch.testing.assert_close(margins(f, x, y), torch.full((2 * r,), leak.margin, dtype=DOUBLE), rtol=0, atol=1e-15)
    for points in (x, normal(20, r, seed=r)):
        gradient = input_gradient(f, points)
        torch.testing.assert_close(gradient, leak.gradient.expand_as(points), rtol=0, atol=1e-15)
    share = (gradient.abs()[:, 0] / gradient.abs().sum(1)).mean()
    assert float(share) == pytest.approx(leak.share, abs=1e-15)
    assert leak.share == pytest.approx(1 / r)


def test_of_many_networks_none_has_a_larger_margin():
    """10,000 for each r, half of them near the best, also with coordinates that say nothing."""
    nearest = {}
    for r, d in ((1, 1), (2, 2), (3, 5), (4, 4), (10, 10)):
        x, y = signed_units(r, d)
        w, a = normal(10_000, 6, d, seed=r), normal(10_000, 6, seed=r + 1)
        best = y[:r].new_zeros(d).index_fill(0, torch.arange(r), 1.0)
        w[:5000] = 0.03 * w[:5000] + best * torch.tensor([1.0, 1, 1, -1, -1, -1])[:, None]
        a[:5000] = (1 + 0.1 * a[:5000]) * torch.tensor([1.0, 1, 1, -1, -1, -1])
        smallest = (y * outputs(*of_size_one(w, a), x)).amin(1)
        assert float(smallest.max()) <= max_margin_leak(r).margin + 1e-12
        nearest[r] = float(smallest.max()) / max_margin_leak(r).margin
    assert all(ratio > 0.9 for ratio in nearest.values())


@given(seed=st.integers(0, 10_000), r=st.integers(1, 6))
@settings(max_examples=50, deadline=None)
def test_margins_at_opposite_points_add_up_to_the_linear_part(seed, r):
    w, a = of_size_one(normal(5, r + 1, seed=seed), normal(5, seed=seed + 1))
    f, (x, y), v = relu_network(w, a), signed_units(r, r + 1), a @ w
    assert network_size(f) == pytest.approx(1, abs=1e-12)
    found = margins(f, x, y)
    torch.testing.assert_close(found[:r] + found[r:], v[:r], rtol=0, atol=1e-12)
    assert float(v.norm()) <= 1 + 1e-12
    assert float(found.min()) <= float(v[:r].min()) / 2 + 1e-12


def searched(r: int, hidden: int = 6, starts: int = 10) -> tuple[Tensor, Tensor]:
    """Networks of size 1 whose smallest margin was raised by gradient ascent, from ten random starts."""
    x, y = signed_units(r)
    w, a = normal(starts, hidden, r, seed=r).requires_grad_(), normal(starts, hidden, seed=r + 1).requires_grad_()
    ascent = torch.optim.Adam([w, a], lr=0.03)
    steps = 500
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(ascent, steps)
    for step in range(steps):
        sharpness = 10 * 1000 ** (step / steps)
        values = y * outputs(*of_size_one(w, a), x)
        soft = -torch.logsumexp(-sharpness * values, 1) / sharpness
        ascent.zero_grad()
        (-soft.sum()).backward()
        ascent.step()
        schedule.step()
    w, a = of_size_one(w.detach(), a.detach())
    return w, a


@pytest.mark.parametrize("r", [1, 2, 3])
def test_a_search_for_a_larger_margin_ends_at_the_linear_network(r):
    """Never above the bound, the best of ten within 1e-5 of it, with the gradient of the theorem at all points."""
    leak, (x, y) = max_margin_leak(r), signed_units(r)
    w, a = searched(r)
    smallest = (y * outputs(w, a, x)).amin(1)
    assert float(smallest.max()) <= leak.margin + 1e-12
    best = int(smallest.argmax())
    assert leak.margin - float(smallest[best]) < 1e-5
    f = relu_network(w[best], a[best])
    for points in (x + 1e-9 * normal(*x.shape, seed=9), normal(20, r, seed=8)):
        gradient = input_gradient(f, points)
        assert float((gradient - leak.gradient).norm(dim=1).max()) < 0.01 * float(leak.gradient.norm())


# Theorem 2.


@given(r=st.integers(1, 5), eps=st.floats(0, 1))
@settings(max_examples=100, deadline=None)
def test_a_linear_function_withstands_less_than_one_over_r(r, eps):
    """Against its own margin: 1 - r eps, at the worst of all corners."""
    f, (x, y) = linear_network(r), signed_units(r)
    worst = margin_at_worst_corner(f, x, y, eps)
    torch.testing.assert_close(worst, worst_at_corners(f, x, y, eps), rtol=0, atol=1e-14)
    relative = worst / max_margin_leak(r).margin
    torch.testing.assert_close(relative, torch.full((2 * r,), 1 - r * eps, dtype=DOUBLE), rtol=0, atol=1e-12)


@pytest.mark.parametrize("r", [1, 2, 3, 4])
def test_without_biases_no_network_withstands_more(r):
    """1,000 networks near the best and far from it: at eps = 1/r each loses some corner, below it not all do."""
    x, y = signed_units(r)
    w, a = normal(1000, 6, r, seed=r), normal(1000, 6, seed=r + 1)
    signs = torch.tensor([1.0, 1, 1, -1, -1, -1], dtype=DOUBLE)
    w[:500] = 0.02 * w[:500] + signs[:, None]
    a[:500] = (1 + 0.02 * a[:500]) * signs
    w, a = of_size_one(w, a)
    v = torch.einsum("mh,mhd->md", a, w)

    def worst(eps: float) -> Tensor:
        moves = corners(r, eps)
        return torch.stack([y * outputs(w, a, x + move) for move in moves]).amin((0, 2))

    for eps in (0.5 / r, 0.9 / r, 1 / r, 1.2 / r):
        bound = (v.amin(1) - eps * v.abs().sum(1)) / 2
        assert bool((worst(eps) <= bound + 1e-12).all())
    assert float(worst(1 / r).max()) <= 1e-12
    assert float(worst(0.9 / r).max()) > 0


@given(r=st.integers(1, 5), eps=st.floats(0.01, 0.49), inside=st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_with_biases_a_network_withstands_all_that_can_be_withstood(r, eps, inside):
    f, (x, y) = bump_network(r, eps), signed_units(r)
    expected = torch.full((2 * r,), 1 - 2 * eps, dtype=DOUBLE)
    torch.testing.assert_close(margin_at_worst_corner(f, x, y, eps), expected, rtol=0, atol=1e-15)
    torch.testing.assert_close(worst_at_corners(f, x, y, eps), expected, rtol=0, atol=1e-15)
    moves = eps * (2 * torch.rand(200, 1, r, generator=seeded(inside), dtype=DOUBLE) - 1)
    anywhere = y * f((x + moves).flatten(0, 1)).view(200, 2 * r)
    assert bool((anywhere >= expected - 1e-15).all())
    assert torch.equal(input_gradient(f, x), x.abs())


@pytest.mark.parametrize("network", [linear_network(3), bump_network(3, 0.3), free_bias_network(3)])
def test_no_output_falls_where_a_coordinate_rises(network):
    """Which is why the worst move goes against the label in every coordinate."""
    x = normal(300, 3, seed=0)
    up = torch.rand(300, 3, generator=seeded(1), dtype=DOUBLE)
    assert bool((network(x + up) >= network(x) - 1e-15).all())


# Proposition 3.


@pytest.mark.parametrize("r", SIZES)
def test_biases_that_cost_nothing_double_the_margin_and_keep_the_leak(r):
    f, (x, y), leak = free_bias_network(r), signed_units(r), max_margin_leak(r)
    assert network_size(f) == pytest.approx(1, abs=1e-15)
    expected = torch.full((2 * r,), 2 * leak.margin, dtype=DOUBLE)
    torch.testing.assert_close(margins(f, x, y), expected, rtol=0, atol=1e-15)
    torch.testing.assert_close(input_gradient(f, x), 2 * leak.gradient.expand(2 * r, r), rtol=0, atol=1e-15)


def test_no_bias_doubles_it_more_than_once():
    """10,000 networks for each r with hidden biases, and the output bias that is best for each of them."""
    for r in (1, 2, 3, 10):
        x, _ = signed_units(r)
        w, a = of_size_one(normal(10_000, 3, r, seed=r), normal(10_000, 3, seed=r + 1))
        w[:5000] = w[:5000].abs() * a[:5000, :, None].sign()
        b = 2 * normal(10_000, 3, seed=r + 2)
        plain = torch.einsum("mh,mnh->mn", a, (x @ w.transpose(1, 2) + b[:, None]).relu())
        lifted, lowered = plain[:, :r].amin(1), plain[:, r:].amax(1)
        smallest = (lifted - lowered) / 2
        bound = 2 * max_margin_leak(r).margin
        assert float(smallest.max()) <= bound + 1e-12
        assert float(smallest.max()) > (0.9 if r < 4 else 0.5) * bound


@given(s=st.floats(-10, 10), b=st.floats(-10, 10))
def test_a_bias_lets_a_unit_differ_by_twice_its_input_at_most(s, b):
    assert abs(max(s + b, 0.0) - max(b - s, 0.0)) <= 2 * abs(s) + 1e-12


# The data, the networks, and errors.


def test_points_and_labels():
    x, y = signed_units(3, 5)
    assert x.shape == (6, 5)
    assert torch.equal(x.sum(1), y)
    assert torch.equal(x[:3, :3], torch.eye(3, dtype=DOUBLE))
    assert torch.equal(x[3:], -x[:3])
    assert torch.equal(y, torch.tensor([1, 1, 1, -1, -1, -1], dtype=DOUBLE))
    assert not torch.signbit(x[x == 0]).any()


def test_a_network_is_its_equation():
    w, a, b, c = normal(4, 3, seed=0), normal(4, seed=1), normal(4, seed=2), normal(1, seed=3)
    x, state = normal(7, 3, seed=4), torch.get_rng_state()
    for f, expected in (
        (relu_network(w, a, b, c), (x @ w.T + b).relu() @ a + c),
        (relu_network(w, a, b), (x @ w.T + b).relu() @ a),
        (relu_network(w, a), (x @ w.T).relu() @ a),
    ):
        torch.testing.assert_close(f(x), expected, rtol=0, atol=1e-14)
        assert network_size(f) == pytest.approx(
            sum(abs(float(k)) * float(row.norm()) for k, row in zip(a, w, strict=True))
        )
    assert [layer.bias is None for layer in f if isinstance(layer, nn.Linear)] == [True, True]
    assert torch.equal(torch.get_rng_state(), state)
    w.zero_()
    assert bool(f(x).any())


def test_moving_scale_between_layers_changes_neither_size_nor_output():
    w, a, scale = normal(4, 3, seed=0), normal(4, seed=1), normal(4, seed=2).exp()
    one, two = relu_network(w, a), relu_network(scale[:, None] * w, a / scale)
    assert network_size(one) == pytest.approx(network_size(two), rel=1e-14)
    torch.testing.assert_close(one(w), two(w), rtol=1e-13, atol=1e-14)


X, Y = signed_units(2)
WRONG = [
    (lambda: max_margin_leak(0), ValueError, "^r: expected an int of at least 1, got 0"),
    (lambda: max_margin_leak(2.0), TypeError, "^r: .*got 2.0"),
    (lambda: signed_units(0), ValueError, "^r: expected an int of at least 1, got 0"),
    (lambda: signed_units(0, 3), ValueError, "^r: expected an int of at least 1, got 0"),
    (lambda: signed_units(3, 2), ValueError, "^d: expected at least r = 3, got 2"),
    (lambda: signed_units(1, 2.0), TypeError, "^d: .*got 2.0"),
    (lambda: linear_network(-1), ValueError, "^r: .*got -1"),
    (lambda: free_bias_network(0), ValueError, "^r: .*got 0"),
    (lambda: bump_network(0, 0.1), ValueError, "^r: .*got 0"),
    (lambda: bump_network(2, 0), ValueError, "^eps: expected above 0 and below 1/2, got 0"),
    (lambda: bump_network(2, 0.5), ValueError, "^eps: .*got 0.5"),
    (lambda: bump_network(2, math.nan), ValueError, "^eps: .*got nan"),
    (lambda: bump_network(2, "0.1"), TypeError, "^eps: .*got '0.1'"),
    (lambda: margin_at_worst_corner(linear_network(2), X, Y, -0.1), ValueError, "^eps: .*at least 0, got -0.1"),
]


@pytest.mark.parametrize(("call", "error", "says"), WRONG)
def test_wrong_arguments_are_refused_by_name(without_shape_checks, call, error, says):
    with pytest.raises(error, match=says):
        call()
