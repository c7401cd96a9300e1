"""Many networks of one architecture trained at once, each as if it were alone."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn import functional as F

from interpbook.checks import check_count, check_data, check_integers
from interpbook.training.loop import History, descend, make_history, make_optimizer, record
from interpbook.training.preparation import Loss, prepare, trainable

__all__ = ["fit_together"]

State = dict[str, Tensor]
Forward = Callable[[State, Tensor, Tensor], tuple[Tensor, Tensor]]


def fit_together(
    models: Sequence[nn.Module],
    data: tuple[Tensor, Tensor],
    *,
    seeds: Sequence[int],
    epochs: int,
    loss: Loss = F.cross_entropy,
    optimizer: str = "adam",
    lr: float = 2e-3,
    weight_decay: float = 0.0,
    batch_size: int = 128,
    device: str | torch.device | None = None,
    progress: bool = True,
) -> tuple[History, ...]:
    """Train all `models` in place on the same `data`, as a loop of `fit` would, in a fraction of its time:

        for model, seed in zip(models, seeds):
            fit(model, data, seed=seed, ...)

    Small networks keep a processor busy with everything but arithmetic. Here each step is taken by all of them in
    one batched product per layer, and each network still sees its own order of examples, the one that `fit` draws
    from its seed. The sum of the losses is what is minimised: the networks share no weight, so the gradient of each
    is that of its own loss. Weights and histories equal those of the loop up to rounding: after 1,000 steps, networks
    of three hidden layers differed by nothing (ReLU) or 2e-15 (softplus) in float64, by nothing or 1e-6 in float32.
    Where rounding decides they part further, as they do on another processor: Adam moves a bias in front of batch
    norm by a full step, although its gradient is nothing else.

    Batch norm works, each network with its own running statistics. Dropout and other random numbers inside a model
    are refused, because `fit` would draw others. The models stay apart: none shares memory with another.

    Args:
        models: of one architecture; the same parameters require a gradient in each.
        data: as for `fit`.
        seeds: one for each model, of the order of the examples.
        epochs: passes through the data.
        loss: as for `fit`; it is called once per step, for all models, under `torch.func.vmap`.
        optimizer: as for `fit`, as are `lr`, `weight_decay`, `batch_size` and `progress`.
        device: where to train; by default where the first model is.

    Returns:
        What each network saw, in the order of `models`.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or value, before any training; models that differ by more
            than their weights, share some, or use what `torch.func.vmap` does not take.
        FloatingPointError: the loss or a weight of some model became NaN or infinite. The message names the model and
            the step, and all models hold the state of the end of the last good epoch.

    >>> from interpbook.models import MLP
    >>> x = torch.randn(256, 2, generator=torch.Generator().manual_seed(0))
    >>> models = [MLP((8,), inputs=2, classes=2, seed=seed) for seed in range(20)]
    >>> histories = fit_together(models, (x, (x[:, 0] > 0).long()), seeds=range(20), epochs=5, lr=0.01)
    >>> len(histories), all(history.loss[-1] < history.loss[0] for history in histories)
    (20, True)
    """
    check_count(epochs, "epochs")
    check_count(batch_size, "batch_size")
    check_data(data)
    models = _check_models(models)
    numbers = _check_seeds(seeds, len(models))
    make_optimizer(optimizer, trainable(models[0]), lr, weight_decay)  # its checks, before anything is moved
    inputs, targets, classes = prepare(models[0], data, loss, numbers[0], device)
    for model in models:
        model.to(inputs.device).eval()
    parameters, buffers = stack_module_state(models)
    forward = _batched(models[0], loss)
    _try(models, {**parameters, **buffers}, forward, inputs[:batch_size], targets[:batch_size])
    update = make_optimizer(optimizer, [w for w in parameters.values() if w.requires_grad], lr, weight_decay)
    state = {**parameters, **buffers}
    try:
        passes = descend(
            models[0],
            state,
            (inputs, targets),
            _orders(numbers, len(inputs)),
            partial(_step, forward, state, classes),
            update,
            epochs=epochs,
            batch_size=batch_size,
            progress=progress,
        )
    finally:
        _write(models, state)
    summary = partial(make_history, count=len(inputs), batch_size=batch_size, classes=classes, penalized=False)
    return tuple(summary([seen[:, i] for seen in passes]) for i in range(len(models)))


def _batched(model: nn.Module, loss: Loss) -> Forward:
    """Losses and outputs of all models, from their stacked state and a batch for each."""

    def one(state: State, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        outputs = functional_call(model, state, (inputs,))
        return loss(outputs, targets), outputs

    return vmap(one)


def _step(forward: Forward, state: State, classes: bool, inputs: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    values, outputs = forward(state, inputs, targets)
    zeros = torch.zeros_like(values)
    return values.sum(), record(values, (outputs.argmax(2) == targets).sum(1) if classes else zeros, zeros)


def _orders(seeds: Sequence[int], count: int) -> Callable[[], Tensor]:
    """Draws the next order of the examples for each seed, from generators that yield what `fit` draws globally."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return lambda: torch.stack([torch.randperm(count, generator=generator) for generator in generators])


