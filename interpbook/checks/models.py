"""Checks of models and functions, and of what they return."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks.tensors import check_finite, floating, shape_of

__all__ = ["check_function", "check_model", "check_output", "check_values", "run"]


def check_model(model: object, x: Tensor | None = None, name: str = "x") -> None:
    """Check that `model` is a module in evaluation mode, and of the dtype and device of `x` if that is given.

    Training mode is refused because batch norm then couples the examples and dropout makes them random: an
    explanation of one example would depend on the others. `x` is compared with the first floating parameter;
    messages call it `name`.

    Raises:
        TypeError: `model` is not an `nn.Module`.
        ValueError: `model` or one of its sub-modules is in training mode, or `x` has another dtype or device.

    >>> check_model(nn.Linear(3, 2))
    Traceback (most recent call last):
        ...
    ValueError: model: expected evaluation mode, got training mode in the Linear itself: call `model.eval()`
    >>> check_model(nn.Linear(3, 2).eval(), torch.zeros(1, 3))
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    for path, module in model.named_modules():
        if module.training:
            kind = type(module).__name__
            where = f"sub-module '{path}' ({kind})" if path else f"the {kind} itself"
            raise ValueError(f"model: expected evaluation mode, got training mode in {where}: call `model.eval()`")
    parameter = next((p for p in model.parameters() if p.is_floating_point()), None)
    if x is None or parameter is None:
        return
    for what in ("dtype", "device"):
        here, there = getattr(x, what), getattr(parameter, what)
        if here != there:
            raise ValueError(f"{name}: expected {what} {there}, that of the model's parameters, got {here}")


def check_function(f: object, x: Tensor | None = None) -> None:
    """Check that `f` can be called and, if it is a module, that it is fit for `x` by `check_model`.

    Raises:
        TypeError: `f` is not callable.
        ValueError: `f` is a module in training mode, or of another dtype or device than `x`.

    >>> check_function(torch.zeros(2))
    Traceback (most recent call last):
        ...
    TypeError: f: expected a function from (B, *dims) to (B,), got Tensor
    """
    if isinstance(f, nn.Module):
        check_model(f, x)
    elif not callable(f):
        raise TypeError(f"f: expected a function from (B, *dims) to (B,), got {type(f).__name__}")


def run(model: Callable[[Tensor], object], x: Tensor, name: str = "x") -> object:
    """What `model` returns for `x`, without gradients; `x` is safe from in-place operations; messages call it `name`.

    Raises:
        ValueError: the model does not take an input of this shape.

    >>> run(nn.Linear(3, 2), torch.zeros(4, 5))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: x: expected a shape that the model takes, got (4, 5): mat1 and mat2 ...
    """
    with torch.no_grad():
        try:
            return model(x.detach().clone())
        except (RuntimeError, ValueError) as error:
            raise ValueError(f"{name}: expected a shape that the model takes, got {shape_of(x)}: {error}") from error


def check_output(logits: object, batch: int) -> Float[Tensor, "B K"]:
    """Check what a model returned for `batch` examples, and return it: floating, of shape (B, K), all finite.

    Raises:
        TypeError: `logits` is not a tensor, or its dtype is integer, boolean or complex.
        ValueError: another shape than (B, K) with K >= 1, or a NaN or infinite value.

    >>> check_output(torch.zeros(4), batch=4)
    Traceback (most recent call last):
        ...
    ValueError: model output: expected shape (B, K) = (4, K), got (4,)
    """
    logits = floating(logits, "model output", "a floating tensor of shape (B, K)")
    if logits.dim() != 2 or len(logits) != batch or logits.shape[1] == 0:
        raise ValueError(f"model output: expected shape (B, K) = ({batch}, K), got {shape_of(logits)}")
    check_finite(logits, "model output")
    return logits


def check_values(values: object, batch: int) -> Float[Tensor, "B"]:
    """Check what `f` returned for `batch` examples, and return it: floating, of shape (B,), all finite.

    Raises:
        TypeError: `values` is not a tensor, or its dtype is integer, boolean or complex.
        ValueError: another shape than (B,), or a NaN or infinite value.

    >>> check_values(torch.zeros(4, 10), batch=4)
    Traceback (most recent call last):
        ...
    ValueError: output of f: expected shape (B,) = (4,), one number per example, got (4, 10)
    """
    values = floating(values, "output of f", "a floating tensor of shape (B,)")
    if values.shape != (batch,):
        raise ValueError(
            f"output of f: expected shape (B,) = ({batch},), one number per example, got {shape_of(values)}"
        )
    check_finite(values, "output of f")
    return values
