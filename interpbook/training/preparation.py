"""What every training asks of its model and data before the first step, and the random numbers it may draw."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.checks import check_data, check_output

__all__ = ["Loss", "own_randomness", "prepare", "trainable"]

Loss = Callable[[Tensor, Tensor], Tensor]


def prepare(
    model: nn.Module, data: tuple[Tensor, Tensor], loss: Loss, seed: int, device: str | torch.device | None
) -> tuple[Tensor, Tensor, bool]:
    """Move model and data to `device`, by default where the model is, and try the model on one example.

    Returns:
        The inputs, the targets (classes as int64), and whether the targets are classes.

    Raises:
        TypeError, ValueError: data, or outputs, that do not fit each other or the loss.

    >>> data = torch.zeros(4, 2), torch.tensor([0, 1, 2, 0], dtype=torch.uint8)
    >>> inputs, targets, classes = prepare(nn.Linear(2, 3), data, F.cross_entropy, seed=0, device=None)
    >>> targets.dtype, classes
    (torch.int64, True)
    """
    inputs, targets = check_data(data)
    targets = _check_targets(targets, loss)
    home = torch.device(device) if device is not None else next(model.parameters()).device
    model.to(home)
    inputs, targets = inputs.to(home), targets.to(home)
    with own_randomness(seed, home):
        classes = _check_first_outputs(model, inputs, targets, loss)
    return inputs, targets, classes


def trainable(model: nn.Module) -> list[nn.Parameter]:
    """The parameters of a model that require a gradient, at least one."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not parameters:
        raise ValueError("model: expected parameters that require a gradient, got none")
    return parameters


def _check_targets(targets: Tensor, loss: Loss) -> Tensor:
    """Classes as int64, the only integers that cross-entropy takes; other targets as they are."""
    if targets.dim() != 1:
        return targets
    if not (targets.is_floating_point() or targets.is_complex() or targets.dtype == torch.bool):
        return targets.long()
    if loss is F.cross_entropy:
        raise TypeError(f"data: expected integer targets for cross-entropy, the classes, got {targets.dtype}")
    return targets


def _check_first_outputs(model: nn.Module, inputs: Tensor, targets: Tensor, loss: Loss) -> bool:
    """Try one example; True if the targets are classes, which then have to exist in the outputs."""
    model.eval()
    with torch.no_grad():
        outputs = model(inputs[:1])
    if targets.dim() != 1 or targets.is_floating_point():
        if loss is F.cross_entropy:
            _check_cross_entropy(outputs, targets)
        return False
    classes = check_output(outputs, 1).shape[1]
    low, high = int(targets.min()), int(targets.max())
    if low < 0 or high >= classes:
        raise ValueError(f"data: expected classes from 0 to {classes - 1}, got {low} to {high}")
    return True


def _check_cross_entropy(outputs: Tensor, targets: Tensor) -> None:
    """Of targets that are no vector of classes: let torch say whether it takes them, of the first example."""
    try:
        F.cross_entropy(outputs, targets[:1])
    except (RuntimeError, ValueError, IndexError) as error:
        got = f"{targets.dtype} of shape {tuple(targets.shape)}"
        raise ValueError(f"data: expected targets that cross-entropy takes, N classes, got {got}: {error}") from error


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed the generators that a model may draw from on the CPU and on `device`; put them back afterwards."""
    cuda = [device] if device.type == "cuda" else []
    with torch.random.fork_rng(devices=cuda):
        torch.default_generator.manual_seed(seed)
        if cuda:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield
