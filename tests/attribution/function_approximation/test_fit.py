"""What `lfa` promises of any method: batches, chunks, dtypes, groups, randomness, edge cases and clear errors."""

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from traces import leaves_no_trace

from interpbook.attribution import (
    METHODS,
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
    GradientMatching,
    MultiplicativeUniform,
    OneHot,
    SquaredError,
    exact_shapley,
    lfa,
    select,
    superpixel_grid,
)

each_method = pytest.mark.parametrize("row", METHODS.values(), ids=METHODS)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network():
    torch.manual_seed(3)
    layers = [nn.Conv2d(2, 4, 3), nn.Tanh(), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(64, 5)]
    return nn.Sequential(*layers).double().eval()


def bumpy(x):
    weight = torch.linspace(-1, 2, x[0].numel(), dtype=x.dtype).view(x.shape[1:])
    return (weight * x.sin()).flatten(1).sum(1) + (weight * x).flatten(1).sum(1).tanh()


GRID = superpixel_grid((6, 6), 3)


@each_method
@settings(max_examples=8, deadline=None)
@given(chunk=st.integers(1, 12), order=st.permutations(range(4)), count=st.integers(1, 4))
def test_chunk_and_batch_order_do_not_change_the_result(row, chunk, order, count):
    x, f = normal(4, 2, 6, 6), select(network(), torch.tensor([0, 3, 1, 1]))
    whole = lfa(f, x, **row, samples=12, groups=GRID)
    rows = list(order)[:count]
    some = lfa(select(f.model, f.target[rows]), x[rows], **row, samples=12, groups=GRID, chunk=chunk)
    torch.testing.assert_close(some.weights, whole.weights[rows])
    torch.testing.assert_close(some.standard_error, whole.standard_error[rows], equal_nan=True, atol=1e-7, rtol=1e-5)


@each_method
@pytest.mark.parametrize("chunk", [1, 3])
def test_chunk_is_the_most_copies_in_a_call(row, chunk):
    calls, x = [], normal(2, 5)

    def f(x):
        calls.append(len(x))
        return bumpy(x)

    lfa(f, x, **row, samples=12, chunk=chunk)
    assert max(calls) <= 2 * chunk


@each_method
def test_predicted_classes_are_held_fixed(row):
    x, model = normal(4, 2, 6, 6), network()
    fixed = lfa(select(model, model(x).argmax(1)), x, **row, samples=20, groups=GRID)
    torch.testing.assert_close(lfa(select(model), x, **row, samples=20, groups=GRID).weights, fixed.weights)


@each_method
def test_results_are_like_x(row):
    x, f = normal(2, 2, 6, 6), select(network(), 1)
    fit = lfa(f, x, **row, samples=80)
    single = lfa(select(network().float(), 1), x.float(), **row, samples=80)
    for part in (single.weights, single.standard_error):
        assert part.shape == x.shape
        assert part.dtype == torch.float32
    torch.testing.assert_close(single.weights.double(), fit.weights, rtol=1e-3, atol=2e-3)
    grouped = lfa(f, x, **row, samples=80, groups=GRID)
    assert grouped.weights.shape == grouped.standard_error.shape == (2, 4)


@each_method
def test_nothing_is_left_behind(row):
    x, model = normal(2, 2, 6, 6).requires_grad_(), network()
    with leaves_no_trace(model, x):
        fit = lfa(select(model, 1), x, **row, samples=80)
    assert not fit.weights.requires_grad
    with torch.no_grad():
        torch.testing.assert_close(lfa(select(model, 1), x, **row, samples=80).weights, fit.weights)


@each_method
def test_f_may_overwrite_its_input(row):
    x = normal(2, 7)
    kept = x.clone()
    fit = lfa(lambda x: x.mul_(2).sin_().sum(1), x, **row, samples=60)
    assert torch.equal(x, kept)
    torch.testing.assert_close(fit.weights, lfa(lambda x: (2 * x).sin().sum(1), x, **row, samples=60).weights)


