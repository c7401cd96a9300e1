"""Weighted linear least squares in closed form, and how much each point moves the result."""

from collections.abc import Callable
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
        leverage: of each point's variance, the share that its residual has lost to the fit. Without a penalty or noise
            it is what a point adds to its own fitted value, per unit of its value.
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
    noise: Float[Tensor, "n terms"] | None = None,
    missing: Float[Tensor, "n"] | None = None,
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
        noise: terms t that y also depends on, by coefficients as if drawn at random with variance 1 where y_k varies by
            1 / weight_k. They correlate the errors, and the sum becomes that of generalised least squares,
            r' (I + T T')^-1 r with rows r_k = weight_k^(1/2) (y_k - c - s . a_k) and T_k = weight_k^(1/2) t_k; then
            there is one row of weights.
        missing: with `noise`, for points in pairs of adjacent rows, the share of each one's stratum that was not drawn.
            Of so few pairs a fit with noise is biased, because the pairs themselves decide what is noise. The jackknife
            takes most of that away: the slope gets the influence of each pair times what the fit takes over of it times
            this. Leverages become those of the jackknife's standard error, which leaves out one pair at a time.

    >>> a = torch.tensor([[0.0, 0.0], [1.0, 1.0]]).double()
    >>> fit = least_squares(a, torch.full((1, 2), 0.5).double(), torch.tensor([[1.0, 5.0]]).double(), intercept=True)
    >>> fit.slope.round(decimals=6), fit.rank
    (tensor([[2., 2.]], dtype=torch.float64), 1)
    """
    root = weight.sqrt()
    whiten, explained = _whitening(root, noise)
    ones = whiten(root[..., None])
    length = ones.square().sum(1, keepdim=True)
    # What each point counts in a mean: its weight, less what the noise makes doubtful.
    share = (whiten(ones) / length)[..., 0] * root
    center = share @ a if intercept else a.new_zeros(len(weight), a.shape[1])
    level = (share * y).sum(1, keepdim=True) if intercept else y.new_zeros(len(y), 1)
    u, s, vh = _svd(whiten(root[..., None] * (a - center[:, None])))
    # Against the size of the points before they were centred: of equal points, centring leaves rounding errors.
    size = (weight @ a.square().sum(1)).sqrt()[:, None]
    kept = s > size * max(a.shape) * torch.finfo(s.dtype).eps
    shrunk = torch.where(kept, s / (s**2 + ridge), 0.0)
    u = whiten(u)
    # The matrix that turns values, less their level, times the roots of their weights into slopes.
    operator = (vh.mT * shrunk[:, None]) @ u.mT
    slope = (operator @ (root * (y - level))[..., None])[..., 0]
    offset = level[:, 0] - (slope * center).sum(1)
    residual = whiten(whiten((root * (y - offset[:, None] - slope @ a.T))[..., None]))
    # Residuals are 1 - E E' - F F' times values, with what the noise explains and what the fit does.
    e, f = explained, u * (s * shrunk).sqrt()[:, None]
    if intercept:
        f = torch.cat([f, whiten(ones) / length.sqrt()], 2)
    own = e.square().sum(2) + f.square().sum(2)
    if missing is None:
        # The diagonal of the square of that matrix is what residuals keep of the values' variances; E'E is diagonal.
        square = e.square() @ e.square().sum(1)[..., None]
        leverage = 2 * own - square[..., 0] - ((2 * e @ (e.mT @ f) + f @ (f.mT @ f)) * f).sum(2)
    else:
        pair = own.unflatten(1, (-1, 2)).sum(2).repeat_interleave(2, 1)
        leverage = own * (2 - pair)
        drawn = operator * (missing * pair)[:, None]
        operator = operator + drawn - (drawn @ e) @ e.mT - (drawn @ f) @ f.mT
        slope = slope + (drawn @ residual)[..., 0]
        offset = level[:, 0] - (slope * center).sum(1)
    return LinearFit(slope, offset, operator * residual.mT, leverage, int(kept.sum(1).min()))


def _whitening(root: Tensor, noise: Tensor | None) -> tuple[Callable[[Tensor], Tensor], Tensor]:
    """The symmetric root of V = (I + T T')^-1 as a function of columns, and E with V = I - E E'."""
    if noise is None:
        return lambda columns: columns, root[..., None][..., :0]
    t = root[..., None] * noise
    squares, q = torch.linalg.eigh(t.mT @ t)
    s = (1 + squares.clamp(min=0)).sqrt()[:, None]
    explained = t @ q / s
    return lambda columns: columns - explained @ ((explained.mT @ columns) * (s / (1 + s)).mT), explained


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
