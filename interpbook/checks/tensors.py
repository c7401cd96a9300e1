"""Checks of batches, data and other floating tensors."""

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.checks.options import check_number

__all__ = ["check_baseline", "check_data", "check_finite", "check_input"]


def check_input(x: object, name: str = "x") -> None:
    """Check that `x` is a batch of examples: a floating tensor of shape (B, *dims), not empty, all finite.

    Raises:
        TypeError: `x` is not a tensor, or its dtype is integer, boolean or complex.
        ValueError: there is no axis beyond the batch, no element, or a NaN or infinite value.

    >>> check_input(torch.zeros(2, 3))
    >>> check_input(torch.zeros(2, 3, dtype=torch.int64))
    Traceback (most recent call last):
        ...
    TypeError: x: expected a floating tensor of shape (B, *dims), got torch.int64 of shape (2, 3)
    """
    x = floating(x, name, "a floating tensor of shape (B, *dims)")
    if x.dim() < 2:
        raise ValueError(f"{name}: expected shape (B, *dims), a batch and at least one axis more, got {shape_of(x)}")
    if x.numel() == 0:
        raise ValueError(f"{name}: expected at least one example and one value in each, got shape {shape_of(x)}")
    check_finite(x, name)


def check_data(data: object) -> tuple[Tensor, Tensor]:
    """Check that `data` is a pair of tensors, inputs Float[N *dims] and N targets, and return it.

    >>> inputs, targets = check_data((torch.zeros(3, 2), torch.zeros(3)))
    """
    if not (isinstance(data, tuple) and len(data) == 2 and all(isinstance(part, Tensor) for part in data)):
        parts = [type(part).__name__ for part in data] if isinstance(data, tuple) else []
        got = " of ".join([type(data).__name__, " and ".join(parts)] if parts else [type(data).__name__])
        raise TypeError(f"data: expected a tuple of two tensors (inputs, targets), got {got}")
    inputs, targets = data
    check_input(inputs, "inputs of data")
    if targets.dim() == 0 or len(targets) != len(inputs):
        raise ValueError(
            f"data: expected one target per input, got {len(inputs)} inputs and targets of shape {tuple(targets.shape)}"
        )
    return inputs, targets


def check_baseline(baseline: object, x: Tensor) -> Float[Tensor, "B *dims"]:
    """Check the input that stands for "nothing there", and return it with the shape, dtype and device of `x`.

    Raises:
        TypeError: neither a real number nor a floating tensor.
        ValueError: NaN or infinite, on another device, or of a shape that does not broadcast to that of `x`.

    >>> check_baseline(0.5, torch.zeros(1, 2))
    tensor([[0.5000, 0.5000]])
    >>> check_baseline(torch.zeros(3), torch.zeros(1, 2))
    Traceback (most recent call last):
        ...
    ValueError: baseline: expected a shape that broadcasts to that of x, (1, 2), got (3,)
    """
    if not isinstance(baseline, Tensor):
        number = check_number(baseline, "baseline")
        return torch.tensor(number, dtype=x.dtype, device=x.device).expand(x.shape)
    baseline = floating(baseline, "baseline", "a number or a floating tensor")
    check_finite(baseline, "baseline")
    if baseline.device != x.device:
        raise ValueError(f"baseline: expected the device of x, {x.device}, got {baseline.device}")
    try:
        return baseline.detach().to(x.dtype).broadcast_to(x.shape)
    except RuntimeError:
        raise ValueError(
            f"baseline: expected a shape that broadcasts to that of x, {shape_of(x)}, got {shape_of(baseline)}"
        ) from None


def check_finite(value: Tensor, name: str) -> None:
    """Check that no element of `value` is NaN or infinite.

    Raises:
        ValueError: some are; the message says how many.

    >>> check_finite(torch.tensor([1.0, float("nan")]), "gradient of f")
    Traceback (most recent call last):
        ...
    ValueError: gradient of f: expected finite values, got 1 NaN or infinite of 2
    """
    value = value.detach()
    # A sum is finite only where each term is, and takes a tenth of the time of looking at each.
    if bool(value.sum().isfinite()):
        return
    bad = int((~value.isfinite()).sum())
    if bad:
        raise ValueError(f"{name}: expected finite values, got {bad} NaN or infinite of {value.numel()}")


def floating(value: object, name: str, expected: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: expected {expected}, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name}: expected {expected}, got {value.dtype} of shape {shape_of(value)}")
    return value


def shape_of(value: Tensor) -> tuple[int, ...]:
    return tuple(value.shape)