@each_method
def test_randomness_is_the_generators(row):
    x = normal(2, 12)
    first, again = (lfa(bumpy, x, **row, samples=40) for _ in range(2))
    assert torch.equal(first.weights, again.weights)
    generator = seeded(0)
    assert torch.equal(lfa(bumpy, x, **row, samples=40, generator=generator).weights, first.weights)
    following = lfa(bumpy, x, **row, samples=40, generator=generator)
    assert torch.equal(following.weights, first.weights) == (not first.standard_error.any())


@each_method
def test_evaluations_are_counted(row):
    calls, x = [0], normal(3, 5)

    def f(x):
        calls[0] += len(x)
        return bumpy(x)

    for samples in (6, 20, 33, 1000):
        calls[0] = 0
        fit = lfa(f, x, **row, samples=samples)
        assert calls[0] == 3 * fit.evaluations
        assert fit.evaluations <= samples + 2
        assert fit.gradients == (fit.evaluations if row["loss"] == GradientMatching() else 0)


@pytest.mark.parametrize("name", ["LIME", "KernelSHAP", "occlusion", "integrated gradients"])
def test_a_group_is_one_feature(name):
    """The groups' weights are those of the function of four numbers that scales each square."""
    x, f = normal(1, 2, 6, 6), select(network(), 1)
    scaled = lambda z: f(z[:, GRID][:, None] * x)  # noqa: E731
    fit = lfa(f, x, **METHODS[name], groups=GRID, samples=50)
    small = lfa(scaled, torch.ones(1, 4, dtype=torch.float64), **METHODS[name], samples=50)
    torch.testing.assert_close(fit.weights, small.weights)
    torch.testing.assert_close(fit.standard_error, small.standard_error, atol=1e-9, rtol=1e-6)


def test_additive_groups_move_together():
    x, f = normal(1, 2, 6, 6), select(network(), 1)
    moved = lambda z: f(x + z[:, GRID][:, None])  # noqa: E731
    for name in ("C-LIME", "SmoothGrad", "vanilla gradient"):
        fit = lfa(f, x, **METHODS[name], groups=GRID, samples=50)
        small = lfa(moved, torch.zeros(1, 4, dtype=torch.float64), **METHODS[name], samples=50)
        torch.testing.assert_close(fit.weights, small.weights)


@each_method
def test_baseline_broadcasts(row):
    x = normal(3, 2, 5)
    full = lfa(bumpy, x, **row, baseline=torch.full_like(x, 0.5), samples=60).weights
    for baseline in (0.5, torch.tensor(0.5), torch.full((5,), 0.5), torch.full((3, 1, 1), 0.5)):
        torch.testing.assert_close(lfa(bumpy, x, **row, baseline=baseline, samples=60).weights, full)
    plain = lfa(bumpy, x, **row, samples=60).weights
    assert torch.allclose(plain, full) == isinstance(row["neighborhood"], AdditiveGaussian)


@pytest.mark.parametrize("name", ["LIME", "KernelSHAP", "occlusion"])
def test_binary_points_are_the_input_and_the_baseline_to_the_last_bit(name):
    x, baseline, seen = normal(1, 4).float() * 1e3, normal(4, seed=1).float(), []

    def f(x):
        seen.append(x.clone())
        return x.sum(1)

    lfa(f, x, **METHODS[name], baseline=baseline)
    assert ((torch.cat(seen) == x) | (torch.cat(seen) == baseline)).all()


@each_method
def test_one_feature(row):
    x = torch.full((2, 1), 2.0, dtype=torch.float64)
    fit = lfa(lambda x: x[:, 0] ** 2 + 1, x, **row, samples=200)
    additive = isinstance(row["neighborhood"], AdditiveGaussian)
    gradient = row["loss"] == GradientMatching() and row["neighborhood"] == MultiplicativeUniform(1.0)
    torch.testing.assert_close(fit.weights, torch.full_like(x, 8.0 if gradient else 4.0), atol=2e-2, rtol=0)
    assert fit.intercept is None or additive or fit.intercept[0] == pytest.approx(1.0)


