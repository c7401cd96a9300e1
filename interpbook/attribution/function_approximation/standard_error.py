"""How far the weights of a fit are from those of the whole neighborhood, from how much what was drawn disagrees."""

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.attribution.function_approximation.design import Design

__all__ = ["leverage_factor", "standard_error"]


def leverage_factor(leverage: Float[Tensor, "W n"], unit: int = 2) -> Float[Tensor, "W units"]:
    """1 / (1 - h) for each pair, or `unit` of that many points, where h is how much of its variance the fit takes over.

    A fit follows its points, so that its residuals are too small by 1 - h. Where nothing is left of them the factor is
    not a number: such a fit says nothing about its error.

    >>> leverage_factor(torch.tensor([[0.25, 0.25, 0.5, 0.5]]))
    tensor([[2., nan]])
    """
    left = 1 - leverage.unflatten(1, (-1, unit)).sum(2)
    return torch.where(left > 1e-9, 1 / left, torch.nan)


def standard_error(
    influence: Float[Tensor, "B d n"], leverage: Float[Tensor, "W n"], design: Design
) -> Float[Tensor, "B d"]:
    """The standard error of weights to which point k adds `influence` k, by the sandwich estimator over units:

        sqrt( sum over strata of  unseen * m / (m - 1) * sum over its m units of (u - mean u)^2 / (1 - h) ),

    where u is the influence of a unit. A single stratum has mean 0; strata of one unit are not centred. The whole
    neighborhood has error 0.

    >>> from interpbook.attribution.function_approximation.design import sampled_pairs
    >>> design = sampled_pairs(torch.tensor([[1.0], [-1.0], [2.0], [-2.0]]))
    >>> standard_error(torch.tensor([[[0.5, 0.5, -0.5, -0.5]]]), torch.full((1, 4), 0.25), design)
    tensor([[2.]])
    """
    if design.exact:
        return influence.new_zeros(influence.shape[:2])
    u = influence.unflatten(2, (-1, design.unit)).sum(3)
    correction = design.unseen
    if len(design.unseen) > 1:
        size = torch.bincount(design.stratum, minlength=len(design.unseen)).to(u)
        total = u.new_zeros(*u.shape[:2], len(size)).index_add_(2, design.stratum, u)
        mean = torch.where(size > 1, total / size.clamp(min=1), 0.0)
        u = u - mean[..., design.stratum]
        correction = correction * torch.where(size > 1, size / (size - 1).clamp(min=1), 1.0)
    per_unit = correction[design.stratum].to(u) * leverage_factor(leverage, design.unit)
    # A stratum that was seen whole adds nothing, whatever its leverage.
    per_unit = torch.where(design.unseen[design.stratum] > 0, per_unit, 0.0)
    return (u.square() * per_unit[:, None]).sum(2).sqrt()
