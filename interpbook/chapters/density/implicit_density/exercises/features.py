"""Score matching of a log density that is linear in features: one linear system."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, vector

_NUDGE = "write the objective as a quadratic function of theta, and set its gradient to zero"
_THETA = "E[J J'] theta = -E[lap], with means over the data and J J' summed over the d coordinates"


@exercise(rating=2, minutes=20)
def linear_score_matching(answer: Callable[..., Tensor]) -> str:
    """A function of `jacobian (n, k, d), laplacian (n, k)` of the features: the best theta, shape (k,)."""
    expect_function(answer)
    generator = torch.Generator().manual_seed(0)
    x = 0.5 + 2 * torch.randn((40, 3), generator=generator, dtype=torch.float64)
    jacobian = torch.stack([torch.ones_like(x), -x], 1)
    laplacian = torch.tensor([0.0, -3.0], dtype=torch.float64).expand(40, 2)
    want = torch.stack([x.mean(), torch.ones(()).double()]) / x.var(correction=0)
    example = "for f = theta1 (x1 + x2 + x3) - theta2 |x|^2 / 2 theta should be (mean, 1) / variance of all values"
    _check_theta(answer, jacobian, laplacian, want, example)
    angle, want = _von_mises()
    sine, cosine = angle.sin(), angle.cos()
    example = "for angles of a von Mises density, f = kappa cos(x - m), theta should be kappa (cos m, sin m)"
    _check_theta(answer, torch.stack([-sine, cosine], 1)[:, :, None], -torch.stack([cosine, sine], 1), want, example)
    for n, k, d in ((60, 4, 2), (30, 1, 1), (25, 3, 5)):
        jacobian = torch.randn((n, k, d), generator=generator, dtype=torch.float64) + 0.3
        laplacian = torch.randn((n, k), generator=generator, dtype=torch.float64) + 0.5
        example = f"with n = {n}, k = {k} and d = {d} there is a theta with a lower objective"
        _check_theta(answer, jacobian, laplacian, -torch.linalg.solve(_gram(jacobian), laplacian.mean(0)), example)
    return "one linear system: no steps, no samples from the model, and the constant Z never appears."


def _gram(jacobian: Tensor) -> Tensor:
    return torch.einsum("nkd,nld->kl", jacobian, jacobian) / len(jacobian)


def _von_mises() -> tuple[Tensor, Tensor]:
    """The quantiles of a von Mises density, whose means are those of the density to six digits, and its theta."""
    theta = torch.tensor([0.9, -1.2], dtype=torch.float64)
    fine = torch.linspace(-torch.pi, torch.pi, 40_001, dtype=torch.float64)
    density = (theta[0] * fine.cos() + theta[1] * fine.sin()).exp()
    mass = torch.cat([torch.zeros(1).double(), torch.cumulative_trapezoid(density, fine)])
    wanted = mass[-1] * (torch.arange(400).double() + 0.5) / 400
    at = torch.searchsorted(mass, wanted)
    share = (wanted - mass[at - 1]) / (mass[at] - mass[at - 1])
    return fine[at - 1] + share * (fine[at] - fine[at - 1]), theta


def _check_theta(
    answer: Callable[..., Tensor], jacobian: Tensor, laplacian: Tensor, want: Tensor, example: str
) -> None:
    n, k, d = jacobian.shape
    got = vector(answer(jacobian.clone(), laplacian.clone()), k, "theta")
    if close(got, want):
        return
    j, trace = jacobian, laplacian.mean(0)
    gram = _gram(j)
    solved = torch.linalg.pinv(gram) @ trace
    mean = j.mean(0)
    rows = {
        "the mean over the data comes last: average J J', not J": mean @ mean.T,
        "do not subtract the mean of J: the objective has the mean square of the gradient": gram - mean @ mean.T,
        "sum over all d coordinates of the input, not only the first": _gram(j[:, :, :1]),
        "only the diagonal of E[J J'] enters: the features are not orthogonal": gram.diag().diag(),
    }
    mistakes = {
        "the sign is wrong: the Laplacian's part has to be balanced, not followed": solved,
        "sum over the d coordinates of the input, where you take the mean": -d * solved,
        "you take the sum of the Laplacians over the data, but the mean of J J': use one for both": -n * solved,
        "you take the mean of the Laplacians, but the sum of J J' over the data: use one for both": -solved / n,
        "your theta is half of the best: the gradient of half a square has no half": -solved / 2,
        "your theta is twice the best: do not forget the half in |grad f|^2 / 2": -2 * solved,
        "multiply by the inverse of E[J J'], not by E[J J'] itself": -gram @ trace,
        "divide by the matrix E[J J']: this is the mean of the Laplacians alone": -trace,
        **{hint: -torch.linalg.pinv(matrix) @ trace for hint, matrix in rows.items()},
    }
    for hint, wrong in mistakes.items():
        if not close(wrong, want) and close(got, wrong):
            raise WrongAnswer(_NUDGE, hint, _THETA)
    raise WrongAnswer(_NUDGE, f"{example}: {listed(want)}, and is {listed(got)}", _THETA)
