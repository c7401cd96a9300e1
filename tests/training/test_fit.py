"""One loop: the updates of the textbook, the same for the same seed, and no trace besides the weights."""

import math
from collections.abc import Callable
from typing import Any

import jaxtyping
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.progress import progress_bar
from interpbook.training import accuracy, fit

DEVICES = [
    "cpu",
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")),
]


def blobs(count: int = 90, dtype: torch.dtype = torch.float32) -> tuple[Tensor, Tensor]:
    """Three classes around the corners of a triangle."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 3
    corners = torch.tensor([[2.0, 0.0], [-1.0, 1.7], [-1.0, -1.7]], dtype=dtype)
    noise = 0.3 * torch.randn(count, 2, generator=generator, dtype=dtype)
    return corners[labels] + noise, labels


def network(dropout: float = 0.0, seed: int = 0) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return nn.Sequential(nn.Linear(2, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 3))


def same(one: nn.Module, two: nn.Module) -> bool:
    pairs = zip(one.state_dict().values(), two.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_learns(optimizer: str, device: str) -> None:
    model, data = network(), blobs()
    history = fit(model, data, epochs=8, lr=0.05, batch_size=16, optimizer=optimizer, device=device)
    assert accuracy(model, *data) == 1.0
    assert len(history.loss) == 8
    assert history.loss[-1] < 0.2 * history.loss[0]
    assert history.accuracy is not None
    assert history.accuracy[-1] > history.accuracy[0]
    assert next(model.parameters()).device.type == device


def test_sgd_steps_are_those_of_the_definition() -> None:
    """v <- 0.9 v + g; w <- w - lr (1 + cos(pi t / T)) / 2 v, on the whole batch, in float64."""
    inputs, _ = blobs(dtype=torch.float64)
    targets = inputs @ torch.tensor([[1.0], [-2.0]], dtype=torch.float64)
    model = nn.Linear(2, 1, bias=False).double()
    w = model.weight.detach().clone()
    v = torch.zeros_like(w)
    fit(model, (inputs, targets), epochs=5, lr=0.1, batch_size=90, optimizer="sgd", loss=F.mse_loss)
    for step in range(5):
        gradient = 2 * (inputs @ w.T - targets).T @ inputs / len(inputs)
        v = 0.9 * v + gradient
        w = w - 0.1 * (1 + math.cos(math.pi * step / 5)) / 2 * v
    assert torch.allclose(model.weight, w, rtol=1e-12)


def test_first_adam_step_has_the_length_of_the_learning_rate() -> None:
    model = nn.Linear(2, 3)
    before = model.weight.detach().clone()
    fit(model, blobs(), epochs=1, lr=0.01, batch_size=90)
    assert torch.allclose((model.weight - before).abs(), torch.tensor(0.01), rtol=1e-3)


def test_history_is_the_mean_over_examples_also_with_a_smaller_last_batch() -> None:
    model, (inputs, targets) = nn.Linear(2, 3), blobs()
    history = fit(model, (inputs, targets), epochs=2, lr=0.0, batch_size=40)
    expected = float(F.cross_entropy(model(inputs), targets).detach())
    assert history.loss == pytest.approx([expected, expected], rel=1e-5)
    assert history.accuracy == pytest.approx([accuracy(model, inputs, targets)] * 2)


def test_every_epoch_takes_every_example_once_in_a_new_order() -> None:
    class Recorder(nn.Linear):
        seen: list[Tensor]

        def forward(self, input: Tensor) -> Tensor:
            if self.training:
                self.seen.append(input[:, 0].detach())
            return super().forward(input)

    model = Recorder(1, 2)
    model.seen = []
    inputs = torch.arange(10.0).unsqueeze(1)
    fit(model, (inputs, (inputs[:, 0] > 4).long()), epochs=2, batch_size=4)
    assert [len(batch) for batch in model.seen] == [4, 4, 2] * 2
    first, second = torch.cat(model.seen[:3]), torch.cat(model.seen[3:])
    assert torch.equal(first.sort().values, inputs[:, 0])
    assert torch.equal(second.sort().values, inputs[:, 0])
    assert not torch.equal(first, second)


@pytest.mark.parametrize("device", DEVICES)
def test_seed_decides_and_global_state_is_left_alone(device: str) -> None:
    models, histories = [], []
    for seed, world in ((1, 10), (1, 20), (2, 10)):
        torch.manual_seed(world)
        state = torch.get_rng_state()
        models.append(network(dropout=0.5))
        histories.append(fit(models[-1], blobs(), epochs=2, lr=0.05, batch_size=16, seed=seed, device=device))
        assert torch.equal(torch.get_rng_state(), state)
    if device == "cpu":  # on a GPU some sums have no fixed order
        assert same(models[0], models[1])
        assert histories[0] == histories[1]
    assert not same(models[0], models[2])


def test_a_model_that_always_draws_does_so_from_the_seed() -> None:
    """Noise in evaluation mode too, where `fit` looks at the model's outputs before it trains."""

    class Noisy(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:
            return super().forward(input + torch.randn_like(input))

    models = [Noisy(2, 3) for _ in range(2)]
    models[1].load_state_dict(models[0].state_dict())
    for model in models:
        state = torch.get_rng_state()
        fit(model, blobs(), epochs=1)
        assert torch.equal(torch.get_rng_state(), state)
        torch.rand(1)
    assert same(*models)


def test_no_trace_but_the_weights() -> None:
    model, data = network(), blobs()
    before = [part.clone() for part in data]
    model[0].bias.requires_grad_(False)
    bias = model[0].bias.clone()
    fit(model, data, epochs=1)
    assert not any(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(model[0].bias, bias)
    assert [parameter.requires_grad for parameter in model.parameters()] == [True, False] + [True] * 4
    assert all(torch.equal(a, b) for a, b in zip(data, before, strict=True))


class Counted:
    """Cross-entropy that calls `accident` with the loss at call number `at`, counted from 1."""

    def __init__(self, at: int, accident: Callable[[Tensor], Tensor], model: nn.Module) -> None:
        self.at, self.accident, self.model, self.calls = at, accident, model, 0
        self.states: list[dict[str, Tensor]] = []

    def __call__(self, outputs: Tensor, targets: Tensor) -> Tensor:
        self.calls += 1
        weights = {name: parameter.detach().clone() for name, parameter in self.model.named_parameters()}
        self.states.append(weights)
        value = F.cross_entropy(outputs, targets)
        return self.accident(value) if self.calls == self.at else value


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_nan_names_the_step_and_keeps_the_last_good_state(value: float) -> None:
    """Six steps an epoch; the ninth is the third of the second epoch."""
    model = network()
    loss = Counted(9, lambda correct: correct * value, model)
    match = rf"the loss became {value} at step 3 of epoch 2; model holds the state of the end of epoch 1"
    with pytest.raises(FloatingPointError, match=match):
        fit(model, blobs(), epochs=4, batch_size=16, loss=loss)
    assert loss.calls == 12
    good = loss.states[6]  # the weights at the first step of epoch 2
    assert all(torch.equal(parameter, good[name]) for name, parameter in model.named_parameters())
    assert all(torch.isfinite(buffer).all() for buffer in model.buffers())
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


def test_weights_that_overflow_in_the_last_step_are_noticed() -> None:
    model = nn.Linear(2, 3)
    before = model.weight.detach().clone()
    with pytest.raises(FloatingPointError, match="a weight became NaN or infinite at step 1 of epoch 1"):
        fit(model, blobs(), epochs=1, batch_size=90, lr=1e38, optimizer="sgd", loss=lambda z, y: 1e3 * z.sum())
    assert torch.equal(model.weight, before)


def test_exception_inside_the_loss_leaves_no_gradient_and_no_training_mode() -> None:
    model = network()

    def accident(_: Tensor) -> Tensor:
        raise RuntimeError("out of order")

    state = torch.get_rng_state()
    with pytest.raises(RuntimeError, match="out of order"):
        fit(model, blobs(), epochs=2, batch_size=16, loss=Counted(4, accident, model))
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def decay(model: nn.Module, inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Tensor:
    """A penalty of 3 |w|^2 / 2 on every parameter."""
    return 1.5 * torch.stack([parameter.square().sum() for parameter in model.parameters()]).sum()


def test_a_regularizer_is_minimised_with_the_loss() -> None:
    """One step of plain gradient descent on mean squares plus 3 |w|^2 / 2, in float64."""
    inputs, _ = blobs(dtype=torch.float64)
    targets = inputs @ torch.tensor([[1.0], [-2.0]], dtype=torch.float64)
    model = nn.Linear(2, 1, bias=False).double()
    w = model.weight.detach().clone()
    options: dict[str, Any] = {"lr": 0.1, "batch_size": 90, "optimizer": "sgd", "loss": F.mse_loss}
    history = fit(model, (inputs, targets), epochs=1, regularizer=decay, **options)
    gradient = 2 * (inputs @ w.T - targets).T @ inputs / len(inputs) + 3 * w
    assert torch.allclose(model.weight, w - 0.1 * gradient, rtol=1e-12)
    assert history.loss == pytest.approx([float(F.mse_loss(inputs @ w.T, targets))])
    assert history.penalty == pytest.approx([1.5 * float(w.square().sum())])
    assert fit(model, (inputs, targets), epochs=1, **options).penalty is None


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_weight_decay_is_half_the_squared_length_of_all_weights_added_to_the_loss(optimizer: str) -> None:
    """`decay` is that penalty with lambda = 3, in float64: the same weights, and the same loss without it."""
    inputs, targets = blobs(dtype=torch.float64)
    one, two = network().double(), network().double()
    options: dict[str, Any] = {"epochs": 4, "lr": 0.02, "batch_size": 40, "optimizer": optimizer}
    by_optimizer = fit(one, (inputs, targets), weight_decay=3.0, **options)
    by_loss = fit(two, (inputs, targets), regularizer=decay, **options)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-9, atol=1e-12)
    assert by_optimizer.loss == pytest.approx(by_loss.loss, rel=1e-9)
    assert by_optimizer.penalty is None


def test_the_sum_of_all_logits_only_decays() -> None:
    """Cross-entropy moves no sum over the classes of a last layer: v <- 0.9 v + lambda w; w <- w - lr_t v, whatever
    the data. So weights and biases shrink by the w that starts at 1, and stay where nothing decays."""
    inputs, targets = blobs(dtype=torch.float64)
    for weight_decay in (0.0, 0.5):
        model = nn.Sequential(nn.Linear(2, 8), nn.Softplus(), nn.Linear(8, 3)).double()
        before = torch.cat([model[2].weight, model[2].bias[:, None]], 1).detach()
        fit(model, (inputs, targets), epochs=3, lr=0.1, batch_size=40, optimizer="sgd", weight_decay=weight_decay)
        after = torch.cat([model[2].weight, model[2].bias[:, None]], 1).detach()
        v, w = 0.0, 1.0
        for step in range(9):
            v = 0.9 * v + weight_decay * w
            w -= 0.1 * (1 + math.cos(math.pi * step / 9)) / 2 * v
        assert (after - before).abs().max() > 0.1
        torch.testing.assert_close(after.sum(0), w * before.sum(0), rtol=1e-10, atol=1e-13)


def test_a_regularizer_gets_the_batch_the_mode_and_the_numbers_of_the_seed() -> None:
    seen: list[tuple[Tensor, Tensor, bool, Tensor]] = []

    def spy(model: nn.Module, inputs: Tensor, targets: Tensor, generator: torch.Generator) -> Tensor:
        seen.append((inputs, targets, model.training, torch.randn((), generator=generator)))
        return 0 * inputs.sum()

    model, (inputs, targets) = network(), blobs()
    for seed in (1, 1, 2):
        fit(model, (inputs, targets), epochs=1, batch_size=40, regularizer=spy, seed=seed)
    assert [len(batch) for batch, _, _, _ in seen] == [40, 40, 10] * 3
    assert all(training for _, _, training, _ in seen)
    assert torch.equal(torch.cat([batch for batch, _, _, _ in seen[:3]]).sort(0).values, inputs.sort(0).values)
    pairs = {(tuple(row.tolist()), int(label)) for row, label in zip(inputs, targets, strict=True)}
    assert {(tuple(row.tolist()), int(y)) for x, ys, _, _ in seen for row, y in zip(x, ys, strict=True)} == pairs
    draws = torch.stack([draw for _, _, _, draw in seen]).view(3, 3)
    assert torch.equal(draws[0], draws[1])
    assert len(draws[1:].unique()) == 6


def test_a_penalty_that_is_nan_stops_training_and_keeps_the_last_good_state() -> None:
    model, calls = network(), []

    def accident(model: nn.Module, *_: object) -> Tensor:
        calls.append([parameter.detach().clone() for parameter in model.parameters()])
        penalty = decay(model, X, Y, torch.Generator())
        return penalty * math.nan if len(calls) == 9 else penalty

    match = "the penalty became nan at step 3 of epoch 2; model holds the state of the end of epoch 1"
    with pytest.raises(FloatingPointError, match=match):
        fit(model, blobs(), epochs=4, batch_size=16, regularizer=accident)
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), calls[6], strict=True))
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(("result", "got"), [(torch.zeros(1), r"shape \(1,\)"), (0.0, "float")])
def test_a_regularizer_returns_a_scalar(result: object, got: str) -> None:
    model = network()
    before = [parameter.detach().clone() for parameter in model.parameters()]
    with pytest.raises(TypeError, match=f"regularizer: expected it to return a scalar tensor, got {got}"):
        fit(model, blobs(), epochs=1, regularizer=lambda *_: result)  # type: ignore[arg-type,return-value]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), before, strict=True))
    assert not model.training


