"""The losses are their definitions, score matching is least at the true score, and `fit` can use them."""

import functools
import math

import jaxtyping
import pytest
import torch
from torch import nn
from traces import leaves_no_trace

from interpbook.attribution import input_gradient, select
from interpbook.density import (
    GaussianMixture,
    anti_score_matching_loss,
    as_regularizer,
    exact_trace,
    gradient_norm_penalty,
    hutchinson_trace,
    score_matching_loss,
)
from interpbook.models import MLP
from interpbook.training import fit

LOSSES = {
    "score_matching": functools.partial(score_matching_loss, stabilizer=1e-3),
    "anti_score_matching": anti_score_matching_loss,
    "gradient_norm": gradient_norm_penalty,
}
each_loss = pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(seed=1):
    return MLP((12, 8), "softplus", inputs=6, classes=3, seed=seed).double().eval()


def squared_gradient(f, x):
    return input_gradient(f, x).square().flatten(1).sum(1)


@pytest.mark.parametrize("mu", [0.0, 0.7])
def test_score_matching_is_its_definition_with_the_exact_trace(mu):
    f, x = select(network(), torch.tensor([0, 1, 2, 2])), normal(4, 2, 3)
    h = exact_trace(f, x)
    expected = (h + squared_gradient(f, x) / 2 + mu * h**2).mean()
    torch.testing.assert_close(score_matching_loss(f, x, exact=True, stabilizer=mu).detach(), expected)


@pytest.mark.parametrize("antithetic", [True, False])
def test_score_matching_is_its_definition_with_an_estimated_trace(antithetic):
    """One example, whose noises are then those of `hutchinson_trace`; samples are averaged before the square."""
    f, x = select(network(), 1), normal(1, 6)
    options = {"samples": 3, "sigma": 0.05, "antithetic": antithetic}
    h = hutchinson_trace(f, x, generator=seeded(7), **options)
    expected = (h + squared_gradient(f, x) / 2 + 0.3 * h**2).mean()
    loss = score_matching_loss(f, x, stabilizer=0.3, generator=seeded(7), **options)
    torch.testing.assert_close(loss.detach(), expected)


def test_anti_is_the_negative_of_the_trace_term():
    f, x = select(network(), 1), normal(4, 6)
    trace_term = score_matching_loss(f, x, exact=True) - squared_gradient(f, x).mean() / 2
    torch.testing.assert_close(anti_score_matching_loss(f, x, exact=True, ceiling=None), -trace_term)
    options = {"samples": 2, "sigma": 0.05}
    trace_term = score_matching_loss(f, x, generator=seeded(3), **options) - squared_gradient(f, x).mean() / 2
    torch.testing.assert_close(anti_score_matching_loss(f, x, generator=seeded(3), **options), -trace_term)


def test_the_ceiling_holds_for_each_example_and_ends_its_gradient():
    """Traces 2a and 6a of examples at 1 and 3: the second is above 10 for a = 2."""
    a = torch.tensor(2.0, dtype=torch.float64, requires_grad=True)
    x = torch.tensor([[1.0], [3.0]], dtype=torch.float64)
    loss = anti_score_matching_loss(lambda x: a * x[:, 0] ** 3 / 3, x, exact=True, ceiling=10.0)
    torch.testing.assert_close(loss, torch.tensor(-(4.0 + 10.0) / 2).double())
    (slope,) = torch.autograd.grad(loss, a)
    torch.testing.assert_close(slope, torch.tensor(-1.0).double())
    assert float(anti_score_matching_loss(lambda x: x.pow(2).sum(1), x * 1e3, exact=True).detach()) == -2.0


