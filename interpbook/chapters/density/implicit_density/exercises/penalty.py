"""What the square of an estimated trace penalises: the second moment of the estimate, in closed form."""

from collections.abc import Callable
from math import isfinite

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, listed, number


@exercise(rating=3, minutes=30)
def hidden_penalty(answer: Callable[..., object]) -> str:
    """A function of `b (d,), H (d, d), mu, sigma, antithetic`: E[mu h^2] for f = b . v + v'Hv / 2, one number."""
    expect_function(answer)
    g = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
    h = torch.tensor([[1.0, 0.5, -0.2], [0.5, -0.4, 0.8], [-0.2, 0.8, 1.1]], dtype=torch.float64)
    zero = torch.zeros_like(h)
    for mu, sigma in ((0.7, 0.3), (1e-3, 0.01)):
        for antithetic in (False, True):
            _check_penalty(answer, g, zero, mu, sigma, antithetic, _slope_mistakes)
            _check_penalty(answer, zero[0], h, mu, sigma, antithetic, _curvature_mistakes)
            for d in (1, 2, 3):
                _check_penalty(answer, g[:d], h[:d, :d], mu, sigma, antithetic, _mixed_mistakes)
    return "one-sided it holds the slope, divided by sigma^2; now put the published mu and sigma in."


def _check_penalty(
    answer: Callable[..., object],
    g: Tensor,
    h: Tensor,
    mu: float,
    sigma: float,
    antithetic: bool,
    mistakes_of: Callable[[Tensor, Tensor, float, float, bool], dict[str, Tensor | float]],
) -> None:
    once, got = (number(answer(g.clone(), h.clone(), mu, sigma, antithetic), "the answer") for _ in range(2))
    if not isfinite(once):
        raise WrongAnswer(f"the answer should be finite, and is {once}")
    if once != got:
        raise WrongAnswer(
            "your answer changes from call to call: give the expectation itself, not an average over draws"
        )
    slope = 0.0 if antithetic else 4 * float(g @ g) / sigma**2
    want = mu * (float(h.trace() ** 2 + 2 * h.square().sum()) + slope)
    if abs(got - want) <= 1e-5 * want + 1e-9 * mu:
        return
    form = "antithetic" if antithetic else "one-sided"
    flat, straight = not g.any(), not h.any()
    case = "a linear f" if straight else "an f that is flat at x" if flat else "both parts together"
    nudge = f"look at {case}, {form}: what is h, and what is the mean of its square?"
    formula = f"{form}, E[mu h^2] is mu (tr(H)^2 + 2 |H|^2" + (")" if antithetic else " + 4 |b|^2 / sigma^2)")
    known = mistakes_of(g, h, mu, sigma, antithetic)
    known |= {
        "mu is missing": want / mu,
        "mu enters squared": want * mu,
        "the sign is wrong: the mean of a square cannot be negative": -want,
    }
    for hint, wrong in known.items():
        if want != wrong and abs(got - float(wrong)) <= 1e-5 * abs(float(wrong)) + 1e-9 * mu:
            raise WrongAnswer(nudge, f"{hint} ({form})", formula)
    near = "; close, but give the exact expectation" if abs(got - want) < 0.1 * want else ""
    where = f"b = {listed(g)}, H = {h.tolist() if h.any() else 0}, mu = {mu:g}, sigma = {sigma:g}"
    raise WrongAnswer(nudge, f"{form}, with {where}, it should be {want:.4g} and is {got:.4g}{near}", formula)


def _slope_mistakes(g: Tensor, h: Tensor, mu: float, sigma: float, antithetic: bool) -> dict[str, Tensor | float]:
    """f is linear."""
    square, length = mu * g @ g, mu * g.norm()
    if antithetic:
        return {
            "for a linear f the antithetic h is 0 exactly: b . v and -b . v cancel": 4 * square / sigma**2,
            "v and -v are no independent noises: for a linear f they cancel exactly": 2 * square / sigma**2,
            "leave out |b|^2 / 2, which the loss has of its own: only mu h^2 is asked for": square / (2 * mu),
        }
    return {
        "the slope drops out of the mean of h, but not out of the mean of its square": 0.0,
        "the factor 2 of h is squared too": 2 * square / sigma**2,
        "the factor 2 of h is missing, and with it its square": square / sigma**2,
        "v has the variance sigma^2, so the mean of (b . v)^2 holds sigma^2 too": 4 * square / sigma**4,
        "one division by sigma is missing: h^2 has sigma^4 below, (b . v)^2 brings sigma^2": 4 * square / sigma,
        "the division by sigma^2 is missing: h^2 has sigma^4 below, (b . v)^2 brings sigma^2": 4 * square,
        "there is a division by sigma too many": 4 * square / sigma**3,
        "the length of b enters squared": 4 * length / sigma**2,
        "sum the squares of b, not b: its coordinates get noises of their own": 4 * mu * g.sum() ** 2 / sigma**2,
        "leave out |b|^2 / 2, which the loss has of its own: only mu h^2 is asked for": 4 * square / sigma**2
        + square / (2 * mu),
    }


def _curvature_mistakes(g: Tensor, h: Tensor, mu: float, sigma: float, antithetic: bool) -> dict[str, Tensor | float]:
    """f is quadratic and flat at x."""
    trace, squares = mu * h.trace() ** 2, mu * h.square().sum()
    return {
        "the part of the Hessian is missing: h estimates its trace": 0.0,
        "E[h^2] is not E[h]^2: the variance of u'Hu is missing": trace,
        "this is the variance of h: E[h^2] = E[h]^2 + Var[h]": 2 * squares,
        "half of the variance of u'Hu is missing: the second sign of v does not halve it": trace + squares,
        "|H| is the Frobenius norm: square all the entries, not only the diagonal": trace
        + 2 * mu * h.diagonal().square().sum(),
        "|H| is the Frobenius norm, not the largest eigenvalue": trace + 2 * mu * torch.linalg.matrix_norm(h, 2) ** 2,
        "|H| enters squared": trace + 2 * mu * h.norm(),
        "the mean of h enters squared, the trace": mu * h.trace() + 2 * squares,
        "v = sigma u, and sigma drops out: v'Hv / sigma^2 = u'Hu": trace + 2 * squares / sigma**2,
        "v'Hv / sigma^2 = u'Hu: sigma drops out": (trace + 2 * squares) / sigma**4,
        "f has half of v'Hv: with the 2 of h that is u'Hu, once": 4 * (trace + 2 * squares),
    }


def _mixed_mistakes(g: Tensor, h: Tensor, mu: float, sigma: float, antithetic: bool) -> dict[str, Tensor | float]:
    """Both parts are right alone."""
    trace, squares = mu * h.trace() ** 2, mu * h.square().sum()
    slope = 0.0 if antithetic else 4 * mu * g @ g / sigma**2
    cross = "E[b . u u'Hu] = 0, an odd moment: the parts of the slope and of the Hessian just add up"
    return {cross: trace + 2 * squares + slope + 2 * (trace * slope) ** 0.5} if not antithetic else {}
