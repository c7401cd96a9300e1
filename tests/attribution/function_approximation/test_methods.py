"""Each of the eight rows against a function of this package that was written without `lfa`, and their theorems."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from interpbook.attribution import (
    METHODS,
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
    GradientMatching,
    MultiplicativeUniform,
    SquaredError,
    exact_banzhaf,
    exact_shapley,
    gradient_x_input,
    input_gradient,
    integrated_gradients,
    lfa,
    occlusion,
    select,
    smoothgrad,
)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(*widths, activation=nn.Tanh, seed=0):
    torch.manual_seed(seed)
    layers = []
    for i, o in pairwise(widths):
        layers += [nn.Linear(i, o), activation()]
    return nn.Sequential(*layers[:-1]).double().eval()


def close_within(error, standard_error, sigmas=4.5):
    assert (error.abs() <= sigmas * standard_error + 1e-12).all(), (error / standard_error).abs().max()


each_activation = pytest.mark.parametrize("activation", [nn.Tanh, nn.ReLU])


def test_there_are_eight():
    assert list(METHODS) == [
        "C-LIME", "SmoothGrad", "vanilla gradient", "integrated gradients", "gradient x input", "LIME", "KernelSHAP",
        "occlusion",
    ]  # fmt: skip
    assert len({(repr(row["neighborhood"]), repr(row["loss"])) for row in METHODS.values()}) == 8
    with pytest.raises(TypeError):
        METHODS["another"] = METHODS["LIME"]


@each_activation
def test_rows_that_are_exact(activation):
    f, x = select(network(6, 9, 3, activation=activation), 1), normal(4, 6)
    torch.testing.assert_close(lfa(f, x, **METHODS["vanilla gradient"]).weights, input_gradient(f, x))
    torch.testing.assert_close(lfa(f, x, **METHODS["gradient x input"]).weights, gradient_x_input(f, x))
    torch.testing.assert_close(lfa(f, x, **METHODS["occlusion"]).weights, occlusion(f, x, window=1))
    shap = lfa(f, x, **METHODS["KernelSHAP"])
    torch.testing.assert_close(shap.weights, exact_shapley(f, x), rtol=1e-10, atol=1e-10)
    flat = lfa(f, x, neighborhood=BinaryExponential(float("inf")), loss=SquaredError())
    torch.testing.assert_close(flat.weights, exact_banzhaf(f, x), rtol=1e-10, atol=1e-10)


@each_activation
def test_rows_that_are_samples_agree_within_their_standard_errors(activation):
    f, x = select(network(6, 9, 3, activation=activation), 1), normal(4, 6)
    path = lfa(f, x, **METHODS["integrated gradients"], samples=4000)
    close_within(path.weights - integrated_gradients(f, x, steps=20_000), path.standard_error)
    smooth = lfa(f, x, **METHODS["SmoothGrad"], samples=4000)
    other = lfa(f, x, **METHODS["SmoothGrad"], samples=40_000, generator=seeded(5)).standard_error
    reference = smoothgrad(f, x, sigma=0.1, samples=40_000)
    # The reference has no mirror images, and so a standard error of its own: that of x + noise, to first order.
    spread = torch.stack([smoothgrad(f, x, 0.1, 400, seeded(k)) for k in range(20)]).std(0) / 10
    close_within(smooth.weights - reference, (smooth.standard_error**2 + other**2 + spread**2).sqrt())
    slope = lfa(f, x, **METHODS["C-LIME"], samples=4000)
    close_within(slope.weights - reference, (slope.standard_error**2 + spread**2).sqrt())


def test_lime_is_the_weighted_fit_of_scikit_learn():
    from sklearn.linear_model import LinearRegression

    f, x = select(network(5, 9, 2), 0), normal(1, 5)
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 5)
    ones, baseline = torch.ones_like(masks), normal(5, seed=8)
    points = torch.lerp(baseline, x, masks)
    for distance, one, other in [("mask", ones, masks), ("input", x.expand(32, 5), points)]:
        far = 1 - torch.cosine_similarity(one, other, 1)
        kernel = (-(far**2) / (2 * 0.25**2)).exp()
        reference = LinearRegression().fit(masks, f(points).detach(), sample_weight=kernel)
        near = BinaryExponential(0.25, distance)
        fit = lfa(f, x, neighborhood=near, loss=SquaredError(), baseline=baseline, samples=32)
        assert not fit.standard_error.any()
        torch.testing.assert_close(fit.weights[0], torch.tensor(reference.coef_), rtol=1e-9, atol=1e-10)
        assert float(fit.intercept[0]) == pytest.approx(reference.intercept_)


def test_stein_c_lime_approaches_smoothgrad_as_the_root_of_the_budget():
    """E xi f(x + xi) / sigma^2 = E grad f(x + xi)."""
    f, x = select(network(5, 16, 2), 0), 2 * normal(20, 5)

    def distance(samples):
        pair = []
        for loss in (SquaredError(), GradientMatching()):
            fit = lfa(f, x, neighborhood=AdditiveGaussian(0.7), loss=loss, samples=samples, generator=seeded(3))
            pair.append(fit.weights)
        return float((pair[0] - pair[1]).square().mean().sqrt())

    sizes = torch.tensor([500.0, 2000, 8000, 32000], dtype=torch.float64)
    distances = torch.tensor([distance(int(n)) for n in sizes], dtype=torch.float64)
    logs = sizes.log() - sizes.log().mean()
    assert float((logs * distances.log()).sum() / logs.square().sum()) == pytest.approx(-0.5, abs=0.12)


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(list(METHODS)), st.integers(1, 6), st.integers(0, 10**6))
def test_a_linear_model_is_recovered(name, d, seed):
    """Its weights by the additive rows, its terms weight * (x - baseline) by the multiplicative ones."""
    weight, x, baseline = normal(d, seed=seed), normal(3, d, seed=seed + 1), normal(d, seed=seed + 2)
    fit = lfa(lambda x: x @ weight + 2, x, **METHODS[name], samples=40, baseline=baseline)
    additive = isinstance(METHODS[name]["neighborhood"], AdditiveGaussian)
    expected = weight.expand(3, d) if additive else weight * (x - baseline)
    torch.testing.assert_close(fit.weights, expected, rtol=1e-8, atol=1e-8)
    assert (fit.standard_error.nan_to_num() < 1e-6).all()
    if fit.intercept is not None:
        at_zero = x if additive else baseline.expand(3, d)
        torch.testing.assert_close(fit.intercept, at_zero @ weight + 2, rtol=1e-7, atol=1e-7)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10**6))
def test_pairs_make_quadratics_exact(d, seed):
    """x'Ax: the mirror image cancels what two draws have in common."""
    a, x = normal(d, d, seed=seed), normal(2, d, seed=seed + 1)
    f = lambda x: ((x @ a) * x).sum(1)  # noqa: E731
    gradient = x @ (a + a.T)
    near = AdditiveGaussian(1.0)
    for loss in (GradientMatching(), SquaredError(intercept=False)):
        fit = lfa(f, x, neighborhood=near, loss=loss, samples=2 * d + 2)
        torch.testing.assert_close(fit.weights, gradient, rtol=1e-6, atol=1e-6)
    path = lfa(f, x, neighborhood=MultiplicativeUniform(), loss=GradientMatching(), samples=2)
    torch.testing.assert_close(path.weights, x * gradient / 2, rtol=1e-9, atol=1e-9)