def test_the_minimiser_is_the_score_of_a_gaussian():
    """For f = -x'Ax/2 + b'x and data of mean m and covariance S (over n), least at A = S^-1 and b = A m; and
    the loss exceeds its least value by half the mean squared distance to that score, exactly."""
    x = normal(500, 3) @ normal(3, 3, seed=1) + normal(3, seed=2)
    mean, covariance = x.mean(0), torch.cov(x.T, correction=0)
    best = covariance.inverse()
    a, b = best.clone().requires_grad_(), (best @ mean).requires_grad_()

    def loss(a, b):
        return score_matching_loss(lambda x: -((x @ a) * x).sum(1) / 2 + x @ b, x, exact=True)

    least = loss(a, b)
    slopes = torch.autograd.grad(least, (a, b))
    assert max(float(slope.abs().max()) for slope in slopes) < 1e-10
    for seed in range(3, 8):
        other = normal(3, 3, seed=seed)
        other, shift = best + other + other.T, b.detach() + normal(3, seed=seed + 9)
        distance = (x @ (other - best) - (shift - b.detach())).square().sum(1).mean() / 2
        torch.testing.assert_close(loss(other, shift) - least, distance, rtol=1e-9, atol=1e-9)


def test_one_sided_the_stabilizer_is_mostly_a_penalty_on_the_gradient():
    """The published numbers and a linear f: h is 0, yet mu h^2 has the mean 40 |g|^2, 80 times |g|^2 / 2."""
    g = torch.tensor([0.6, 0.8], dtype=torch.float64)
    x = torch.zeros(40_000, 2, dtype=torch.float64)
    options = {"sigma": 0.01, "antithetic": False}
    bare = score_matching_loss(lambda x: x @ g, x, **options)
    full = score_matching_loss(lambda x: x @ g, x, stabilizer=1e-3, **options)
    hidden = (full - bare) / 0.5  # in units of the explicit term; its standard error is 80 sqrt(2 / 40000)
    assert abs(hidden - 80) < 3.5 * 80 * math.sqrt(2 / 40_000)
    bare, full = (score_matching_loss(lambda x: x @ g, x, sigma=0.01, stabilizer=mu) for mu in (0.0, 1e-3))
    assert abs(full - bare) < 1e-9


def test_every_example_has_noise_of_its_own():
    """Of B equal examples the mean estimate has 1/B of the variance of one."""
    x = torch.zeros(10_000, 2, dtype=torch.float64)
    h = -anti_score_matching_loss(lambda x: x.square().sum(1), x, sigma=0.1)
    assert 1e-6 < abs(h - 4) < 4 * 4 / 100