@each_method
def test_a_constant_feature_and_a_constant_function(row):
    """A value that f ignores, and one that equals the baseline, get nothing."""
    x = torch.tensor([[1.0, 5.0, 0.0]], dtype=torch.float64)
    fit = lfa(lambda x: (x[:, 0] + 3 * x[:, 2]).exp().log1p(), x, **row, samples=400)
    assert abs(float(fit.weights[0, 1])) <= 5 * float(fit.standard_error[0, 1]) + 1e-9
    if not isinstance(row["neighborhood"], AdditiveGaussian):
        assert float(fit.weights[0, 2]) == pytest.approx(0, abs=1e-9)
    flat = lfa(lambda x: 0 * x.sum(1) + 4, x, **row)
    torch.testing.assert_close(flat.weights, 0 * x, atol=1e-9, rtol=0)
    # A softmax over one class is constant.
    alone = lfa(select(nn.Linear(3, 1).double().eval(), of="prob"), x, **row)
    torch.testing.assert_close(alone.weights, 0 * x, atol=1e-9, rtol=0)


@pytest.mark.parametrize("name", ["LIME", "KernelSHAP", "occlusion", "integrated gradients", "gradient x input"])
def test_features_that_do_the_same_get_the_same(name):
    x = torch.tensor([[1.5, 1.5, -0.7]], dtype=torch.float64)
    fit = lfa(lambda x: (x[:, 0] + x[:, 1]).tanh() * x[:, 2], x, **METHODS[name])
    assert float(fit.weights[0, 0]) == pytest.approx(float(fit.weights[0, 1]), abs=1e-12)


def test_values_along_a_line_do_not_tell_features_apart():
    x = normal(2, 4)
    fit = lfa(bumpy, x, neighborhood=MultiplicativeUniform(), loss=SquaredError())
    torch.testing.assert_close(fit.weights, fit.weights[:, :1].expand(2, 4))
    assert fit.standard_error.isnan().all()


@pytest.mark.parametrize("neighborhood", [AdditiveGaussian(0.3), BinaryExponential(0.5), BinaryShapley()])
def test_below_as_many_points_as_features_the_smallest_weights_fit(neighborhood):
    weight, x = normal(30), normal(1, 30, seed=1).abs() + 1
    f = lambda x: x @ weight  # noqa: E731
    fit = lfa(f, x, neighborhood=neighborhood, loss=SquaredError(), samples=20)
    truth = weight if isinstance(neighborhood, AdditiveGaussian) else weight * x[0]
    assert fit.weights.isfinite().all()
    assert fit.standard_error.isnan().all()
    assert fit.weights.norm() < truth.norm()
    # It is the projection of the true weights on what was seen: orthogonal to what it leaves out.
    left = truth - fit.weights[0]
    assert abs(float(left @ fit.weights[0])) < 1e-8 * float(truth.norm() ** 2)


def test_budgets_too_small_are_refused():
    x = normal(1, 5)
    with pytest.raises(ValueError, match="samples: expected at least one for each of 5 features, got 4"):
        lfa(bumpy, x, **METHODS["occlusion"], samples=4)
    for name in ("C-LIME", "SmoothGrad", "integrated gradients", "LIME", "KernelSHAP"):
        with pytest.raises(ValueError, match="samples: expected at least 2"):
            lfa(bumpy, x, **METHODS[name], samples=1)
    assert lfa(bumpy, x, **METHODS["vanilla gradient"], samples=1).evaluations == 1


def test_zero_inputs():
    x = torch.zeros(2, 3, dtype=torch.float64)
    for name in ("LIME", "KernelSHAP", "occlusion", "integrated gradients", "gradient x input"):
        assert not lfa(bumpy, x, **METHODS[name]).weights.any()
    fit = lfa(bumpy, x, neighborhood=BinaryExponential(0.2, distance="input"), loss=SquaredError())
    assert not fit.weights.any()


def test_a_narrow_kernel_is_not_lost_to_rounding():
    x = normal(2, 6)
    for distance in ("mask", "input"):
        near = BinaryExponential(1e-3, distance)
        for seed in range(8):  # not every sample has the mask of ones, whose weight is never small
            fit = lfa(bumpy, x, neighborhood=near, loss=SquaredError(), samples=30, generator=seeded(seed))
            assert fit.weights.isfinite().all()


