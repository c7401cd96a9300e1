"""The exercises of the chapter: what an answer must satisfy, and what each mistake looks like."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function


@exercise(rating=1, minutes=5)
def degree_three(answer: Callable[[Tensor], Tensor]) -> str:
    """A function (B, D) -> (B,) whose gradient times input is three times its value, and which is not zero."""
    expect_function(answer)
    generator = torch.Generator().manual_seed(0)
    x = torch.randn((20, 3), generator=generator, dtype=torch.float64, requires_grad=True)
    value = answer(x)
    if not isinstance(value, Tensor) or value.shape != (20,) or not value.is_floating_point():
        raise WrongAnswer("there should be one number for each example, (B, D) -> (B,)")
    if not value.isfinite().all():
        raise WrongAnswer("your function should be finite, and is infinite or nan somewhere")
    if not value.requires_grad:
        raise WrongAnswer("your function cannot be differentiated: compute with x itself, in torch")
    (gradient,) = torch.autograd.grad(value.sum(), x, materialize_grads=True)
    product, value = (x * gradient).sum(1).detach(), value.detach()
    if not value.any():
        raise WrongAnswer("zero everywhere is three times zero, but says nothing")
    if close(product, 2 * value):
        raise WrongAnswer("gradient times input is twice the value: your function is of degree two")
    if not close(product, 3 * value):
        raise WrongAnswer("gradient times input is not three times the value")
    return "a function of degree three."
