"""Three ways of training: each is its formula, looks at the network at rest, and does not depend on the batch."""

import math

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from traces import leaves_no_trace

from interpbook.models import MLP
from interpbook.robustness import (
    adversarial_inputs,
    gradient_norm_regularizer,
    noisy_inputs,
    pgd_attack,
    smoothness_regularizer,
)
from interpbook.training import fit

REGULARIZERS = {"gradient": gradient_norm_regularizer(0.3), "smoothness": smoothness_regularizer(0.3, 0.2)}
PERTURBATIONS = {"noise": noisy_inputs(0.1), "linf": adversarial_inputs(0.1, "linf"), "l2": adversarial_inputs(0.1)}
each_hook = pytest.mark.parametrize("hook", [*REGULARIZERS.values(), *PERTURBATIONS.values()])


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=seeded(seed))


def images(*shape, seed=0):
    return torch.rand(*shape, dtype=torch.float64, generator=seeded(seed))


def network():
    return MLP((12, 8), "softplus", inputs=6, classes=3, seed=1).double()


def coupled():
    """A network whose examples depend on each other in training mode, and on chance; one layer has its own mode."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Softplus(), nn.Dropout(0.5), nn.Linear(8, 3)]
        model = nn.Sequential(*layers).double()
    model[3].eval()
    return model


def squared_gradients(model, x, y):
    """|grad_x loss_i(x_i)|^2, one example at a time."""
    found = []
    for example, label in zip(x, y, strict=True):
        leaf = example[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), label[None]), leaf)
        found.append(slope.square().sum())
    return torch.stack(found)


X, Y = images(7, 6), torch.tensor([0, 2, 1, 1, 0, 2, 2])


def test_the_gradient_norm_is_lambda_times_the_mean_squared_gradient_of_the_loss():
    model = network()
    found = gradient_norm_regularizer(0.3)(model, X, Y, seeded())
    torch.testing.assert_close(found.detach(), 0.3 * squared_gradients(model, X, Y).mean())


def test_the_published_gradient_norm_is_ours_at_the_converted_strength():
    """1e5 sum(g^2) / B with g the gradient of the batch's mean loss: the converted lambda is lambda 1e5 / B^2."""
    model = network()
    for size in (1, 3, 7):
        leaf = X[:size].clone().requires_grad_()
        (g,) = torch.autograd.grad(F.cross_entropy(model(leaf), Y[:size]), leaf)
        published = 0.02 * 1e5 * g.square().sum() / size
        ours = gradient_norm_regularizer(0.02 * 1e5 / size**2)(model, X[:size], Y[:size], seeded())
        torch.testing.assert_close(ours.detach(), published)
    assert pytest.approx(6.1, abs=0.01) == 1e5 / 128**2


def test_the_published_budget_of_a_batch_is_ours_at_the_converted_radius():
    """A move of length eps over the flattened batch has examples of length eps / sqrt(B), as a root mean square."""
    move = normal(128, 6)
    move = 2.0 * move / move.norm()
    assert float(move.square().sum(1).mean().sqrt()) == pytest.approx(2.0 / 128**0.5)
    assert pytest.approx(0.088, abs=5e-4) == 1 / 128**0.5


def test_smoothness_is_lambda_times_the_mean_squared_change_of_the_logits():
    model = network()
    noise = 0.2 * torch.randn(X.shape, generator=seeded(3)).double()
    with torch.no_grad():
        expected = 0.3 * (model(X + noise) - model(X)).square().sum(1).mean()
    found = smoothness_regularizer(0.3, 0.2)(model, X, Y, seeded(3))
    torch.testing.assert_close(found.detach(), expected)


def test_smoothness_is_to_first_order_a_penalty_on_all_gradients():
    """sigma^2 sum_k |grad f_k|^2 in expectation, within four standard errors over 20,000 noises."""
    model, sigma = network().eval(), 1e-3
    jacobian = torch.autograd.functional.jacobian(lambda x: model(x[None])[0], X[0])
    generator = seeded()
    penalty = smoothness_regularizer(1 / sigma**2, sigma)
    runs = [penalty(model, X[:1].expand(1000, 6), Y[:1].expand(1000), generator).detach() for _ in range(20)]
    found = torch.stack(runs)
    assert abs(float(found.mean() - jacobian.square().sum())) < 4 * float(found.std()) / 20**0.5


def test_a_penalty_of_a_batch_is_the_mean_of_its_examples():
    model, penalty = coupled(), REGULARIZERS["gradient"]
    together = penalty(model, X, Y, seeded())
    alone = [penalty(model, X[i : i + 1], Y[i : i + 1], seeded()) for i in range(7)]
    torch.testing.assert_close(together, torch.stack(alone).mean())


@pytest.mark.parametrize("name", REGULARIZERS)
def test_a_penalty_has_the_gradient_of_its_differences(name):
    model, penalty = network(), REGULARIZERS[name]
    (slope,) = torch.autograd.grad(penalty(model, X, Y, seeded(1)), model.fc1.weight)
    ends = []
    for step in (1e-5, -2e-5):
        model.fc1.weight.data[2, 3] += step
        ends.append(penalty(model, X, Y, seeded(1)).detach())
    torch.testing.assert_close(slope[2, 3], (ends[0] - ends[1]) / 2e-5, rtol=1e-5, atol=1e-8)


@each_hook
def test_a_hook_looks_at_the_network_at_rest_and_leaves_no_trace(hook):
    model = coupled()
    with leaves_no_trace(model, X, Y):
        in_training = hook(model, X, Y, seeded(2))
    torch.testing.assert_close(in_training, hook(model.eval(), X, Y, seeded(2)))


