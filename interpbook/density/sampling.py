"""Samples from a density that is known through its score, and the climb to its modes that looks like sampling."""

import math
from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.checks import check_count, check_function, check_generator, check_input, check_number
from interpbook.functions import Function, fix_target, input_gradient, standard_normal

__all__ = ["activation_maximization", "decreasing_steps", "langevin"]

StepSize = float | int | Callable[[int], float]
Box = tuple[float, float]
REMEDY = "A smaller step_size may help."


def langevin(
    log_density: Function,
    x: Float[Tensor, "B *dims"],
    steps: int,
    step_size: StepSize,
    generator: torch.Generator | None = None,
    box: Box | None = None,
) -> Float[Tensor, "B *dims"]:
    """Samples from p, after a chain that is pulled by its score and shaken [roberts1996exponential]:

        x <- x + eps_t grad log p(x) + sqrt(2 eps_t) xi,    xi standard normal, anew for every example.

    In the limit of many small steps the examples are independent samples from p, wherever they started. A
    constant added to log p changes nothing, so the logit of a class samples from the implicit p(x | y). There
    is no accept-or-reject step: with a fixed step the chain samples from a density that is off by O(eps), and
    where eps exceeds 2 / (largest curvature of -log p) it diverges. A normal density of variance s^2 comes out
    with variance s^2 / (1 - eps / (2 s^2)).

    Args:
        log_density: (B, *dims) -> (B,), log p up to a constant.
        x: where the chains start, one for each example.
        steps: how many; each costs one gradient.
        step_size: eps, in squared units of x: a number, or a function of the step t = 0, 1, ... such as
            `decreasing_steps`.
        generator: where the noise comes from; without one, a generator with seed 0. With one, two calls go on
            where the first ended.
        box: (low, high); after every step each value is put back into it, and p is that density restricted to
            the box.

    Returns:
        The ends of the chains, like x.

    Raises:
        TypeError, ValueError: a wrong argument, as `input_gradient`.
        FloatingPointError: a chain left the finite numbers; the message names the step.

    >>> start = torch.zeros(2000, 1)
    >>> x = langevin(lambda x: -((x[:, 0] - 3) ** 2) / 2, start, steps=60, step_size=0.1)
    >>> round(float(x.mean())), round(float(x.var()))
    (3, 1)
    """
    generator = check_generator(generator)

    def shaken(x: Tensor, score: Tensor, size: float) -> Tensor:
        return x + size * score + math.sqrt(2 * size) * standard_normal(tuple(x.shape), x, generator)

    return _chain(log_density, x, steps, step_size, box, shaken)


def activation_maximization(
    f: Function,
    x: Float[Tensor, "B *dims"],
    steps: int,
    step_size: StepSize,
    decay: float | int = 0.0,
    center: float | int = 0.5,
    box: Box | None = None,
) -> Float[Tensor, "B *dims"]:
    """An input that makes f large, by climbing [erhan2009visualizing] [simonyan2014deep]:

        x <- x + eps_t (grad f(x) - decay (x - center)).

    It maximises f(x) - decay / 2 |x - center|^2, inside `box` if there is one. No noise is added, and nothing
    is sampled: with f the logit of a class small steps lead to a mode of the implicit p(x | y), the same one for
    every start in its basin, and tell nothing of how much probability lies there. The pictures that are called
    samples in [srinivas2021rethinking] are made so, with steps of 0.1, a decay of 0.01 and the box (0, 1).

    Args:
        f: (B, *dims) -> (B,).
        x: where to start, one climb for each example.
        steps: how many; each costs one gradient.
        step_size: eps, a number, or a function of the step t = 0, 1, ...
        decay: the pull towards `center`, at least 0, in units of f per squared unit of x.
        center: in units of x.
        box: (low, high); after every step each value is put back into it.

    Returns:
        The ends of the climbs, like x.

    Raises:
        TypeError, ValueError: a wrong argument, as `input_gradient`.
        FloatingPointError: a climb left the finite numbers; the message names the step.

    >>> activation_maximization(lambda x: -((x - 3) ** 2).sum(1), torch.zeros(1, 2), steps=100, step_size=0.1)
    tensor([[3.0000, 3.0000]])
    """
    pull = check_number(decay, "decay", minimum=0)
    middle = check_number(center, "center")
    return _chain(f, x, steps, step_size, box, lambda x, slope, size: x + size * (slope - pull * (x - middle)))


def decreasing_steps(first: float | int, power: float | int = 0.55, delay: float | int = 1.0) -> Callable[[int], float]:
    """A rule for step sizes under which the bias of `langevin` dies out [welling2011bayesian]:

        eps_t = first (1 + t / delay)^(-power).

    For 1/2 < power <= 1 the steps add up to infinity, so that every place is reached, and their squares do not.

    Args:
        first: the size of the first step.
        power: how fast they fall, above 0.5 and at most 1.
        delay: the number of steps until they have fallen to 2^(-power), above 0.

    Returns:
        A function of t = 0, 1, ...

    Raises:
        TypeError, ValueError: a number out of range.

    >>> rule = decreasing_steps(0.1, power=1, delay=10)
    >>> rule(0), rule(10)
    (0.1, 0.05)
    """
    first, power, delay = (
        check_number(value, name, minimum=0) for value, name in ((first, "first"), (power, "power"), (delay, "delay"))
    )
    if not 0.5 < power <= 1:
        raise ValueError(f"power: expected a number above 0.5 and at most 1, got {power}")
    if delay == 0:
        raise ValueError("delay: expected a number above 0, got 0.0")
    return lambda t: first * (1 + t / delay) ** -power


def _chain(
    f: Function,
    x: Tensor,
    steps: int,
    step_size: StepSize,
    box: Box | None,
    move: Callable[[Tensor, Tensor, float], Tensor],
) -> Tensor:
    """Repeat x <- move(x, gradient of f at x, size of the step), inside the box, the classes held fixed."""
    check_input(x)
    check_function(f, x)
    steps = check_count(steps, "steps")
    size_of = step_size if callable(step_size) else lambda _: step_size
    low, high = _check_box(box)
    x = x.detach().clone()
    f = fix_target(f, x)
    for t in range(steps):
        size = check_number(size_of(t), "step_size", minimum=0)
        try:
            slope = input_gradient(f, x)
        except ValueError as error:
            if t == 0:
                raise
            raise FloatingPointError(
                f"step {t} of {steps} led out of the finite numbers ({error}). {REMEDY}"
            ) from error
        with torch.no_grad():
            x = move(x, slope, size).clamp(low, high)
        if not bool(x.isfinite().all()):
            raise FloatingPointError(f"step {t + 1} of {steps} led out of the finite numbers. {REMEDY}")
    return x


def _check_box(box: object) -> tuple[float, float]:
    if box is None:
        return -math.inf, math.inf
    if not (isinstance(box, tuple) and len(box) == 2):
        raise TypeError(f"box: expected None or two numbers (low, high), got {box!r}")
    low, high = (check_number(side, "box") for side in box)
    if low >= high:
        raise ValueError(f"box: expected low < high, got {box}")
    return low, high
