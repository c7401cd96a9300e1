"""What two explanations agree by chance alone: the zero of every scale in `interpbook.attribution.agreement`."""

import math
from dataclasses import dataclass

from interpbook.attribution.agreement import check_k
from interpbook.checks import check_count

__all__ = ["ChanceAgreement", "agreement_by_chance"]


@dataclass(frozen=True)
class ChanceAgreement:
    """What two explanations that know nothing of each other agree on average, by the functions of the same names.

    Made by `agreement_by_chance`. A normalized change has no such value: it depends on the two lengths.
    """

    top_k_agreement: float
    sign_agreement: float
    consistent_direction: float
    signed_set_agreement: float
    angle: float


def agreement_by_chance(d: int, k: int) -> ChanceAgreement:
    """What two independent explanations of d features agree on average: random sets, fair signs, random directions,

        top k: k / d,    with sign: k / (2 d),    angle: pi / 2,    signed set: 2^-k / C(d, k),
        consistent direction: sum over the sizes u of Ta | Tb of P(u) 2^-u,  P(u) = C(k, 2k-u) C(d-k, u-k) / C(d, k).

    Sums are of integers and exact; each value is rounded once.

    Args:
        d: number of features.
        k: from 1 to d.

    Raises:
        TypeError, ValueError: `d` or `k` is not an int of at least 1, or `k` is larger than `d`.

    >>> agreement_by_chance(12, 4).top_k_agreement
    0.3333333333333333
    """
    d = check_count(d, "d")
    k = check_k(k, d)
    sets = math.comb(d, k)
    # With j features in common the union has 2k - j.
    consistent = sum(math.comb(k, j) * math.comb(d - k, k - j) * 2**j for j in range(k + 1))
    return ChanceAgreement(k / d, k / (2 * d), consistent / (sets * 4**k), 1 / (sets * 2**k), math.pi / 2)