@each_hook
def test_the_generator_decides_and_moves_on(hook):
    model, generator = network(), seeded(2)
    before = generator.get_state()
    first = hook(model, X, Y, generator).detach()
    assert torch.equal(hook(model, X, Y, seeded(2)).detach(), first)
    assert torch.equal(generator.get_state(), before) == (hook is REGULARIZERS["gradient"])


def test_noise_has_the_stated_deviation_and_is_not_clipped():
    """Of 60,000 numbers the deviation is known to 1 / sqrt(2 n), the mean to 1 / sqrt(n), times sigma; four of each."""
    x = images(10_000, 6)
    noise = noisy_inputs(0.5)(network(), x, Y, seeded()) - x
    assert float(noise.std()) == pytest.approx(0.5, abs=4 * 0.5 / math.sqrt(120_000))
    assert float(noise.mean()) == pytest.approx(0, abs=4 * 0.5 / math.sqrt(60_000))
    assert float((x + noise).min()) < -0.5
    assert torch.equal(noisy_inputs(0)(network(), X, Y, seeded()), X)


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_adversarial_inputs_are_those_of_the_attack_in_ball_and_box(norm):
    model = coupled()
    found = adversarial_inputs(0.4, norm, steps=3)(model, X, Y, seeded(4))
    expected = pgd_attack(model.eval(), X, Y, 0.4, norm, 3, generator=seeded(4))
    assert torch.equal(found, expected)
    move = found - X
    assert float((move.abs().amax(1) if norm == "linf" else move.norm(dim=1)).max()) <= 0.4 + 1e-9
    assert float(found.min()) >= 0
    assert float(found.max()) <= 1
    far = adversarial_inputs(0.4, norm, steps=3, box=None)(model, X, Y, seeded(4))
    assert float(far.min()) < 0


def test_modes_come_back_after_an_error_in_the_attack():
    model = coupled()
    modes = [module.training for module in model.modules()]
    with pytest.raises(ValueError, match="x: expected values inside of the box"):
        adversarial_inputs(0.1)(model, X + 1, Y, seeded())
    with pytest.raises(RuntimeError):
        adversarial_inputs(0.1)(model, X[:, :5], Y, seeded())
    assert [module.training for module in model.modules()] == modes


@each_hook
def test_fit_takes_each_of_them_and_repeats_itself(hook):
    kind = "regularizer" if hook in REGULARIZERS.values() else "perturbation"
    models = [coupled() for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        fit(model, (X, Y), epochs=2, batch_size=4, seed=seed, **{kind: hook})
        assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(models[0][0].weight, models[1][0].weight)
    assert not torch.equal(models[0][0].weight, models[2][0].weight)


def test_training_against_the_attack_makes_it_fail():
    """Two blobs whose first coordinate tells them apart by far, and 50 others by a little, as one shortcut together."""
    y = torch.arange(400) % 2
    shift = torch.cat([torch.tensor([2.0]), torch.full((50,), 0.2)])
    x = (2.0 * y[:, None] - 1) * shift + torch.randn(400, 51, generator=seeded())
    hits = []
    for perturbation in (None, adversarial_inputs(0.4, "linf", steps=3, box=None)):
        model = nn.Linear(51, 2)
        nn.init.zeros_(model.weight)
        fit(model, (x, y), epochs=30, lr=0.01, perturbation=perturbation)
        attacked = pgd_attack(model, x, y, 0.4, "linf", box=None)
        hits.append(float((model(attacked).argmax(1) == y).float().mean()))
    assert hits[1] > hits[0] + 0.1


def test_training_says_at_which_step_adversarial_examples_lost_their_numbers():
    model = network()
    with pytest.raises(FloatingPointError, match=r"became .* at step \d+ of epoch \d+; model holds the state of"):
        fit(model, (X, Y), epochs=60, lr=1e200, optimizer="sgd", batch_size=3, perturbation=adversarial_inputs(0.1))
    assert all(bool(parameter.isfinite().all()) for parameter in model.parameters())


@pytest.mark.parametrize("make", [gradient_norm_regularizer, smoothness_regularizer])
def test_strength_zero_costs_nothing(make):
    def never(*_):
        raise AssertionError

    model = network()
    model.forward = never
    assert make(0)(model, X, Y, seeded()) == 0


WRONG = [
    (lambda: gradient_norm_regularizer(-1), ValueError, "strength: expected a finite number of at least 0, got -1"),
    (lambda: gradient_norm_regularizer("1"), TypeError, "strength: expected a finite number"),
    (lambda: smoothness_regularizer(-1), ValueError, "strength: expected a finite number of at least 0"),
    (lambda: smoothness_regularizer(1, -1), ValueError, "sigma: expected a finite number of at least 0"),
    (lambda: noisy_inputs(-0.1), ValueError, "sigma: expected a finite number of at least 0"),
    (lambda: adversarial_inputs(-1), ValueError, "eps: expected a finite number of at least 0"),
    (lambda: adversarial_inputs(1, "l1"), ValueError, 'norm: expected "linf" or "l2"'),
    (lambda: adversarial_inputs(1, steps=0), ValueError, "steps: expected an int of at least 1"),
    (lambda: adversarial_inputs(1, box=(1, 0)), ValueError, "box: expected"),
    (lambda: adversarial_inputs(1)(network(), X, X[:, 0], seeded()), TypeError, "y: expected an integer tensor"),
    (lambda: adversarial_inputs(1)(network(), X, Y[:3], seeded()), ValueError, r"y: expected one class per .*\(7,\)"),
]


@pytest.mark.parametrize(("call", "error", "said"), WRONG)
def test_wrong_arguments(without_shape_checks, call, error, said):
    with pytest.raises(error, match=said):
        call()
