"""One training loop for every network of the book: the same seed gives the same network."""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.checks import (
    check_count,
    check_data,
    check_integers,
    check_labels,
    check_model,
    check_output,
)
from interpbook.training.loop import History, descend, make_history, make_optimizer, record
from interpbook.training.preparation import Loss, own_randomness, prepare, trainable

Regularizer = Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]
Perturbation = Callable[[nn.Module, Tensor, Tensor, torch.Generator], Tensor]


def fit(
    model: nn.Module,
    data: tuple[Tensor, Tensor],
    *,
    epochs: int,
    loss: Loss = F.cross_entropy,
    regularizer: Regularizer | None = None,
    perturbation: Perturbation | None = None,
    optimizer: str = "adam",
    lr: float = 2e-3,
    weight_decay: float = 0.0,
    batch_size: int = 128,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool = True,
) -> History:
    """Train `model` in place on `data`, and leave it in evaluation mode on `device`.

    Step t of T minimises the mean `loss` of one batch, plus the `regularizer` if there is one, with the
    learning rate lr (1 + cos(pi t / T)) / 2, which falls from `lr` to almost nothing. Every epoch takes the
    examples in a new order; its last batch may be smaller.

    The same seed gives the same weights, bit by bit, on the same CPU with the same number of threads. During
    the call the random numbers of torch belong to `seed` (dropout too), afterwards they are as they were. No
    `.grad` stays behind.

    Args:
        model: any module; the parameters that require a gradient are trained.
        data: inputs Float[N *dims] and targets, N integers of any width for classes or whatever `loss` takes.
        epochs: passes through the data.
        loss: of (outputs, targets) of a batch, a scalar that is a mean over the batch.
        regularizer: of (model, inputs, targets, generator) of a batch, a scalar to add to the loss, with its
            strength in it; any randomness in it comes from that generator. `as_regularizer` makes some.
        perturbation: of the same four, the inputs to learn from in place of these, of the same shape: with noise
            on them, or moved against the model. Loss and regularizer meet these alone. `interpbook.robustness`
            makes some.
        optimizer: `"adam"`, or `"sgd"` with momentum 0.9.
        lr: the initial learning rate.
        weight_decay: lambda, at least 0; lambda w is added to the gradient of every trained parameter w, biases
            too, before momentum or Adam's scaling: what is minimised is the loss plus lambda |w|^2 / 2 (L2, not the
            decoupled decay of AdamW). `History.loss` is without it.
        batch_size: examples per step.
        seed: of the order of the examples, and of any randomness inside the model.
        device: where to train; by default where the model is. The whole data set is moved there.
        progress: show a bar (never while a notebook is executed for the book).

    Raises:
        TypeError, ValueError: an argument of the wrong kind or value, before any training.
        FloatingPointError: the loss, the penalty or a weight became NaN or infinite. The message names the
            step, and `model` holds the state of the end of the last good epoch.

    >>> x = torch.randn(256, 2, generator=torch.Generator().manual_seed(0))
    >>> model = nn.Linear(2, 2)
    >>> history = fit(model, (x, (x[:, 0] > 0).long()), epochs=20, lr=0.1)
    >>> history.loss[-1] < history.loss[0], model.training
    (True, False)
    """
    check_count(epochs, "epochs")
    check_count(batch_size, "batch_size")
    for name, hook in (("regularizer", regularizer), ("perturbation", perturbation)):
        if hook is not None and not callable(hook):
            raise TypeError(f"{name}: expected a function or None, got {type(hook).__name__}")
    check_data(data)
    update = make_optimizer(optimizer, trainable(model), lr, weight_decay)
    inputs, targets, classes = prepare(model, data, loss, seed, device)
    home, count = inputs.device, len(inputs)
    generator = torch.Generator(device=home).manual_seed(seed)
    penalize = partial(_scalar, regularizer, generator) if regularizer else None
    perturb = partial(_moved, perturbation, generator) if perturbation else None
    step = partial(_step, model, loss, penalize, perturb, classes)
    with own_randomness(seed, home):
        passes = descend(
            model,
            model.state_dict(),
            (inputs, targets),
            partial(torch.randperm, count),
            step,
            update,
            epochs=epochs,
            batch_size=batch_size,
            progress=progress,
        )
    return make_history(passes, count, batch_size, classes=classes, penalized=regularizer is not None)


def _step(
    model: nn.Module,
    loss: Loss,
    penalize: Callable[[nn.Module, Tensor, Tensor], Tensor] | None,
    perturb: Callable[[nn.Module, Tensor, Tensor], Tensor] | None,
    classes: bool,
    inputs: Tensor,
    targets: Tensor,
) -> tuple[Tensor, Tensor]:
    """What to minimise on one batch, and what to record of it."""
    if perturb:
        inputs = perturb(model, inputs, targets)
    outputs = model(inputs)
    value = loss(outputs, targets)
    penalty = penalize(model, inputs, targets) if penalize else torch.zeros_like(value)
    hits = (outputs.argmax(1) == targets).sum() if classes else torch.zeros_like(value)
    return value + penalty if penalize else value, record(value, hits, penalty)


def _scalar(
    regularizer: Regularizer, generator: torch.Generator, model: nn.Module, inputs: Tensor, targets: Tensor
) -> Float[Tensor, ""]:
    penalty = regularizer(model, inputs, targets, generator)
    if not isinstance(penalty, Tensor) or penalty.dim():
        got = f"shape {tuple(penalty.shape)}" if isinstance(penalty, Tensor) else type(penalty).__name__
        raise TypeError(f"regularizer: expected it to return a scalar tensor, got {got}")
    return penalty


def _moved(
    perturbation: Perturbation, generator: torch.Generator, model: nn.Module, inputs: Tensor, targets: Tensor
) -> Tensor:
    moved = perturbation(model, inputs, targets, generator)
    if not isinstance(moved, Tensor) or (moved.shape, moved.dtype) != (inputs.shape, inputs.dtype):
        got = f"{moved.dtype} of shape {tuple(moved.shape)}" if isinstance(moved, Tensor) else type(moved).__name__
        wanted = f"{inputs.dtype} of shape {tuple(inputs.shape)}"
        raise TypeError(f"perturbation: expected it to return inputs, {wanted}, got {got}")
    return moved.detach()


def accuracy(
    model: nn.Module,
    images: Float[Tensor, "n *dims"],
    labels: Integer[Tensor, "..."] | Integer[np.ndarray, "..."] | Sequence[int],
    *,
    batch_size: int = 1000,
) -> float:
    """The fraction of examples whose largest logit is that of their label, 0 to 1.

    `labels` are N classes, in an integer tensor, a list or a numpy array. Works on the device of the model; the result
    does not depend on `batch_size`.

    Raises:
        TypeError, ValueError: bad inputs or labels, a model in training mode, or outputs that are not (B, K).

    >>> model = nn.Identity()
    >>> accuracy(model.eval(), torch.eye(4), torch.tensor([0, 1, 2, 0]))
    0.75
    """
    check_count(batch_size, "batch_size")
    check_model(model)
    images, labels = check_data((images, check_integers(labels, "labels")))
    labels = check_labels(labels, len(images), None)
    parameter = next(model.parameters(), images)
    hits = torch.zeros((), dtype=torch.int64, device=parameter.device)
    with torch.no_grad():
        for x, y in zip(images.split(batch_size), labels.split(batch_size), strict=True):
            outputs = check_output(model(x.to(hits.device)), len(x))
            hits += (outputs.argmax(1) == y.to(hits.device)).sum()
    return int(hits) / len(images)