def test_no_move_is_no_perturbation_bit_for_bit() -> None:
    """Dropout and the order of the examples are drawn as without one."""
    one, two = network(dropout=0.5), network(dropout=0.5)
    plain = fit(one, blobs(), epochs=2, batch_size=16)
    assert fit(two, blobs(), epochs=2, batch_size=16, perturbation=lambda model, x, y, generator: x) == plain
    assert same(one, two)


def test_loss_and_regularizer_meet_the_moved_inputs_alone() -> None:
    """One step of plain gradient descent, in float64, at 2 x + 1; whatever the move depends on is held fixed."""
    inputs, _ = blobs(dtype=torch.float64)
    targets = inputs @ torch.tensor([[1.0], [-2.0]], dtype=torch.float64)
    model = nn.Linear(2, 1, bias=False).double()
    w = model.weight.detach().clone()
    seen: list[Tensor] = []

    def move(model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        assert model.training
        model(x).sum().backward()  # left behind, as by a careless attack
        return 2 * x + model.weight / model.weight.detach()

    def spy(model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        seen.append(x)
        return 0 * x.sum()

    options: dict[str, Any] = {"lr": 0.1, "batch_size": 90, "optimizer": "sgd", "loss": F.mse_loss}
    fit(model, (inputs, targets), epochs=1, perturbation=move, regularizer=spy, **options)
    moved = 2 * inputs + 1
    gradient = 2 * (moved @ w.T - targets).T @ moved / len(moved)
    assert torch.allclose(model.weight, w - 0.1 * gradient, rtol=1e-12)
    assert torch.equal(seen[0].sort(0).values, moved.sort(0).values)
    assert not seen[0].requires_grad


def test_a_perturbation_draws_from_the_seed() -> None:
    def noise(model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        return x + torch.randn(x.shape, generator=generator)

    models = [network() for _ in range(3)]
    for model, seed in zip(models, (1, 1, 2), strict=True):
        fit(model, blobs(), epochs=2, seed=seed, perturbation=noise)
    assert same(models[0], models[1])
    assert not same(models[0], models[2])


@pytest.mark.parametrize(
    ("result", "got"),
    [
        (torch.zeros(1, 2), r"torch.float32 of shape \(1, 2\)"),
        (torch.zeros(90, 2).double(), r"torch.float64 of shape \(90, 2\)"),
        (None, "NoneType"),
    ],
)
def test_a_perturbation_returns_inputs(result: object, got: str) -> None:
    model = network()
    wanted = r"perturbation: expected it to return inputs, torch.float32 of shape \(90, 2\), got "
    with pytest.raises(TypeError, match=wanted + got):
        fit(model, blobs(), epochs=1, perturbation=lambda *_: result)  # type: ignore[arg-type,return-value]
    assert same(model, network())
    assert not model.training


def test_moved_inputs_that_are_nan_stop_training_with_the_step() -> None:
    with pytest.raises(FloatingPointError, match="the loss became nan at step 1 of epoch 1"):
        fit(network(), blobs(), epochs=1, perturbation=lambda model, x, y, generator: x * math.nan)


def test_targets_may_be_probabilities_of_the_classes() -> None:
    inputs, labels = blobs()
    one, two = network(), network()
    fit(one, (inputs, F.one_hot(labels, 3).float()), epochs=2)
    fit(two, (inputs, labels), epochs=2)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        torch.testing.assert_close(a, b)


def test_regression_has_no_accuracy() -> None:
    inputs, _ = blobs()
    history = fit(nn.Linear(2, 2), (inputs, inputs), epochs=3, lr=0.1, loss=F.mse_loss)
    assert history.accuracy is None
    assert history.loss[-1] < history.loss[0]


X, Y = blobs()
BAD: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"model": lambda x: x}, TypeError, r"model"),
    ({"model": nn.ReLU()}, ValueError, "model: expected parameters that require a gradient, got none"),
    ({"data": (X,)}, TypeError, r"data"),
    ({"data": (X, Y[:-1])}, ValueError, r"data: expected one target per input, got 90 inputs .*\(89,\)"),
    ({"data": (X[:0], Y[:0])}, ValueError, "inputs of data: expected at least one example"),
    ({"data": (X * math.nan, Y)}, ValueError, "inputs of data: expected finite values"),
    ({"data": (X.long(), Y)}, TypeError, "inputs of data: expected a floating tensor"),
    ({"data": (X, Y + 1)}, ValueError, "data: expected classes from 0 to 2, got 1 to 3"),
    ({"data": (X, Y - 1)}, ValueError, "data: expected classes from 0 to 2, got -1 to 1"),
    ({"data": (X, Y.double())}, TypeError, r"^data: expected integer targets for cross-entropy.*got torch\.float64"),
    ({"data": (X, Y[:, None])}, ValueError, r"^data: expected targets that cross-entropy takes.* of shape \(90, 1\)"),
    ({"data": (X, X)}, ValueError, r"^data: expected targets that cross-entropy takes.*got torch\.float32 of shape"),
    ({"data": (X, Y == 1)}, TypeError, r"^data: expected integer targets for cross-entropy.*got torch\.bool"),
    ({"model": nn.Sequential(nn.Linear(2, 1), nn.Flatten(0))}, ValueError, r"shape \(B, K\)"),
    ({"epochs": 0}, ValueError, "epochs: expected an int of at least 1, got 0"),
    ({"batch_size": 0}, ValueError, "batch_size: expected an int of at least 1, got 0"),
    ({"regularizer": 0.1}, TypeError, "regularizer"),
    ({"perturbation": 0.1}, TypeError, "perturbation"),
    ({"lr": math.nan}, ValueError, "lr: expected a finite number of at least 0"),
    ({"lr": -1.0}, ValueError, "lr: expected a finite number of at least 0"),
    ({"weight_decay": -1.0}, ValueError, "weight_decay: expected a finite number of at least 0"),
    ({"optimizer": "lbfgs"}, ValueError, 'optimizer: expected "adam" or "sgd", got \'lbfgs\''),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_arguments(change: dict[str, Any], error: type[Exception], message: str) -> None:
    arguments: dict[str, Any] = {"model": network(), "data": (X, Y), "epochs": 1} | change
    with pytest.raises(error, match=message):
        fit(arguments.pop("model"), arguments.pop("data"), **arguments)


def test_accuracy_counts_and_ignores_the_batch_size() -> None:
    model = nn.Identity().eval()
    logits = torch.eye(4)
    for batch_size in (1, 3, 4, 1000):
        assert accuracy(model, logits, torch.tensor([0, 1, 2, 0]), batch_size=batch_size) == 0.75
    trained = network().eval()
    assert len({accuracy(trained, X, Y, batch_size=size) for size in (1, 7, 90)}) == 1


def test_accuracy_refuses_bad_input() -> None:
    with pytest.raises(ValueError, match="model: expected evaluation mode"):
        accuracy(network(), X, Y)
    with pytest.raises(ValueError, match="one target per input"):
        accuracy(network().eval(), X, Y[:-1])
    with pytest.raises(ValueError, match=r"model output: expected shape \(B, K\)"):
        accuracy(nn.Flatten(0).eval(), X, Y)


@pytest.mark.parametrize(
    ("labels", "error", "message"),
    [
        (Y.float(), TypeError, r"^labels: expected an integer tensor.*got torch\.float32"),
        (Y == 1, TypeError, r"^labels: expected an integer tensor.*got torch\.bool"),
        ([*Y.tolist()[:-1], 0.5], TypeError, r"^labels: expected an integer tensor.*got a list with 0\.5"),
        (Y[:, None], ValueError, r"^labels: expected one class per example, shape \(90,\), got \(90, 1\)"),
    ],
)
def test_accuracy_names_labels_that_are_no_classes(
    monkeypatch: pytest.MonkeyPatch, labels: Any, error: type[Exception], message: str
) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=message):
        accuracy(network().eval(), X, labels)


@pytest.mark.parametrize("kind", [torch.Tensor.int, torch.Tensor.tolist, torch.Tensor.numpy])
def test_accuracy_takes_any_integers(kind: Callable[[torch.Tensor], Any]) -> None:
    model = network().eval()
    assert accuracy(model, X, kind(Y)) == accuracy(model, X, Y)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
def test_classes_of_any_width_train_the_same_network(dtype: torch.dtype) -> None:
    one, two = network(), network()
    assert fit(one, (X, Y), epochs=2) == fit(two, (X, Y.to(dtype)), epochs=2)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), two.parameters(), strict=True))


def test_progress_bar_is_silent_in_the_book_and_when_unwanted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    fit(network(), blobs(), epochs=2)
    monkeypatch.delenv("INTERPBOOK_RENDER")
    fit(network(), blobs(), epochs=2, progress=False)
    assert capsys.readouterr() == ("", "")
    with progress_bar(2, "training", "epoch") as bar:
        bar.update()
    assert "training" in capsys.readouterr().err
