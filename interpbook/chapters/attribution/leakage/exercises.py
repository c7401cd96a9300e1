"""The exercises of the chapter: what an answer must satisfy, and what each mistake looks like."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number, vector


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
        raise WrongAnswer(
            "gradient times input is twice the value: your function is of degree two",
            "what happens to your function when the input is doubled? It should become eight times as large",
            "a sum of products of three coordinates each, such as the cubes, is of degree three",
        )
    if not close(product, 3 * value):
        raise WrongAnswer(
            "gradient times input is not three times the value",
            "try one number: which power of x has a slope that, times x, is three times the power?",
            "the slope of x ** k, times x, is k * x ** k",
        )
    return "a function of degree three."


@exercise(rating=1, minutes=5)
def without_biases(answer: object) -> str:
    """Gradient times input, divided by the output, of a ReLU network without biases: one."""
    ratio = number(answer, "the ratio")
    if abs(ratio - 2) < 1e-6:
        raise WrongAnswer(
            "two is the ratio of half the squared length",
            "what does such a network say to twice the input?",
            "f(t x) = t f(x) for t > 0: what is the degree?",
        )
    if not abs(ratio - 1) < 1e-6:
        raise WrongAnswer(
            "that is not the ratio: think of one ReLU first, max(0, w x)",
            "near an input, such a network is a linear function; has it a constant?",
            "f(x) = <w, x> near x, with the gradient w",
        )
    return "without biases the output is linear along its input."


@exercise(rating=2, minutes=10)
def tested_rule(answer: object) -> str:
    """An input at which gradient times input is further than f / 2 from 2 f, where f is half the squared length + 1."""
    x = vector(answer, 3, "the input")
    product = x.square().sum()
    value = product / 2 + 1
    if product > 100:
        raise WrongAnswer(
            "this input is nearly as long as those that your colleague tried",
            "which term of f has no gradient, and where is it a large part of f?",
            "the difference is the same everywhere, so look where the value is small",
        )
    if not (product - 2 * value).abs() > value / 2:
        raise WrongAnswer(
            "at this input the two differ by less than half of the value",
            "compute both by hand: what is their difference?",
            "the difference is 2, so the value has to be below 4",
        )
    return "the constant has no gradient, and the inputs that were tried were too large to show it."
