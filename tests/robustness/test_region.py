"""The projection is the nearest point of ball and box, the start is uniform in the ball, budgets are each one's own."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interpbook.robustness.region import region_around

each_norm = pytest.mark.parametrize("norm", ["linf", "l2"])


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def uniform(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=seeded(seed))


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def length(move, norm):
    return move.flatten(1).norm(dim=1, p=math.inf if norm == "linf" else 2)


def dykstra(point, center, eps, low, high, rounds=5000):
    """The nearest point of ball and box by an algorithm that knows only how to go to each of the two."""
    first, second = torch.zeros_like(point), torch.zeros_like(point)
    for _ in range(rounds):
        move = point + first - center
        in_ball = center + move * (eps / move.norm(dim=1, keepdim=True).clamp(min=1e-300)).clamp(max=1)
        first = point + first - in_ball
        point = (in_ball + second).clamp(low, high)
        second = in_ball + second - point
    return point


@pytest.mark.parametrize("eps", [0.1, 0.6, 1.2, 3.0])
def test_euclidean_projection_is_the_nearest_point_of_ball_and_box(eps):
    """Some coordinates start at a wall, and the points lie within the region, just outside of it and far away."""
    x = (2 * uniform(40, 7) - 0.5).clamp(0, 1)
    point = x + normal(40, 7, seed=1) * torch.tensor([0.01, 0.3, 1.0, 30.0]).double().repeat(10)[:, None]
    found = region_around(x, eps, "l2", (0, 1)).project(point)
    torch.testing.assert_close(found, dykstra(point, x, eps, 0, 1), atol=5e-5, rtol=0)
    assert bool((length(found - x, "l2") <= eps + 1e-12).all())


def test_projection_in_the_maximum_norm_goes_coordinate_by_coordinate():
    x, point = uniform(20, 5), 3 * normal(20, 5)
    found = region_around(x, 0.25, "linf", (0, 1)).project(point)
    nearest = torch.minimum(torch.maximum(point, (x - 0.25).clamp(min=0)), (x + 0.25).clamp(max=1))
    torch.testing.assert_close(found, nearest)


@each_norm
@given(seed=st.integers(0, 2**20), eps=st.floats(0, 4), walls=st.sampled_from([(0, 1), (-math.inf, 1), (0, math.inf)]))
@settings(max_examples=40, deadline=None)
def test_projection_is_feasible_idempotent_and_moves_no_point_of_the_region(norm, seed, eps, walls):
    x = uniform(5, 3, 2, seed=seed)
    region = region_around(x, eps, norm, walls)
    found = region.project(x + 2 * normal(5, 3, 2, seed=seed + 1))
    assert bool((length(found - x, norm) <= eps + 1e-9).all())
    assert walls[0] <= float(found.min())
    assert float(found.max()) <= walls[1]
    torch.testing.assert_close(region.project(found), found, atol=1e-9, rtol=0)


@each_norm
def test_many_coordinates_at_a_wall_do_not_shorten_the_move(norm):
    """Photographs: of 5,000 values most are black or white, and the ball's radius is used in full nevertheless."""
    x = uniform(3, 5000).round()
    eps = torch.tensor([0.1, 3.0, 20.0], dtype=torch.float64)
    found = region_around(x, eps, norm, (0, 1)).project(x + 10 * normal(3, 5000, seed=1))
    torch.testing.assert_close(length(found - x, norm), eps.clamp(max=1) if norm == "linf" else eps, rtol=1e-6, atol=0)


@each_norm
def test_float32_stays_in_the_ball_to_a_millionth(norm):
    x, eps = uniform(50, 784).float(), torch.linspace(0, 3, 50)
    found = region_around(x, eps, norm, (0, 1)).project(x + 5 * normal(50, 784).float())
    assert bool((length(found.double() - x.double(), norm) <= eps.double() + 1e-6).all())
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1


def test_starts_are_uniform_in_the_ball():
    """In d dimensions the share of radii below t is t^d, so their mean is d / (d + 1); a coordinate has the mean 0 and,
    in the maximum norm, the mean size eps / 2. Within four standard errors of 4000 starts."""
    x, generator = torch.zeros(1, 3, dtype=torch.float64), seeded(3)
    region = region_around(x, 2.0, "l2", None)
    moves = torch.cat([region.start(generator) for _ in range(4000)])
    radii = moves.norm(dim=1) / 2
    assert abs(float(radii.mean()) - 3 / 4) < 4 * float(radii.std()) / 4000**0.5
    assert float(radii.max()) <= 1 + 1e-12
    assert float((moves.mean(0).abs() / (moves.std(0) / 4000**0.5)).max()) < 4
    region = region_around(x, 2.0, "linf", None)
    sizes = torch.cat([region.start(generator) for _ in range(4000)]).abs().flatten()
    assert abs(float(sizes.mean()) - 1) < 4 * float(sizes.std()) / 12000**0.5
    assert float(sizes.max()) <= 2


