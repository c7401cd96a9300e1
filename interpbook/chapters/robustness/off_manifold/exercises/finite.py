"""Where the first order ends: the relative off-manifold robustness of a quadratic function, at noise of any size."""

from collections.abc import Callable
from math import isfinite

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, number

_FORMULA = (
    "with Q = I - P: (|Q b|^2 + sigma^2 (tr(Q H Q)^2 + 2 |Q H Q|_F^2) / 4) "
    "/ (|b|^2 + sigma^2 (tr(H)^2 + 2 |H|_F^2) / 4)"
)


@exercise(rating=3, minutes=25)
def finite_noise(answer: Callable[..., object]) -> str:
    """A function of `b (d,), H (d, d), P (d, d), sigma`: E (f(x + u - P u) - f(x))^2 / E (f(x + u) - f(x))^2."""
    expect_function(answer)
    b = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    h = torch.tensor([[1.0, 0.5, -0.2], [0.5, -0.4, 0.8], [-0.2, 0.8, 1.1]], dtype=torch.float64)
    along = torch.tensor([1.0, 2.0, -2.0], dtype=torch.float64) / 3
    line, plane = torch.outer(along, along), torch.eye(3, dtype=torch.float64) - torch.outer(along, along)
    zero = torch.zeros_like(h)
    for projection in (line, plane):
        for sigma in (1.5, 0.1):
            _check_rho(answer, b, zero, projection, sigma)
            _check_rho(answer, zero[0], h, projection, sigma)
            _check_rho(answer, b, h, projection, sigma)
    _check_rho(answer, b[:2], h[:2, :2], torch.diag(torch.tensor([1.0, 0.0], dtype=torch.float64)), 0.7)
    return "the gradient decides for small noise, the curvature for large."


def _moment(b: Tensor, h: Tensor, sigma: float) -> Tensor:
    """E (b . u + u'Hu / 2)^2 over sigma^2."""
    return b.square().sum() + sigma**2 * (h.trace() ** 2 + 2 * h.square().sum()) / 4


def _check_rho(answer: Callable[..., object], b: Tensor, h: Tensor, projection: Tensor, sigma: float) -> None:
    got, again = (number(answer(b.clone(), h.clone(), projection.clone(), sigma), "the answer") for _ in range(2))
    if isfinite(got) and got != again:
        raise WrongAnswer("your answer changes from call to call: give the expectations themselves, not averages")
    off = torch.eye(len(b), dtype=b.dtype) - projection
    want = float(_moment(off @ b, off @ h @ off, sigma) / _moment(b, h, sigma))
    if abs(got - want) <= 1e-5 * want + 1e-9:
        return
    linear, flat = not h.any(), not b.any()
    case = "a linear f" if linear else "an f that is flat at x" if flat else "slope and curvature together"
    case += f", sigma = {sigma:g}"
    nudge = f"look at {case}: what is the mean of the squared change, first for all of u, then for its part off?"
    if flat and not isfinite(got):
        raise WrongAnswer(nudge, "where b is zero a share of the gradient is 0 / 0: the curvature is missing", _FORMULA)
    find = _slope_mistakes if linear else _curvature_mistakes if flat else _mixed_mistakes
    known = _common_mistakes(b, h, projection, off, sigma) | find(b, h, off, sigma)
    for hint, wrong in known.items():
        wrong = float(wrong)
        if abs(want - wrong) > 1e-4 and abs(got - wrong) <= 1e-5 * abs(wrong) + 1e-9:
            raise WrongAnswer(nudge, f"{hint} ({case})", _FORMULA)
    near = "; close, but give the exact expectations" if abs(got - want) < 0.1 * want else ""
    raise WrongAnswer(nudge, f"for {case} rho should be {want:.3g} and is {got:.3g}{near}", _FORMULA)


def _common_mistakes(b: Tensor, h: Tensor, projection: Tensor, off: Tensor, sigma: float) -> dict[str, Tensor | float]:
    above, along = _moment(off @ b, off @ h @ off, sigma), _moment(projection @ b, projection @ h @ projection, sigma)
    everything = _moment(b, h, sigma)
    return {
        "you keep the part of the noise on the manifold; u - P u is the part off it": along / everything,
        "you divide by the change along the manifold; all of the noise stands below": above / along,
        "the ratio is upside down": everything / above,
        "the mean of squares, not its root, is asked for": (above / everything).sqrt(),
        "this is the mean squared change itself: divide by that for all of the noise": sigma**2 * above,
    }


def _slope_mistakes(b: Tensor, h: Tensor, off: Tensor, sigma: float) -> dict[str, Tensor | float]:
    """f is linear: the ratio is the share of its gradient, whatever sigma is."""
    return {
        "the coordinates of u are independent: sum squares, do not square the sum": (off @ b).sum() ** 2 / b.sum() ** 2,
        "sigma drops out where f is linear": sigma**2 * (off @ b).square().sum() / b.square().sum(),
    }


def _curvature_mistakes(b: Tensor, h: Tensor, off: Tensor, sigma: float) -> dict[str, Tensor | float]:
    """f is flat at x: sigma drops out again."""
    inner, half = off @ h @ off, off @ h

    def ratio(above: Callable[[Tensor], Tensor], a: Tensor = inner) -> Tensor:
        return above(a) / above(h)

    def second(a: Tensor) -> Tensor:
        return a.trace() ** 2 + 2 * a.square().sum()

    return {
        "E[q^2] is not E[q]^2: the variance of q = u'Hu is missing": ratio(lambda a: a.trace() ** 2),
        "the variance of u'Hu is there, its mean is missing: E[q^2] = E[q]^2 + Var[q]": ratio(
            lambda a: a.square().sum()
        ),
        "the variance of u'Hu is twice the sum of the squares of the entries": ratio(
            lambda a: a.trace() ** 2 + a.square().sum()
        ),
        "|H|_F sums the squares of all entries, not only of the diagonal": ratio(
            lambda a: a.trace() ** 2 + 2 * a.diagonal().square().sum()
        ),
        "u - P u stands on both sides of H: Q H Q, not Q H": ratio(second, half),
        "above the line it is still the H of all the noise; with u - P u for u it is Q H Q": 1.0,
        "the trace enters squared": ratio(lambda a: a.trace() + 2 * a.square().sum()),
    }


def _mixed_mistakes(b: Tensor, h: Tensor, off: Tensor, sigma: float) -> dict[str, Tensor | float]:
    """Both parts are right alone: what can be wrong is how they are weighed."""
    inner = off @ h @ off

    def weighed(slope: float, bend: float) -> Tensor:
        above, below = (
            slope * g.square().sum() + bend * (a.trace() ** 2 + 2 * a.square().sum())
            for g, a in ((off @ b, inner), (b, h))
        )
        return above / below

    return {
        "this is the share of the gradient, right for small sigma only: the curvature is missing": weighed(1, 0),
        "the slope is missing": weighed(0, 1),
        "f has half of u'Hu: squared, the half is a quarter": weighed(1, sigma**2),
        "the half before u'Hu is squared, too": weighed(1, sigma**2 / 2),
        "u'Hu holds sigma twice: its square is sigma^4, where that of b . u is sigma^2": weighed(1, 1 / 4),
        "sigma^4 over sigma^2 is sigma^2, not sigma": weighed(1, sigma / 4),
        "divide by sigma^2 both parts, or none: b . u has sigma^2 in its mean square": weighed(1, sigma**4 / 4),
    }
