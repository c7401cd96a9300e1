"""The questions every function of this package asks its arguments before it works on them.

Each check raises one exception that names the argument, what came and what was expected: `TypeError` for a
wrong kind of thing, `ValueError` for a wrong shape or value. The arguments are annotated as `object` because
anything may come in.
"""

from collections.abc import Callable
from numbers import Integral, Real

import torch
from jaxtyping import Float
from torch import Tensor, nn

__all__ = [
    "check_baseline",
    "check_count",
    "check_data",
    "check_finite",
    "check_function",
    "check_generator",
    "check_input",
    "check_model",
    "check_number",
    "check_output",
    "check_target",
    "check_values",
    "run",
]


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
    x = _floating(x, name, "a floating tensor of shape (B, *dims)")
    if x.dim() < 2:
        raise ValueError(f"{name}: expected shape (B, *dims), a batch and at least one axis more, got {_shape(x)}")
    if x.numel() == 0:
        raise ValueError(f"{name}: expected at least one example and one value in each, got shape {_shape(x)}")
    check_finite(x, name)


def check_data(data: object) -> tuple[Tensor, Tensor]:
    """Check that `data` is a pair of tensors, inputs Float[N *dims] and N targets, and return it.

    >>> inputs, targets = check_data((torch.zeros(3, 2), torch.zeros(3)))
    """
    if not (isinstance(data, tuple) and len(data) == 2 and all(isinstance(part, Tensor) for part in data)):
        raise TypeError(f"data: expected a tuple of two tensors (inputs, targets), got {type(data).__name__}")
    inputs, targets = data
    check_input(inputs, "inputs of data")
    if targets.dim() == 0 or len(targets) != len(inputs):
        raise ValueError(
            f"data: expected one target per input, got {len(inputs)} inputs and targets of shape {tuple(targets.shape)}"
        )
    return inputs, targets


def check_model(model: object, x: Tensor | None = None) -> None:
    """Check that `model` is a module in evaluation mode, and of the dtype and device of `x` if that is given.

    Training mode is refused because batch norm then couples the examples and dropout makes them random: an
    explanation of one example would depend on the others. `x` is compared with the first floating parameter.

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
            raise ValueError(f"x: expected {what} {there}, that of the model's parameters, got {here}")


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


def run(model: Callable[[Tensor], object], x: Tensor) -> object:
    """What `model` returns for `x`, without gradients; `x` is safe from in-place operations.

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
            raise ValueError(f"x: expected a shape that the model takes, got {_shape(x)}: {error}") from error


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
    logits = _floating(logits, "model output", "a floating tensor of shape (B, K)")
    if logits.dim() != 2 or len(logits) != batch or logits.shape[1] == 0:
        raise ValueError(f"model output: expected shape (B, K) = ({batch}, K), got {_shape(logits)}")
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
    values = _floating(values, "output of f", "a floating tensor of shape (B,)")
    if values.shape != (batch,):
        raise ValueError(f"output of f: expected shape (B,) = ({batch},), one number per example, got {_shape(values)}")
    check_finite(values, "output of f")
    return values


def check_target(target: object, batch: int, classes: int) -> int | Tensor:
    """Check a choice of class: an int for all examples, or an integer tensor with one class per example.

    Returns the int, or the tensor as int64. "predicted" is a word for callers, not for this function.

    Raises:
        TypeError: neither an int nor an integer tensor (booleans and floats are refused).
        ValueError: a tensor of another shape than (B,), or a class outside 0 .. classes - 1.

    >>> check_target(3, batch=2, classes=10)
    3
    >>> check_target(torch.tensor([1, 10]), batch=2, classes=10)
    Traceback (most recent call last):
        ...
    ValueError: target: expected classes from 0 to 9, got 10
    """
    if isinstance(target, Tensor):
        if target.is_floating_point() or target.is_complex() or target.dtype == torch.bool:
            raise TypeError(f"target: expected an int or an integer tensor of shape (B,), got {target.dtype}")
        if target.shape != (batch,):
            raise ValueError(f"target: expected one class per example, shape ({batch},), got {_shape(target)}")
        outside = target[(target < 0) | (target >= classes)]
        if outside.numel():
            raise ValueError(f"target: expected classes from 0 to {classes - 1}, got {int(outside[0])}")
        return target.long()
    if isinstance(target, bool) or not isinstance(target, Integral):
        raise TypeError(f"target: expected an int or an integer tensor of shape (B,), got {target!r}")
    if not 0 <= int(target) < classes:
        raise ValueError(f"target: expected a class from 0 to {classes - 1}, got {target}")
    return int(target)


