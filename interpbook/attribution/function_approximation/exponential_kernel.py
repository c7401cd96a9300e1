"""Which masks LIME looks at: each size in its share of the kernel, by chance where that is less than one mask."""

from math import inf

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.attribution.function_approximation.coalitions import coalitions_by_size
from interpbook.attribution.function_approximation.design import Design
from interpbook.attribution.function_approximation.together import products_of_two

__all__ = ["exponential_design", "shares"]


def shares(log_mass: Float[Tensor, "sizes"], log_count: Float[Tensor, "sizes"], n: int) -> Float[Tensor, "sizes"]:
    """How many of n masks each size is worth: in proportion to its mass, and at most as many as there are.

    Args:
        log_mass: of all masks of a size together, up to a constant.
        log_count: of how many there are.
        n: less than the number of all masks.

    >>> shares(torch.tensor([0.5, 0.5]).log().double(), torch.tensor([2.0, 100.0]).log().double(), 12).round()
    tensor([ 2., 10.], dtype=torch.float64)
    """
    log_share, whole = torch.full_like(log_mass, -inf), torch.zeros_like(log_mass, dtype=torch.bool)
    while True:
        left = n - log_count[whole].exp().round().sum()
        # Scaled anew at each step: of a narrow kernel, what the outer sizes leave over is not lost to rounding.
        log_share[~whole] = log_mass[~whole].log_softmax(0) + left.log()
        full = ~whole & (log_share > log_count - 1e-9)
        if not full.any():
            return torch.where(whole, log_count.exp().round(), log_share.exp())
        whole = whole | full


def exponential_design(d: int, width: float, samples: int, generator: torch.Generator) -> Design:
    """`samples` of the 2^d masks, each with a chance in proportion to its weight exp(-(1 - cosine)^2 / (2 width^2)).

    So all that were left to chance weigh the same, and none twice because none is drawn twice. In place of a size of
    which fewer than two were drawn, a stratum takes in its neighbours.

    >>> design = exponential_design(10, 0.25, 50, torch.Generator().manual_seed(0))
    >>> len(design.xi), [round(float(end), 6) for end in design.weight.aminmax()]
    (50, [0.02, 0.02])
    """
    size = torch.arange(d + 1, dtype=torch.float64)
    end = torch.tensor(d + 1.0, dtype=torch.float64)
    log_count = end.lgamma() - (size + 1).lgamma() - (end - size).lgamma()
    log_mass = log_count - (1 - (size / d).sqrt()) ** 2 / (2 * width**2)
    share = shares(log_mass, log_count, samples)
    whole = share > log_count.exp() - 1e-6
    steps = torch.where(whole, 0.0, share).cumsum(0)
    start = torch.rand(1, generator=generator, device=generator.device, dtype=torch.float64).cpu()
    ends = (steps + start).floor().clamp(max=samples - share[whole].sum().round())
    counts = torch.where(whole, share.round(), ends.diff(prepend=torch.zeros(1, dtype=torch.float64))).long()
    xi = coalitions_by_size(d, counts.tolist(), generator)
    log_weight = (log_mass - share.log())[xi.sum(1)]
    weight = (log_weight - log_weight.max()).exp()[None]
    stratum, unseen = _strata(counts, whole, share, log_count)
    together = products_of_two(xi, (log_mass - log_mass.logsumexp(0)).exp())
    return Design(xi, weight / weight.sum(), stratum, unseen, together)


def _strata(counts: Tensor, whole: Tensor, share: Tensor, log_count: Tensor) -> tuple[Tensor, Tensor]:
    """Sizes of which at least two were drawn, with those beside them of which fewer were; those seen whole apart."""
    groups: list[list[int]] = []
    for size in counts.nonzero()[:, 0].tolist():
        last = groups[-1] if groups else None
        if last is None or whole[size] or whole[last[0]] or (counts[last].sum() > 1 and counts[size] > 1):
            groups.append([size])
        else:
            last.append(size)
    return (
        torch.repeat_interleave(torch.arange(len(groups)), torch.stack([counts[sizes].sum() for sizes in groups])),
        torch.stack([1 - (share[sizes].sum() / log_count[sizes].exp().sum()) for sizes in groups]).clamp(min=0),
    )
