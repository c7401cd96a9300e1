"""What the checks and the keys say is true: the predictions, the closed forms, the counterexamples."""

import pytest
import torch
from chapters.robustness.off_manifold.answers import one_by_one, one_logit, project
from chapters.robustness.off_manifold.measure_answers import by_quadrature, by_svd, rho, share
from torch import Tensor

from interpbook import robustness
from interpbook.chapters.robustness.off_manifold.exercises.predict import QUANTITIES

DOUBLE = torch.float64


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=DOUBLE)


# --- predict ---

FIRST, SECOND, SHIFT, SCORE = normal(6, 8, seed=1), normal(8, 10, seed=2), normal(6, seed=3), normal(6, seed=4)
SIGNAL = torch.tensor([True, True, True, False, False, False])


def logits(x: Tensor) -> Tensor:
    return torch.tanh(x @ FIRST / 2) @ SECOND


def with_g(x: Tensor) -> Tensor:
    return logits(x) + (x @ SHIFT)[:, None]


def doubled(x: Tensor) -> Tensor:
    return 2 * logits(x)


def gradient(f, x: Tensor) -> Tensor:
    x = x.clone().requires_grad_()
    return torch.autograd.grad(f(x).sum(), x)[0]


def share_of_log_probability(model, x: Tensor) -> Tensor:
    return robustness.signal_fraction(gradient(lambda z: model(z).log_softmax(1)[:, 3], x), SIGNAL)


def share_of_logit(model, x: Tensor) -> Tensor:
    return robustness.signal_fraction(gradient(lambda z: model(z)[:, 3], x), SIGNAL)


def alignment(model, x: Tensor) -> Tensor:
    return torch.cosine_similarity(gradient(lambda z: model(z).sum(1), x), SCORE[None])


def change_of_probabilities(model, x: Tensor) -> Tensor:
    noisy = x + torch.where(SIGNAL, 0, normal(*x.shape, seed=5))
    return (model(noisy).softmax(1) - model(x).softmax(1)).abs().sum(1)


def robustness_of_logit(model, x: Tensor) -> Tensor:
    return robustness.relative_off_manifold_robustness(lambda z: model(z)[:, 3], x, SIGNAL, sigma=0.3)


MEASURES = {
    "the signal share of the gradient of log p(y | x)": share_of_log_probability,
    "the signal share of the gradient of the logit of y": share_of_logit,
    "the cosine of the gradient of the logit sum with a score": alignment,
    "how far noise on the letter moves the probabilities": change_of_probabilities,
    "the relative off-manifold robustness of the logit of y": robustness_of_logit,
}


@pytest.mark.parametrize("quantity", QUANTITIES)
def test_a_measure_moves_or_stays_as_the_key_says(quantity: str) -> None:
    change, measure = quantity.split(": ")
    x, other = normal(5, 6), {"add g": with_g, "double": doubled}[change]
    moved = (MEASURES[measure](other, x) - MEASURES[measure](logits, x)).abs()
    # "moves" says that it can: for some of the inputs by much.
    assert float(moved.max()) < 1e-12 if QUANTITIES[quantity][0] == "stays" else float(moved.max()) > 0.01


def test_with_two_classes_doubling_leaves_the_share_where_it_was() -> None:
    x = normal(5, 6)

    def of_two(model):
        return lambda z: model(z)[:, 2:4].log_softmax(1)[:, 1]

    single, double = (robustness.signal_fraction(gradient(of_two(model), x), SIGNAL) for model in (logits, doubled))
    assert torch.allclose(single, double, rtol=1e-12)


# --- closed forms, and the library ---


def test_the_share_is_the_library_s() -> None:
    slopes, mask = normal(4, 1, 3, 2), normal(4, 1, 3, 2, seed=1) > -0.5
    assert torch.allclose(share(slopes, mask), robustness.signal_fraction(slopes, mask))


def test_the_projection_is_the_nearest_point() -> None:
    """No point w of the ball lies in front of it: (z - p) . (w - p) <= 0."""
    x = normal(40, 5, seed=1)
    z = x + torch.linspace(0, 3, 40, dtype=DOUBLE)[:, None] * normal(40, 5)
    nearest = project(z, x, 2.0)
    rays = torch.nn.functional.normalize(normal(300, 40, 5, seed=2), dim=2)
    inside = x + 2.0 * torch.rand(300, 1, 1, generator=torch.Generator().manual_seed(3), dtype=DOUBLE) * rays
    assert float(((z - nearest) * (inside - nearest)).sum(2).max()) < 1e-12
    assert torch.allclose(project(nearest, x, 2.0), nearest)
    assert torch.allclose(one_by_one(z, x, 2.0).double(), nearest, atol=1e-5)


