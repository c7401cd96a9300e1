"""Standard errors: their formula in special cases, and that they are as large as the errors, over many seeds."""

import pytest
import torch

from interpbook.attribution.function_approximation.design import Design, enumerated, sampled_pairs
from interpbook.attribution.function_approximation.fit import lfa
from interpbook.attribution.function_approximation.games import exact_shapley
from interpbook.attribution.function_approximation.losses import GradientMatching, SquaredError
from interpbook.attribution.function_approximation.neighborhoods import (
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
    MultiplicativeUniform,
)
from interpbook.attribution.function_approximation.standard_error import leverage_factor, standard_error


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def bumpy(x):
    """Terms of all orders, even and odd."""
    y = x @ torch.linspace(-1, 1, x.shape[1] * 4, dtype=x.dtype).view(x.shape[1], 4)
    return (2 * y).sin().sum(1) + y[:, 0] * y[:, 1] * y[:, 2] + (3 * y[:, 3]).tanh()


def test_of_an_average_it_is_the_deviation_of_pairs_over_the_root_of_their_number():
    design = sampled_pairs(normal(40, 3))
    influence = (normal(2, 5, 40) / 40).unflatten(2, (20, 2))
    influence -= influence.mean((2, 3), keepdim=True)
    pairs = influence.sum(3) * 20
    error = standard_error(influence.flatten(2), torch.full((1, 40), 1 / 40, dtype=torch.float64), design)
    torch.testing.assert_close(error, pairs.std(2) / 20**0.5)


def test_of_strata_the_variances_add_up_with_their_share_of_what_was_not_seen():
    stratum = torch.tensor([0, 0, 0, 1, 1, 2])
    unseen = torch.tensor([0.0, 0.5, 0.25], dtype=torch.float64)
    design = sampled_pairs(normal(12, 2), stratum=stratum, unseen=unseen)
    influence = normal(1, 2, 12)
    pairs = influence.unflatten(2, (6, 2)).sum(3)
    expected = 0.5 * 2 * pairs[..., 3:5].var(2, correction=0) * 2 + 0.25 * pairs[..., 5] ** 2
    none = torch.zeros(1, 12, dtype=torch.float64)
    torch.testing.assert_close(standard_error(influence, none, design), expected.sqrt())


def test_what_is_known_whole_has_no_error_and_what_follows_its_points_no_known_one():
    influence, leverage = normal(1, 2, 4), torch.full((1, 4), 0.5, dtype=torch.float64)
    assert not standard_error(influence, leverage, enumerated(normal(4, 2))).any()
    assert standard_error(influence, leverage, sampled_pairs(normal(4, 2))).isnan().all()
    assert leverage_factor(leverage).isnan().all()
    # A stratum seen whole adds nothing, even if the fit follows it.
    strata = {"stratum": torch.tensor([0, 1]), "unseen": torch.tensor([0.0, 1.0], dtype=torch.float64)}
    leverage = torch.tensor([[0.5, 0.5, 0.1, 0.1]], dtype=torch.float64)
    error = standard_error(influence, leverage, sampled_pairs(normal(4, 2), **strata))
    torch.testing.assert_close(error, (influence[..., 2:].sum(2) ** 2 / 0.8).sqrt())


CASES = {
    "C-LIME": (AdditiveGaussian(0.5), SquaredError(), 120),
    "C-LIME through x": (AdditiveGaussian(0.5), SquaredError(intercept=False), 120),
    "SmoothGrad": (AdditiveGaussian(0.5), GradientMatching(), 60),
    "integrated gradients": (MultiplicativeUniform(), GradientMatching(), 40),
    "LIME": (BinaryExponential(0.25), SquaredError(), 80),
    "LIME of inputs": (BinaryExponential(0.4, distance="input"), SquaredError(), 80),
    "ridge": (BinaryExponential(0.5), SquaredError(ridge=0.05), 80),
    "LIME of gradients": (BinaryExponential(0.5), GradientMatching(), 60),
    "KernelSHAP": (BinaryShapley(), SquaredError(), 120),
    "KernelSHAP, almost whole": (BinaryShapley(), SquaredError(), 240),
}


