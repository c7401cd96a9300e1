"""Where a linear surrogate fails: no linear model is right in the whole of a box."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, listed

Function = Callable[[Tensor], Tensor]
_SEARCH = "lay many points all over the box, its edges included, and return the one with the largest |f - g|"


@exercise(rating=3, minutes=20)
def far_neighborhood(answer: Callable[..., Tensor]) -> str:
    """A function of `f, weights (d,), intercept, low (d,), high (d,)`: a point of the box that defeats the surrogate.

    At the point, of shape (d,), `|f - g|` is at least the worst error of the best linear model over the box.
    """
    expect_function(answer)
    for name, f, weights, intercept, low, high, least in _surrogates():
        arguments = [torch.tensor(part).double() for part in (weights, low, high)]
        w, lower, upper = arguments
        xi = answer(f, w.clone(), intercept, lower.clone(), upper.clone())
        d = len(weights)
        if not isinstance(xi, Tensor) or tuple(xi.shape) not in ((d,), (1, d)):
            shape = tuple(xi.shape) if isinstance(xi, Tensor) else type(xi).__name__
            raise WrongAnswer(f"the answer should be one point of the box, a tensor of shape ({d},), and is {shape}")
        xi = xi.detach().double().view(1, d)
        if not bool(((xi >= lower - 1e-6) & (xi <= upper + 1e-6)).all()):
            raise WrongAnswer(f"your point {listed(xi[0])} is not in the box from {low} to {high}")
        gap = (f(xi) - xi @ w - intercept)[0]
        if gap.abs() >= 0.99 * least:
            continue
        where = f"f = {name}, g = {weights} . x + {intercept:g}, box from {low} to {high}"
        found = f"at your point |f - g| is {gap.abs():.2g}; the best linear model errs by {least:g} somewhere"
        grid = _grid(lower, upper)
        best = (f(grid) - grid @ w - intercept).max()
        if gap < 0.01 and gap.abs() < 0.9 * least and gap > best - 0.01:
            raise WrongAnswer(
                "a surrogate can fail on two sides",
                f"f - g is largest there, but g may lie above f: compare sizes, |f - g| ({where}: {found})",
                _SEARCH,
            )
        if gap.abs() < 0.1 * least:
            raise WrongAnswer(
                "at your point the surrogate is a good one",
                f"there g is good: look for where |f - g| is large ({where}: {found})",
                _SEARCH,
            )
        raise WrongAnswer(
            "your point is bad for the surrogate, but another one is worse",
            f"there is a worse place in the box ({where}: {found})",
            _SEARCH,
        )
    return "there the surrogate is no better than the best linear model at its worst, wherever it was fitted."


def _surrogates() -> list[tuple[str, Function, list[float], float, list[float], list[float], float]]:
    """A function, a linear model that fits it somewhere, a box, and how far the best linear model is off in the box.

    That bound is what equioscillation proves: the best errs by as much with signs that no linear function can follow.
    """
    turn = 3 * torch.pi
    return [
        ("x^2", lambda p: p[:, 0] ** 2, [0.8], -0.16, [-1.0], [1.0], 0.5),  # tangent at 0.4
        ("-x^2", lambda p: -(p[:, 0] ** 2), [-0.8], 0.16, [-1.0], [1.0], 0.5),
        ("relu(x)", lambda p: p[:, 0].relu(), [1.0], 0.0, [-1.0], [1.0], 0.25),  # tangent at any positive point
        ("sin(x)", lambda p: p[:, 0].sin(), [0.0], 0.0, [0.0], [turn], 1.0),  # the mean over a wide neighborhood
        ("sin(x)", lambda p: p[:, 0].sin(), [1.0], 0.0, [0.0], [turn], 1.0),  # tangent at 0
        ("x1 x2", lambda p: p[:, 0] * p[:, 1], [0.5, 0.5], -0.25, [-1.0, -1.0], [1.0, 1.0], 1.0),
        ("x1^2 + x2^2", lambda p: p.square().sum(1), [0.0, 0.0], 0.0, [-1.0, -1.0], [1.0, 1.0], 1.0),
        ("-x1^2 - x2^2", lambda p: -p.square().sum(1), [0.0, 0.0], -1.9, [-1.0, -1.0], [1.0, 1.0], 1.0),
        ("relu(x1 + x2)", lambda p: p.sum(1).relu(), [1.0, 1.0], 0.0, [-1.0, -1.0], [1.0, 1.0], 0.5),
    ]


def _grid(low: Tensor, high: Tensor) -> Tensor:
    sides = [torch.linspace(float(a), float(b), 61, dtype=torch.float64) for a, b in zip(low, high, strict=True)]
    return torch.stack(torch.meshgrid(*sides, indexing="ij"), -1).view(-1, len(low))
