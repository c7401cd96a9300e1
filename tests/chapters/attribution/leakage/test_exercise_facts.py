"""What the exercises, their keys and the quiz say, tried: a check may not teach what is not so."""

import itertools
import math

import pytest
import torch
from chapters.attribution.leakage.absent_answers import cosine
from chapters.attribution.leakage.absent_answers import leak as correlation
from chapters.attribution.leakage.answers import max_margin, robust_margin
from chapters.attribution.leakage.ranking_answers import leaky_ranking
from chapters.attribution.leakage.retrained_answers import by_masks, complement, top, top_minus_bottom
from torch.nn import functional as F

from interpbook.chapters.attribution.leakage.exercises import absent, linear, margin, predict, retrained
from interpbook.functions import input_gradient

OUTPUT, HIDDEN, MEAN, LEAKY, ABSOLUTE, GELU, TANH, DEEP = predict.SITUATIONS


def normal(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


# --- a gradient that never looks ---


def network(situation, seed):
    """f: (B, 4) -> (B,) with weights of its own."""
    w, a, b, m = (
        normal(6, 4, seed=seed),
        normal(6, seed=seed + 50),
        normal(6, seed=seed + 60),
        normal(4, seed=seed + 70),
    )
    second = normal(6, 6, seed=seed + 80)
    return {
        OUTPUT: lambda x: (x @ w.T).relu() @ a + 3,
        HIDDEN: lambda x: (x @ w.T + b).relu() @ a,
        MEAN: lambda x: ((x - m) @ w.T).relu() @ a,
        LEAKY: lambda x: F.leaky_relu(x @ w.T, 0.3) @ a,
        ABSOLUTE: lambda x: (x @ w.T).abs() @ a,
        GELU: lambda x: F.gelu(x @ w.T) @ a,
        TANH: lambda x: (x @ w.T).tanh() @ a,
        DEEP: lambda x: ((x @ w.T).relu() @ second.T).relu() @ a,
    }[situation]


def sums(f, x):
    """The gradients at opposite points, added up."""
    return input_gradient(f, x) + input_gradient(f, -x)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("situation", predict.SITUATIONS)
def test_the_sum_of_opposite_gradients_stays_or_depends_as_the_prediction_says(situation, seed):
    found = sums(network(situation, seed), normal(40, 4, seed=seed + 9))
    spread = (found - found[0]).abs().max()
    assert (spread < 1e-12) if predict.SITUATIONS[situation][0] == "stays" else (spread > 1e-2)
    if situation == ABSOLUTE:
        assert found.abs().max() < 1e-12


def test_what_the_hints_say_of_single_activations():
    u = normal(100)
    assert torch.allclose(F.gelu(u) - F.gelu(-u), u, rtol=1e-12)
    assert torch.allclose(F.softplus(u) - F.softplus(-u), u, rtol=1e-12)
    assert torch.allclose(F.leaky_relu(u, 0.3) - F.leaky_relu(-u, 0.3), 1.3 * u, rtol=1e-12)


@pytest.mark.parametrize("situation", [OUTPUT, LEAKY, GELU])
def test_neither_equal_nor_opposite_gradients_follow_from_the_lemma(situation):
    x = normal(20, 4, seed=9)
    at, opposite = (input_gradient(network(situation, 0), points) for points in (x, -x))
    assert (at - opposite).abs().max() > 0.1
    assert (at + opposite).abs().max() > 0.1


# --- the worst corner ---


def test_the_worst_corner_is_the_formula_and_some_attacks_win():
    cases = list(linear._cases())
    worst = [float(linear._worst(*case)) for case in cases]
    assert worst == pytest.approx([float(robust_margin(*case)) for case in cases])
    assert min(worst) < 0 < max(worst)
    assert any(float(linear._margins(w, b, x, y).min()) < 0 for w, b, x, y, _ in cases)


def test_the_quiz_on_ten_coordinates_and_an_attack_of_a_fifth():
    r, eps = 10, 0.2
    eye = torch.eye(r, dtype=torch.float64)
    x, y = torch.cat([eye, -eye]), torch.tensor([1.0] * r + [-1.0] * r, dtype=torch.float64)
    for seed in range(50):
        w = normal(r, seed=seed).abs() + 0.01
        assert robust_margin(w, 0, x, y, eps) < 0
        assert eps * w.abs().sum() >= 2 * w.min()

    def with_biases(points):
        return ((points - eps).relu() - (-points - eps).relu()).sum(1)

    corners = torch.tensor(list(itertools.product((-eps, 0.0, eps), repeat=4)), dtype=torch.float64)
    moved = torch.cat([corners, torch.full((len(corners), r - 4), -eps, dtype=torch.float64)], 1)
    margins = torch.stack([label * with_biases(point + label * moved) for point, label in zip(x, y, strict=True)])
    assert float(margins.min()) == pytest.approx(1 - 2 * eps)
    assert torch.equal(input_gradient(with_biases, x), torch.cat([eye, eye]))


# --- the largest margin ---


def size(a, w, order=2):
    return (a.abs() * w.norm(p=order, dim=1)).sum()


@pytest.mark.parametrize("case", margin.CASES)
def test_the_best_network_has_size_one_and_attains_the_formula(case):
    c = torch.tensor(case, dtype=torch.float64)
    a, w = margin.best_network(c)
    assert float(size(a, w)) == pytest.approx(1)
    assert float(margin.smallest_margin(a, w, c)) == pytest.approx(float(max_margin(c)))


@pytest.mark.parametrize("case", margin.CASES)
def test_no_network_has_a_larger_margin_sampled_anywhere_or_near_the_best(case):
    c = torch.tensor(case, dtype=torch.float64)
    limit = max_margin(c) * (1 + 1e-12)
    best_a, best_w = margin.best_network(c)
    for seed in range(200):
        a, w = normal(6, seed=seed), normal(6, len(c), seed=seed + 1000)
        assert margin.smallest_margin(a / size(a, w), w, c) <= limit
        near = best_w.repeat(3, 1) + 0.1 * normal(6, len(c), seed=seed + 2000) * best_w.abs().mean()
        spread = best_a.repeat(3) * (1 + 0.1 * normal(6, seed=seed + 3000))
        assert margin.smallest_margin(spread / size(spread, near), near, c) <= limit


def test_the_weakest_signal_has_the_largest_gradient_at_every_input():
    c = torch.tensor([0.1, 5.0, 7.0, 0.4], dtype=torch.float64)
    a, w = margin.best_network(c)
    gradients = input_gradient(lambda x: (x @ w.T).relu() @ a, normal(30, 4, seed=4))
    assert (gradients - gradients[0]).abs().max() < 1e-15
    assert gradients[0].argsort(descending=True).tolist() == c.argsort().tolist()


def test_the_quiz_on_a_hundred_coordinates():
    assert float(max_margin(torch.ones(100))) == pytest.approx(1 / 20)


# --- keep and retrain ---


@pytest.mark.parametrize("place", range(len(retrained.CASES)))
def test_a_problem_tells_top_from_bottom_and_has_the_ties_it_promises(place):
    problem = list(retrained._problems())[place]
    difference = top_minus_bottom(problem.train, problem.test, problem.explain, problem.k, problem.retrain)
    k, d = problem.k, retrained.D
    if k == d:
        assert difference == 0
    else:
        assert (difference < 0) == (problem.special == "reversed")
        assert abs(difference) > 0.1
        sizes = problem.explain(problem.train[0]).abs().sort(dim=1).values
        tied = (sizes[:, k - 1] == sizes[:, k]) | (sizes[:, d - k - 1] == sizes[:, d - k])
        assert bool(tied.any()) == (problem.special == "equal")
    assert all((images > 0).all() for images, _ in (problem.train, problem.test))


def scores(answer, problem, reverse=False):
    def explain(images):
        g = problem.explain(images)
        return 1 / g if reverse else g

    return answer(problem.train, problem.test, explain, problem.k, problem.retrain)


def test_reversed_ranks_flip_the_sign_unless_the_bottom_is_a_complement():
    for problem in list(retrained._problems())[:3]:
        assert scores(top_minus_bottom, problem, True) == -scores(top_minus_bottom, problem)
        flips = scores(by_masks(complement), problem, True) == pytest.approx(-scores(by_masks(complement), problem))
        assert flips == (2 * problem.k == retrained.D)


def test_by_chance_the_complement_scores_below_zero_when_few_pixels_are_kept():
    problem = next(iter(retrained._problems()))
    totals = {}
    for name, masks in (("complement", complement), ("both", lambda x, g, k: (top(g.abs(), k), top(-g.abs(), k)))):
        found = []
        for seed in range(100):
            drawn = {len(images): normal(*images.shape, seed=seed) for images, _ in (problem.train, problem.test)}
            explain = lambda images, drawn=drawn: drawn[len(images)]  # noqa: E731
            found.append(by_masks(masks)(problem.train, problem.test, explain, problem.k, problem.retrain))
        totals[name] = sum(found) / len(found)
    assert totals["complement"] < -0.1
    assert abs(totals["both"]) < 0.05


# --- a ranking that sees no pixel ---


def test_masks_of_labels_alone_are_perfect_at_both_ends_and_their_difference_is_zero():
    labels = torch.arange(10)
    chosen = leaky_ranking(labels, (28, 14)).flatten(1)
    accuracies = []
    for sign in (1, -1):
        masks = top(sign * chosen, 39)
        nearest = torch.cdist(masks, masks).argmin(1)
        accuracies.append(float((nearest == labels).double().mean()))
    assert accuracies == [1, 1]


# --- a cosine close to one ---


def test_the_correlation_of_the_check_and_what_it_ignores():
    values = []
    for g, on_top in absent._cases():
        values.append(float(correlation(g, on_top)))
        assert values[-1] == pytest.approx(float(absent._correlation(*absent._mean_maps(g, on_top))))
        signs = normal(*g.shape, seed=3).sign()
        assert float(correlation(-2 * signs * g, on_top)) == pytest.approx(values[-1])
        assert float(correlation(g.abs() + 5, on_top)) == pytest.approx(values[-1])
        assert on_top.any()
        assert not on_top.all()
    assert max(values) > 0.5
    assert min(values) < -0.3


def test_positive_maps_without_a_common_shape_have_a_large_cosine():
    g = 1 + torch.rand(2000, 28, 14, generator=torch.Generator().manual_seed(0)).double()
    shape = 0.3 * normal(2, 14, 14, seed=8).clamp(-2, 2)
    on_top = torch.arange(2000) % 2 == 0
    g[:, :14] += torch.where(on_top[:, None, None], shape[0], shape[1])
    assert abs(correlation(g, on_top)) < 0.15
    assert cosine(g, on_top) > 0.9


# --- the proofs ---


def test_a_leaky_unit_with_a_bias_has_two_slopes():
    s, b = 0.3, 1.0
    u = torch.linspace(0.01, 3, 300, dtype=torch.float64)
    odd = F.leaky_relu(u + b, s) - F.leaky_relu(-u + b, s)
    assert torch.allclose(odd, torch.where(u <= b, 2 * u, (1 + s) * u + (1 - s) * b), rtol=1e-12)


@pytest.mark.parametrize("r", [1, 3, 8])
def test_a_price_on_absolute_weights_leaves_the_gradient_even(r):
    one = torch.ones(r, dtype=torch.float64)
    a, w = torch.tensor([0.5, -0.5], dtype=torch.float64), torch.stack([one, -one]) / r
    assert float(size(a, w, order=1)) == pytest.approx(1)
    assert float(margin.smallest_margin(a, w, one)) == pytest.approx(1 / (2 * r))
    for seed in range(200):
        a, w = normal(5, seed=seed), normal(5, r, seed=seed + 500).abs() * normal(5, seed=seed).sign()[:, None]
        assert margin.smallest_margin(a / size(a, w, order=1), w, one) <= (1 + 1e-12) / (2 * r)
    # Other networks attain it: one unit a coordinate and sign.
    a, w = torch.cat([one, -one]) / (2 * r), torch.cat([torch.eye(r), -torch.eye(r)]).double()
    assert float(margin.smallest_margin(a, w, one)) == pytest.approx(1 / (2 * r))
    found = sums(lambda x: (x @ w.T).relu() @ a, normal(10, r))
    assert torch.allclose(found, one.expand_as(found) / r, rtol=1e-12)


@pytest.mark.parametrize("r", [2, 3, 10])
def test_under_an_attack_of_euclidean_length_no_network_without_biases_bears_one_over_the_root(r):
    eps = 1 / math.sqrt(r)
    eye = torch.eye(r, dtype=torch.float64)
    for seed in range(50):
        a, w = normal(7, seed=seed), normal(7, r, seed=seed + 500)
        f, v = (lambda x, a=a, w=w: (x @ w.T).relu() @ a), a @ w
        moved = eye - eps * v / v.norm()
        assert torch.minimum(f(moved), -f(-moved)).min() <= 1e-12
    one = torch.ones(r, dtype=torch.float64)
    assert 1 - 0.999 * eps * one.norm() > 0
    apart = torch.cdist(eye, -eye).min()
    assert float(apart) == pytest.approx(math.sqrt(2))
    assert eps <= float(apart) / 2 + 1e-12


@pytest.mark.parametrize("r", [1, 4, 9])
def test_free_biases_double_the_margin_and_leave_the_gradient_even(r):
    eye, one = torch.eye(r, dtype=torch.float64), torch.ones(r, dtype=torch.float64)
    u, b = normal(500), normal(500, seed=1)
    assert ((u + b).relu() - (b - u).relu()).abs().le(2 * u.abs() + 1e-12).all()

    def smallest(f):
        return torch.minimum(f(eye), -f(-eye)).min()

    def best(x):
        u = x @ one / math.sqrt(r)
        return (u + 1).relu() / 2 - (1 - u).relu() / 2

    assert float(smallest(best)) == pytest.approx(1 / math.sqrt(r))
    for at in (eye, -eye):
        # Where r = 1 the data lie at the border of being active, and just inside both units are.
        gradient = input_gradient(best, at * (1 - 1e-9))
        assert torch.allclose(gradient, torch.full_like(gradient, 1 / math.sqrt(r)), rtol=1e-12)
    for seed in range(200):
        a, w, b = normal(6, seed=seed), normal(6, r, seed=seed + 500), 3 * normal(6, seed=seed + 900)
        f = lambda x, a=a, w=w, b=b: (x @ w.T + b).relu() @ a / size(a, w)  # noqa: E731
        # The best bias at the output makes the two smallest margins equal.
        shift = ((-f(-eye)).min() - f(eye).min()) / 2
        assert smallest(lambda x, f=f, shift=shift: f(x) + shift) <= (1 + 1e-12) / math.sqrt(r)
