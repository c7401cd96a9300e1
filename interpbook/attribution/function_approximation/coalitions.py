"""Coalitions, subsets of d features as rows of zeros and ones: all of them, or some drawn without replacement.

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

__all__ = [
    "all_coalitions",
    "coalitions_by_size",
    "coalitions_of_size",
    "distinct_pairs",
    "paired",
    "pairs_by_size",
    "pairs_of_size",
]


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
    rows = rows.reshape(pairs_of_size(d, size), size)
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
    return _by_size(d, list(enumerate(counts, 1)), generator, halves=True)


def coalitions_by_size(d: int, counts: list[int], generator: torch.Generator) -> Bool[Tensor, "m d"]:
    """Draw `counts[s]` different coalitions of each size s from 0 to d, each equally likely.

    >>> coalitions_by_size(4, [1, 0, 3, 0, 1], torch.Generator().manual_seed(0)).sum(1).tolist()
    [0, 2, 2, 2, 4]
    """
    return _by_size(d, [(s, count) for s, count in enumerate(counts) if count], generator, halves=False)


def _by_size(d: int, counts: list[tuple[int, int]], generator: torch.Generator, halves: bool) -> Tensor:
    """Draw so many different coalitions of each size; with `halves`, one of each pair."""
    # Most of a short list is drawn from the list; little of a long one by rejection, all sizes at once.
    listed = [_at_most(d, size, 4 * count, halves) for size, count in counts]
    some = [count for (_, count), short in zip(counts, listed, strict=True) if not short]
    sizes = torch.tensor(
        [s for (s, n), short in zip(counts, listed, strict=True) if not short for _ in range(n)]
    ).long()

    def draw(rows: Tensor) -> Tensor:
        order = torch.rand(len(rows), d, generator=generator, device=generator.device).cpu().argsort(1)
        drawn = torch.zeros(len(rows), d, dtype=torch.bool)
        drawn.scatter_(1, order, torch.arange(d) < sizes[rows, None])
        # Where a coalition and its complement could both come, the one with feature 0 stands for the pair.
        return drawn ^ (~drawn[:, :1] & (2 * sizes[rows, None] == d)) if halves else drawn

    rejected = iter(_distinct(draw, len(sizes)).split(some))
    rows = [torch.zeros(0, d, dtype=torch.bool)]
    for (size, count), short in zip(counts, listed, strict=True):
        if short:
            those = coalitions_of_size(d, size)
            rows.append(_shuffled(those if halves or 2 * size != d else paired(those), count, generator))
        else:
            rows.append(next(rejected))
    return torch.cat(rows)


def _at_most(d: int, size: int, most: int, halves: bool) -> bool:
    """Whether there are at most so many coalitions of `size`, without the large numbers of many features."""
    small = min(size, d - size)
    if small > 1 and d >= 2 * most + 2:
        return False
    return (pairs_of_size(d, size) if halves else comb(d, size)) <= most


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
