"""The weighted least-squares fit: known by what it does to planes, to rows written twice, and to what it leaves."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, number, vector

_DESIGN = "put a column of ones beside Z: its coefficient is the intercept"
_ROOTS = "multiply each row of (1, Z), and its y, by the root of its weight, and fit without weights"
_NORMAL = "with D = (1, Z) and W = diag(w) the fit solves D'W D theta = D'W y"


@exercise(rating=2, minutes=15)
def weighted_least_squares(answer: Callable[..., object]) -> str:
    """A function of points `Z (n, d)`, values `y (n,)` and weights `w (n,)`: the best `(intercept, weights)`."""
    expect_function(answer)
    generator = torch.Generator().manual_seed(0)
    z, y, slope = (torch.randn(size, generator=generator, dtype=torch.float64) for size in ((12, 3), (12,), (3,)))
    w = torch.tensor([1, 2, 1, 0.5, 2, 1, 3, 1, 0.2, 1, 2, 1], dtype=torch.float64)
    _check_plane(answer, z, slope, w)
    _check_row_twice(answer, z, y)
    _check_scale_and_zero(answer, z, y, w)
    _check_residuals(answer, z, y, w)
    return "what it leaves over is orthogonal, under the weights, to all it could have used."


def _check_plane(answer: Callable[..., object], z: Tensor, slope: Tensor, w: Tensor) -> None:
    """Values on a plane give it back, under any weights."""
    plane, flat = 1.5 + z @ slope, torch.cat([torch.tensor([1.5]), slope])
    if not close(_fit(answer, z, plane, torch.ones_like(w)), flat):
        if close(_fit(answer, z, plane - 1.5, torch.ones_like(w))[1:], slope):
            raise WrongAnswer(
                "try values that lie on a plane: which planes come back?",
                "a plane through 0 comes back, but not one with an intercept: is it fitted, unpenalised?",
                _DESIGN,
            )
        raise WrongAnswer(
            "try values that lie on a plane: which planes come back?",
            "values that lie on a plane should give back that plane exactly: the fit has no penalty",
            _NORMAL,
        )
    if not close(_fit(answer, z, plane, w), flat):
        raise WrongAnswer(
            "try values that lie on a plane, with unequal weights",
            "with unequal weights a plane does not come back: are points and values weighed alike?",
            _ROOTS,
        )


def _check_row_twice(answer: Callable[..., object], z: Tensor, y: Tensor) -> None:
    """A row of weight 2 is the row twice."""
    twice = torch.cat([torch.arange(12), torch.tensor([1])])
    pair = torch.ones(12, dtype=torch.float64)
    pair[1] = 2
    got = _fit(answer, z, y, pair)
    if not close(got, _fit(answer, z[twice], y[twice], torch.ones(13, dtype=torch.float64))):
        mistakes = {
            "the weights change nothing: they multiply the squared errors": torch.ones_like(pair),
            "the weights enter squared: they multiply the errors, and should multiply their squares": pair**2,
            "only the root of the weights enters: weigh the squared errors, not the errors": pair**0.5,
        }
        for hint, weight in mistakes.items():
            if close(got, weighted_fit(z, y, weight)):
                raise WrongAnswer("try one row of weight 2 against the same row written twice", hint, _ROOTS)
        raise WrongAnswer(
            "try one row of weight 2 against the same row twice",
            "a row of weight 2 should count as the same row written twice, and does not",
            _ROOTS,
        )


def _check_scale_and_zero(answer: Callable[..., object], z: Tensor, y: Tensor, w: Tensor) -> None:
    """Weights matter up to a factor, and rows of weight 0 do not."""
    if not close(_fit(answer, z, y, 10 * w), _fit(answer, z, y, w)):
        raise WrongAnswer(
            "try all weights ten times as large",
            "with all weights ten times as large the fit should stay as it is: are they passed through something?",
            _NORMAL,
        )
    without = torch.cat([w[:3], w[4:]])
    zero = torch.cat([w[:3], torch.zeros(1, dtype=torch.float64), w[4:]])
    rest = torch.arange(12) != 3
    if not close(_fit(answer, z, y, zero), _fit(answer, z[rest], y[rest], without)):
        raise WrongAnswer("try a row of weight 0", "a row of weight 0 should not count at all: is it raised?", _NORMAL)


def _check_residuals(answer: Callable[..., object], z: Tensor, y: Tensor, w: Tensor) -> None:
    """What is left over is orthogonal, under the weights, to ones and to the columns of z."""
    fitted = _fit(answer, z, y, w)
    residual = w * (y - fitted[0] - z @ fitted[1:])
    if not close(residual.sum(), torch.zeros(())):
        raise WrongAnswer(
            "there is a better fit: look at the errors that yours leaves",
            "the weighted residuals should add up to 0: the intercept is not the best",
            _NORMAL,
        )
    if not close(residual @ z, torch.zeros(3)):
        raise WrongAnswer(
            "there is a better fit: look at the errors that yours leaves, beside each column of Z",
            "the weighted residuals should be orthogonal to every column of Z: there is a better fit",
            _NORMAL,
        )


def _fit(answer: Callable[..., object], z: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """The answer's intercept and weights in one vector (1 + d,)."""
    result = answer(z.clone(), y.clone(), w.clone())
    if not isinstance(result, tuple | list) or len(result) != 2:
        raise WrongAnswer("the answer should be a pair, the intercept and the weights")
    intercept, weights = number(result[0], "the intercept"), vector(result[1], z.shape[1], "the weights")
    return torch.cat([torch.tensor([intercept], dtype=torch.float64), weights])


def weighted_fit(z: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """The fit itself, to tell mistakes by."""
    root = w.sqrt()[:, None]
    design = torch.cat([torch.ones_like(root), z], 1)
    return torch.linalg.lstsq(root * design, root * y[:, None]).solution[:, 0]
