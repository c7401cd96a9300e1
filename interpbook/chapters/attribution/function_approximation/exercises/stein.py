"""The mean slope of a function from its values: Stein's lemma."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, vector

Function = Callable[[Tensor], Tensor]
_STEIN = "the mean of noise times f(x + noise), divided by sigma^2, with noise from N(0, sigma^2 I)"


@exercise(rating=2, minutes=15)
def slope_from_values(answer: Callable[..., Tensor]) -> str:
    """A function of `f, x (d,), sigma, n, generator`: the mean gradient of f over x + N(0, sigma^2), shape (d,).

    f maps (B, d) to (B,) and cannot be differentiated.
    """
    expect_function(answer)
    x, a = torch.tensor([0.4, -0.7, 1.1]).double(), torch.tensor([1.0, -0.6, 0.3]).double()
    for sigma in (0.5, 2.0):
        _check_linear(answer, x, a, sigma)
    _check_curved(answer, x, a)
    return "Stein's lemma: values are enough to know the slope of a smoothed function."


def _check_linear(answer: Callable[..., Tensor], x: Tensor, a: Tensor, sigma: float) -> None:
    """f = a . x - 0.65: its slope is a, and each mistake a known multiple of it."""
    got, error = _estimate(answer, lambda p: p @ a - 0.65, x, sigma)
    if _within(got, a, error):
        return
    mistakes = {
        "your answer is about sigma^2 times too small: divide by it": a * sigma**2,
        "your answer is sigma times off: with noise of size sigma, divide by sigma^2": a * sigma,
        "your answer is sigma times off: there is one division too many": a / sigma,
        "your answer is sigma^2 times off: there are two divisions too many": a / sigma**2,
        "your answer has the wrong sign": -a,
        "for f = a . x - 0.65 every slope is the sum of a: give each coordinate a noise of its own": a.sum().expand(3),
        "multiply each value by the noise alone, not by the noisy point": a + x * (a @ x - 0.65) / sigma**2,
        "this is the mean of f: multiply each value by its noise": (a @ x - 0.65).expand(3),
    }
    if got.abs().max() > 100:
        raise WrongAnswer(
            "try ten times as many draws", "your answer grows with n: take the mean over the draws, not the sum", _STEIN
        )
    for hint, wrong in mistakes.items():
        if _within(got, wrong, error):
            raise WrongAnswer("try a linear f, whose slope you know, with two values of sigma", hint, _STEIN)
    raise WrongAnswer(
        "try a linear f, whose slope you know",
        f"for f = a . x - 0.65 with a = {listed(a)} and sigma = {sigma:g}, your answer is {listed(got)}",
        _STEIN,
    )


def _check_curved(answer: Callable[..., Tensor], x: Tensor, a: Tensor) -> None:
    """A quadratic f and a sine, whose mean slopes under Gaussian noise are known."""

    def sine(points: Tensor) -> Tensor:
        return (points @ a - 0.85).sin()

    def mean_slope(sigma: float) -> Tensor:
        return a * (a @ x - 0.85).cos() * torch.exp(-(sigma**2) * (a @ a) / 2)

    known: dict[str, tuple[Function, float, Tensor]] = {
        "right for a linear f, wrong for f = x1^2 + x2 x3, whose mean gradient is its gradient at x": (
            lambda p: p[:, 0].square() + p[:, 1] * p[:, 2],
            1.0,
            torch.stack([2 * x[0], x[2], x[1]]),
        ),
        "right for a quadratic f, wrong for sin(a . x - 0.85): is the noise Gaussian, in all coordinates at once?": (
            sine,
            1.0,
            mean_slope(1.0),
        ),
        "right for sigma = 1, wrong for a sine and sigma = 0.5: does the noise have the size sigma?": (
            sine,
            0.5,
            mean_slope(0.5),
        ),
    }
    for hint, (f, sigma, want) in known.items():
        got, error = _estimate(answer, f, x, sigma)
        if not _within(got, want, error):
            raise WrongAnswer("right for a linear f: now try one that is curved", hint, _STEIN)


def _estimate(
    answer: Callable[..., Tensor], f: Function, x: Tensor, sigma: float, n: int = 40_000
) -> tuple[Tensor, Tensor]:
    """The answer for one function, and the standard error of the plain average, control variate or not."""

    def values(points: Tensor) -> Tensor:
        if not isinstance(points, Tensor) or points.dim() != 2 or points.shape[1] != len(x):
            raise WrongAnswer(f"f takes a batch of points, a tensor of shape (n, {len(x)})")
        if points.requires_grad:
            raise WrongAnswer("f cannot be differentiated here: use its values only")
        return f(points.double())

    def once() -> Tensor:
        return vector(answer(values, x.clone(), sigma, n, torch.Generator().manual_seed(1)), len(x), "the answer")

    got = once()
    if not close(got, once()):
        raise WrongAnswer("the same generator gives another answer: draw the noise with generator=generator")
    noise = torch.randn((n, len(x)), generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    size = f(x + sigma * noise).abs() + f(x[None]).abs()
    return got, (size[:, None] * noise).square().mean(0).sqrt() / (sigma * n**0.5)


def _within(got: Tensor, want: Tensor, error: Tensor) -> bool:
    return bool(((got - want).abs() < 6 * error).all())
