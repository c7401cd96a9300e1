"""Coalitions, subsets of d features as rows of zeros and ones: all of them, or pairs drawn without replacement.

A pair is a coalition and its complement, in adjacent rows. Averages over pairs carry no error from terms of even
order: what two features do together cancels from the estimate of what each does alone.
"""

from collections.abc import Callable
from itertools import chain, combinations
from math import comb

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

__all__ = ["all_coalitions", "coalitions_of_size", "distinct_pairs", "paired", "pairs_by_size", "pairs_of_size"]


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
        members = combinations(range(1, d), size - 1)
        rows = np.fromiter(chain.from_iterable((0, *rest) for rest in members), np.int64)
    else:
        rows = np.fromiter(chain.from_iterable(combinations(range(d), size)), np.int64)
    rows = rows.reshape(-1, size)
    return torch.zeros(len(rows), d, dtype=torch.bool).scatter_(1, torch.from_numpy(rows), True)


def distinct_pairs(d: int, count: int, generator: torch.Generator) -> Bool[Tensor, "m d"]:
    """Draw `count` different pairs, each equally likely, and return the coalition with feature 0 of each.

    >>> distinct_pairs(3, 4, torch.Generator().manual_seed(0)).sum(0).tolist()
    [4, 2, 2]
    """
    if 2 ** (d - 1) <= 4 * count:
        return _shuffled(all_coalitions(d)[1::2], count, generator)

    def draw(rows: Tensor) -> Tensor:
        half = torch.rand(len(rows), d, generator=generator, device=generator.device).cpu() < 0.5
        return half ^ ~half[:, :1]

    return _distinct(draw, count)


def pairs_by_size(d: int, counts: list[int], generator: torch.Generator) -> Bool[Tensor, "m d"]:
    """Draw `counts[s - 1]` different pairs of each size s, each equally likely, and return one coalition of each.

    Args:
        d: features.
        counts: for the sizes 1, 2, ... of the smaller coalition, up to d / 2; at most as many as there are.
        generator: where the random numbers come from.

    >>> pairs_by_size(5, [5, 2], torch.Generator().manual_seed(0)).sum(1).tolist()
    [1, 1, 1, 1, 1, 2, 2]
    """
    available = [pairs_of_size(d, size) for size in range(1, len(counts) + 1)]
    # Most of a short list is drawn from the list; little of a long one by rejection, all sizes at once.
    listed = [most <= 4 * count for count, most in zip(counts, available, strict=True)]
    sizes = torch.tensor([s for s, n in enumerate(counts, 1) if not listed[s - 1] for _ in range(n)], dtype=torch.int64)

    def draw(rows: Tensor) -> Tensor:
        order = torch.rand(len(rows), d, generator=generator, device=generator.device).cpu().argsort(1)
        half = torch.zeros(len(rows), d, dtype=torch.bool)
        half.scatter_(1, order, torch.arange(d) < sizes[rows, None])
        # Where a coalition and its complement could both come, the one with feature 0 stands for the pair.
        return half ^ (~half[:, :1] & (2 * sizes[rows, None] == d))

    rejected = iter(
        _distinct(draw, len(sizes)).split([n for n, short in zip(counts, listed, strict=True) if not short])
    )
    return torch.cat(
        [
            _shuffled(coalitions_of_size(d, size), count, generator) if listed[size - 1] else next(rejected)
            for size, count in enumerate(counts, 1)
        ]
    )


def pairs_of_size(d: int, size: int) -> int:
    """How many pairs have a coalition of `size`.

    >>> pairs_of_size(4, 1), pairs_of_size(4, 2)
    (4, 3)
    """
    return comb(d, size) // (2 if 2 * size == d else 1)


def _shuffled(pairs: Tensor, count: int, generator: torch.Generator) -> Tensor:
    if count == len(pairs):
        return pairs
    return pairs[torch.randperm(len(pairs), generator=generator, device=generator.device)[:count].cpu()]


def _distinct(draw: Callable[[Tensor], Tensor], count: int) -> Tensor:
    """`count` different rows, where `draw` gives those with some numbers; every set of rows stays equally likely."""
    rows = draw(torch.arange(count))
    while True:
        again = torch.ones(count, dtype=torch.bool)
        again[np.unique(np.packbits(rows.numpy(), axis=1), axis=0, return_index=True)[1]] = False
        if not again.any():
            return rows
        rows[again] = draw(again.nonzero()[:, 0])