def test_integrated_gradients_do_not_see_the_implementation():
    one, wide = network(5, 8, 3, activation=nn.ReLU), network(5, 16, 3, activation=nn.ReLU)
    with torch.no_grad():
        wide[0].weight.copy_(torch.cat([one[0].weight, 4 * one[0].weight]))
        wide[0].bias.copy_(torch.cat([one[0].bias, 4 * one[0].bias]))
        wide[2].weight.copy_(torch.cat([one[2].weight / 2, one[2].weight / 8], 1))
        wide[2].bias.copy_(one[2].bias)
    x, row = normal(4, 5), METHODS["integrated gradients"]
    torch.testing.assert_close(lfa(select(one, 2), x, **row).weights, lfa(select(wide, 2), x, **row).weights)


def test_shapley_at_a_budget():
    """Ten features, five inputs, eight seeds: root mean square error over that of the values."""
    model, x = network(10, 32, 32, 1), 2 * normal(5, 10)
    with torch.no_grad():
        for layer in model[::2]:  # large weights: features do more together than each alone
            layer.weight.copy_(2 * (2 / layer.in_features) ** 0.5 * normal(*layer.weight.shape, seed=4))
    f = select(model, 0)
    exact = exact_shapley(f, x)

    def error(samples):
        fits = [lfa(f, x, **METHODS["KernelSHAP"], samples=samples, generator=seeded(k)).weights for k in range(8)]
        return float((torch.stack(fits) - exact).square().mean().sqrt() / exact.square().mean().sqrt())

    assert error(198) <= 0.12
    assert error(998) <= 0.03
    assert error(1022) <= 1e-10


def bent_network(d):
    """Large weights: features do more together than each alone."""
    model = network(d, 32, 32, 1)
    with torch.no_grad():
        for layer in model[::2]:
            layer.weight.copy_(2 * (2 / layer.in_features) ** 0.5 * normal(*layer.weight.shape, seed=4))
    return select(model, 0)


def relative_error(name, d, samples, seeds=8):
    """Five inputs: root mean square error over that of the weights from all masks."""
    f, x = bent_network(d), 2 * normal(5, d)
    whole = lfa(f, x, **METHODS[name], samples=2**d).weights
    fits = [lfa(f, x, **METHODS[name], samples=samples, generator=seeded(k)).weights for k in range(seeds)]
    return float((torch.stack(fits) - whole).square().mean().sqrt() / whole.square().mean().sqrt())


