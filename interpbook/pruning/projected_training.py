"""Projected gradient descent on the networks with few weights, with a number of weights that changes as it runs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.checks import check_count, check_number
from interpbook.progress import progress_bar
from interpbook.pruning.projection import project_sparsity, prunable
from interpbook.pruning.schedule import SparsitySchedule
from interpbook.training.preparation import Loss, own_randomness, prepare, trainable

__all__ = ["PruningHistory", "train_projected"]

Watch = Callable[[int, nn.Module], None]


@dataclass(frozen=True)
class PruningHistory:
    """What `train_projected` saw.

    Attributes:
        loss: of the batch of each step, before the step.
        steps: after how many steps each projection was made; the first is 0, the last is all of them.
        kept: how many prunable weights were not zero after each projection.
        reactivations: for each projection, how many weights were not zero after it that were zero after the one before.
        returned: how many of the weights that are kept at the end were zero after an earlier projection.
    """

    loss: tuple[float, ...]
    steps: tuple[int, ...]
    kept: tuple[int, ...]
    reactivations: tuple[int, ...]
    returned: int


def train_projected(
    model: nn.Module,
    data: tuple[Tensor, Tensor],
    schedule: SparsitySchedule,
    *,
    every: int = 1,
    masked: bool = False,
    layerwise: bool = False,
    loss: Loss = F.cross_entropy,
    lr: float | int | Callable[[int], float] = 0.1,
    momentum: float | int = 0.9,
    batch_size: int = 128,
    seed: int = 0,
    watch: Watch | None = None,
    device: str | torch.device | None = None,
    progress: bool = True,
) -> PruningHistory:
    """Train `model` in place by projected gradient descent, and leave it sparse, in evaluation mode, on `device`:

        w_0 = P_k(0)(w),    w_t = P_k(t)(w_{t-1} - lr(t - 1) g_{t-1})    for t = 1, ..., schedule.steps,

    where g is the gradient of the mean `loss` of a batch, with momentum, and P_k(t) sets all but the k(t) largest of
    the n prunable weights to zero, k(t) = round(n (1 - schedule(t))). It takes exactly `schedule.steps` steps, so
    that schedules of as many steps have the same budget, whatever they do. Every pass through the data takes it in a
    new order; the same seed gives the same batches to every schedule.

    Pruned are the weights with two axes or more (`prunable`); biases and the parameters of normalization layers are
    trained and never pruned. A weight that is set to zero loses its momentum, so that it comes back, if it does, with
    none.

    Args:
        model: any module, usually a trained one.
        data: inputs Float[N *dims] and targets, as for `interpbook.training.fit`.
        schedule: the fraction of zeros after each step.
        every: project after every so many steps, and after the last. Between projections k stays what it was.
        masked: weights that are zero get no updates and stay zero, until the schedule falls: then all are free until
            the next projection. Otherwise all weights are updated in each step, also those that are zero.
        layerwise: the same fraction in each tensor, in place of one threshold for all.
        loss: of (outputs, targets) of a batch, a scalar.
        lr: the learning rate, or a function that gives it for steps 0, 1, ..., such as `cosine_restarts(...)`.
        momentum: in [0, 1): velocity = momentum * velocity + g, and -lr velocity is the update.
        batch_size: examples per step; all of them, if there are no more.
        seed: of the order of the examples, and of any randomness inside the model.
        watch: called after each projection, also that before the first step, with the number of steps taken and the
            model, to look at it.
        device: where to train; by default where the model is. The whole data set is moved there.
        progress: show a bar (never while a notebook is executed for the book).

    After an exception the weights are what they were before the call.

    Raises:
        TypeError, ValueError: an argument of the wrong kind or value; a sparsity that leaves fewer weights than there
            are tensors.
        FloatingPointError: the loss or a weight became NaN or infinite.
        RuntimeError: fewer weights were left at the end than the schedule says, because others never had a gradient.

    Source: [srinivas2022cyclical].

    >>> x = torch.randn(256, 20, generator=torch.Generator().manual_seed(0))
    >>> model = nn.Linear(20, 2)
    >>> schedule = SparsitySchedule.gradual(0.9, steps=50)
    >>> history = train_projected(model, (x, (x[:, 0] > 0).long()), schedule, masked=True)
    >>> int(model.weight.count_nonzero()), history.kept[-1], sum(history.reactivations)
    (4, 4, 0)
    """
    if not isinstance(schedule, SparsitySchedule):
        raise TypeError(f"schedule: expected a SparsitySchedule, got {type(schedule).__name__}")
    check_count(every, "every")
    check_count(batch_size, "batch_size")
    if not check_number(momentum, "momentum", minimum=0) < 1:
        raise ValueError(f"momentum: expected a number in [0, 1), got {momentum}")
    rate = lr if callable(lr) else _constant(check_number(lr, "lr", minimum=0))
    if watch is not None and not callable(watch):
        raise TypeError(f"watch: expected a function or None, got {type(watch).__name__}")
    update = torch.optim.SGD(trainable(model), lr=0.0, momentum=momentum)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    try:
        inputs, targets, _ = prepare(model, data, loss, seed, device)
        mask = _Mask(prunable(model), schedule, masked, layerwise, update)
        with own_randomness(seed, inputs.device), progress_bar(schedule.steps, "pruning", "step", progress) as bar:
            batches = _batches(len(inputs), batch_size)
            seen: list[Tensor] = []
            _project(mask, model, 0, watch)
            for step in range(1, schedule.steps + 1):
                model.train()
                batch = next(batches).to(inputs.device)
                value = loss(model(inputs[batch]), targets[batch])
                update.zero_grad(set_to_none=True)
                value.backward()
                mask.hold(step)
                update.param_groups[0]["lr"] = rate(step - 1)
                update.step()
                seen.append(value.detach())
                if step % every == 0 or step == schedule.steps:
                    _check_finite(model, value, step)
                    _project(mask, model, step, watch)
                bar.update()
        mask.check_end()
    except BaseException:
        model.load_state_dict(before)
        raise
    finally:
        model.eval()
        update.zero_grad(set_to_none=True)
    losses = torch.stack(seen).cpu().tolist()
    return PruningHistory(tuple(losses), tuple(mask.steps), *mask.counts())


class _Mask:
    """Which weights are zero, since when, and which came back."""

    def __init__(
        self,
        weights: list[nn.Parameter],
        schedule: SparsitySchedule,
        masked: bool,
        layerwise: bool,
        update: torch.optim.Optimizer,
    ) -> None:
        self.weights, self.schedule, self.masked, self.layerwise = weights, schedule, masked, layerwise
        self.update = update
        self.sparsity, self.free = 0.0, False
        self.on = [weight != 0 for weight in weights]
        self.was_off = [torch.zeros_like(on) for on in self.on]
        self.steps: list[int] = []
        self.kept: list[Tensor] = []
        self.reactivations: list[Tensor] = []

    def hold(self, step: int) -> None:
        """Take the gradient from the weights that are zero, unless the schedule has opened since the projection."""
        self.free |= self.schedule(step) < self.sparsity
        if not self.masked or self.sparsity == 0 or self.free:
            return
        for weight, on in zip(self.weights, self.on, strict=True):
            if weight.grad is not None:
                weight.grad.mul_(on)

    def project(self, step: int) -> None:
        """Project, take the momentum from the weights that are zero now, and count."""
        self.sparsity, self.free = self.schedule(step), False
        if self.sparsity > 0:
            project_sparsity(self.weights, self.sparsity, self.layerwise)
        came = torch.zeros((), dtype=torch.int64, device=self.on[0].device)
        kept = torch.zeros_like(came)
        for place, weight in enumerate(self.weights):
            on = weight.detach() != 0
            velocity = self.update.state[weight].get("momentum_buffer")
            if velocity is not None:
                velocity.mul_(on)
            came += (on & ~self.on[place]).sum()
            kept += on.sum()
            self.was_off[place] |= ~on
            self.on[place] = on
        self.steps.append(step)
        self.kept.append(kept)
        self.reactivations.append(came)

    def check_end(self) -> None:
        """As many weights as the schedule says."""
        sizes = [weight.numel() for weight in self.weights]
        groups = sizes if self.layerwise else [sum(sizes)]
        expected = sum(self.schedule.kept(self.schedule.steps, of=size) for size in groups)
        if int(self.kept[-1]) != expected:
            raise RuntimeError(f"expected {expected} weights at the end, got {int(self.kept[-1])}: others stayed zero")

    def counts(self) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        """Kept and reactivated weights after each projection, and how many of the last kept ones had been zero."""
        returned = sum(int((on & was_off).sum()) for on, was_off in zip(self.on, self.was_off, strict=True))
        kept = torch.stack(self.kept).cpu().tolist()
        return tuple(kept), tuple(torch.stack(self.reactivations).cpu().tolist()), returned


def _project(mask: _Mask, model: nn.Module, step: int, watch: Watch | None) -> None:
    mask.project(step)
    if watch:
        watch(step, model.eval())


def _batches(count: int, batch_size: int) -> Iterator[Tensor]:
    """Indices of one batch after another, in a new order each time all examples were seen; all of them: as they are."""
    while True:
        if batch_size >= count:
            yield torch.arange(count)
        else:
            yield from torch.randperm(count).split(batch_size)


def _constant(lr: float) -> Callable[[int], float]:
    return lambda step: lr


def _check_finite(model: nn.Module, value: Tensor, step: int) -> None:
    sums = torch.stack([value.detach(), *(parameter.detach().sum() for parameter in model.parameters())])
    if not bool(sums.isfinite().all()):
        raise FloatingPointError(
            f"the loss or a weight became NaN or infinite by step {step}; the model is as it was before the call. "
            "A smaller lr may help."
        )