def test_the_tangent_space_is_the_library_s() -> None:
    jacobian = normal(5, 3)
    jacobian[:, 2] = jacobian[:, 0] - 2 * jacobian[:, 1]
    (wanted,) = robustness.tangent_projection(lambda z: z @ jacobian.T, torch.zeros(1, 3, dtype=DOUBLE))
    assert torch.allclose(by_svd(jacobian).double(), wanted, atol=1e-5)
    assert float(wanted.trace()) == pytest.approx(2)


def test_for_small_noise_rho_is_the_library_s_and_the_share_of_the_gradient() -> None:
    b, half, basis = normal(4), normal(4, 4, seed=1), torch.linalg.qr(normal(4, 2, seed=2)).Q
    h, projection = half + half.T, basis @ basis.T

    def f(x: Tensor) -> Tensor:
        return x @ b + torch.einsum("ni,ij,nj->n", x, h, x) / 2

    measured = robustness.relative_off_manifold_robustness(f, torch.zeros(1, 4, dtype=DOUBLE), projection, sigma=1e-4)
    share_off = 1 - robustness.on_manifold_fraction(b[None], projection)
    assert float(rho(b, h, projection, 1e-4)) == pytest.approx(float(measured), rel=1e-6)
    assert float(rho(b, h, projection, 1e-4)) == pytest.approx(float(share_off), rel=1e-6)


@pytest.mark.parametrize("sigma", [0.1, 1.0, 10.0])
def test_rho_is_the_ratio_of_two_integrals(sigma: float) -> None:
    b, half, basis = normal(3), normal(3, 3, seed=1), torch.linalg.qr(normal(3, 1, seed=2)).Q
    h, projection = half + half.T, basis @ basis.T
    assert float(rho(b, h, projection, sigma)) == pytest.approx(by_quadrature(b, h, projection, sigma), rel=1e-12)


# --- the keys ---


def test_one_image_can_get_the_whole_budget_of_a_batch() -> None:
    """A step along the gradient of the mean loss, brought to length eps over the batch: the sure ones hardly move."""
    margins = torch.tensor([-2.0, 8.0, 9.0, 10.0], dtype=DOUBLE)[:, None]
    slopes = gradient(lambda z: torch.nn.functional.softplus(-z).mean(1), margins)
    lengths = (1.0 * slopes / slopes.norm()).abs().flatten()
    assert lengths.square().mean().sqrt() == pytest.approx(1.0 / 4**0.5)
    assert lengths[0] > 0.999
    assert lengths[1:].max() < 0.001


def test_right_on_the_data_and_wrong_beside_it() -> None:
    """Data on n = 0: log-odds 2 s + c n are those of Bayes' rule there for every c; its gradient is not."""
    s = normal(6, 1)
    on_data = torch.cat([s, torch.zeros_like(s)], 1)
    odds = [lambda x, c=c: 2 * x[:, 0] + c * x[:, 1] for c in (0.0, 30.0)]
    assert torch.equal(odds[0](on_data), odds[1](on_data))
    along = torch.tensor([True, False])
    shares = [float(robustness.signal_fraction(gradient(each, on_data), along).min()) for each in odds]
    assert shares[0] == 1
    assert shares[1] < 0.01


def test_a_gradient_on_the_manifold_and_a_reaction_off_it() -> None:
    b, h, projection = (
        torch.tensor([1.0, 0.0]),
        torch.diag(torch.tensor([0.0, 100.0])),
        torch.diag(torch.tensor([1.0, 0.0])),
    )
    assert float(robustness.on_manifold_fraction(b[None], projection)) == 1
    assert float(rho(b, h, projection, 1.0)) > 0.999
    assert float(rho(b, h, projection, 1e-4)) < 0.001


def test_a_worthless_network_has_a_perfect_share_and_the_accuracy_of_a_constant() -> None:
    images, mask = normal(8, 1, 28, 14).sigmoid(), torch.zeros(8, 1, 28, 14, dtype=torch.bool)
    mask[:, :, :14] = True
    slopes = gradient(lambda z: one_logit(z, mask).log_softmax(1)[:, 6], images)
    assert robustness.signal_fraction(slopes, mask).min() == 1
    assert one_logit(images, mask).argmax(1).unique().tolist() == [3]
