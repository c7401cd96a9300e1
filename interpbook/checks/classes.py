"""Checks of classes: those that are asked about, and those that data belong to."""

from numbers import Integral

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from interpbook.checks.tensors import shape_of

__all__ = ["check_integers", "check_labels", "check_target"]

INTEGERS = "an integer tensor (or list, or numpy array)"
LARGEST = torch.iinfo(torch.int64).max


def check_target(target: object, batch: int | None, classes: int | None, name: str = "target") -> int | Tensor:
    """Check a choice of class: an int for all examples, or one class per example as `check_labels` takes them.

    Returns the int, or the classes as int64. "predicted" is a word for callers, not for this function. `batch` and
    `classes` are None where they are not known yet.

    Raises:
        TypeError: neither an int nor integers (booleans and floats are refused).
        ValueError: another shape than (B,), or a class outside 0 .. classes - 1.

    >>> check_target(3, batch=2, classes=10)
    3
    >>> check_target([1, 10], batch=2, classes=10)
    Traceback (most recent call last):
        ...
    ValueError: target: expected classes from 0 to 9, got 10
    """
    if isinstance(target, (Tensor, np.ndarray, list, tuple)):
        return check_labels(target, batch, classes, name)
    if isinstance(target, bool) or not isinstance(target, Integral):
        raise TypeError(f"{name}: expected an int or {INTEGERS} of shape (B,), got {target!r}")
    if not 0 <= int(target) < (LARGEST if classes is None else classes):
        raise ValueError(f"{name}: expected a class {_range(classes)}, got {target}")
    return int(target)


def check_labels(labels: object, batch: int | None, classes: int | None, name: str = "labels") -> Int[Tensor, "B"]:
    """Check one class per example, in a tensor, a list or a numpy array of integers, and return them as int64.

    Raises:
        TypeError: not integers (booleans and floats are refused).
        ValueError: another shape than (B,), or a class outside 0 .. classes - 1. What is None is not known yet.

    >>> check_labels([0, 2], batch=2, classes=3)
    tensor([0, 2])
    >>> check_labels(torch.zeros(2), batch=2, classes=3)
    Traceback (most recent call last):
        ...
    TypeError: labels: expected an integer tensor (or list, or numpy array), got torch.float32
    """
    values = check_integers(labels, name)
    if values.dim() != 1 or batch not in (None, len(values)):
        wanted = "(B,)" if batch is None else f"({batch},)"
        raise ValueError(f"{name}: expected one class per example, shape {wanted}, got {shape_of(values)}")
    outside = (values < 0) | (values >= (LARGEST if classes is None else classes))
    if bool(outside.any()):
        raise ValueError(f"{name}: expected classes {_range(classes)}, got {int(values[outside][0])}")
    return values


def check_integers(value: object, name: str) -> Int[Tensor, "..."]:
    """Check that `value` holds integers, whatever keeps them and of whatever width, and return them as int64.

    Raises:
        TypeError: neither a tensor nor a numpy array of integers, nor a list of ints (booleans are refused).

    >>> check_integers(np.array([3, 1], dtype=np.uint8), "labels")
    tensor([3, 1])
    """
    # To int64 before anything else: a narrow integer compared with a wide one overflows.
    if isinstance(value, Tensor):
        if not (value.is_floating_point() or value.is_complex() or value.dtype == torch.bool):
            return value.long()
        raise TypeError(f"{name}: expected {INTEGERS}, got {value.dtype}")
    if isinstance(value, np.ndarray):
        if value.dtype.kind in "iu":
            return torch.from_numpy(value.astype(np.int64))
        raise TypeError(f"{name}: expected {INTEGERS}, got an array of {value.dtype}")
    if isinstance(value, (list, tuple)):
        odd = [k for k in value if isinstance(k, bool) or not isinstance(k, Integral) or abs(int(k)) > LARGEST]
        if not odd:
            return torch.tensor([int(k) for k in value], dtype=torch.int64)
        raise TypeError(f"{name}: expected {INTEGERS}, got a {type(value).__name__} with {odd[0]!r}")
    raise TypeError(f"{name}: expected {INTEGERS}, got {type(value).__name__}")


def _range(classes: int | None) -> str:
    return "of at least 0" if classes is None else f"from 0 to {classes - 1}"
