"""Least squares with few coefficients, where the right ones are known."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.checks import check_count, check_generator, check_number

__all__ = ["SparseRegression", "sparse_regression"]


@dataclass(frozen=True)
class SparseRegression:
    """A regression problem y = X w + noise of which the sparse w is known.

    Attributes:
        X: inputs Float[n d], columns of length 1.
        y: targets Float[n].
        weights: the true w, Float[d].
    """

    X: Float[Tensor, "n d"]
    y: Float[Tensor, "n"]
    weights: Float[Tensor, "d"]

    @property
    def support(self) -> Tensor:
        """Where the true weights are not zero, Bool[d]."""
        return self.weights != 0

    @cached_property
    def safe_lr(self) -> float:
        """1 / ||X||^2, the learning rate with which gradient descent on the loss cannot climb."""
        return 1 / float(torch.linalg.matrix_norm(self.X, ord=2)) ** 2

    def loss(self, w: Float[Tensor, "d"]) -> Float[Tensor, ""]:
        """||X w - y||^2 / 2."""
        return (self.X @ w - self.y).square().sum() / 2

    def gradient(self, w: Float[Tensor, "d"]) -> Float[Tensor, "d"]:
        """X^T (X w - y)."""
        return self.X.T @ (self.X @ w - self.y)

    def least_norm(self) -> Float[Tensor, "d"]:
        """The shortest of all w of smallest loss, dense: where a schedule may start."""
        return torch.linalg.lstsq(self.X, self.y[:, None], driver="gelsd").solution[:, 0]

    def refit(self, support: Tensor) -> Float[Tensor, "d"]:
        """The w of smallest loss that is zero outside of `support`, Bool[d]: least squares on these columns."""
        w = torch.zeros_like(self.weights)
        w[support] = torch.linalg.lstsq(self.X[:, support], self.y[:, None], driver="gelsd").solution[:, 0]
        return w

    def critical_lr(self, support: Tensor) -> float:
        """Up to which learning rate `refit(support)` stays where it is under projected gradient descent,

            min |w_j| over j in the support  /  max |g_i| over all other i,    g the gradient at w = refit(support):

        there g is zero on the support, and a step brings weight i from zero to -lr g_i.
        """
        w = self.refit(support)
        return float(w[support].abs().min() / self.gradient(w)[~support].abs().max())

    def recovered(self, support: Tensor) -> float:
        """The fraction of the true support that is in `support`, 0 to 1."""
        return int((self.support & support).sum()) / int(self.support.sum())


def sparse_regression(
    n: int = 150,
    d: int = 500,
    k: int = 25,
    *,
    correlation: float | int = 0.5,
    noise: float | int = 0.05,
    generator: torch.Generator | None = None,
) -> SparseRegression:
    """Draw a problem, in float64: n equations for d coefficients, of which k are not zero.

    Rows of X are normal, and coordinates i and j of them have the correlation c^|i - j|; then columns are scaled to
    length 1. The k places are drawn without replacement; the weights there have a random sign and a size
    uniform in [0.5, 1.5]. The noise is normal, of deviation `noise` for each equation.

    Args:
        n, d, k: k at most d.
        correlation: c, in [0, 1).
        noise: at least 0.
        generator: of everything; by default one with seed 0.

    Raises:
        TypeError, ValueError: sizes that are no counts, k above d, a correlation outside of [0, 1), negative noise.

    >>> problem = sparse_regression(20, 8, 2, noise=0)
    >>> problem.X.shape, int(problem.support.sum()), float(problem.loss(problem.refit(problem.support))) < 1e-20
    (torch.Size([20, 8]), 2, True)
    """
    for value, name in ((n, "n"), (d, "d"), (k, "k")):
        check_count(value, name)
    if k > d:
        raise ValueError(f"k: expected at most d = {d}, got {k}")
    if not check_number(correlation, "correlation", minimum=0) < 1:
        raise ValueError(f"correlation: expected a number in [0, 1), got {correlation}")
    check_number(noise, "noise", minimum=0)
    generator = check_generator(generator)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    fresh = normal(n, d)
    X = fresh.clone()
    for column in range(1, d):
        X[:, column] = correlation * X[:, column - 1] + (1 - correlation**2) ** 0.5 * fresh[:, column]
    X = X / torch.linalg.vector_norm(X, dim=0)
    support = torch.randperm(d, generator=generator)[:k]
    weights = torch.zeros(d, dtype=torch.float64)
    sizes = 0.5 + torch.rand(k, generator=generator, dtype=torch.float64)
    signs = 2 * torch.randint(0, 2, (k,), generator=generator) - 1
    weights[support] = signs * sizes
    return SparseRegression(X, X @ weights + noise * normal(n), weights)
