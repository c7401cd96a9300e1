"""Networks trained at once are those of a loop of `fit`: same orders, same updates, no model knows of another."""

import copy
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.models import MLP, SmallCNN
from interpbook.training import History, fit, fit_together

SEEDS = (7, 3, 12)


def table(count: int = 90, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Three classes that no linear network tells apart."""
    inputs = torch.randn(count, 4, generator=torch.Generator().manual_seed(0), dtype=dtype)
    return inputs, (inputs[:, 0] * inputs[:, 1] > 0).long() + (inputs[:, 2] > 0.5).long()


def networks(activation: Any = "relu", count: int = 3) -> list[nn.Module]:
    return [MLP((8, 6), activation, inputs=4, classes=3, seed=seed).double() for seed in range(count)]


def batch_normed() -> list[nn.Module]:
    """With running statistics, and a layer that is not trained."""
    found: list[nn.Module] = []
    for model in networks():
        layers = nn.Sequential(nn.BatchNorm1d(4), model, nn.BatchNorm1d(3)).double()
        next(model.parameters()).requires_grad_(False)
        found.append(layers)
    return found


def tied() -> list[nn.Module]:
    """One weight that two layers use."""
    found: list[nn.Module] = []
    for model in networks():
        layers = nn.Sequential(MLP((), inputs=4, classes=4), nn.Tanh(), nn.Linear(4, 4, bias=False), model).double()
        layers[2].weight = layers[0].fc.weight
        found.append(layers)
    return found


def assert_same(one: Sequence[nn.Module], two: Sequence[nn.Module]) -> None:
    for a, b in zip(one, two, strict=True):
        for (name, mine), yours in zip(a.state_dict().items(), b.state_dict().values(), strict=True):
            torch.testing.assert_close(mine, yours, rtol=1e-10, atol=1e-10, msg=lambda text, n=name: f"{n}: {text}")


def assert_same_histories(one: Sequence[History], two: Sequence[History]) -> None:
    for a, b in zip(one, two, strict=True):
        assert a.loss == pytest.approx(b.loss, rel=1e-10)
        assert a.accuracy == b.accuracy
        assert a.penalty is None


OPTIONS: dict[str, dict[str, Any]] = {
    "sgd": {"optimizer": "sgd", "lr": 0.1, "weight_decay": 1e-2},
    "adam": {"optimizer": "adam", "lr": 1e-2, "weight_decay": 1e-2},
}


@pytest.mark.parametrize(
    "make",
    [networks, partial(networks, "softplus"), batch_normed, tied],
    ids=["relu", "softplus", "batch norm", "tied"],
)
@pytest.mark.parametrize("optimizer", OPTIONS)
def test_weights_and_histories_are_those_of_the_loop(make: Callable[[], list[nn.Module]], optimizer: str) -> None:
    """Ninety examples in batches of 40: the last is smaller."""
    alone, together = make(), make()
    options = {"epochs": 4, "batch_size": 40, **OPTIONS[optimizer]}
    histories = [fit(model, table(), seed=seed, **options) for model, seed in zip(alone, SEEDS, strict=True)]
    found = fit_together(together, table(), seeds=SEEDS, **options)
    assert_same(together, alone)
    assert_same_histories(found, histories)
    assert found[0].loss[-1] < found[0].loss[0]


def test_convolutions_and_float32() -> None:
    images = torch.rand(40, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    data = images, torch.arange(40) % 10
    pairs = [[SmallCNN(channels=(2, 3, 4), batch_norm=True, seed=seed) for seed in SEEDS] for _ in range(2)]
    for model, seed in zip(pairs[0], SEEDS, strict=True):
        fit(model, data, epochs=2, batch_size=16, optimizer="sgd", lr=0.05, seed=seed)
    fit_together(pairs[1], data, seeds=SEEDS, epochs=2, batch_size=16, optimizer="sgd", lr=0.05)
    for a, b in zip(*pairs, strict=True):
        for mine, yours in zip(a.state_dict().values(), b.state_dict().values(), strict=True):
            torch.testing.assert_close(mine, yours, rtol=1e-4, atol=1e-5)


def test_regression_has_no_accuracy_and_the_loss_of_the_loop() -> None:
    inputs, _ = table()
    alone, together = networks("tanh"), networks("tanh")
    options: dict[str, Any] = {"epochs": 3, "batch_size": 40, "loss": F.mse_loss}
    histories = [fit(m, (inputs, inputs[:, :3]), seed=seed, **options) for m, seed in zip(alone, SEEDS, strict=True)]
    found = fit_together(together, (inputs, inputs[:, :3]), seeds=SEEDS, **options)
    assert_same(together, alone)
    assert_same_histories(found, histories)
    assert found[0].accuracy is None


def test_permuting_the_models_permutes_the_results() -> None:
    straight, turned = networks(), networks()
    order = [2, 0, 1]
    one = fit_together(straight, table(), seeds=SEEDS, epochs=3, batch_size=40)
    two = fit_together([turned[i] for i in order], table(), seeds=[SEEDS[i] for i in order], epochs=3, batch_size=40)
    assert_same(turned, straight)
    assert_same_histories(two, [one[i] for i in order])


def test_one_model_alone_is_fit() -> None:
    (one,), (two,) = networks(count=1), networks(count=1)
    history = fit(one, table(), epochs=3, seed=5)
    assert_same_histories(fit_together((two,), table(), seeds=[5], epochs=3), [history])
    assert_same([two], [one])


def test_equal_seeds_and_weights_stay_equal_and_others_part() -> None:
    models = [networks(count=1)[0] for _ in range(3)]
    fit_together(models, table(), seeds=[1, 1, 2], epochs=1, batch_size=40)
    assert_same([models[0]], [models[1]])
    assert (models[0].fc.weight - models[2].fc.weight).abs().max() > 1e-6


def test_no_trace_but_the_weights() -> None:
    models, (inputs, targets) = batch_normed(), table()
    before = inputs.clone(), targets.clone()
    own = [[parameter.data_ptr() for parameter in model.parameters()] for model in models]
    trained = [[parameter.requires_grad for parameter in model.parameters()] for model in models]
    models[1](inputs).sum().backward()
    models[2].train()
    state = torch.get_rng_state()
    fit_together(models, (inputs, targets), seeds=SEEDS, epochs=2, batch_size=40)
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(inputs, before[0])
    assert torch.equal(targets, before[1])
    assert own == [[parameter.data_ptr() for parameter in model.parameters()] for model in models]
    assert trained == [[parameter.requires_grad for parameter in model.parameters()] for model in models]
    assert all(parameter.grad is None for model in models for parameter in model.parameters())
    assert not any(module.training for model in models for module in model.modules())


def test_models_share_no_memory_and_train_on() -> None:
    models = networks()
    fit_together(models, table(), seeds=SEEDS, epochs=1)
    storages = [tensor.untyped_storage().data_ptr() for model in models for tensor in model.state_dict().values()]
    assert len({*storages}) == len(storages)
    others = copy.deepcopy(models[1:])
    fit(models[0], table(), epochs=2, lr=0.05)
    assert all(torch.equal(a.fc.weight, b.fc.weight) for a, b in zip(models[1:], others, strict=True))


TRIALS = 2
"""How often the loss is called before the first step."""


def accident(at: int, value: float, when: Callable[[Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
    """Cross-entropy, times `value` at call number `at`, counted from 1, for the outputs that `when` picks."""
    calls = [0]

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        calls[0] += 1
        right = F.cross_entropy(outputs, targets)
        return right * torch.where(when(outputs), value, 1.0) if calls[0] == at else right

    return loss


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_names_model_and_step_and_all_keep_the_last_good_state(value: float) -> None:
    """Three steps an epoch; the fifth is the second of the second epoch. In the loop it happens to all models."""
    alone, together = networks(), networks()
    for models in (alone, together):
        models[1].fc.bias.data[0] = 50.0
    options: dict[str, Any] = {"epochs": 3, "batch_size": 40}
    for model, seed in zip(alone, SEEDS, strict=True):
        with pytest.raises(FloatingPointError):
            fit(model, table(), seed=seed, loss=accident(5, value, lambda z: z[0, 0] < math.inf), **options)
    match = (
        rf"model 1: the loss became {value} at step 2 of epoch 2 \(1 of 3 models diverged\); "
        "all models hold the state of the end of epoch 1"
    )
    loss = accident(TRIALS + 5, value, lambda z: z[:, 0].mean() > 25)
    with pytest.raises(FloatingPointError, match=match):
        fit_together(together, table(), seeds=SEEDS, loss=loss, **options)
    assert_same(together, alone)
    assert (together[0].fc.weight - networks()[0].fc.weight).abs().max() > 1e-4
    assert not any(model.training for model in together)


def test_the_model_that_diverges_first_is_named() -> None:
    """Model 1 at the second step, model 0 at the third."""
    models = networks()
    models[1].fc.bias.data[0] = models[0].fc.bias.data[1] = 50.0
    early = accident(TRIALS + 2, math.nan, lambda z: z[:, 0].mean() > 25)
    late = accident(TRIALS + 3, math.nan, lambda z: z[:, 1].mean() > 25)
    with pytest.raises(FloatingPointError, match=r"model 1: .* step 2 of epoch 1 \(2 of 3 models diverged\)"):
        fit_together(models, table(), seeds=SEEDS, epochs=1, batch_size=40, loss=lambda z, y: early(z, y) + late(z, y))


def test_weights_that_overflow_are_noticed() -> None:
    models = [nn.Linear(4, 3).double() for _ in range(2)]
    before = copy.deepcopy(models)
    options: dict[str, Any] = {"epochs": 1, "batch_size": 90, "optimizer": "sgd", "loss": lambda z, y: 1e200 * z.sum()}
    with pytest.raises(FloatingPointError, match=r"model 0: a weight became NaN .* step 1 of epoch 1 \(2 of 2 models"):
        fit_together(models, table(), seeds=(0, 1), lr=1e200, **options)
    assert_same(models, before)


def test_an_exception_inside_the_loss_leaves_usable_models() -> None:
    models, calls = networks(), [0]

    def loss(outputs: Tensor, targets: Tensor) -> Tensor:
        calls[0] += 1
        if calls[0] == TRIALS + 2:
            raise KeyboardInterrupt
        return F.cross_entropy(outputs, targets)

    state = torch.get_rng_state()
    with pytest.raises(KeyboardInterrupt):
        fit_together(models, table(), seeds=SEEDS, epochs=1, batch_size=40, loss=loss)
    assert all((a.fc.weight - b.fc.weight).abs().max() > 1e-4 for a, b in zip(models, networks(), strict=True))
    assert all(parameter.grad is None and parameter.is_leaf for model in models for parameter in model.parameters())
    assert not any(model.training for model in models)
    assert torch.equal(torch.get_rng_state(), state)


class Noisy(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        return super().forward(input + torch.randn_like(input))


class Scaled(nn.Linear):
    """Says nothing of the number that it multiplies by."""

    def __init__(self, by: float) -> None:
        super().__init__(4, 3)
        self.by = by

    def forward(self, input: Tensor) -> Tensor:
        return self.by * super().forward(input)


def three(*layers: nn.Module) -> list[nn.Module]:
    return [nn.Sequential(nn.Linear(4, 3), *copy.deepcopy(layers)).double() for _ in range(3)]


def frozen() -> list[nn.Module]:
    models = networks()
    models[2].fc.bias.requires_grad_(False)
    return models


X, Y = table()
ONE = networks(count=1)[0]
TWICE = [*networks(count=2), MLP((8, 6), inputs=4, classes=3).double()]
TWICE[2].fc.weight = TWICE[0].fc.weight
BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"models": ONE}, TypeError, "models: expected a sequence of torch.nn.Module, got MLP"),
    ({"models": iter([ONE])}, TypeError, "models: expected a sequence of torch.nn.Module, got list_iterator"),
    ({"models": [ONE, len]}, TypeError, "models: expected a sequence of torch.nn.Module, got one with builtin"),
    ({"models": []}, ValueError, "models: expected at least one, got none"),
    ({"models": [nn.ReLU()], "seeds": [1]}, ValueError, "model: expected parameters that require a gradient, got none"),
    (
        {"models": [ONE, ONE, ONE]},
        ValueError,
        "models: expected no memory in common, got 'fc1.weight' of model 1 in model 0 too",
    ),
    ({"models": TWICE}, ValueError, "models: expected no memory in common, got 'fc.weight' of model 2 in model 0 too"),
    (
        {"models": [*networks(count=2), *networks("tanh", 1)]},
        ValueError,
        r"models: expected one architecture, got at 'act1' Tanh\(\) in model 2, ReLU\(\) in model 0",
    ),
    (
        {"models": [*networks(count=2), MLP((8, 7), inputs=4, classes=3).double()]},
        ValueError,
        r"at 'fc2' Linear\(in_features=8, out_features=7.* in model 2",
    ),
    (
        {"models": [*networks(count=2), MLP((8, 6), inputs=4, classes=3)]},
        ValueError,
        "at 'fc1.weight' trained torch.float32 of shape .* in model 2, trained torch.float64",
    ),
    (
        {"models": [*networks(count=2), MLP((8,), inputs=4, classes=3).double()]},
        ValueError,
        "at 'fc2' nothing in model 2, Linear",
    ),
    (
        {"models": [MLP((8,), inputs=4, classes=3).double(), *networks(count=2)]},
        ValueError,
        "in model 1, .* in model 0",
    ),
    (
        {"models": three(nn.Softplus(beta=2))[:2] + three(nn.Softplus(beta=5))[:1]},
        ValueError,
        r"at '1' Softplus\(beta=5.* in model 2, Softplus\(beta=2",
    ),
    ({"models": frozen()}, ValueError, r"at 'fc.bias' fixed torch.float64 of shape \(3,\) in model 2, trained"),
    (
        {"models": [Scaled(by).double() for by in (1, 1, 2)]},
        ValueError,
        "got model 2, which computes as model 0 does not",
    ),
    (
        {"models": three(nn.Dropout(0.5))},
        ValueError,
        "models: expected ones that torch.func.vmap takes .* without dropout or other random numbers, got",
    ),
    ({"models": [Noisy(4, 3).double() for _ in range(3)]}, ValueError, "without dropout or other random numbers"),
    (
        {"models": three(nn.BatchNorm1d(3, momentum=None))},
        ValueError,
        "models: expected ones that torch.func.vmap takes",
    ),
    ({"loss": lambda z, y: z.sum(1) - y}, TypeError, r"loss: expected it to return a scalar tensor, got shape \(40,\)"),
    ({"seeds": (1, 2)}, ValueError, r"seeds: expected one per model, 3, got shape \(2,\)"),
    ({"seeds": 1}, TypeError, "seeds: expected an integer tensor"),
    ({"seeds": (1, 2, 0.5)}, TypeError, "seeds: expected an integer tensor"),
    ({"data": (X,)}, TypeError, "data"),
    ({"data": (X, Y + 1)}, ValueError, "data: expected classes from 0 to 2, got 1 to 3"),
    ({"data": (X * math.nan, Y)}, ValueError, "inputs of data: expected finite values"),
    ({"epochs": 0}, ValueError, "epochs: expected an int of at least 1, got 0"),
    ({"batch_size": 0}, ValueError, "batch_size: expected an int of at least 1, got 0"),
    ({"lr": math.nan}, ValueError, "lr: expected a finite number of at least 0"),
    ({"weight_decay": -1.0}, ValueError, "weight_decay: expected a finite number of at least 0"),
    ({"optimizer": "lbfgs"}, ValueError, 'optimizer: expected "adam" or "sgd", got \'lbfgs\''),
]


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_arguments(change: dict[str, Any], error: type[Exception], message: str) -> None:
    """Nothing is drawn from torch's random numbers, and no model changes."""
    models = change.get("models", networks())
    before = copy.deepcopy(models) if isinstance(models, list) else []
    state = torch.get_rng_state()
    arguments: dict[str, Any] = {"data": (X, Y), "seeds": SEEDS, "epochs": 1, "batch_size": 40} | change
    arguments.pop("models", None)
    with pytest.raises(error, match=message):
        fit_together(models, arguments.pop("data"), **arguments)
    assert torch.equal(torch.get_rng_state(), state)
    for model, old in zip(models, before, strict=True) if before else ():
        if isinstance(model, nn.Module):
            assert_same([model], [old])