@each_norm
def test_a_start_has_one_direction_for_all_examples_and_each_its_own_budget(norm):
    x, eps = uniform(3, 4), torch.tensor([0.0, 0.5, 1.0], dtype=torch.float64)
    moves = region_around(x, eps, norm, None).start(seeded(0)) - x
    torch.testing.assert_close(moves, eps[:, None] * moves[2], atol=1e-15, rtol=1e-9)
    assert bool((moves[2] != 0).all())


def test_directions_have_length_one_and_climb():
    slope = normal(4, 2, 3)
    sign, unit = (region_around(slope, 1.0, norm, None).direction(slope) for norm in ("linf", "l2"))
    assert torch.equal(sign, slope.sign())
    torch.testing.assert_close(unit, slope / length(slope, "l2")[:, None, None])
    region = region_around(torch.zeros(1, 2), 1.0, "l2", None)
    torch.testing.assert_close(region.direction(torch.tensor([[3e-38, 4e-38]])), torch.tensor([[0.6, 0.8]]))
    assert region.direction(torch.zeros(1, 2)).tolist() == [[0, 0]]


@each_norm
def test_a_budget_beyond_the_diameter_of_the_box_is_that_diameter(norm):
    region = region_around(uniform(1, 9).float(), 1e30, norm, (0, 1))
    assert float(region.budget) == (1.0 if norm == "linf" else 3.0)
    assert bool(region.start(seeded(0)).isfinite().all())
    assert float(region_around(uniform(1, 9), 1e4, norm, (0, math.inf)).budget) == 1e4


X = torch.full((2, 3), 0.5)
WRONG = [
    (X, 0.1, "l1", (0, 1), ValueError, """norm: expected "linf" or "l2", got 'l1'"""),
    (X, 0.1, X, (0, 1), ValueError, 'norm: expected "linf" or "l2"'),
    (X, -0.1, "l2", (0, 1), ValueError, "eps: expected a finite number of at least 0, got -0.1"),
    (X, math.inf, "l2", (0, 1), ValueError, "eps: expected a finite number of at least 0, got inf"),
    (X, True, "l2", (0, 1), TypeError, "eps: expected a finite number"),
    (X, [0.1, 0.1], "l2", (0, 1), TypeError, "eps: expected a finite number"),
    (X, torch.tensor([0.1]), "l2", (0, 1), ValueError, r"eps: expected one number or one for each of 2 .*shape \(1,\)"),
    (X, torch.full((2, 1), 0.1), "l2", (0, 1), ValueError, r"eps: expected one number or one for each .*\(2, 1\)"),
    (X, torch.tensor([0.1, -2]), "l2", (0, 1), ValueError, "eps: expected numbers of at least 0, got -2"),
    (X, torch.tensor([0.1, math.nan]), "l2", (0, 1), ValueError, "eps: expected finite values, got 1 NaN"),
    (X, torch.tensor([True, False]), "l2", (0, 1), TypeError, r"eps: expected real numbers, got torch\.bool"),
    (X, 0.1, "l2", (0, 0.25), ValueError, "x: expected values inside of the box from 0 to 0.25, got values from 0.5"),
    (X, 0.1, "l2", (1, 0), ValueError, r"box: expected \(low, high\) with low < high, or None, got \(1, 0\)"),
    (X, 0.1, "l2", (0, math.nan), ValueError, r"box: expected \(low, high\)"),
    (X, 0.1, "l2", (None, 1), TypeError, r"box: expected \(low, high\) .* got \(None, 1\)"),
    (X, 0.1, "l2", "01", TypeError, r"box: expected \(low, high\) .* got '01'"),
    (X, 0.1, "l2", (0, 1, 2), TypeError, r"box: expected \(low, high\)"),
]


@pytest.mark.parametrize(("x", "eps", "norm", "box", "error", "said"), WRONG)
def test_wrong_arguments(x, eps, norm, box, error, said):
    with pytest.raises(error, match=said):
        region_around(x, eps, norm, box)


@given(seed=st.integers(0, 2**20), eps=st.floats(0.01, 4))
@settings(max_examples=20, deadline=None)
def test_a_region_without_walls_is_one_whose_walls_are_far_away(seed, eps):
    x = normal(5, 3, 2, seed=seed)
    point = x + 2 * normal(5, 3, 2, seed=seed + 1)
    found = region_around(x, eps, "l2", None).project(point)
    assert torch.equal(found, region_around(x, eps, "l2", (-100, 100)).project(point))