def test_superpixels_of_an_image():
    model, x = network(), normal(2, 2, 6, 6)
    grid = superpixel_grid((6, 6), 2)
    fit = lfa(select(model, 1), x, neighborhood=BinaryShapley(), loss=SquaredError(), groups=grid, samples=510)
    torch.testing.assert_close(fit.weights, exact_shapley(select(model, 1), x, groups=grid), rtol=1e-9, atol=1e-9)
    assert fit.weights[:, grid].shape == (2, 6, 6)


BAD = [
    ({"neighborhood": "gaussian"}, "neighborhood: expected a neighborhood"),
    ({"loss": "squared"}, "loss: expected SquaredError"),
    ({"samples": 0}, "samples: expected an int of at least 1, got 0"),
    ({"samples": 2.5}, "samples: expected an int"),
    ({"generator": 3}, "generator: expected a torch.Generator or None, got int"),
    ({"baseline": float("nan")}, "baseline: expected a finite number"),
    ({"baseline": torch.zeros(4)}, "baseline: expected a shape"),
    ({"groups": torch.tensor([0, 2, 2])}, "groups: expected labels"),
    ({"chunk": 0}, "chunk: expected an int"),
]


@pytest.mark.parametrize(("wrong", "said"), BAD)
def test_wrong_arguments(wrong, said):
    arguments = METHODS["LIME"] | wrong
    with pytest.raises((TypeError, ValueError, jaxtyping.TypeCheckError)) as caught:
        lfa(bumpy, normal(2, 3), **arguments)
    assert said in str(caught.value) or isinstance(caught.value, jaxtyping.TypeCheckError)


@each_method
def test_wrong_functions(row):
    x = normal(2, 3)
    with pytest.raises(ValueError, match=r"output of f: expected shape \(B,\)"):
        lfa(lambda x: x, x, **row)
    with pytest.raises(ValueError, match="output of f: expected finite values"):
        lfa(lambda x: x.sum(1) / 0, x, **row)
    with pytest.raises(TypeError, match="output of f: expected a floating tensor"):
        lfa(lambda x: x.sum(1).long(), x, **row)
    with pytest.raises(ValueError, match="training mode"):
        lfa(nn.Linear(3, 1), x, **row)
    with pytest.raises(ValueError, match="x: expected finite values"):
        lfa(bumpy, x / 0, **row)


def test_gradients_must_exist_and_be_finite():
    x = torch.zeros(2, 3, dtype=torch.float64)
    with pytest.raises(ValueError, match="differentiable"):
        lfa(lambda x: x.detach().sum(1), x, **METHODS["SmoothGrad"])
    with pytest.raises(ValueError, match="gradient of f: expected finite"):
        lfa(lambda x: x.abs().sqrt().sum(1), x, **METHODS["vanilla gradient"])
    assert lfa(lambda x: x.detach().sum(1), x + 1, **METHODS["KernelSHAP"]).weights.sum() == pytest.approx(6)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: AdditiveGaussian(-1), "sigma: expected a finite number of at least 0, got -1"),
        (lambda: MultiplicativeUniform(1.5), "low: expected a number from 0 to 1, got 1.5"),
        (lambda: MultiplicativeUniform(-0.5), "low: expected a finite number of at least 0"),
        (lambda: BinaryExponential(0), "width: expected a number greater than 0, got 0"),
        (lambda: BinaryExponential(float("nan")), "width: expected a finite number"),
        (lambda: BinaryExponential(1, distance="cosine"), 'distance: expected "mask" or "input"'),
        (lambda: SquaredError(ridge=-1), "ridge: expected a finite number of at least 0"),
        (lambda: SquaredError(intercept="yes"), "intercept: expected a bool"),
    ],
)
def test_wrong_options(make, said):
    with pytest.raises((TypeError, ValueError, jaxtyping.TypeCheckError)) as caught:
        make()
    assert said in str(caught.value) or isinstance(caught.value, jaxtyping.TypeCheckError)


def test_settings_are_values():
    assert BinaryExponential(0.25) == BinaryExponential(0.25, "mask")
    assert len({OneHot(), OneHot(), BinaryShapley(), SquaredError(), SquaredError(ridge=1.0)}) == 4
    with pytest.raises(AttributeError):
        SquaredError().ridge = 1.0
