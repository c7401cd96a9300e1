"""Four slopes of a parabola, to be predicted: what looks at a point, at a chord, and at noise around the point."""

from collections.abc import Callable

import torch

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, vector

POINTS = (3.0, -1.0, 0.5)


@exercise(rating=1, minutes=5)
def four_slopes(answer: Callable[[float], object]) -> str:
    """A function of a point x: the slopes that four methods give f(x) = x^2 there, with the baseline 0.

    In this order: gradient, occlusion, integrated gradients, SmoothGrad; the middle two divided by x.
    """
    expect_function(answer)
    for x in POINTS:
        got, want = vector(answer(x), 4, "the answer"), torch.tensor([2 * x, x, x, 2 * x], dtype=torch.float64)
        right = [close(one, other) for one, other in zip(got, want, strict=True)]
        if all(right):
            continue
        if close(got[1], want[1] * x) or close(got[2], want[2] * x):
            raise WrongAnswer(
                "one of the middle two is not divided by x yet",
                "the two that multiply by the input say what x adds in all, f(x) - f(0); a slope is per unit of x",
                "occlusion's slope is (f(x) - f(0)) / x",
            )
        _complain(x, right)
    return "for a parabola the mean gradient on the way is the chord's slope, and noise does not tilt the tangent."


def _complain(x: float, right: list[bool]) -> None:
    """Raise the hint for the first slope that is wrong."""
    hints = {
        "gradient": ("differentiate x^2", "the slope of the tangent, twice something", "2 x"),
        "occlusion": (
            "occlusion compares two points: which?",
            "it sets x to the baseline 0 and looks at the fall, per unit of x",
            "(x^2 - 0^2) / x",
        ),
        "integrated gradients": (
            "take the mean of the gradient over the way from 0 to x",
            "at the share t of the way the gradient is 2 t x, and t is uniform from 0 to 1",
            "the mean of 2 t x over t, where the mean of t is one half",
        ),
        "SmoothGrad": (
            "take the mean of the gradient at noisy points",
            "at x + xi the gradient is 2 (x + xi); what is the mean of xi?",
            "2 x + 2 E[xi], and E[xi] = 0 for noise of any width",
        ),
    }
    name, words = next((item for item, fine in zip(hints.items(), right, strict=True) if not fine))
    raise WrongAnswer(*(f"{name}, at x = {x:g}: {text}" for text in words))
