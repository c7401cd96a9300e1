"""Coalitions, subsets of d features as rows of zeros and ones: all of them, or pairs drawn without replacement.

A pair is a coalition and its complement, in adjacent rows. Averages over pairs carry no error from terms of even
order: what two features do together cancels from the estimate of what each does alone.
"""

from itertools import combinations
from math import comb

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

__all__ = ["all_coalitions", "coalitions_of_size", "distinct_pairs", "paired", "pairs_of_size"]


def all_coalitions(d: int) -> Bool[Tensor, "n d"]:
    """All 2^d coalitions: row k holds the binary digits of k, the lowest first.

    >>> all_coalitions(2).int().tolist()
    [[0, 0], [1, 0], [0, 1], [1, 1]]
    """
    return (torch.arange(2**d)[:, None] >> torch.arange(d)) % 2 == 1


def paired(half: Bool[Tensor, "m d"]) -> Bool[Tensor, "n d"]:
    """Each coalition followed by its complement.

    >>> paired(torch.tensor([[True, True, False]])).int().tolist()
    [[1, 1, 0], [0, 0, 1]]
    """
    return torch.stack([half, ~half], 1).flatten(0, 1)


def coalitions_of_size(d: int, size: int) -> Bool[Tensor, "m d"]:
    """All coalitions of `size`; of half the features, one of each complementary pair: the one with feature 0.

    >>> coalitions_of_size(4, 2).int().tolist()
    [[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]]
    """
    if 2 * size == d:
        rows = [(0, *rest) for rest in combinations(range(1, d), size - 1)]
    else:
        rows = list(combinations(range(d), size))
    return torch.zeros(len(rows), d, dtype=torch.bool).scatter_(1, torch.tensor(rows), True)


def distinct_pairs(d: int, count: int, generator: torch.Generator, size: int | None = None) -> Bool[Tensor, "m d"]:
    """Draw `count` different pairs, each equally likely, and return one coalition of each.

    Args:
        d: features.
        count: pairs, at most as many as there are.
        generator: where the random numbers come from.
        size: of one of the two coalitions, at most d / 2; any size without it.

    >>> distinct_pairs(3, 3, torch.Generator().manual_seed(0), size=1).sum(0).tolist()
    [1, 1, 1]
    """

    available = pairs_of_size(d, size) if size else 2 ** (d - 1)
    if available <= 4 * count:
        pairs = coalitions_of_size(d, size) if size else all_coalitions(d)[1::2]
        return pairs[torch.randperm(available, generator=generator, device=generator.device)[:count].cpu()]
    drawn = torch.zeros(0, d, dtype=torch.bool)
    while len(drawn) < count:
        drawn = torch.cat([drawn, _draw(d, count - len(drawn), generator, size)])
        # Rejecting what came before leaves each set of pairs equally likely.
        drawn = drawn[np.sort(np.unique(drawn.numpy(), axis=0, return_index=True)[1])]
    return drawn


def pairs_of_size(d: int, size: int) -> int:
    """How many pairs have a coalition of `size`.

    >>> pairs_of_size(4, 1), pairs_of_size(4, 2)
    (4, 3)
    """
    return comb(d, size) // (2 if 2 * size == d else 1)


def _draw(d: int, count: int, generator: torch.Generator, size: int | None) -> Tensor:
    keys = torch.rand(count, d, generator=generator, device=generator.device).cpu()
    if size is None:
        half = keys < 0.5
    else:
        half = torch.zeros(count, d, dtype=torch.bool).scatter_(1, keys.topk(size).indices, True)
    # Where a coalition and its complement could both come, the one with feature 0 stands for the pair.
    return half ^ ~half[:, :1] if size is None or 2 * size == d else half
