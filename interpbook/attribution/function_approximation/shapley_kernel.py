"""Which coalitions KernelSHAP looks at: outer sizes whole, the rest drawn in pairs, each size in its share."""

from dataclasses import replace

import torch

from interpbook.attribution.function_approximation.coalitions import paired, pairs_by_size, pairs_of_size
from interpbook.attribution.function_approximation.design import Design, enumerated, sampled_pairs
from interpbook.attribution.function_approximation.together import products_of_three

__all__ = ["allocate", "shapley_design"]


def allocate(d: int, pairs: int) -> list[int]:
    """How many pairs of coalitions to look at for each size s = 1 .. d // 2 of the smaller one.

    From the outside in, a size is taken whole as long as its share of the remaining pairs is that large; what is left
    is divided in proportion to the mass of each size under the Shapley kernel, 1 / (s (d - s)) for each of s and
    d - s.

    >>> allocate(10, 511)
    [10, 45, 120, 210, 126]
    >>> allocate(10, 50)
    [10, 14, 11, 10, 5]
    """
    available = [pairs_of_size(d, s) for s in range(1, d // 2 + 1)]
    taken: list[int] = []
    left = min(pairs, sum(available))
    while len(taken) < len(available) and _quota(d, left, len(taken))[0] > available[len(taken)] - 1e-9:
        left -= available[len(taken)]
        taken.append(available[len(taken)])
    whole, quota = len(taken), _quota(d, left, len(taken))
    taken += [min(int(share), most) for share, most in zip(quota, available[whole:], strict=True)]
    for _ in range(left - sum(taken[whole:])):
        # What rounding left over, and what a size has no room for, goes where it is most missing.
        room = [s for s in range(whole, len(taken)) if taken[s] < available[s]]
        taken[max(room, key=lambda s: quota[s - whole] - taken[s])] += 1
    return taken


def _mass(d: int, size: int) -> float:
    """Of the coalitions of `size` and their complements, up to a factor."""
    return (1 if 2 * size == d else 2) / (size * (d - size))


def _quota(d: int, pairs: int, skipped: int) -> list[float]:
    """`pairs` divided among the sizes after the first few."""
    mass = [_mass(d, size) for size in range(skipped + 1, d // 2 + 1)]
    return [pairs * m / sum(mass) for m in mass]


def shapley_design(d: int, samples: int, generator: torch.Generator) -> Design:
    """At most `samples` coalitions other than none and all, weighted to estimate the mean under the Shapley kernel.

    >>> shapley_design(4, 14, torch.Generator()).exact, len(shapley_design(4, 9, torch.Generator()).xi)
    (True, 8)
    """
    if d == 1:
        return enumerated(torch.zeros(0, 1, dtype=torch.bool))
    taken = allocate(d, samples // 2)
    available = [pairs_of_size(d, size) for size in range(1, len(taken) + 1)]
    stratum = torch.repeat_interleave(torch.arange(len(taken)), torch.tensor(taken))
    xi = paired(pairs_by_size(d, taken, generator))
    each = torch.tensor(
        [_mass(d, size) / max(1, 2 * count) for size, count in enumerate(taken, 1)], dtype=torch.float64
    )
    weight = each[stratum].repeat_interleave(2)[None]
    if taken == available:
        return enumerated(xi, weight)
    unseen = [1 - count / most for count, most in zip(taken, available, strict=True)]
    pairs = sampled_pairs(xi, weight, stratum, torch.tensor(unseen, dtype=torch.float64))
    # What two features do cancels between complements, so that products of three are the first to disturb a fit.
    return replace(pairs, together=products_of_three(xi))
