"""The points of a neighborhood that a fit looks at, and what they say about its error."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

__all__ = ["Design", "enumerated", "sampled_pairs"]


@dataclass(frozen=True, eq=False)
class Design:
    """n points xi with weights that estimate the mean over a neighborhood.

    A sample comes in units, single points or pairs of mirror images in adjacent rows, each drawn from one of several
    strata and in their order.

    Attributes:
        xi: the points.
        weight: of each point, summing to 1; one row for all examples, or one for each.
        stratum: where each unit was drawn; empty when the points are the whole neighborhood.
        unseen: the share of each stratum that was left out: 1 for a continuous one, 0 for one enumerated.
        together: at each point, terms in which several features act together, without what a linear fit to the whole
            neighborhood takes of them. What a fit to a sample takes of them is sampling error.
    """

    xi: Shaped[Tensor, "n d"]
    weight: Float[Tensor, "W n"]
    stratum: Int[Tensor, "units"]
    unseen: Float[Tensor, "strata"]
    together: Float[Tensor, "n terms"] | None = None

    @property
    def exact(self) -> bool:
        """Whether the points are the whole neighborhood, so that the fit has no sampling error."""
        return len(self.stratum) == 0

    @property
    def unit(self) -> int:
        """The points of a unit: 2 in a sample of pairs, else 1."""
        return 1 if self.exact else len(self.xi) // len(self.stratum)

    def strata(self) -> Iterator[tuple[slice, float]]:
        """The rows of each stratum, and the share of it that was left out: one, of all rows, where nothing was."""
        counts = self.stratum.bincount(minlength=len(self.unseen)).tolist() if not self.exact else [len(self.xi)]
        start = 0
        for count, unseen in zip(counts, [0.0] if self.exact else self.unseen.tolist(), strict=True):
            stop = start + count * self.unit
            if stop > start:
                yield slice(start, stop), unseen
            start = stop


def enumerated(xi: Shaped[Tensor, "n d"], weight: Float[Tensor, "W n"] | None = None) -> Design:
    """A whole neighborhood, each point with the same weight unless told otherwise.

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
    """A sample of pairs; without more arguments from one continuous neighborhood, with equal weights.

    >>> sampled_pairs(torch.tensor([[1.0], [-1.0]])).exact
    False
    """
    whole = enumerated(xi, weight)
    if stratum is None:
        stratum = torch.zeros(len(xi) // 2, dtype=torch.int64)
    if unseen is None:
        unseen = torch.ones(1, dtype=torch.float64)
    return Design(xi, whole.weight, stratum, unseen)
