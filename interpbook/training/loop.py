"""The loop of every training: its optimizers and its schedule, its passes through the data, and what is told of them.

It descends for one model, or for many at once whose weights are stacked along a first axis.
"""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR

from interpbook.checks import check_number
from interpbook.progress import progress_bar

__all__ = ["History", "Seen", "Step", "descend", "make_history", "make_optimizer", "record"]

Seen = Float[Tensor, "steps *models 3"]
Step = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class History:
    """What a training saw, one entry per epoch, measured on the training batches while the network learned.

    Attributes:
        loss: mean loss over the examples.
        accuracy: fraction of right predictions, 0 to 1; None where the targets are no classes.
        penalty: mean of what `regularizer` added to the loss, which is not in `loss`; None without one.
    """

    loss: tuple[float, ...]
    accuracy: tuple[float, ...] | None
    penalty: tuple[float, ...] | None = None


def make_optimizer(name: str, parameters: Sequence[Tensor], lr: float, weight_decay: float) -> torch.optim.Optimizer:
    """Adam, or SGD with momentum 0.9, by name. The decay is part of the gradient, as L2.

    >>> make_optimizer("sgd", [torch.zeros(2, requires_grad=True)], 0.1, 0.0).defaults["momentum"]
    0.9
    """
    check_number(lr, "lr", minimum=0.0)
    check_number(weight_decay, "weight_decay", minimum=0.0)
    if name == "adam":
        return torch.optim.Adam(parameters, lr=lr, weight_decay=weight_decay)
    if name == "sgd":
        return torch.optim.SGD(parameters, lr=lr, momentum=0.9, weight_decay=weight_decay)
    raise ValueError(f'optimizer: expected "adam" or "sgd", got {name!r}')


def record(value: Tensor, hits: Tensor, penalty: Tensor) -> Float[Tensor, "*models 3"]:
    """What is kept of a step: loss, number of right predictions and penalty, without their graph.

    >>> record(torch.tensor(0.5), torch.tensor(3), torch.tensor(0.0))
    tensor([0.5000, 3.0000, 0.0000], dtype=torch.float64)
    """
    return torch.stack([number.detach().double() for number in (value, hits, penalty)], dim=-1)


def descend(
    model: nn.Module,
    state: dict[str, Tensor],
    data: tuple[Tensor, Tensor],
    draw: Callable[[], Tensor],
    step: Step,
    update: torch.optim.Optimizer,
    *,
    epochs: int,
    batch_size: int,
    progress: bool,
) -> list[Seen]:
    """Step down the batches of `epochs` passes, with a learning rate that falls along a cosine; see `fit`.

    Args:
        model: the module whose mode is training mode meanwhile, and evaluation mode afterwards.
        state: all that training changes, by name; it is changed in place.
        data: inputs and targets.
        draw: gives the order of the examples of one pass, Int[*models N].
        step: of the inputs and targets of a batch, what to minimise and what to `record`.
        update: of the trained tensors in `state`.

    Returns:
        What was recorded, of each pass and each of its steps, on the CPU.

    Raises:
        FloatingPointError: as `fit` does; `state` is that of the end of the last good epoch.

    >>> w = torch.ones(1, requires_grad=True)
    >>> step = lambda x, y: (w.sum(), record(w.sum(), w.sum(), w.sum()))
    >>> update, draw = make_optimizer("sgd", [w], 0.5, 0.0), lambda: torch.randperm(4)
    >>> data = torch.zeros(4, 1), torch.zeros(4)
    >>> seen = descend(nn.Identity(), {"w": w}, data, draw, step, update, epochs=1, batch_size=4, progress=False)
    >>> w.item(), seen[0].shape
    (0.5, torch.Size([1, 3]))
    """
    inputs, targets = data
    steps = epochs * math.ceil(len(inputs) / batch_size)
    schedule = LambdaLR(update, lambda step: (1 + math.cos(math.pi * step / steps)) / 2)
    passes: list[Seen] = []
    with progress_bar(epochs, "training", "epoch", progress) as bar:
        for epoch in range(epochs):
            good = {name: value.detach().clone() for name, value in state.items()}
            batches = draw().to(inputs.device).split(batch_size, dim=-1)
            passes.append(_epoch(model, ((inputs[b], targets[b]) for b in batches), step, update, schedule))
            what = _accident(passes[-1], epoch, update.param_groups[0]["params"])
            if what:
                with torch.no_grad():
                    for name, value in good.items():
                        state[name].copy_(value)
                raise FloatingPointError(f"{what} of the end of epoch {epoch} (0: the start). A smaller lr may help.")
            bar.update()
    return passes


def _epoch(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    step: Step,
    update: torch.optim.Optimizer,
    schedule: LambdaLR,
) -> Seen:
    seen = []
    model.train()
    try:
        for inputs, targets in batches:
            objective, numbers = step(inputs, targets)
            update.zero_grad(set_to_none=True)
            objective.backward()
            update.step()
            schedule.step()
            seen.append(numbers)
    finally:
        model.eval()
        update.zero_grad(set_to_none=True)
    # The numbers leave the device once an epoch, so that no step waits for them.
    return torch.stack(seen).cpu()


def _accident(seen: Seen, epoch: int, weights: Sequence[Tensor]) -> str | None:
    """What became NaN or infinite, and who holds an older state now; of many models, in the one where it came first."""
    if _finite(seen, *weights):
        return None
    if seen.dim() == 2:
        return f"{_first(seen, epoch)}; model holds the state"
    count = seen.shape[1]
    lost = [i for i in range(count) if not _finite(seen[:, i], *(weight[i] for weight in weights))]
    first = min(lost, key=lambda i: _bad_steps(seen[:, i])[0])
    what = f"model {first}: {_first(seen[:, first], epoch)} ({len(lost)} of {count} models diverged)"
    return f"{what}; all models hold the state"


def _finite(*tensors: Tensor) -> bool:
    return all(bool(tensor.isfinite().all()) for tensor in tensors)


def _bad_steps(seen: Float[Tensor, "steps 3"]) -> list[int]:
    """The steps that recorded NaN or infinity, and one more: weights are only looked at in the end."""
    return [*(~seen.isfinite()).any(1).nonzero().flatten().tolist(), len(seen)]


def _first(seen: Float[Tensor, "steps 3"], epoch: int) -> str:
    step = _bad_steps(seen)[0]
    if step == len(seen):
        return f"a weight became NaN or infinite at step {step} of epoch {epoch + 1}"
    loss, _, penalty = seen[step].tolist()
    what = f"the loss became {loss:.0f}" if not math.isfinite(loss) else f"the penalty became {penalty:.0f}"
    return f"{what} at step {step + 1} of epoch {epoch + 1}"


def make_history(
    passes: Sequence[Float[Tensor, "steps 3"]], count: int, batch_size: int, *, classes: bool, penalized: bool
) -> History:
    """Means over the `count` examples of each pass; the last batch may be smaller than `batch_size`.

    >>> seen = torch.tensor([[0.5, 2.0, 0.0], [2.0, 0.0, 0.0]])
    >>> make_history([seen], 3, 2, classes=True, penalized=False).loss
    (1.0,)
    """
    sizes = torch.tensor([len(batch) for batch in torch.arange(count).split(batch_size)], dtype=torch.float64)
    losses, penalties = ([float(seen[:, k].double() @ sizes) / count for seen in passes] for k in (0, 2))
    accuracies = tuple(float(seen[:, 1].sum()) / count for seen in passes)
    return History(tuple(losses), accuracies if classes else None, tuple(penalties) if penalized else None)
