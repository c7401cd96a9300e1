"""What greedy selection is measured against: the objective of any set, the best set, and the submodularity ratio."""

import itertools
import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.checks import check_count
from interpbook.pruning.selection import NEGLIGIBLE, check_columns, check_gram, check_k

__all__ = ["best_subset", "explained", "submodularity_ratio"]

# Sets are counted one by one: more than this many are not.
MOST_SETS = 2**20
# An added part of F that is a smaller share of the whole than this is rounding.
NOTHING = 1e-12


def explained(
    gram: Float[Tensor, "d d"], cross: Float[Tensor, "d m"], kept: Int[Tensor, "*sets k"]
) -> Float[Tensor, "*sets"]:
    """How much of the target the best weights on the kept columns explain,

        F(S) = ||T||^2 - min_V ||T - B_S V||^2 = tr(C_S^T G_SS^-1 C_S),    G = B^T B,  C = B^T T,

    of one set or of several of the same size. Where columns are dependent, the pseudo-inverse is meant.

    Args:
        gram, cross: G and C; worked on in float64.
        kept: the places of the columns of each set.

    Returns:
        F, float64; 0 of no columns.

    Raises:
        TypeError, ValueError: as `greedy_select`; places outside of the columns, or one twice in a set.

    Source: [elhalabi2022data].

    >>> explained(torch.eye(3), torch.tensor([[1.0], [2.0], [3.0]]), torch.tensor([[0, 1], [1, 2]]))
    tensor([ 5., 13.], dtype=torch.float64)
    """
    gram, cross = check_gram(gram, cross)
    if not isinstance(kept, Tensor) or kept.dim() < 2:
        return _explained(gram, cross, check_columns(kept, len(gram))[None])[0]
    for one in kept.flatten(0, -2):
        check_columns(one, len(gram))
    return _explained(gram, cross, kept.long())


def _explained(
    gram: Float[Tensor, "d d"], cross: Float[Tensor, "d m"], kept: Int[Tensor, "*sets k"]
) -> Float[Tensor, "*sets"]:
    if kept.shape[-1] == 0:
        return gram.new_zeros(kept.shape[:-1])
    scale = gram.diagonal().clamp(min=torch.finfo(gram.dtype).tiny).rsqrt()
    inside = scale[kept]
    blocks = gram[kept[..., :, None], kept[..., None, :]] * inside[..., :, None] * inside[..., None, :]
    values, vectors = torch.linalg.eigh(blocks)
    along = vectors.mT @ (inside[..., None] * cross[kept])
    shares = along.square().sum(-1) / values.clamp(min=NEGLIGIBLE)
    return shares.where(values > NEGLIGIBLE, 0).sum(-1)


def best_subset(
    gram: Float[Tensor, "d d"], cross: Float[Tensor, "d m"], k: int
) -> tuple[Int[Tensor, "k"], Float[Tensor, ""]]:
    """The k columns that explain most, of all sets of k, and F of them: the optimum that greedy is near to.

    Raises:
        TypeError, ValueError: as `greedy_select`, or more than a million sets.

    >>> from interpbook.pruning import greedy_select
    >>> gram = torch.tensor([[1.0, 0.0, 0.6], [0.0, 1.0, 0.6], [0.6, 0.6, 1.0]])
    >>> cross = torch.tensor([[1.0], [1.0], [1.3]])
    >>> best_subset(gram, cross, 2), greedy_select(gram, cross, 2)[0]
    ((tensor([0, 1]), tensor(2., dtype=torch.float64)), tensor([2, 0]))
    """
    gram, cross = check_gram(gram, cross)
    check_k(k, len(gram), "columns")
    count = math.comb(len(gram), k)
    if count > MOST_SETS:
        raise ValueError(f"k: expected at most {MOST_SETS} sets, got {count} sets of {k} of {len(gram)} columns")
    sets = torch.tensor([*itertools.combinations(range(len(gram)), k)], dtype=torch.int64, device=gram.device)
    values = torch.cat([_explained(gram, cross, part) for part in sets.view(count, k).split(2**12)])
    best = values.argmax()
    return sets.view(count, k)[best], values[best]


def submodularity_ratio(
    gram: Float[Tensor, "d d"],
    cross: Float[Tensor, "d m"],
    k: int,
    within: Int[Tensor, "u"] | None = None,
) -> float:
    """How far F is from submodular, exactly, by looking at all sets:

        gamma_{U,k} = min  sum_{i in S} (F(L + i) - F(L)) / (F(L + S) - F(L))

    over L within U and sets S of at most k columns outside of L that add something to F(L). A submodular F has
    gamma >= 1, and since S may be a single column, gamma <= 1. Greedy selection reaches

        F(S_k) >= (1 - e^(-gamma)) max_{|S| <= k} F(S)    with U the columns that it picked.

    Args:
        gram, cross: G = B^T B and C = B^T T; worked on in float64.
        k: the largest size of S.
        within: U; by default all columns. There may be about 3^12 pairs of sets, so 12 columns.

    Raises:
        TypeError, ValueError: as `greedy_select`, or too many sets.

    Source: [das2018approximate], with its proof of the bound.

    >>> submodularity_ratio(torch.eye(3), torch.ones(3, 1), 2)
    1.0
    """
    gram, cross = check_gram(gram, cross)
    d = len(gram)
    check_count(k, "k")
    columns = torch.arange(d) if within is None else check_columns(within, d, "within")
    if 2**d > MOST_SETS or 2 ** (d + len(columns)) > 2**4 * MOST_SETS:
        raise ValueError(f"gram: expected at most 12 columns, all of whose sets can be looked at, got {d}")
    values = _of_all_sets(gram, cross)
    members = (torch.arange(2**d)[:, None] >> torch.arange(d)) & 1
    small = members.sum(1) <= k
    outside = torch.ones(d, dtype=torch.bool)
    outside[columns] = False
    ratio = 1.0
    for first in (members[:, outside].sum(1) == 0).nonzero()[:, 0].tolist():
        gains = values[first | (1 << torch.arange(d))] - values[first]
        second = (small & (torch.arange(2**d) & first == 0)).nonzero()[:, 0]
        together = values[first | second] - values[first]
        singly = members[second].double() @ gains
        adds = together > NOTHING * values[-1]
        if bool(adds.any()):
            ratio = min(ratio, float((singly[adds] / together[adds]).min()))
    return ratio


def _of_all_sets(gram: Float[Tensor, "d d"], cross: Float[Tensor, "d m"]) -> Float[Tensor, "2**d"]:
    """F of all sets; set number s holds the columns at the ones of s in base two."""
    d = len(gram)
    values = torch.zeros(2**d, dtype=torch.float64)
    for size in range(1, d + 1):
        sets = torch.tensor([*itertools.combinations(range(d), size)])
        values[(1 << sets).sum(1)] = _explained(gram, cross, sets).cpu()
    return values
