"""Reading a student's answer: a number, a vector, a tensor, a function; what is no such thing gets a hint."""

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer

__all__ = ["close", "expect_function", "listed", "number", "tensor", "vector"]


def expect_function(answer: object) -> None:
    """Check that the answer is something to call.

    >>> expect_function(3)
    Traceback (most recent call last):
        ...
    interpbook.page.exercises.hints.WrongAnswer: the answer should be a function; give its name, without calling it
    """
    if not callable(answer):
        raise WrongAnswer("the answer should be a function; give its name, without calling it")


def number(value: object, name: str) -> float:
    """One number, from a float, a tensor or an array that holds one.

    >>> number(torch.tensor([2.5]), "the intercept")
    2.5
    """
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, RuntimeError):
        raise WrongAnswer(f"{name} should be one number") from None


def vector(value: object, d: int, name: str) -> Tensor:
    """A vector of d finite numbers in float64, from a tensor, an array or a list.

    >>> vector([1, 2], 2, "the answer")
    tensor([1., 2.], dtype=torch.float64)
    """
    try:
        read = torch.as_tensor(value).detach().double()
    except (TypeError, ValueError, RuntimeError):
        raise WrongAnswer(f"{name} should be a tensor of shape ({d},)") from None
    if tuple(read.shape) != (d,):
        raise WrongAnswer(f"{name} should have shape ({d},), one number for each feature, and has {tuple(read.shape)}")
    if not read.isfinite().all():
        raise WrongAnswer(f"{name} should be finite, and is {listed(read)}")
    return read


def tensor(value: object, shape: tuple[int, ...], name: str, *more: str) -> Tensor:
    """A tensor of this shape in float64, from a tensor, an array or a list; `more` are further hints for another shape.

    >>> tensor([[1, 2]], (1, 2), "the answer")
    tensor([[1., 2.]], dtype=torch.float64)
    """
    try:
        read = torch.as_tensor(value).detach()
    except (TypeError, ValueError, RuntimeError):
        raise WrongAnswer(f"{name} should be a tensor of shape {shape}") from None
    if read.is_complex():
        raise WrongAnswer(f"{name} should be made of real numbers, and is complex")
    if tuple(read.shape) != shape:
        raise WrongAnswer(f"{name} should have shape {shape}, and has {tuple(read.shape)}", *more)
    return read.double()


def close(a: Tensor, b: Tensor) -> bool:
    """Whether two tensors agree as far as float32 can tell.

    >>> close(torch.ones(2), torch.ones(2) + 1e-6), close(torch.ones(2), torch.ones(2) + 1e-3)
    (True, False)
    >>> close(torch.ones(2), torch.tensor([1.0, torch.nan]))
    False
    """
    a, b = a.double(), b.double()
    if a.shape != b.shape or not bool(b.isfinite().all()):
        return False
    return torch.allclose(a, b, rtol=1e-4, atol=1e-5 * float(b.abs().max()) + 1e-6)


def listed(values: Tensor) -> str:
    """The numbers of a vector, to three digits.

    >>> listed(torch.tensor([1 / 3, 2]))
    '(0.333, 2)'
    """
    return "(" + ", ".join(f"{float(value):.3g}" for value in values) + ")"
