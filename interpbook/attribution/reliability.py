"""How reliable is the average explanation of a crowd of networks? As reliable as a longer test, by a formula of 1910.

Networks that differ in their seed alone have explanations g_i = mu + e_i with independent e_i of mean zero, as people
who take a test have a true score and an error. The reliability of the average of m of them is

    r_m = E<a, b> / E|a|^2 = |mu|^2 / (|mu|^2 + E|e|^2 / m),    a, b averages of disjoint groups of m,

so that r_1, measured on single networks, predicts the rest [spearman1910correlation; brown1910experimental].
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Integer
from torch import Tensor

from interpbook.attribution.agreement import check_pointing, directions
from interpbook.checks import check_count, check_finite, check_generator, check_input, check_number

__all__ = ["EnsembleAgreement", "ensemble_agreement", "jackknife_error", "mean_products", "spearman_brown"]

Numbers = float | int | Float[Tensor, "..."] | Integer[Tensor, "..."]


def spearman_brown(r1: Numbers, m: Numbers) -> float | Float[Tensor, "..."]:
    """The reliability of an average of m, from that of one [spearman1910correlation; brown1910experimental]:

        r_m = m r_1 / (1 + (m - 1) r_1).

    Args:
        r1: reliability of one, at most 1 and above -1 / (m - 1) if m is above 1: a lower one cannot be that of m
            things that are equally like each other.
        m: how many are averaged, above 0: 1/2 goes from a pair back to one, as `spearman_brown(r_m, 1 / m)` gives r_1.

    Returns:
        A number, or a tensor of the shape to which `r1` and `m` broadcast.

    Raises:
        TypeError, ValueError: `r1` or `m` is no real number and no tensor of such, not finite, or out of range.

    >>> spearman_brown(0.5, 2)
    0.6666666666666666
    >>> spearman_brown(torch.tensor([0.0, 0.5, 1.0]), 3)
    tensor([0.0000, 0.7500, 1.0000])
    """
    one, count = _as_tensor(r1, "r1"), _as_tensor(m, "m")
    below = count <= 0
    if bool(below.any()):
        raise ValueError(f"m: expected more than 0, got {_first(count, below)}")
    # 1 + (m - 1) r_1 in a form that is not rounded below m r_1, which would make a reliability of more than 1.
    share = (1 - one) + count * one
    outside = (one > 1) | (share <= 0)
    if bool(outside.any()):
        got = f"{_first(one, outside)} with m = {_first(count, outside)}"
        raise ValueError(f"r1: expected at most 1, and more than -1 / (m - 1) if m > 1, got {got}")
    result = count * one / share
    return result if isinstance(r1, Tensor) or isinstance(m, Tensor) else float(result)


@dataclass(frozen=True)
class EnsembleAgreement:
    """How well averages of disjoint groups of m explanations agree. Made by `ensemble_agreement`.

    Attributes:
        reliability: mean of <a, b> over pairs of groups and examples, divided by the mean of |a|^2 over groups and
            examples: the ratio of two unbiased estimates, at most 1, negative where groups contradict each other.
        reliability_error: its standard error over groups, by leaving out one group at a time.
        angle: mean over pairs of groups and examples, in radians.
        angle_error: its standard error over groups, in the same way.
        groups: how many there were.
    """

    reliability: float
    reliability_error: float
    angle: float
    angle_error: float
    groups: int


def ensemble_agreement(
    explanations: Float[Tensor, "M B *dims"], m: int, *, generator: torch.Generator | None = None
) -> EnsembleAgreement:
    """How well the average explanations of disjoint ensembles of m networks agree, over all pairs of ensembles.

    M explanations of each of B examples are split into floor(M / m) groups, whose averages a are compared:

        reliability = mean of <a, a'> / mean of |a|^2,    angle = mean of arccos cos(a, a').

    By `spearman_brown`, reliability can be told from that of m = 1; over all ways to split, exactly. No formula gives
    the mean angle exactly; arccos of the reliability is near it. The errors are over networks, the examples held fixed.

    Args:
        explanations: of M networks, of the same number of each.
        m: networks in a group; there must be at least 3 groups.
        generator: splits at random; None puts the first m into the first group, and so on. What M / m leaves over is
            not used.

    Raises:
        TypeError, ValueError: `explanations` is not a finite tensor of shape (M, B, *dims); fewer than 3 groups; an
            average that is zero everywhere and has no angle; a wrong `m` or `generator`.

    Source: [spearman1910correlation; brown1910experimental].

    >>> noise = torch.randn(60, 5, 8, generator=torch.Generator().manual_seed(0))
    >>> crowd = 1 + noise
    >>> one, five = (ensemble_agreement(crowd, m) for m in (1, 5))
    >>> round(one.reliability, 2), round(spearman_brown(one.reliability, 5), 2), round(five.reliability, 2)
    (0.5, 0.83, 0.84)
    """
    averages = _group_means(explanations, check_count(m, "m"), generator)
    products, angles = mean_products(averages), _mean_angles(averages)
    reliability, reliability_error = jackknife_error(_ratio, products)
    mean_angle, angle_error = jackknife_error(_mean_of_pairs, angles)
    return EnsembleAgreement(reliability, reliability_error, mean_angle, angle_error, len(averages))


def mean_products(averages: Float[Tensor, "G B d"]) -> Float[Tensor, "G G"]:
    """<a_g, a_h> of every two groups, as means over B examples.

    >>> mean_products(torch.tensor([[[1.0, 0.0]], [[1.0, 2.0]]]))
    tensor([[1., 1.],
            [1., 5.]])
    """
    flat = averages.flatten(1)
    return flat @ flat.T / averages.shape[1]


def jackknife_error(statistic: Callable[[Tensor], float], pairs: Float[Tensor, "G G"]) -> tuple[float, float]:
    """A statistic of a table of pairs of groups, and its standard error by leaving out one group at a time:

        error^2 = (G - 1) / G * sum over g of (s_g - mean of s)^2,    s_g = the statistic without group g.

    >>> jackknife_error(lambda pairs: float(pairs.diagonal().mean()), torch.diag(torch.tensor([1.0, 2.0, 3.0])))
    (2.0, 0.5773502691896257)
    """
    count = len(pairs)
    left_out = []
    for g in range(count):
        others = torch.arange(count, device=pairs.device) != g
        left_out.append(statistic(pairs[others][:, others]))
    spread = torch.tensor(left_out, dtype=torch.float64).var(correction=0)
    return statistic(pairs), float((spread * (count - 1)).sqrt())


def _ratio(products: Float[Tensor, "G G"]) -> float:
    return _mean_of_pairs(products) / float(products.diagonal().mean())


def _mean_of_pairs(pairs: Float[Tensor, "G G"]) -> float:
    """The mean of what is not on the diagonal of a symmetric table."""
    rows, columns = torch.triu_indices(len(pairs), len(pairs), offset=1)
    return float(pairs[rows, columns].mean())


def _mean_angles(averages: Float[Tensor, "G B d"]) -> Float[Tensor, "G G"]:
    """`angle` of every two groups, as means over examples, by |u - v| and |u + v|."""
    total = averages.new_zeros(len(averages), len(averages))
    exactly = "donot_use_mm_for_euclid_dist"  # not by |u|^2 - 2 <u, v> + |v|^2, which loses small angles
    for u in directions(averages).unbind(1):
        total += 2 * torch.atan2(torch.cdist(u, u, compute_mode=exactly), torch.cdist(u, -u, compute_mode=exactly))
    return total / averages.shape[1]


def _group_means(explanations: Tensor, m: int, generator: torch.Generator | None) -> Float[Tensor, "G B d"]:
    check_input(explanations, "explanations")
    if explanations.dim() < 3:
        raise ValueError(f"explanations: expected shape (M, B, *dims), got {tuple(explanations.shape)}")
    members = len(explanations)
    groups = members // m
    if groups < 3:
        wanted = f"explanations: expected at least {3 * m}, for 3 groups of m = {m}"
        raise ValueError(f"{wanted}, got {members}, which make {groups}")
    order = torch.arange(members)
    if generator is not None:
        generator = check_generator(generator)
        order = torch.randperm(members, generator=generator, device=generator.device).cpu()
    flat = explanations.detach().flatten(2).cpu().double()
    averages = flat[order[: groups * m]].unflatten(0, (groups, m)).mean(1)
    for g, average in enumerate(averages):
        check_pointing(average, f"explanations, average of group {g}")
    return averages


def _as_tensor(value: object, name: str) -> Tensor:
    if not isinstance(value, Tensor):
        return torch.tensor(check_number(value, name), dtype=torch.float64)
    if value.is_complex() or value.dtype == torch.bool:
        raise TypeError(f"{name}: expected a number or a tensor of real numbers, got {value.dtype}")
    check_finite(value, name)
    return value


def _first(value: Tensor, where: Tensor) -> float:
    """The first of the values at which something is wrong."""
    return float(value.expand(where.shape)[where][0])