@each_loss
def test_losses_have_the_gradient_of_their_differences(loss):
    """The derivative in a weight against a central difference, with the same noise."""
    model, x = network(), normal(3, 6)
    f = select(model, 1)
    options = {} if loss is gradient_norm_penalty else {"sigma": 0.1}
    value = loss(f, x, **options)
    (slope,) = torch.autograd.grad(value, model.fc1.weight)
    with torch.no_grad():
        ends = []
        for step in (1e-5, -1e-5):
            model.fc1.weight[2, 3] += step
            ends.append(loss(f, x, **options))
            model.fc1.weight[2, 3] -= step
    torch.testing.assert_close(slope[2, 3], (ends[0] - ends[1]) / 2e-5, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("loss", [score_matching_loss, anti_score_matching_loss])
def test_exact_losses_have_the_gradient_of_their_differences(loss):
    model, x = network(), normal(3, 6)
    (slope,) = torch.autograd.grad(loss(select(model, 1), x, exact=True), model.fc1.bias)
    with torch.no_grad():
        ends = []
        for step in (1e-5, -1e-5):
            model.fc1.bias[2] += step
            ends.append(loss(select(model, 1), x, exact=True))
            model.fc1.bias[2] -= step
    torch.testing.assert_close(slope[2], (ends[0] - ends[1]) / 2e-5, rtol=1e-5, atol=1e-8)


@each_loss
def test_no_trace_is_left(loss):
    model, x = network(), normal(3, 6).requires_grad_()
    with leaves_no_trace(model, x):
        assert loss(select(model, 1), x).requires_grad
        with torch.no_grad():
            assert not loss(select(model, 1), x).requires_grad
        with torch.inference_mode():
            assert loss(select(model, 1), x).isfinite()


@each_loss
def test_nan_passes_so_that_training_can_name_the_step(loss):
    weight = torch.tensor(math.nan, dtype=torch.float64, requires_grad=True)
    assert loss(lambda x: weight * x.square().sum(1), normal(3, 6)).isnan()


def coupled():
    """A network whose examples depend on each other in training mode, and on chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Softplus(), nn.Dropout(0.5), nn.Linear(8, 3)]
        return nn.Sequential(*layers).double()


@pytest.mark.parametrize("of", ["logit", "log_prob", "prob"])
def test_a_regularizer_is_its_strength_times_the_loss_in_evaluation_mode(of):
    model, x, y = coupled(), normal(4, 6), torch.tensor([0, 2, 1, 1])
    model[3].eval()  # a mode of its own, which has to come back
    penalty = as_regularizer(score_matching_loss, 0.3, of=of, sigma=0.05, samples=2)
    with leaves_no_trace(model, x):
        value = penalty(model, x, y, seeded(5))
    model.eval()
    expected = score_matching_loss(select(model, y, of), x, sigma=0.05, samples=2, generator=seeded(5))
    torch.testing.assert_close(value, 0.3 * expected)


def test_noise_comes_from_the_generator_of_fit_unless_it_is_given():
    model, x, y = network(), normal(4, 6), torch.tensor([0, 2, 1, 1])
    penalty = as_regularizer(anti_score_matching_loss, 1.0)
    one, same, other = (float(penalty(model, x, y, seeded(seed)).detach()) for seed in (1, 1, 2))
    assert one == same != other
    generator = seeded(1)
    penalty(model, x, y, generator)
    assert float(penalty(model, x, y, generator).detach()) != one  # it moves on
    fixed = as_regularizer(anti_score_matching_loss, 1.0, generator=seeded(1))
    assert float(fixed(model, x, y, seeded(2)).detach()) == one


MIXTURE = GaussianMixture(
    torch.tensor([[-1.5, 0.0], [0.0, 1.5], [1.5, 0.0], [0.0, -1.5]]), 0.25, torch.tensor([0, 0, 1, 1])
)


def score_error(loss, strength, **options):
    """Mean squared distance between the logit gradient and the true score after training, and the accuracy."""
    x, y = MIXTURE.sample(2000, seeded(0))
    model = MLP((32, 32), functools.partial(nn.Softplus, beta=3), inputs=2, classes=2)
    penalty = as_regularizer(loss, strength, **options)
    history = fit(model, (x, y), epochs=8, lr=1e-2, regularizer=penalty)
    at, of = MIXTURE.sample(1000, seeded(1))
    error = (input_gradient(select(model, of), at) - MIXTURE.score(at, of)).square().sum(1).mean()
    return float(error), history.accuracy[-1]


def test_training_moves_the_logit_gradient_towards_the_true_score_or_away():
    plain, accuracy = score_error(gradient_norm_penalty, 0.0)
    matched, still = score_error(score_matching_loss, 1.0, sigma=0.05, stabilizer=1e-3)
    against, also = score_error(anti_score_matching_loss, 0.03, sigma=0.05)
    assert matched < plain / 4
    assert against > 2 * plain
    assert min(accuracy, still, also) > 0.9


def test_the_same_seed_gives_the_same_network():
    x, y = MIXTURE.sample(200, seeded(0))
    weights = []
    for seed in (3, 3, 4):
        model = MLP((8,), "softplus", inputs=2, classes=2)
        fit(model, (x, y), epochs=2, seed=seed, regularizer=as_regularizer(score_matching_loss, 0.1))
        weights.append(model.fc.weight.detach())
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])


def test_relu_is_refused_before_any_update():
    model = MLP((8,), "relu", inputs=2, classes=2)
    before = model.fc.weight.detach().clone()
    with pytest.raises(ValueError, match=r"layer 'act1' \(ReLU\)"):
        fit(model, MIXTURE.sample(50), epochs=1, regularizer=as_regularizer(score_matching_loss, 0.1))
    assert torch.equal(model.fc.weight, before)


def test_a_collapse_stops_training_with_the_step_and_keeps_the_last_good_state():
    """Without a ceiling the trace grows without bound; at this rate it overflows soon."""
    model = MLP((8,), "softplus", inputs=2, classes=2)
    penalty = as_regularizer(anti_score_matching_loss, 1e30, ceiling=None, sigma=0.1)
    with pytest.raises(FloatingPointError, match=r"became .* at step \d+ of epoch \d+; model holds the state of"):
        fit(model, MIXTURE.sample(100), epochs=50, lr=1e4, optimizer="sgd", regularizer=penalty, batch_size=50)
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert not model.training


X, Y = normal(2, 6), torch.tensor([0, 1])
WRONG = [
    (lambda: score_matching_loss(3, X), "f: expected a function"),
    (lambda: score_matching_loss(network(), X), r"output of f: expected shape \(B,\) = \(2,\)"),
    (lambda: score_matching_loss(lambda x: x.sum(1), X / 0), "x: expected finite values"),
    (lambda: score_matching_loss(lambda x: x.sum(1), X, samples=0), "samples: expected an int of at least 1, got 0"),
    (lambda: score_matching_loss(lambda x: x.sum(1), X, sigma=0), "sigma: expected a number above 0, got 0"),
    (lambda: score_matching_loss(lambda x: x.sum(1), X, stabilizer=-1), "stabilizer: expected a finite number of at"),
    (lambda: score_matching_loss(lambda x: x.sum(1), X, generator=1), "generator: expected a torch.Generator"),
    (lambda: score_matching_loss(lambda x: x.detach().sum(1), X), "f: expected an output that is differentiable"),
    (lambda: anti_score_matching_loss(lambda x: x.sum(1), X, ceiling=math.inf), "ceiling: expected a finite number"),
    (lambda: gradient_norm_penalty(lambda x: x.detach().sum(1), X), "f: expected an output that is differentiable"),
    (lambda: gradient_norm_penalty(lambda x: x.sum(1), X.long()), "x: expected a floating tensor"),
    (lambda: as_regularizer(3, 1.0), "loss: expected a function of f and x, got int"),
    (lambda: as_regularizer(score_matching_loss, -1.0), "strength: expected a finite number of at least 0"),
    (
        lambda: as_regularizer(score_matching_loss, 1.0, of="loss"),
        'of: .* "log_prob", "prob" or "log_odds", got .loss.',
    ),
    (
        lambda: as_regularizer(score_matching_loss, 1.0, ceiling=3, sigma=1),
        "options: expected arguments of score_matching_loss, got ceiling",
    ),
]


def test_a_regularizer_names_wrong_labels_and_generators(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    x, model = normal(4, 6), network()
    penalty = as_regularizer(gradient_norm_penalty, 0.1)
    expected = penalty(model, x, torch.tensor([0, 1, 0, 1]), torch.Generator())
    assert torch.equal(penalty(model, x, [0, 1, 0, 1], torch.Generator()), expected)
    with pytest.raises(TypeError, match=r"^y: expected an integer tensor.*got torch\.float32"):
        penalty(model, x, torch.zeros(4), torch.Generator())
    with pytest.raises(ValueError, match=r"^y: expected one class per example, shape \(4,\), got \(3,\)"):
        penalty(model, x, torch.zeros(3).long(), torch.Generator())
    noisy = as_regularizer(score_matching_loss, 0.1)
    with pytest.raises(TypeError, match=r"^generator: expected a torch\.Generator or None, got int"):
        noisy(model, x, torch.zeros(4).long(), 7)
    for loss in (score_matching_loss, anti_score_matching_loss):
        with pytest.raises(TypeError, match=r"^generator: expected a torch\.Generator or None, got int"):
            loss(lambda x: x.square().sum(1), x, exact=True, generator=7)


@pytest.mark.parametrize(("call", "said"), WRONG)
def test_wrong_arguments(call, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    if not isinstance(caught.value, jaxtyping.TypeCheckError):
        caught.match(said)
