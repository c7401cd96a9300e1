"""The mixture's closed forms against autograd, torch's own distributions, and each other, in float64."""

import math

import jaxtyping
import numpy as np
import pytest
import torch

from interpbook.attribution import input_gradient, select
from interpbook.density import GaussianMixture, exact_trace


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def mixture(d=3):
    """Five components in three classes, with full covariances and unequal weights."""
    factors = normal(5, d, d, seed=1)
    covariances = factors @ factors.mT + 0.3 * torch.eye(d, dtype=torch.float64)
    weights = torch.tensor([1.0, 2.0, 3.0, 0.5, 1.5], dtype=torch.float64)
    return GaussianMixture(normal(5, d, seed=2), covariances, torch.tensor([0, 1, 1, 2, 0]), weights)


def component(m, k):
    return torch.distributions.MultivariateNormal(m.means[k], m.covariances[k])


X = 2 * normal(7, 3, seed=3)


def test_log_density_is_that_of_torch():
    m = mixture()
    torch.testing.assert_close(m.weights.sum(), torch.tensor(1.0).double())
    logs = torch.stack([m.weights[k].log() + component(m, k).log_prob(X) for k in range(5)], 1)
    torch.testing.assert_close(m.log_density(X), logs.logsumexp(1))
    torch.testing.assert_close(m.log_joint(X)[:, 1], logs[:, 1:3].logsumexp(1))
    torch.testing.assert_close(m.log_density(X, 1), logs[:, 1:3].logsumexp(1) - math.log(5 / 8))


@pytest.mark.parametrize("target", [None, 0, 2, torch.tensor([0, 1, 2, 0, 1, 2, 1])], ids=["all", "0", "2", "each"])
def test_score_is_autograds(target):
    m = mixture()
    torch.testing.assert_close(m.score(X, target), input_gradient(lambda x: m.log_density(x, target), X))


def test_score_of_a_class_is_the_gradient_of_its_logit():
    """The classifier with logits log p(x, y) has the true implicit density."""
    m, y = mixture(), torch.tensor([0, 1, 2, 0, 1, 2, 1])
    torch.testing.assert_close(input_gradient(select(m.log_joint, y), X), m.score(X, y))


def test_posteriors_are_bayes_and_sum_to_one():
    m = mixture()
    posterior = m.posterior(X)
    assert posterior.shape == (7, m.class_count) == (7, 3)
    torch.testing.assert_close(posterior.sum(1), torch.ones(7).double())
    priors = torch.tensor([2.5, 5.0, 0.5]).double() / 8
    likelihoods = torch.stack([m.log_density(X, y).exp() for y in range(3)], 1)
    torch.testing.assert_close(posterior, priors * likelihoods / m.log_density(X).exp()[:, None])


def test_far_away_nothing_underflows():
    m, far = mixture(), 1e3 * torch.ones(1, 3).double()
    assert m.log_density(far, 1).isfinite().all()
    assert m.score(far).isfinite().all()
    torch.testing.assert_close(m.posterior(far).sum(1), torch.ones(1).double())


def test_one_gaussian_in_closed_form():
    m = GaussianMixture(torch.tensor([[1.0, 2.0]]).double(), 0.5)
    x = normal(4, 2)
    torch.testing.assert_close(m.score(x), (m.means - x) / 0.5)
    torch.testing.assert_close(exact_trace(m.log_density, x), torch.full((4,), -4.0).double())
    torch.testing.assert_close(m.log_density(m.means), torch.tensor([-math.log(2 * math.pi * 0.5)]).double())


def test_samples_have_the_moments_and_classes_of_the_mixture():
    m, n = mixture(), 40_000
    x, y = m.sample(n, torch.Generator().manual_seed(4))
    assert (x.dtype, x.shape, y.dtype) == (torch.float64, (n, 3), torch.int64)
    mean = m.weights @ m.means
    second = torch.einsum("k,kij->ij", m.weights, m.covariances + m.means[:, :, None] * m.means[:, None])
    z = (x.mean(0) - mean) / (x.std(0) / math.sqrt(n))
    assert z.abs().max() < 3.5
    products = x[:, :, None] * x[:, None]
    assert ((products.mean(0) - second) / (products.std(0) / math.sqrt(n))).abs().max() < 3.5
    shares = torch.tensor([2.5, 5.0, 0.5]).double() / 8
    assert ((y.bincount() / n - shares) / (shares * (1 - shares) / n).sqrt()).abs().max() < 3.5
    of_two = x[y == 2]
    assert ((of_two.mean(0) - m.means[3]) / (of_two.std(0) / math.sqrt(len(of_two)))).abs().max() < 3.5