def _write(models: Sequence[nn.Module], state: State) -> None:
    """Give every model its slice of the state, in the tensors that it has."""
    with torch.no_grad():
        for i, model in enumerate(models):
            model.zero_grad(set_to_none=True)
            for name, tensor in _tensors(model).items():
                tensor.copy_(state[name][i])


def _tensors(model: nn.Module) -> State:
    return dict(chain(model.named_parameters(), model.named_buffers()))


def _check_models(models: object) -> list[nn.Module]:
    """At least one module; the others differ from the first by the values of their own weights alone."""
    if not isinstance(models, Sequence):
        raise TypeError(f"models: expected a sequence of torch.nn.Module, got {type(models).__name__}")
    found = list(models)
    odd = [type(model).__name__ for model in found if not isinstance(model, nn.Module)]
    if odd:
        raise TypeError(f"models: expected a sequence of torch.nn.Module, got one with {odd[0]}")
    if not found:
        raise ValueError("models: expected at least one, got none")
    _check_architecture(found)
    _check_apart(found)
    return found


def _check_architecture(models: Sequence[nn.Module]) -> None:
    first = _parts(models[0])
    for i, model in enumerate(models):
        parts = _parts(model)
        for name in (*first, *parts):
            if first.get(name) != parts.get(name):
                here, there = (each.get(name, (None, "nothing"))[1] for each in (parts, first))
                raise ValueError(
                    f"models: expected one architecture, got at '{name}' {here} in model {i}, {there} in model 0"
                )


def _check_apart(models: Sequence[nn.Module]) -> None:
    owners: dict[tuple[torch.device, int], int] = {}
    for i, model in enumerate(models):
        for name, tensor in _tensors(model).items():
            owner = owners.setdefault((tensor.device, tensor.data_ptr()), i) if tensor.numel() else i
            if owner != i:
                raise ValueError(
                    f"models: expected no memory in common, got '{name}' of model {i} in model {owner} too"
                )


def _parts(model: nn.Module) -> dict[str, tuple[object, str]]:
    """What a model consists of: every module with what it says of itself, every parameter and buffer."""
    parts: dict[str, tuple[object, str]] = {}
    for name, module in model.named_modules():
        parts[name] = type(module), f"{type(module).__name__}({module.extra_repr()})"
    for name, tensor in _tensors(model).items():
        kind = "trained" if tensor.requires_grad else "fixed"
        parts[name] = None, f"{kind} {tensor.dtype} of shape {tuple(tensor.shape)}"
    return parts


def _check_seeds(seeds: object, count: int) -> list[int]:
    numbers = check_integers([*seeds] if isinstance(seeds, Sequence) else seeds, "seeds")
    if numbers.shape != (count,):
        raise ValueError(f"seeds: expected one per model, {count}, got shape {tuple(numbers.shape)}")
    return numbers.tolist()


def _try(models: Sequence[nn.Module], state: State, forward: Forward, inputs: Tensor, targets: Tensor) -> None:
    """One batch in training mode, on a copy of the state; one example in evaluation mode, beside each model alone."""
    rows = torch.arange(len(inputs), device=inputs.device).expand(len(models), -1)
    copy = {name: tensor.detach().clone() for name, tensor in state.items()}
    with torch.no_grad():
        try:
            models[0].train()
            values, _ = forward(copy, inputs[rows], targets[rows])
            models[0].eval()
            _, outputs = forward(state, inputs[rows[:, :1]], targets[rows[:, :1]])
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                "models: expected ones that torch.func.vmap takes with this loss, without dropout or other random "
                f"numbers, got its error: {error}"
            ) from error
        finally:
            models[0].eval()
        if values.dim() != 1:
            raise TypeError(f"loss: expected it to return a scalar tensor, got shape {tuple(values.shape[1:])}")
        for i, model in enumerate(models):
            if not _near(outputs[i], model(inputs[:1])):
                raise ValueError(
                    f"models: expected one architecture, got model {i}, which computes as model 0 does not"
                )


def _near(one: Tensor, other: Tensor) -> bool:
    """Equal up to much more rounding than there should be: half the digits of the largest value."""
    scale = float(other.abs().max())
    return torch.allclose(one, other, rtol=0, atol=torch.finfo(other.dtype).eps ** 0.5 * scale, equal_nan=True)
