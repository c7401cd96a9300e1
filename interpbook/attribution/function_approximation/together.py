"""What features do together, so that a fit of what each does alone can set it aside.

A linear fit to all coalitions is not moved by terms of several features that are orthogonal to it; a fit to a sample of
them is. As noise whose covariance is known, they move it less.
"""

from itertools import combinations
from math import comb

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["products_of_three", "products_of_two"]

#: More terms than this are not worth their cost: up to 16 features by threes and 35 by twos.
MOST = 600


def products_of_two(xi: Bool[Tensor, "n d"], mass: Float[Tensor, "sizes"]) -> Float[Tensor, "n terms"] | None:
    """For each two features, whether both are in, less its best linear fit where each size of coalition has `mass`:

        xi_i xi_j - a - b (xi_i + xi_j) - c |xi|.

    None where there are too many, or where the masses do not determine a fit.

    >>> products_of_two(torch.eye(3).bool(), torch.tensor([1.0, 3, 3, 1]).double() / 8)[0]
    tensor([-0.2500, -0.2500,  0.2500], dtype=torch.float64)
    """
    d = xi.shape[1]
    if d < 3 or comb(d, 2) > MOST:
        return None
    size = torch.arange(d + 1, dtype=torch.float64)
    one, two = mass @ size / d, mass @ (size * (size - 1)) / (d * (d - 1))
    out, spread = mass @ (size * (d - size)) / (d * (d - 1)), mass @ (size - mass @ size).square() / d
    if out < 1e-9 or spread < 1e-9:
        return None
    b = mass @ (size * (size - 1) * (d - size)) / (d * (d - 1) * (d - 2)) / out
    c = (two * (1 - one) - b * (2 * one - out - 2 * one**2)) / spread
    a = two - 2 * b * one - c * d * one
    of = torch.tensor(list(combinations(range(d), 2)))
    members = xi[:, of].double()
    return members.prod(2) - a - b * members.sum(2) - c * xi.sum(1, keepdim=True)


def products_of_three(xi: Bool[Tensor, "n d"]) -> Float[Tensor, "n terms"] | None:
    """For each three features, 1 where one of them is in, -1 where two are, else 0.

    Up to a factor it is z_i z_j z_k - (z_i + z_j + z_k) / 3 with z = 2 xi - 1, a product less its Shapley values. None
    where there are too many.

    >>> products_of_three(torch.tensor([[True, False, False], [False, True, True], [True, True, True]])).T
    tensor([[ 1., -1.,  0.]], dtype=torch.float64)
    """
    d = xi.shape[1]
    if d < 3 or comb(d, 3) > MOST:
        return None
    k = xi[:, torch.tensor(list(combinations(range(d), 3)))].sum(2)
    return (k == 1).double() - (k == 2).double()
