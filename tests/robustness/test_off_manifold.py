"""Shares of reactions and of gradients: closed forms, and the theorem that sets the two equal for small noise."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from traces import leaves_no_trace

from interpbook.attribution import input_gradient, select
from interpbook.models import MLP
from interpbook.robustness import on_manifold_fraction, relative_off_manifold_robustness, signal_fraction


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def projections(batch, d, rank, seed=0):
    """Onto random subspaces, one for each example."""
    basis, _ = torch.linalg.qr(normal(batch, d, rank, seed=seed))
    return basis @ basis.mT


def network():
    return MLP((12, 8), "softplus", inputs=6, classes=3, seed=1).double().eval()


def energy(vectors):
    return vectors.flatten(1).square().sum(1)


# The two measures of one thing.


@pytest.mark.parametrize("of", ["logit", "log_prob", "prob", "log_odds"])
@pytest.mark.parametrize("rank", [1, 3, 5])
def test_both_measures_agree_to_first_order_at_every_example(of, rank):
    """The theorem, to one per cent where sigma is small, and closer the smaller it is: the rest is of second order."""
    f, x, projection = select(network(), 1, of), normal(20, 2, 3), projections(20, 6, rank)
    share = 1 - on_manifold_fraction(input_gradient(f, x), projection)
    gaps = []
    for sigma in (3e-2, 3e-3, 3e-4):
        rho = relative_off_manifold_robustness(f, x, projection, sigma)
        gaps.append(float(((rho - share).abs() / share).max()))
    assert gaps[1] < 0.01
    assert gaps[2] < gaps[1] / 20 < gaps[0] / 400


def test_of_a_vector_it_is_the_share_of_the_energy_of_all_its_gradients():
    """sum_k |Q grad f_k|^2 / sum_k |grad f_k|^2 of the three logits, which is no mean of the three shares."""
    model, x, projection = network(), normal(20, 6), projections(20, 6, 2)
    off = torch.eye(6).double() - projection
    slopes = torch.stack([input_gradient(select(model, k), x) for k in range(3)], 1)
    share = (slopes @ off).square().sum((1, 2)) / slopes.square().sum((1, 2))
    rho = relative_off_manifold_robustness(model, x, projection, 1e-4)
    torch.testing.assert_close(rho, share, rtol=1e-5, atol=0)
    mean = torch.stack([1 - on_manifold_fraction(slopes[:, k], projection) for k in range(3)]).mean(0)
    assert float((mean - share).abs().max()) > 0.01


@pytest.mark.parametrize("sigma", [1e-3, 1.0, 50.0])
def test_a_linear_function_has_no_spread_at_any_sigma(sigma):
    """|Q w|^2 / |w|^2 whatever the basis is, and |W Q|^2 / |W|^2 of a vector."""
    w, x, projection = normal(5, 2), normal(3, 5), projections(3, 5, 2)
    off = torch.eye(5).double() - projection
    for f, weights in ((lambda x: x @ w[:, 0] + 7, w[:, :1]), (lambda x: x @ w, w)):
        expected = (off @ weights).square().sum((1, 2)) / weights.square().sum()
        for seed in (0, 1):
            rho = relative_off_manifold_robustness(f, x, projection, sigma, seeded(seed))
            torch.testing.assert_close(rho, expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("sigma", [0.1, 1.0])
def test_a_quadratic_function_has_a_closed_form_at_every_sigma(sigma):
    """f = a |x|^2 / 2 + b x with the gradient g, u on a sphere of radius r = sigma sqrt(d), Q = 1 - P of rank q:

        E |f(x + u) - f(x)|^2 = r^2 |g|^2 / d + a^2 r^4 / 4,
        E |f(x + Q u) - f(x)|^2 = r^2 |Q g|^2 / d + a^2 r^4 / 4 * q (q + 2) / (d (d + 2)),

    as |Q u|^2 / r^2 has a beta distribution. The first is met exactly, the second within four standard errors."""
    a, b, d, q = 0.7, normal(6), 6, 4
    x, projection = normal(1, 6, seed=1), projections(1, 6, 2)
    slope, radius = a * x + b, sigma * math.sqrt(d)
    off = slope - (slope[:, None] @ projection)[:, 0]
    change_off = radius**2 * energy(off) / d + a**2 * radius**4 / 4 * q * (q + 2) / (d * (d + 2))
    change = radius**2 * energy(slope) / d + a**2 * radius**4 / 4
    generator = seeded()
    runs = [
        relative_off_manifold_robustness(lambda x: a * energy(x) / 2 + x @ b, x, projection, sigma, generator)
        for _ in range(300)
    ]
    found = torch.cat(runs)
    assert abs(float(found.mean() - change_off / change)) < 4 * float(found.std()) / 300**0.5
    assert float(found.std()) > 0


def test_fewer_directions_estimate_the_same():
    """Of two directions of ten the numerator and the denominator have a spread; the mean of many is the share."""
    w, x = normal(10, 4), normal(1, 10)
    mask = torch.arange(10) < 6
    expected = float(w[6:].square().sum() / w.square().sum())
    generator = seeded()
    runs = [
        relative_off_manifold_robustness(lambda x: x @ w, x, mask, 0.1, generator, directions=8) for _ in range(300)
    ]
    found = torch.cat(runs)
    assert float(found.std()) > 1e-3
    assert abs(float(found.mean()) - expected) < 0.01
    many = relative_off_manifold_robustness(lambda x: x @ w, x, mask, 0.1, directions=99)
    assert float(many) == pytest.approx(expected)


def test_the_ends_of_the_scale():
    """Nothing off the whole space, all of it off a point; nothing along a manifold on which f is constant."""
    f, x = select(network(), 0), normal(4, 6)
    eye = torch.eye(6).double()
    assert float(relative_off_manifold_robustness(f, x, eye, 0.1).max()) < 1e-20
    torch.testing.assert_close(relative_off_manifold_robustness(f, x, 0 * eye, 0.1), torch.ones(4).double())
    along_first = torch.diag(torch.tensor([1.0, 0, 0, 0, 0, 0])).double()
    rho = relative_off_manifold_robustness(lambda x: x[:, 1:].square().sum(1), x, along_first, 0.1)
    torch.testing.assert_close(rho, torch.ones(4).double())
    rho = relative_off_manifold_robustness(lambda x: x[:, 0].exp(), x, along_first, 0.1)
    assert float(rho.abs().max()) == 0


# Projections and masks.


def test_a_mask_is_the_diagonal_projection():
    f, x = select(network(), 1), normal(5, 2, 3)
    masks = torch.rand(5, 2, 3, generator=seeded(2)) < 0.6
    masks[:, 0, 0] = True
    for mask in (masks, masks[0], masks[:, :1], masks[0, :, :1]):
        matrices = torch.diag_embed(mask.broadcast_to(x.shape).flatten(1).double())
        slope = input_gradient(f, x)
        torch.testing.assert_close(
            relative_off_manifold_robustness(f, x, mask, 0.3), relative_off_manifold_robustness(f, x, matrices, 0.3)
        )
        torch.testing.assert_close(on_manifold_fraction(slope, mask), on_manifold_fraction(slope, matrices))
        torch.testing.assert_close(on_manifold_fraction(slope, mask), signal_fraction(slope, mask))
        torch.testing.assert_close(signal_fraction(slope, mask.double()), signal_fraction(slope, mask))
        torch.testing.assert_close(signal_fraction(slope, mask.int()), signal_fraction(slope, mask))


@given(seed=st.integers(0, 2**20), rank=st.integers(0, 6), size=st.floats(-37, 37))
@settings(max_examples=40, deadline=None)
def test_on_and_off_add_up_to_one_for_gradients_of_any_size(seed, rank, size):
    gradient, projection = 10**size * normal(4, 2, 3, seed=seed), projections(4, 6, rank, seed=seed + 1)
    on = on_manifold_fraction(gradient, projection)
    off = on_manifold_fraction(gradient, torch.eye(6).double() - projection)
    torch.testing.assert_close(on + off, torch.ones(4).double())
    expected = (projection @ gradient.flatten(1)[..., None]).square().sum((1, 2)) / energy(gradient)
    torch.testing.assert_close(on, expected)
    assert float(on.min()) >= 0
    mask = torch.arange(6).view(2, 3) <= min(rank, 4)
    parts = signal_fraction(gradient, mask) + signal_fraction(gradient, ~mask)
    torch.testing.assert_close(parts, torch.ones(4).double())
    torch.testing.assert_close(signal_fraction(gradient, mask), energy(gradient * mask) / energy(gradient))


@pytest.mark.parametrize("size", [1e-44, 1e-30, 1e30])
def test_shares_of_gradients_whose_squares_are_no_numbers(size):
    """A network that is sure of its class has such gradients of the log-probability, in float32."""
    gradient = torch.tensor([[2.0, 1.0]]) * size
    torch.testing.assert_close(signal_fraction(gradient, torch.tensor([1, 0])), torch.tensor([0.8]))
    on = on_manifold_fraction(gradient, torch.diag(torch.tensor([1.0, 0.0])))
    torch.testing.assert_close(on, signal_fraction(gradient, torch.tensor([1, 0])))


def test_float32_projections_of_a_thousand_dimensions_are_taken():
    projection = projections(1, 1000, 40)[0].float()
    gradient = normal(2, 1000).float()
    share = on_manifold_fraction(gradient, projection)
    expected = on_manifold_fraction(gradient.double(), projections(1, 1000, 40)[0])
    torch.testing.assert_close(share.double(), expected, rtol=1e-4, atol=0)


# Batches, memory and traces.


def test_neither_batch_nor_order_nor_chunk_changes_a_result():
    f, x, projection = select(network(), 1), normal(9, 6), projections(9, 6, 2)
    together = relative_off_manifold_robustness(f, x, projection, 0.3)
    alone = [relative_off_manifold_robustness(f, x[i : i + 1], projection[i], 0.3) for i in range(9)]
    torch.testing.assert_close(together, torch.cat(alone))
    order = torch.randperm(9, generator=seeded(1))
    torch.testing.assert_close(relative_off_manifold_robustness(f, x[order], projection[order], 0.3), together[order])
    for chunk in (1, 5, 12, 100):
        torch.testing.assert_close(relative_off_manifold_robustness(f, x, projection, 0.3, chunk=chunk), together)


def test_chunk_is_the_number_of_copies_in_one_call():
    sizes = []

    def f(x):
        sizes.append(len(x))
        return x.sum(1)

    relative_off_manifold_robustness(f, normal(3, 6), projections(1, 6, 2)[0], 0.3, chunk=5)
    assert sizes == [3] + [15, 15] * 2 + [6, 6]


def test_leaves_no_trace_and_needs_no_gradient():
    model, x, projection = network(), normal(4, 6).requires_grad_(), projections(4, 6, 2).requires_grad_()
    f = select(model, 1)
    with leaves_no_trace(model, x, projection):
        rho = relative_off_manifold_robustness(f, x, projection, 0.3)
        assert not rho.requires_grad
        with torch.inference_mode():
            assert torch.equal(relative_off_manifold_robustness(f, x, projection, 0.3), rho)
        assert torch.equal(relative_off_manifold_robustness(lambda y: f(y.mul_(1.0)), x, projection, 0.3), rho)
        other = relative_off_manifold_robustness(f, x, projection, 0.3, seeded(5))
        assert not torch.equal(other, rho)
        assert torch.equal(relative_off_manifold_robustness(f, x, projection, 0.3, seeded(5)), other)
        with pytest.raises(ValueError, match="output of f"):
            relative_off_manifold_robustness(lambda x: x, x[:, :, None], projection, 0.3)


def rho(f=None, x=None, projection=None, sigma=0.1, **options):
    f = (lambda x: x.flatten(1).sum(1)) if f is None else f
    projection = torch.eye(6).double() if projection is None else projection
    return relative_off_manifold_robustness(f, X if x is None else x, projection, sigma, **options)


X, G = normal(4, 6), normal(4, 6)
EYE = torch.eye(6).double()
WRONG = [
    (lambda: rho(f=3), TypeError, "f: expected a function"),
    (lambda: rho(f=nn.Linear(6, 2).double()), ValueError, "model: expected evaluation mode"),
    (
        lambda: rho(f=lambda x: x.sum()),
        ValueError,
        r"output of f: expected shape \(B,\) or \(B, K\) with B = 4, got \(\)",
    ),
    (lambda: rho(f=lambda x: x[:, :0]), ValueError, r"output of f: expected shape .* got \(4, 0\)"),
    (lambda: rho(f=lambda x: x[:, 0] / 0), ValueError, "output of f: expected finite values"),
    (lambda: rho(f=lambda x: x.argmax(1)), TypeError, r"output of f: expected float32 or float64.*got torch\.int64"),
    (lambda: rho(f=lambda x: 0 * x[:, 0]), ValueError, "f: expected a function that changes .* got none at 4 of 4"),
    (lambda: rho(f=lambda x: x[:, 0] * (x[:, 1] > 0), sigma=1e-9), ValueError, r"changes .* got none at \d of 4"),
    (lambda: rho(x=X.half()), TypeError, r"x: expected float32 or float64.*got torch\.float16"),
    (lambda: rho(x=X.long()), TypeError, "x: expected a floating tensor"),
    (lambda: rho(sigma=0), ValueError, "sigma: expected a number above 0, got 0"),
    (lambda: rho(sigma=-1), ValueError, "sigma: expected a finite number of at least 0"),
    (lambda: rho(generator=1), TypeError, "generator: expected a torch.Generator"),
    (lambda: rho(directions=0), ValueError, "directions: expected an int of at least 1"),
    (lambda: rho(chunk=0), ValueError, "chunk: expected an int of at least 1"),
    (lambda: rho(projection=2 * EYE), ValueError, "projection: .* differs from its square"),
    (lambda: rho(projection=EYE + EYE.roll(1, 0)), ValueError, "projection: .* differs from its transpose"),
    (lambda: rho(projection=EYE[:5, :5]), ValueError, r"projection: .*one for each example of 4, got shape \(5, 5\)"),
    (lambda: rho(projection=EYE.expand(3, 6, 6)), ValueError, r"projection: .* got shape \(3, 6, 6\)"),
    (lambda: rho(projection=EYE.long()), TypeError, r"projection: .* got torch\.int64"),
    (lambda: rho(projection=EYE / 0), ValueError, "projection: expected finite values"),
    (lambda: rho(projection="all"), TypeError, "projection: .* got str"),
    (lambda: rho(projection=torch.zeros(6).bool()), ValueError, "projection: expected some signal .* none in 4 of 4"),
    (lambda: rho(projection=torch.zeros(5).bool()), ValueError, r"projection: expected bools.* got shape \(5,\)"),
    (lambda: on_manifold_fraction(0 * G, EYE), ValueError, "gradient: expected one that is not zero, got 4 .* of 4"),
    (lambda: on_manifold_fraction(G.half(), EYE), TypeError, "gradient: expected float32 or float64"),
    (lambda: on_manifold_fraction(G, 2 * EYE), ValueError, "projection: expected a symmetric and idempotent"),
    (lambda: signal_fraction(0 * G, torch.ones(6)), ValueError, "gradient: expected one that is not zero, got 4"),
    (lambda: signal_fraction(G / 0, torch.ones(6)), ValueError, "gradient: expected finite values"),
    (lambda: signal_fraction(G, 2 * torch.ones(6)), ValueError, "mask: expected bools, or numbers 0 and 1, .* other"),
    (lambda: signal_fraction(G, torch.eye(6)[:4] * 0), ValueError, "mask: expected some signal .* none in 4 of 4"),
    (lambda: signal_fraction(G, torch.ones(3)), ValueError, r"mask: expected bools.* got shape \(3,\)"),
    (lambda: signal_fraction(G, torch.ones(2, 4, 6)), ValueError, r"mask: expected bools.* got shape \(2, 4, 6\)"),
    (lambda: signal_fraction(G, [1, 0]), TypeError, "mask: expected bools.* got list"),
]


@pytest.mark.parametrize(("call", "error", "said"), WRONG)
def test_wrong_arguments(without_shape_checks, call, error, said):
    with pytest.raises(error, match=said):
        call()