def check_count(value: object, name: str) -> int:
    """Check that an option counts something, an int of at least 1, and return it.

    Raises:
        TypeError: not an int (booleans are refused).
        ValueError: smaller than 1.

    >>> check_count(0, "steps")
    Traceback (most recent call last):
        ...
    ValueError: steps: expected an int of at least 1, got 0
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}: expected an int of at least 1, got {value!r}")
    if int(value) < 1:
        raise ValueError(f"{name}: expected an int of at least 1, got {value}")
    return int(value)


def check_number(value: object, name: str, minimum: float | int = -float("inf")) -> float:
    """Check that an option is one finite real number of at least `minimum`, and return it as a float.

    Raises:
        TypeError: not a real number (booleans and tensors are refused).
        ValueError: NaN, infinite, or smaller than `minimum`.

    >>> check_number(-0.1, "sigma", minimum=0)
    Traceback (most recent call last):
        ...
    ValueError: sigma: expected a finite number of at least 0, got -0.1
    """
    wanted = "a finite number" if minimum == -float("inf") else f"a finite number of at least {minimum}"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: expected {wanted}, got {value!r}")
    number = float(value)
    if not minimum <= number < float("inf") or number == -float("inf"):
        raise ValueError(f"{name}: expected {wanted}, got {value}")
    return number


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
    baseline = _floating(baseline, "baseline", "a number or a floating tensor")
    check_finite(baseline, "baseline")
    if baseline.device != x.device:
        raise ValueError(f"baseline: expected the device of x, {x.device}, got {baseline.device}")
    try:
        return baseline.detach().to(x.dtype).broadcast_to(x.shape)
    except RuntimeError:
        raise ValueError(
            f"baseline: expected a shape that broadcasts to that of x, {_shape(x)}, got {_shape(baseline)}"
        ) from None


def check_generator(generator: object) -> torch.Generator:
    """The generator that was given, or a new one with seed 0: without one the same call gives the same answer.

    Raises:
        TypeError: neither a `torch.Generator` nor None.

    >>> check_generator(0)
    Traceback (most recent call last):
        ...
    TypeError: generator: expected a torch.Generator or None, got int
    """
    if generator is None:
        return torch.Generator().manual_seed(0)
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator: expected a torch.Generator or None, got {type(generator).__name__}")
    return generator


def check_finite(value: Tensor, name: str) -> None:
    """Check that no element of `value` is NaN or infinite.

    Raises:
        ValueError: some are; the message says how many.

    >>> check_finite(torch.tensor([1.0, float("nan")]), "gradient of f")
    Traceback (most recent call last):
        ...
    ValueError: gradient of f: expected finite values, got 1 NaN or infinite of 2
    """
    bad = int((~torch.isfinite(value.detach())).sum())
    if bad:
        raise ValueError(f"{name}: expected finite values, got {bad} NaN or infinite of {value.numel()}")


def _floating(value: object, name: str, expected: str) -> Tensor:
    if not isinstance(value, Tensor):
        raise TypeError(f"{name}: expected {expected}, got {type(value).__name__}")
    if not value.is_floating_point():
        raise TypeError(f"{name}: expected {expected}, got {value.dtype} of shape {_shape(value)}")
    return value


def _shape(value: Tensor) -> tuple[int, ...]:
    return tuple(value.shape)
