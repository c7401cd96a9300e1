"""The sparse regression problem is the one that its text says, and its answers are those of least squares."""

import pytest
import torch

from interpbook.pruning import SparseRegression, sparse_regression


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


PROBLEM = sparse_regression(30, 50, 6, generator=seeded(3))


@pytest.mark.parametrize("correlation", [0, 0.5, 0.95])
def test_columns_have_length_one(correlation):
    problem = sparse_regression(40, 20, 3, correlation=correlation)
    torch.testing.assert_close(problem.X.square().sum(0), torch.ones(20, dtype=torch.float64))
    assert problem.X.dtype == problem.y.dtype == problem.weights.dtype == torch.float64


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9])
def test_columns_i_and_j_have_the_correlation_c_to_the_distance(correlation):
    n = 40_000
    X = sparse_regression(n, 6, 2, correlation=correlation).X
    places = torch.arange(6)
    expected = torch.tensor(correlation, dtype=torch.float64) ** (places[:, None] - places).abs()
    assert float((X.T @ X - expected).abs().max()) < 5 / n**0.5


@pytest.mark.parametrize(("d", "k"), [(50, 1), (50, 10), (8, 8)])
def test_k_weights_are_not_zero_and_have_a_size_around_one(d, k):
    problem = sparse_regression(20, d, k, generator=seeded(1))
    sizes = problem.weights[problem.support].abs()
    assert len(sizes) == k == int(problem.support.sum())
    assert float(sizes.min()) >= 0.5
    assert float(sizes.max()) <= 1.5


def test_places_signs_and_sizes_are_drawn_evenly():
    draws = [sparse_regression(2, 10, 4, generator=seeded(seed)).weights for seed in range(300)]
    weights = torch.stack(draws)
    assert (weights != 0).double().mean(0).sub(0.4).abs().max() < 4 * (0.4 * 0.6 / 300) ** 0.5
    drawn = weights[weights != 0]
    assert abs(float(drawn.sign().mean())) < 4 / len(drawn) ** 0.5
    assert abs(float(drawn.abs().mean()) - 1) < 4 / (12 * len(drawn)) ** 0.5
    assert float(drawn.abs().std()) == pytest.approx(12**-0.5, rel=0.05)


def test_targets_are_those_of_the_weights_with_noise_of_the_given_deviation():
    quiet = sparse_regression(30, 10, 3, noise=0)
    torch.testing.assert_close(quiet.y, quiet.X @ quiet.weights)
    loud = sparse_regression(20_000, 10, 3, noise=0.3)
    residual = loud.y - loud.X @ loud.weights
    assert float(residual.std()) == pytest.approx(0.3, rel=0.02)
    assert abs(float(residual.mean())) < 4 * 0.3 / 20_000**0.5


def test_the_loss_is_half_the_squared_residual_and_the_gradient_is_its_gradient():
    w = normal(50).requires_grad_()
    value = PROBLEM.loss(w)
    assert float(value.detach()) == pytest.approx(sum(float(r) ** 2 for r in PROBLEM.X @ w.detach() - PROBLEM.y) / 2)
    (slope,) = torch.autograd.grad(value, w)
    torch.testing.assert_close(PROBLEM.gradient(w.detach()), slope)


def test_the_step_is_one_over_the_largest_eigenvalue_and_descends():
    eigenvalues = torch.linalg.eigvalsh(PROBLEM.X.T @ PROBLEM.X)
    assert PROBLEM.safe_lr == pytest.approx(1 / float(eigenvalues.max()), rel=1e-12)
    w = 10 * normal(50)
    for _ in range(20):
        new = w - PROBLEM.safe_lr * PROBLEM.gradient(w)
        # The guarantee of a step of 1 / L: at least step |gradient|^2 / 2 is gained.
        assert PROBLEM.loss(w) - PROBLEM.loss(new) >= PROBLEM.safe_lr * PROBLEM.gradient(w).square().sum() / 2 - 1e-12
        w = new


def test_refit_is_zero_outside_and_leaves_a_residual_orthogonal_to_its_columns():
    support = torch.zeros(50, dtype=torch.bool)
    support[[1, 4, 5, 20, 33, 48]] = True
    w = PROBLEM.refit(support)
    assert int(w[~support].count_nonzero()) == 0
    assert float(PROBLEM.gradient(w)[support].abs().max()) < 1e-12
    assert float(PROBLEM.gradient(w)[~support].abs().max()) > 1e-2
    other = w + support * normal(50, seed=1) / 100
    assert PROBLEM.loss(other) > PROBLEM.loss(w)


def test_refit_on_the_true_support_finds_the_weights_where_there_is_no_noise():
    problem = sparse_regression(30, 50, 6, noise=0)
    torch.testing.assert_close(problem.refit(problem.support), problem.weights)


def test_least_norm_has_no_smaller_loss_and_no_shorter_solution():
    w = PROBLEM.least_norm()
    assert float(PROBLEM.loss(w)) < 1e-20
    torch.testing.assert_close(w, torch.linalg.pinv(PROBLEM.X) @ PROBLEM.y)
    # The shortest solution is a combination of the rows.
    rows = torch.linalg.svd(PROBLEM.X, full_matrices=False).Vh
    torch.testing.assert_close(rows.T @ (rows @ w), w)
    assert int(w.count_nonzero()) == 50


def test_recovered_is_the_part_of_the_true_support():
    problem = sparse_regression(30, 50, 4)
    places = problem.support.nonzero()[:, 0]
    found = torch.zeros(50, dtype=torch.bool)
    assert problem.recovered(found) == 0
    found[places[:3]] = True
    found[~problem.support] = True
    assert problem.recovered(found) == 0.75
    assert problem.recovered(problem.support) == 1


def test_the_generator_decides_and_by_default_has_seed_0():
    state = torch.get_rng_state()
    first, again, other = (sparse_regression(9, 8, 2, generator=seeded(seed)) for seed in (0, 0, 1))
    default = sparse_regression(9, 8, 2)
    for name in ("X", "y", "weights"):
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert torch.equal(getattr(first, name), getattr(default, name))
        assert not torch.equal(getattr(first, name), getattr(other, name))
    shared = seeded(0)
    sparse_regression(9, 8, 2, generator=shared)
    assert not torch.equal(sparse_regression(9, 8, 2, generator=shared).X, first.X)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("options", "name"),
    [
        *[({size: bad}, size) for size in ("n", "d", "k") for bad in (0, -1, 2.0, True, "3")],
        ({"d": 5, "k": 6}, "k"),
        *[({"correlation": bad}, "correlation") for bad in (1, -0.1, float("nan"), "strong")],
        *[({"noise": bad}, "noise") for bad in (-0.1, float("inf"), None)],
        ({"generator": 3}, "generator"),
    ],
)
def test_a_problem_that_cannot_be_is_refused(options, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name}: expected"):
        sparse_regression(**options)


def test_a_problem_of_ones_own():
    X, w = torch.eye(3, dtype=torch.float64), torch.tensor([0.0, 2.0, 0.0], dtype=torch.float64)
    problem = SparseRegression(X, X @ w, w)
    assert problem.safe_lr == 1
    assert torch.equal(problem.least_norm(), w)
    assert problem.support.tolist() == [False, True, False]