@pytest.mark.parametrize(("neighborhood", "loss", "samples"), CASES.values(), ids=CASES)
@pytest.mark.slow
def test_it_is_as_large_as_the_error(neighborhood, loss, samples):
    """Over 300 samples, (weights - limit) / standard error has mean 0 and mean square 1, and 95% are below 2."""
    x, runs = normal(1, 8), 300
    limit = lfa(
        bumpy, x, neighborhood=neighborhood, loss=loss, samples=400_000, generator=torch.Generator().manual_seed(99)
    ).weights
    generator = torch.Generator().manual_seed(7)
    fits = [
        lfa(bumpy, x, neighborhood=neighborhood, loss=loss, samples=samples, generator=generator) for _ in range(runs)
    ]
    error = torch.cat([fit.weights - limit for fit in fits])
    reported = torch.cat([fit.standard_error for fit in fits])
    # The ratio of both as estimates of one variance: robust to the few samples whose own estimate is small.
    assert float((error.square().mean() / reported.square().mean()).sqrt()) == pytest.approx(1, abs=0.12)
    z = error / reported
    assert z.abs().lt(2).double().mean() == pytest.approx(0.95, abs=0.04)
    bias = error.mean(0) / (error.std(0) / runs**0.5)
    assert bias.abs().max() < 4.5


def test_it_falls_as_the_root_of_the_budget():
    x = normal(3, 6)
    for neighborhood, loss in [(AdditiveGaussian(0.3), SquaredError()), (AdditiveGaussian(0.3), GradientMatching())]:
        small, large = (
            lfa(bumpy, x, neighborhood=neighborhood, loss=loss, samples=n).standard_error for n in (2000, 32000)
        )
        assert float((small / large).mean()) == pytest.approx(4, rel=0.1)


def test_one_pair_tells_nothing():
    x = normal(1, 3)
    for neighborhood in (AdditiveGaussian(0.3), BinaryExponential(0.5), MultiplicativeUniform()):
        for loss in (SquaredError(), GradientMatching()):
            fit = lfa(bumpy, x, neighborhood=neighborhood, loss=loss, samples=2)
            assert fit.standard_error.isnan().all()
            assert fit.weights.isfinite().all()


def test_shapley_with_fewer_points_than_features():
    x = normal(1, 8)
    fit = lfa(bumpy, x, neighborhood=BinaryShapley(), loss=SquaredError(), samples=4)
    assert fit.standard_error.isnan().all()
    torch.testing.assert_close(fit.weights.sum(1), bumpy(x) - bumpy(0 * x))
    enough = lfa(bumpy, x, neighborhood=BinaryShapley(), loss=SquaredError(), samples=254)
    assert not enough.standard_error.any()
    torch.testing.assert_close(enough.weights, exact_shapley(bumpy, x))


@pytest.mark.parametrize("samples", [50, 100, 200])
@pytest.mark.parametrize("neighborhood", [BinaryExponential(0.25), BinaryShapley()], ids=["LIME", "KernelSHAP"])
def test_it_stays_honest_where_what_features_do_together_is_set_aside(neighborhood, samples):
    x, runs = normal(1, 8, seed=3), 200
    limit = lfa(bumpy, x, neighborhood=neighborhood, loss=SquaredError(), samples=256).weights
    generator = torch.Generator().manual_seed(11)
    fits = [
        lfa(bumpy, x, neighborhood=neighborhood, loss=SquaredError(), samples=samples, generator=generator)
        for _ in range(runs)
    ]
    error = torch.cat([fit.weights - limit for fit in fits])
    reported = torch.cat([fit.standard_error for fit in fits])
    # From few pairs the jackknife's is too large rather than too small.
    assert 0.8 < float((error.square().mean() / reported.square().mean()).sqrt()) < 1.15


def test_single_points_in_strata_have_their_own_error():
    stratum, unseen = torch.tensor([0, 0, 0, 1, 1]), torch.tensor([1.0, 0.5], dtype=torch.float64)
    design = Design(normal(5, 2), torch.full((1, 5), 0.2, dtype=torch.float64), stratum, unseen)
    influence, none = normal(1, 2, 5), torch.zeros(1, 5, dtype=torch.float64)
    expected = 3 * influence[..., :3].var(2) + 0.5 * 2 * influence[..., 3:].var(2)
    torch.testing.assert_close(standard_error(influence, none, design), expected.sqrt())
    assert [(rows.start, rows.stop, share) for rows, share in design.strata()] == [(0, 3, 1.0), (3, 5, 0.5)]
