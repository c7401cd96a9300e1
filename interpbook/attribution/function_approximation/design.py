"""The points of a neighbourhood that a fit looks at, and what they say about its error."""

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

__all__ = ["Design", "enumerated", "sampled_pairs"]


@dataclass(frozen=True, eq=False)
class Design:
    """n points xi with weights that estimate the mean over a neighbourhood.

    A sample comes as pairs of mirror images in adjacent rows, each pair drawn from one of several strata.

    Attributes:
        xi: the points.
        weight: of each point, summing to 1; one row for all examples, or one for each.
        stratum: where each pair was drawn; empty when the points are the whole neighbourhood.
        unseen: the share of each stratum that was left out: 1 for a continuous one, 0 for one enumerated.
    """

    xi: Shaped[Tensor, "n d"]
    weight: Float[Tensor, "W n"]
    stratum: Int[Tensor, "pairs"]
    unseen: Float[Tensor, "strata"]

    @property
    def exact(self) -> bool:
        """Whether the points are the whole neighbourhood, so that the fit has no sampling error."""
        return len(self.stratum) == 0


def enumerated(xi: Shaped[Tensor, "n d"], weight: Float[Tensor, "W n"] | None = None) -> Design:
    """A whole neighbourhood, each point with the same weight unless told otherwise.

    >>> enumerated(torch.eye(2)).weight
    tensor([[0.5000, 0.5000]], dtype=torch.float64)
    """
    if weight is None:
        weight = torch.ones(1, len(xi), dtype=torch.float64)
    weight = weight / weight.sum(1, keepdim=True)
    return Design(xi, weight, torch.zeros(0, dtype=torch.int64), torch.zeros(0, dtype=torch.float64))


def sampled_pairs(
    xi: Shaped[Tensor, "n d"],
    weight: Float[Tensor, "W n"] | None = None,
    stratum: Int[Tensor, "pairs"] | None = None,
    unseen: Float[Tensor, "strata"] | None = None,
) -> Design:
    """A sample of pairs; without more arguments from one continuous neighbourhood, with equal weights.

    >>> sampled_pairs(torch.tensor([[1.0], [-1.0]])).exact
    False
    """
    whole = enumerated(xi, weight)
    if stratum is None:
        stratum = torch.zeros(len(xi) // 2, dtype=torch.int64)
    if unseen is None:
        unseen = torch.ones(1, dtype=torch.float64)
    return Design(xi, whole.weight, stratum, unseen)