def test_samples_belong_to_the_generator():
    m, state = mixture(), torch.get_rng_state()
    one, same, other = (m.sample(9, torch.Generator().manual_seed(seed))[0] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(m.sample(9)[0], m.sample(9)[0])
    assert torch.equal(torch.get_rng_state(), state)


def test_numbers_stand_for_round_components():
    means = normal(3, 2)
    x = normal(4, 2, seed=1)
    by_matrix = GaussianMixture(means, torch.diag_embed(torch.tensor([[0.5, 0.5], [1.0, 1.0], [2.0, 2.0]]).double()))
    by_number = GaussianMixture(means, torch.tensor([0.5, 1.0, 2.0]).double())
    torch.testing.assert_close(by_matrix.score(x), by_number.score(x))
    shared = GaussianMixture(means, torch.tensor([[1.0, 0.2], [0.2, 0.7]]).double())
    assert shared.covariances.shape == (3, 2, 2)
    assert GaussianMixture(means, 1.0).classes.tolist() == [0, 1, 2]


@pytest.mark.parametrize("kind", [list, tuple, np.array, lambda y: torch.tensor(y, dtype=torch.int8)])
def test_classes_are_any_integers(kind):
    m, y = mixture(), [0, 2, 1, 0, 2, 1, 1]
    same = GaussianMixture(m.means, m.covariances, kind([0, 1, 1, 2, 0]), m.weights)
    assert torch.equal(same.classes, m.classes)
    assert torch.equal(same.log_density(X, kind(y)), m.log_density(X, torch.tensor(y)))
    assert torch.equal(same.score(X, kind(y)), m.score(X, torch.tensor(y)))


def test_a_mixture_is_frozen():
    with pytest.raises(AttributeError):
        mixture().means = X


M = torch.zeros(3, 2)
WRONG = [
    (lambda: GaussianMixture([0.0], 1.0), "means: expected a floating tensor"),
    (lambda: GaussianMixture(torch.zeros(2, 2, 2), 1.0), r"means: expected shape \(K, d\)"),
    (lambda: GaussianMixture(M, "1"), "covariances: expected a number or a tensor, got str"),
    (lambda: GaussianMixture(M, 0.0), "covariances: expected symmetric positive definite"),
    (lambda: GaussianMixture(M, math.nan), "covariances: expected finite values"),
    (lambda: GaussianMixture(M, torch.ones(2)), r"covariances: expected a number, \(3,\) of them or shape"),
    (lambda: GaussianMixture(M, torch.tensor([[1.0, 0.5], [0.0, 1.0]])), "covariances: expected symmetric positive"),
    (lambda: GaussianMixture(M, -torch.eye(2)), "covariances: expected symmetric positive definite"),
    (
        lambda: GaussianMixture(M, 1.0, torch.zeros(3)),
        r"classes: expected an integer tensor .*, got torch\.float",
    ),
    (lambda: GaussianMixture(M, 1.0, torch.zeros(2).long()), r"classes: expected an integer .*got shape \(2,\)"),
    (lambda: GaussianMixture(M, 1.0, torch.tensor([0, 2, 2])), "classes: expected each class from 0 on to have"),
    (lambda: GaussianMixture(M, 1.0, torch.tensor([-1, 0, 1])), "classes: expected each class from 0 on to have"),
    (lambda: GaussianMixture(M, 1.0, weights=torch.tensor([1.0, 0.0, 1.0])), "weights: expected 3 positive numbers"),
    (lambda: GaussianMixture(M, 1.0, weights=[1.0] * 3), "weights: expected a floating tensor"),
    (lambda: mixture().score(torch.zeros(2, 2)), r"x: expected shape \(B, 3\), got \(2, 2\)"),
    (lambda: mixture().score(X, 3), "target: expected a class from 0 to 2, got 3"),
    (lambda: mixture().log_joint(X / 0), "x: expected finite values"),
    (lambda: mixture().sample(0), "count: expected an int of at least 1"),
    (lambda: mixture().sample(3, 0), "generator: expected a torch.Generator"),
]


@pytest.mark.parametrize(("call", "said"), WRONG)
def test_wrong_arguments(call, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    if not isinstance(caught.value, jaxtyping.TypeCheckError):
        caught.match(said)
