"""Weighted linear least squares in closed form, and how much each point moves the result."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["LinearFit", "least_squares"]


@dataclass(frozen=True, eq=False)
class LinearFit:
    """A fit y = intercept + slope . a to n points.

    Attributes:
        slope: for each example.
        intercept: for each example; 0 where none was fitted.
        influence: what each point adds to the slope when it moves from the fitted value to its own.
        leverage: what each point adds to its own fitted value, per unit of its value.
        rank: of the points, for each row of weights.
    """

    slope: Float[Tensor, "B d"]
    intercept: Float[Tensor, "B"]
    influence: Float[Tensor, "B d n"]
    leverage: Float[Tensor, "W n"]
    rank: int


def least_squares(
    a: Float[Tensor, "n d"],
    weight: Float[Tensor, "W n"],
    y: Float[Tensor, "B n"],
    intercept: bool,
    ridge: float = 0.0,
) -> LinearFit:
    """The slope s and the intercept c that minimise

        sum over k of weight_k (y_k - c - s . a_k)^2  +  ridge |s|^2,

    and among several the slope of smallest norm, which shares a weight evenly between columns that are equal.

    Args:
        a: points, in float64.
        weight: of each point, at least 0 and summing to 1: one row for all examples, or one for each.
        y: values, a row for each example.
        intercept: whether c is free, or 0.
        ridge: the penalty, at least 0; the intercept has none.

    >>> a = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).double()
    >>> fit = least_squares(a, torch.full((1, 2), 0.5).double(), torch.tensor([[1.0, 5.0]]).double(), intercept=True)
    >>> fit.slope.round(decimals=6), fit.rank
    (tensor([[2., 2.]], dtype=torch.float64), 1)
    """
    centre = weight @ a if intercept else a.new_zeros(len(weight), a.shape[1])
    level = (weight * y).sum(1, keepdim=True) if intercept else y.new_zeros(len(y), 1)
    root = weight.sqrt()
    u, s, vh = _svd(root[..., None] * (a - centre[:, None]))
    # Against the size of the points before they were centred: of equal points, centring leaves rounding errors.
    size = (weight @ a.square().sum(1)).sqrt()[:, None]
    kept = s > size * max(a.shape) * torch.finfo(s.dtype).eps
    shrunk = torch.where(kept, s / (s**2 + ridge), 0.0)
    # The matrix that turns values, less their level, into slopes.
    operator = (vh.mT * shrunk[:, None]) @ (u.mT * root[:, None])
    slope = (operator @ (y - level)[..., None])[..., 0]
    offset = level[:, 0] - (slope * centre).sum(1)
    residual = y - offset[:, None] - slope @ a.T
    leverage = (u**2 @ (s * shrunk)[..., None])[..., 0] + (weight if intercept else 0)
    rank = int(kept.sum(1).min())
    return LinearFit(slope, offset, operator * residual[:, None], leverage, rank)


def _svd(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The thin singular value decomposition of matrices in a stack."""
    if a.shape[1] > 2 * a.shape[2]:
        # Many points: by the eigenvalues of a'a, several times faster, unless some are so small that squares lose them.
        squares, v = torch.linalg.eigh(a.mT @ a)
        share = squares / squares[:, -1:].clamp(min=torch.finfo(a.dtype).tiny)
        if ((share > 1e-6) | (share < 1e-12)).all():
            kept = share > 1e-6
            s, scale = torch.where(kept, squares, 0.0).sqrt(), torch.where(kept, squares.rsqrt(), 0.0)
            return a @ v * scale[:, None], s, v.mT
    return torch.linalg.svd(a, full_matrices=False)