def test_what_three_features_do_together_is_set_aside_by_shapley():
    """14 features, 364 products of three, of which a linear fit to 500 pairs of masks would take up noise."""
    assert relative_error("KernelSHAP", 14, 998, seeds=4) <= 0.048


def test_lime_at_a_budget():
    """What two features do together is set aside, and each size of mask comes in its share of the kernel."""
    assert relative_error("LIME", 10, 30) <= 0.7
    assert relative_error("LIME", 10, 200) <= 0.155
    assert relative_error("LIME", 10, 1023) <= 1e-4


def test_shapley_of_pairwise_games_needs_few_points():
    """Complements cancel what two features do together: exact as soon as the sizes determine the weights."""
    a, x = normal(12, 12), normal(2, 12, seed=1)
    f = lambda x: ((x @ a) * x).sum(1)  # noqa: E731
    fit = lfa(f, x, **METHODS["KernelSHAP"], samples=40)
    torch.testing.assert_close(fit.weights, exact_shapley(f, x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("samples", [3, 10, 40, 1000])
def test_shapley_weights_add_up_at_any_budget(samples):
    f, x, baseline = select(network(9, 12, 2), 1), normal(3, 9), normal(9, seed=2)
    fit = lfa(f, x, **METHODS["KernelSHAP"], samples=samples, baseline=baseline)
    rise = (f(x) - f(baseline.expand(3, 9))).detach()
    torch.testing.assert_close(fit.weights.sum(1), rise, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(fit.intercept, f(baseline.expand(3, 9)).detach())


@pytest.mark.parametrize(
    ("f", "x", "baseline", "expected"),
    [
        (lambda x: x[:, 0] * x[:, 1] + x[:, 2], [1.0, 1, 1], 0.0, [0.5, 0.5, 1]),
        (lambda x: x.prod(1), [2.0, 2, 2], 0.0, [8 / 3, 8 / 3, 8 / 3]),
        (lambda x: x.prod(1), [1.0, 1, 1], 1.0, [0.0, 0, 0]),
        (lambda x: x @ torch.tensor([1.0, 2, 3], dtype=x.dtype), [4.0, 5, 6], 1.0, [3.0, 8, 15]),
    ],
)
def test_shapley_known_answers(f, x, baseline, expected):
    x = torch.tensor([x], dtype=torch.float64)
    fit = lfa(f, x, **METHODS["KernelSHAP"], baseline=baseline)
    torch.testing.assert_close(fit.weights[0], torch.tensor(expected, dtype=torch.float64))
    assert (fit.evaluations, fit.gradients) == (8, 0)
    assert not fit.standard_error.any()


def test_every_neighborhood_goes_with_every_loss():
    f, x = select(network(4, 6, 2), 1), normal(2, 4)
    gradients = {}
    for name, row in METHODS.items():
        for loss in (SquaredError(), SquaredError(intercept=False), GradientMatching()):
            fit = lfa(f, x, neighborhood=row["neighborhood"], loss=loss)
            assert fit.weights.shape == fit.standard_error.shape == (2, 4)
            assert fit.weights.isfinite().all()
            gradients[name] = fit.weights
    # Where both ends weigh infinitely much, gradients are matched there.
    ends = torch.stack([input_gradient(f, x), input_gradient(f, 0 * x)]).mean(0)
    torch.testing.assert_close(gradients["KernelSHAP"], x * ends)
    without = torch.stack([torch.where(torch.eye(4)[i] > 0, 0.0, x) for i in range(4)])
    matched = torch.stack([input_gradient(f, some) for some in without]).mean(0)
    torch.testing.assert_close(gradients["occlusion"], x * matched)


def test_shapley_without_an_intercept_is_the_same():
    f, x = select(network(4, 6, 2), 1), normal(2, 4)
    fit = lfa(f, x, neighborhood=BinaryShapley(), loss=SquaredError(intercept=False))
    torch.testing.assert_close(fit.weights, exact_shapley(f, x))
    assert fit.intercept is None


@pytest.mark.parametrize("distance", ["mask", "input"])
def test_few_masks_are_not_wasted_on_pairs(distance):
    """30 masks and ten features: complements have little weight, and there are as many differences as unknowns."""
    f, x = bent_network(10), 2 * normal(5, 10)
    row = {"neighborhood": BinaryExponential(0.25, distance), "loss": SquaredError()}
    whole = lfa(f, x, **row, samples=2**10).weights
    fits = [lfa(f, x, **row, samples=30, generator=seeded(k)).weights for k in range(8)]
    assert float((torch.stack(fits) - whole).square().mean().sqrt() / whole.square().mean().sqrt()) <= 0.75
