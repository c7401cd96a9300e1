"""Projected gradient descent is its own formula, ends as sparse as it says, and tells truly which weights came back."""

from itertools import pairwise

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from traces import leaves_no_trace

from interpbook.pruning import (
    SparsitySchedule,
    cosine_restarts,
    project_sparsity,
    prunable,
    sparse_regression,
    train_projected,
)

one_shot, gradual = SparsitySchedule.one_shot, SparsitySchedule.gradual
iterative, cyclical = SparsitySchedule.iterative, SparsitySchedule.cyclical


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


X = normal(40, 6)
DATA = (X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).long() + (X[:, 3] > 1).long())


def network(*more):
    """Two linear layers with whatever else between; the same weights each time."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), *more, nn.Linear(8, 3)).double().eval()


def column(w):
    """A linear model with these weights and no bias."""
    model = nn.Linear(len(w), 1, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(w[None])
    return model


def squares(outputs, targets):
    return (outputs[:, 0] - targets[:, 0]).square().sum() / 2


def train(model, schedule, data=DATA, **options):
    return train_projected(model, data, schedule, **{"lr": 0.1, "progress": False, **options})


def flat(model):
    return torch.cat([weight.detach().flatten() for weight in prunable(model)])


def everything(model):
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()])


class Recorder:
    """What a `watch` sees: after how many steps, and the prunable weights."""

    def __init__(self):
        self.steps, self.weights = [], []

    def __call__(self, step, model):
        assert not model.training
        self.steps.append(step)
        self.weights.append(flat(model))


@pytest.mark.parametrize("layerwise", [False, True])
@pytest.mark.parametrize("every", [1, 4])
def test_without_momentum_it_is_a_gradient_step_and_a_projection(every, layerwise):
    schedule, rate = cyclical(0.8, 30, cycles=2), cosine_restarts(0.5, 30, 2)
    model, plain = network(), network()
    history = train(model, schedule, every=every, layerwise=layerwise, lr=rate, momentum=0)
    losses = []
    for step in range(1, 31):
        value = F.cross_entropy(plain(DATA[0]), DATA[1])
        losses.append(float(value.detach()))
        slopes = torch.autograd.grad(value, list(plain.parameters()))
        with torch.no_grad():
            for parameter, slope in zip(plain.parameters(), slopes, strict=True):
                parameter -= rate(step - 1) * slope
        if (step % every == 0 or step == 30) and schedule(step) > 0:
            project_sparsity(plain, schedule(step), layerwise)
    torch.testing.assert_close(everything(model), everything(plain), rtol=0, atol=1e-12)
    assert history.loss == pytest.approx(losses, abs=1e-12)


def test_with_momentum_a_weight_that_was_pruned_starts_again_at_rest():
    """Two weights under constant slopes: in closed form, step by step.

    The first weight has slope -1 and stays. The second starts as the smaller one and is pruned at step 2 (of every 2),
    when its velocity is s + 0.5 s; it comes back with the slope alone, -lr s and not -lr (s + 0.5 (s + 0.5 s)).
    """
    s = 0.3
    model = column(torch.tensor([10.0, 1.0], dtype=torch.float64))
    data = (torch.ones(1, 2, dtype=torch.float64), torch.zeros(1, 1, dtype=torch.float64))

    def slopes(outputs, targets):
        return -model.weight[0, 0] + s * model.weight[0, 1] + 0 * outputs.sum()

    seen = {}
    schedule = SparsitySchedule("twice", 5, 0.5, lambda step: 0.0 if step in (0, 1, 3) else 0.5)

    def watch(step, model):
        seen[step] = model.weight.detach()[0].tolist()

    train(model, schedule, data, loss=slopes, lr=0.1, momentum=0.5, watch=watch)
    assert seen[1][1] == pytest.approx(1 - 0.1 * s)
    assert seen[2][1] == 0
    assert seen[3][1] == pytest.approx(-0.1 * s)
    velocities = [2 - 0.5**step for step in range(5)]
    assert seen[5] == pytest.approx([10 + 0.1 * sum(velocities), 0])


def regression(seed=0):
    return sparse_regression(40, 60, 5, noise=0.02, generator=seeded(seed))


def run_regression(problem, schedule, start=None, **options):
    """The weights that the method ends with, and its history; the learning rate is that of the problem."""
    model = column(problem.least_norm() if start is None else start)
    data = (problem.X, problem.y[:, None])
    options = {"lr": problem.safe_lr, "momentum": 0, "loss": squares, **options}
    return model, train(model, schedule, data, **options)


@pytest.mark.parametrize("seed", range(2))
def test_cyclical_least_squares_ends_at_the_solution_on_the_true_support(seed):
    problem = regression(seed)
    model, history = run_regression(problem, cyclical(1 - 5 / 60, 800, cycles=4, ramp=0.5))
    torch.testing.assert_close(model.weight[0].detach(), problem.refit(problem.support), rtol=0, atol=1e-6)
    assert history.kept[-1] == 5
    assert history.loss[-1] == pytest.approx(float(problem.loss(problem.refit(problem.support))), rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_every_support_is_a_trap_below_a_learning_rate_and_none_above(seed):
    """The minimizer on a support S is a fixed point iff lr max |g| outside of S <= min |w| on S."""
    problem = sparse_regression(20, 15, 4, generator=seeded(seed))
    support = torch.zeros(15, dtype=torch.bool)
    support[torch.randperm(15, generator=seeded(seed))[:4]] = True
    w, outside = problem.refit(support), problem.gradient(problem.refit(support)).abs()
    assert float(outside[support].max()) < 1e-12
    critical = float(w[support].abs().min() / outside[~support].max())
    options = {"start": w, "masked": False}
    below, trapped = run_regression(problem, one_shot(11 / 15, 1), lr=critical * (1 - 1e-6), **options)
    above, freed = run_regression(problem, one_shot(11 / 15, 1), lr=critical * (1 + 1e-6), **options)
    torch.testing.assert_close(below.weight[0].detach(), w, rtol=0, atol=1e-12 * critical)
    assert trapped.reactivations == (0, 0)
    weakest = w.abs().masked_fill(~support, torch.inf).argmin()
    assert float(above.weight.detach()[0, weakest]) == 0
    assert freed.reactivations == (0, 1)
    assert freed.returned == 1


def test_where_the_schedule_opens_every_weight_is_back_at_a_step_along_its_gradient():
    problem = regression()
    w = problem.refit(problem.support)
    schedule = SparsitySchedule("opens", 2, 55 / 60, lambda step: 0.0 if step == 1 else 55 / 60)
    saw = Recorder()
    _, history = run_regression(problem, schedule, w, watch=saw, masked=True)
    opened = saw.weights[saw.steps.index(1)]
    torch.testing.assert_close(opened, w - problem.safe_lr * problem.gradient(w))
    assert history.kept == (5, 60, 5)
    assert history.reactivations == (0, 55, 0)


def test_a_schedule_that_only_rises_brings_nothing_back_and_needs_no_mask():
    problem = regression()
    free, history = run_regression(problem, gradual(55 / 60, 100), lr=problem.safe_lr / 10)
    held, other = run_regression(problem, gradual(55 / 60, 100), lr=problem.safe_lr / 10, masked=True)
    assert sum(history.reactivations) == sum(other.reactivations) == history.returned == other.returned == 0
    assert torch.equal(free.weight, held.weight)
    network_free, network_held = network(), network()
    first = train(network_free, gradual(0.8, 60), lr=0.01, momentum=0)
    second = train(network_held, gradual(0.8, 60), lr=0.01, momentum=0, masked=True)
    assert first == second
    assert sum(first.reactivations) == 0
    assert torch.equal(everything(network_free), everything(network_held))


@pytest.mark.parametrize("schedule", [one_shot(0.8, 60), iterative(0.8, 60), gradual(0.8, 60)])
@pytest.mark.parametrize("every", [1, 7])
def test_under_a_mask_that_only_grows_nothing_comes_back(schedule, every):
    history = train(network(), schedule, masked=True, every=every, lr=2.0)
    assert sum(history.reactivations) == history.returned == 0
    assert sum(train(network(), schedule, every=every, lr=2.0).reactivations) > 0


@pytest.mark.parametrize("masked", [False, True])
def test_cycles_bring_weights_back(masked):
    history = train(network(), cyclical(0.8, 60, cycles=3), masked=masked)
    assert sum(history.reactivations) > 0
    assert history.returned > 0


class Frozen(Recorder):
    """A loss that also looks at the weights, at each step."""

    def __init__(self, model, of=F.cross_entropy):
        super().__init__()
        self.model, self.of = model, of

    def loss(self, outputs, targets):
        if outputs.requires_grad:
            self.weights.append(flat(self.model))
        return self.of(outputs, targets)


def test_masked_weights_stay_zero_between_projections():
    model = network()
    frozen, saw = Frozen(model), Recorder()
    train(model, one_shot(0.7, 40), every=10, masked=True, loss=frozen.loss, watch=saw)
    assert len(frozen.weights) == 40
    for place, weights in enumerate(frozen.weights):
        start = frozen.weights[place - place % 10]
        assert torch.equal(weights != 0, start != 0)
        assert int(weights.count_nonzero()) == round(0.3 * len(weights))
    model = network()
    free = Frozen(model)
    train(model, one_shot(0.7, 40), every=10, loss=free.loss)
    assert int(free.weights[5].count_nonzero()) == len(free.weights[5])


def test_once_the_schedule_has_opened_all_are_free_until_the_next_projection():
    """It opens at step 12, and is at its sparsity again before the projection of step 20."""
    problem = regression()
    model = column(problem.refit(problem.support))
    schedule = SparsitySchedule("opens", 30, 55 / 60, lambda step: 0.0 if step in (12, 13) else 55 / 60)
    frozen = Frozen(model, squares)
    data = (problem.X, problem.y[:, None])
    history = train(model, schedule, data, every=10, masked=True, loss=frozen.loss, lr=problem.safe_lr, momentum=0)
    # The step that ends at 12 is the first free one, the one that ends at 20 the last.
    for step in range(30):
        changed = frozen.weights[step] != frozen.weights[step - 1]
        if 12 <= step < 20:
            assert bool(changed[~problem.support].all()), step
        elif step % 10:
            assert int(frozen.weights[step].count_nonzero()) == 5
    assert history.kept == (5,) * 4


@pytest.mark.parametrize("layerwise", [False, True])
@pytest.mark.parametrize("schedule", [one_shot(0.83, 23), gradual(0.83, 23), iterative(0.83, 23), cyclical(0.83, 23)])
@pytest.mark.parametrize("masked", [False, True])
def test_it_ends_exactly_as_sparse_as_the_schedule_says(schedule, masked, layerwise):
    model = network()
    history = train(model, schedule, masked=masked, layerwise=layerwise, every=5, batch_size=16)
    sizes = [48, 24] if layerwise else [72]
    expected = sum(schedule.kept(23, of=size) for size in sizes)
    assert history.kept[-1] == expected == int(flat(model).count_nonzero())
    if layerwise:
        assert [int(weight.count_nonzero()) for weight in prunable(model)] == [schedule.kept(23, of=48), 4]
    assert history.steps == (0, 5, 10, 15, 20, 23)
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("schedule", [one_shot(0.5, 17), cyclical(0.5, 17, cycles=3)])
def test_it_takes_as_many_steps_as_the_schedule_has(schedule):
    calls, rates = [], []

    def counting(outputs, targets):
        if outputs.requires_grad:
            calls.append(len(outputs))
        return F.cross_entropy(outputs, targets)

    def rate(step):
        rates.append(step)
        return 0.1

    history = train(network(), schedule, loss=counting, lr=rate, batch_size=16, every=6)
    assert calls == ([16, 16, 8] * 6)[:17]
    assert rates == list(range(17))
    assert len(history.loss) == 17


def test_every_pass_takes_each_example_once_and_in_a_new_order():
    batches = []

    def seeing(outputs, targets):
        if outputs.requires_grad:
            batches.append(targets[:, 0])
        return outputs.square().sum()

    numbers = torch.arange(10, dtype=torch.float64)[:, None]
    train(column(normal(2)), one_shot(0.5, 6), (normal(10, 2), numbers), loss=seeing, batch_size=4, lr=0.0)
    first, second = torch.cat(batches[:3]).tolist(), torch.cat(batches[3:]).tolist()
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second


def test_the_batches_are_those_of_the_seed_whatever_the_schedule():
    seen = {}
    for name, schedule, seed in (
        ("a", one_shot(0.5, 9), 1),
        ("b", cyclical(0.5, 9, cycles=2), 1),
        ("c", one_shot(0.5, 9), 2),
    ):
        batches = seen[name] = []

        def seeing(outputs, targets, batches=batches):
            batches.append(targets[:, 0].tolist())
            return outputs.square().sum()

        numbers = torch.arange(10, dtype=torch.float64)[:, None]
        train(column(normal(2)), schedule, (normal(10, 2), numbers), loss=seeing, batch_size=4, lr=0.0, seed=seed)
    assert seen["a"] == seen["b"] != seen["c"]


def stochastic():
    return network(nn.BatchNorm1d(8).double(), nn.Dropout(0.3))


@pytest.mark.parametrize("make", [network, stochastic])
def test_the_same_seed_gives_the_same_weights(make):
    runs = []
    for seed in (0, 0, 1):
        model = make()
        torch.rand(3)
        history = train(model, cyclical(0.7, 12, cycles=2), batch_size=16, seed=seed)
        runs.append((everything(model), history))
    assert torch.equal(runs[0][0], runs[1][0])
    assert runs[0][1] == runs[1][1]
    assert not torch.equal(runs[0][0], runs[2][0])


def test_global_randomness_is_as_it_was():
    state = torch.get_rng_state()
    train(stochastic(), gradual(0.7, 5), batch_size=16)
    assert torch.equal(torch.get_rng_state(), state)


def test_biases_and_normalization_are_trained_and_never_pruned():
    model = stochastic()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    train(model, gradual(0.9, 20), batch_size=16)
    for name in ("0.bias", "2.weight", "2.bias", "4.bias", "2.running_mean"):
        after = model.state_dict()[name]
        assert int(after.count_nonzero()) == after.numel(), name
        assert not torch.equal(after, before[name]), name
    assert int(flat(model).count_nonzero()) == 7


def test_a_weight_that_two_layers_share_stays_shared_and_is_counted_once():
    model = nn.Sequential(nn.Linear(6, 6), nn.Tanh(), nn.Linear(6, 6), nn.Linear(6, 3)).double()
    model[2].weight = model[0].weight
    history = train(model, cyclical(0.5, 20, cycles=2))
    assert model[2].weight is model[0].weight
    assert history.kept[-1] == 27 == int(flat(model).count_nonzero())


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("every", [1, 4])
def test_the_history_is_what_a_watch_counts(every, masked):
    model, saw = network(), Recorder()
    history = train(model, cyclical(0.7, 30, cycles=3, start=0.2), every=every, masked=masked, lr=0.5, watch=saw)
    assert saw.steps == list(history.steps)
    on = [weights != 0 for weights in saw.weights]
    assert [int(each.sum()) for each in on] == list(history.kept)
    assert [int((now & ~last).sum()) for last, now in pairwise(on)] == list(history.reactivations[1:])
    once_off = torch.stack([~each for each in on[:-1]]).any(0)
    assert history.returned == int((on[-1] & once_off).sum()) > 0


class Breaks:
    """A loss that goes wrong at a step."""

    def __init__(self, how, at=7):
        self.how, self.at, self.calls = how, at, 0

    def __call__(self, outputs, targets):
        self.calls += outputs.requires_grad
        value = F.cross_entropy(outputs, targets)
        if self.calls < self.at:
            return value
        if self.how == "raises":
            raise KeyError("of the loss")
        if self.how == "interrupted":
            raise KeyboardInterrupt
        return value * float(self.how)


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("raises", KeyError),
        ("interrupted", KeyboardInterrupt),
        ("nan", FloatingPointError),
        ("inf", FloatingPointError),
    ],
)
@pytest.mark.parametrize("every", [1, 5])
def test_after_an_exception_all_is_as_it_was(how, error, every):
    model = stochastic().eval()
    with leaves_no_trace(model, *DATA), pytest.raises(error):
        train(model, gradual(0.7, 20), loss=Breaks(how), every=every)
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_learning_rate_that_is_too_large_is_named():
    model = network()
    with leaves_no_trace(model), pytest.raises(FloatingPointError, match="smaller lr"):
        train(model, gradual(0.5, 20), lr=1e200, loss=lambda outputs, targets: outputs.square().sum())


def bad_watch(step, model):
    raise LookupError("of the watch")


BAD = {
    "no schedule": ({"schedule": 0.9}, TypeError, "schedule: "),
    "every 0": ({"every": 0}, ValueError, "every: "),
    "batches of 0": ({"batch_size": 0}, ValueError, "batch_size: "),
    "momentum 1": ({"momentum": 1}, ValueError, "momentum: "),
    "negative momentum": ({"momentum": -0.1}, ValueError, "momentum: "),
    "negative lr": ({"lr": -1.0}, ValueError, "lr: "),
    "lr NaN": ({"lr": float("nan")}, ValueError, "lr: "),
    "no watch": ({"watch": 3}, TypeError, "watch: "),
    "a watch that raises": ({"watch": bad_watch}, LookupError, "of the watch"),
    "no device": ({"device": "nowhere"}, RuntimeError, "device"),
    "no data": ({"data": X}, (TypeError, ValueError), "data: "),
    "too many classes": ({"data": (X, 9 + DATA[1])}, ValueError, "data: "),
    "too sparse": ({"schedule": gradual(0.99, 20)}, ValueError, "sparsity: "),
    "a layer too sparse": ({"schedule": gradual(0.98, 20), "layerwise": True}, ValueError, "sparsity: "),
    "no model": ({"model": len}, TypeError, "model: "),
    "no layers": ({"model": nn.BatchNorm1d(6).double().eval()}, ValueError, "model: "),
}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_refused_by_name_and_changes_nothing(name):
    options, error, message = BAD[name]
    model = network()
    options = {"model": model, "data": DATA, "schedule": gradual(0.5, 20), **options}
    with leaves_no_trace(model, *DATA), pytest.raises(error, match=message):
        train(options.pop("model"), options.pop("schedule"), **options)


def test_weights_that_never_have_a_gradient_are_missed_at_the_end():
    """Half of the inputs are always zero; pruned to a few, then opened, their weights do not come back."""
    data = (X * torch.tensor([1.0, 1, 1, 0, 0, 0]), DATA[1])
    schedule = SparsitySchedule("opens", 4, 0.1, lambda step: 0.9 if step == 0 else 0.1)
    model = nn.Linear(6, 3).double().eval()
    with torch.no_grad():
        model.weight[:, 3:] /= 1000
    with leaves_no_trace(model, *DATA), pytest.raises(RuntimeError, match="expected 16 weights at the end"):
        train(model, schedule, data)
