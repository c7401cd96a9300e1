"""How much two explanations of one example agree: in their top features, in the signs of these, in direction.

All measures take two batches of explanations, a and b, which are flattened to d features for each example, and give
one number per example. An explanation that is zero everywhere ranks nothing and points nowhere: it is refused.

The top k features are those of the k largest |values|. Where the k-th and the (k+1)-th are equal, which of the equal
features belong to the top k is drawn at random, independently in a and in b, and a measure is its expectation over
these draws, in closed form: it does not depend on the order of the features. `tied` names such rows.
A feature of value 0 has a sign of its own, which equals that of another 0 only.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Integer
from torch import Tensor

from interpbook.checks import check_count, check_input

__all__ = [
    "angle",
    "check_k",
    "check_pointing",
    "consistent_direction",
    "directions",
    "normalized_change",
    "sign_agreement",
    "signed_set_agreement",
    "tied",
    "top_k_agreement",
]


def top_k_agreement(a: Float[Tensor, "B *dims"], b: Float[Tensor, "B *dims"], k: int) -> Float[Tensor, "B"]:
    """The share of the top k features that two explanations have in common [meyer2023minimizing]:

        |Ta & Tb| / k,    T = the k features of largest |value|.

    Args:
        a, b: explanations of the same examples.
        k: from 1 to the number of features.

    Returns:
        From 0 to 1; with ties at the border, the mean over all ways to break them.

    Raises:
        TypeError, ValueError: `a` or `b` is not a batch of finite explanations, their shapes differ, or one of them is
            zero everywhere; `k` is not an int from 1 to the number of features.

    >>> a, b = torch.tensor([[3.0, -2.0, 1.0]]), torch.tensor([[3.0, 1.0, 2.0]])
    >>> top_k_agreement(a, b, 2)
    tensor([0.5000])
    """
    x, y = _flat_pair(a, b)
    return (_shared(_top(x, k), _top(y, k)) / k).to(a)


def sign_agreement(a: Float[Tensor, "B *dims"], b: Float[Tensor, "B *dims"], k: int) -> Float[Tensor, "B"]:
    """The share of the top k features that two explanations have in common, with the same sign [meyer2023minimizing]:

        |{i in Ta & Tb: sign(a_i) = sign(b_i)}| / k.

    Args, Returns, Raises: as `top_k_agreement`.

    >>> a, b = torch.tensor([[3.0, -2.0, 1.0]]), torch.tensor([[3.0, 2.0, 1.0]])
    >>> top_k_agreement(a, b, 2), sign_agreement(a, b, 2)
    (tensor([1.]), tensor([0.5000]))
    """
    x, y = _flat_pair(a, b)
    return (_shared(_top(x, k), _top(y, k), _same_sign(x, y)) / k).to(a)


def consistent_direction(a: Float[Tensor, "B *dims"], b: Float[Tensor, "B *dims"], k: int) -> Float[Tensor, "B"]:
    """Whether no feature that either explanation has in its top k pulls the other way in the other one:

        1 if sign(a_i) = sign(b_i) for all i in Ta | Tb, else 0,

    "consistent direction of contribution" [meyer2023minimizing]. The sets themselves may differ.

    Args, Raises: as `top_k_agreement`.

    Returns:
        0 or 1; with ties at the border, the share of the ways to break them in which it is 1.

    >>> a = torch.tensor([[3.0, -2.0, 1.0]])
    >>> consistent_direction(a, torch.tensor([[3.0, -1.0, 2.0]]), 2)
    tensor([1.])
    >>> consistent_direction(a, torch.tensor([[3.0, 1.0, 2.0]]), 2)
    tensor([0.])
    """
    x, y = _flat_pair(a, b)
    same = _same_sign(x, y)
    return (_top(x, k).chance_within(same) * _top(y, k).chance_within(same)).to(a)


def signed_set_agreement(a: Float[Tensor, "B *dims"], b: Float[Tensor, "B *dims"], k: int) -> Float[Tensor, "B"]:
    """Whether two explanations have the same top k features with the same signs [meyer2023minimizing]:

        1 if Ta = Tb and sign(a_i) = sign(b_i) for all i in Ta, else 0.

    Args, Returns, Raises: as `consistent_direction`.

    >>> a = torch.tensor([[3.0, -2.0, 1.0]])
    >>> signed_set_agreement(a, torch.tensor([[2.0, -9.0, 1.0]]), 2)
    tensor([1.])
    >>> signed_set_agreement(a, torch.tensor([[3.0, -1.0, 2.0]]), 2)
    tensor([0.])
    """
    x, y = _flat_pair(a, b)
    top, other = _top(x, k), _top(y, k)
    # The sets that both may draw hold what either is sure of, and otherwise only what both allow, with one sign.
    needed = top.sure | other.sure
    allowed = (top.sure | top.border) & (other.sure | other.border) & _same_sign(x, y)
    shared = _log_binomial((allowed & ~needed).sum(1), k - needed.sum(1))
    chance = (shared - top.log_ways() - other.log_ways()).exp()
    return torch.where((needed & ~allowed).any(1), 0.0, chance).to(a)


def tied(a: Float[Tensor, "B *dims"], k: int) -> Bool[Tensor, "B"]:
    """Where the k-th and the (k+1)-th largest |value| are equal, so that the values do not say what the top k are.

    Args:
        a: explanations.
        k: from 1 to the number of features, of which all d are never tied.

    Raises:
        TypeError, ValueError: as `top_k_agreement`.

    >>> tied(torch.tensor([[3.0, -2.0, 2.0], [3.0, -2.0, 1.0]]), 2)
    tensor([ True, False])
    """
    top = _top(_flat(a, "a"), k)
    return (top.border.sum(1) > top.places).to(a.device)


def angle(a: Float[Tensor, "B *dims"], b: Float[Tensor, "B *dims"]) -> Float[Tensor, "B"]:
    """The angle between two explanations, in radians from 0 to pi:

        2 atan2(|u - v|, |u + v|),    u = a / |a|, v = b / |b|.

    It equals arccos <u, v>, which near 0 and near pi loses half of the digits, and is not a number where <u, v> is
    rounded to more than 1.

    Args:
        a, b: explanations of the same examples.

    Raises:
        TypeError, ValueError: as `top_k_agreement`.

    >>> angle(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor([[0.0, 2.0], [-3.0, 0.0]]))
    tensor([1.5708, 3.1416])
    """
    u, v = (directions(each) for each in _flat_pair(a, b))
    return (2 * torch.atan2((u - v).norm(dim=1), (u + v).norm(dim=1))).to(a)


def normalized_change(a: Float[Tensor, "B *dims"], b: Float[Tensor, "B *dims"]) -> Float[Tensor, "B"]:
    """How far an explanation moved, in units of its own length; the only measure here in which a and b differ in role:

        |a - b| / |a|.

    Args:
        a: explanations before.
        b: explanations after, of the same examples.

    Raises:
        TypeError, ValueError: as `top_k_agreement`.

    >>> normalized_change(torch.tensor([[3.0, 4.0]]), torch.tensor([[3.0, 3.0]]))
    tensor([0.2000])
    """
    x, y = _flat_pair(a, b)
    # In units of the largest entry, so that no square is rounded to zero or overflows.
    unit = x.abs().amax(1, keepdim=True)
    return ((x / unit - y / unit).norm(dim=1) / (x / unit).norm(dim=1)).to(a)


@dataclass(frozen=True)
class _Top:
    """The top k of each row: `sure` to be in it, or at the `border`, of which `places` are drawn at random."""

    sure: Bool[Tensor, "B d"]
    border: Bool[Tensor, "B d"]
    places: Integer[Tensor, "B"]

    def parts(self) -> tuple[tuple[Bool[Tensor, "B d"], Float[Tensor, "B"]], ...]:
        """Features with the chance of each to be in the top k; all others have none."""
        return (self.sure, torch.ones_like(self.places).double()), (
            self.border,
            self.places.double() / self.border.sum(1),
        )

    def log_ways(self) -> Float[Tensor, "B"]:
        """The log of the number of ways to fill the places."""
        return _log_binomial(self.border.sum(1), self.places)

    def chance_within(self, features: Bool[Tensor, "B d"]) -> Float[Tensor, "B"]:
        """That the top k are all among `features`."""
        ways = _log_binomial((self.border & features).sum(1), self.places)
        return torch.where((self.sure & ~features).any(1), 0.0, (ways - self.log_ways()).exp())


def _top(flat: Float[Tensor, "B d"], k: int) -> _Top:
    k = check_k(k, flat.shape[1])
    size = flat.abs()
    last = size.topk(k).values[:, -1:]
    sure = size > last
    return _Top(sure, size == last, k - sure.sum(1))


def _same_sign(x: Float[Tensor, "B d"], y: Float[Tensor, "B d"]) -> Bool[Tensor, "B d"]:
    return ((x > 0) == (y > 0)) & ((x < 0) == (y < 0))


def _shared(one: _Top, two: _Top, features: Bool[Tensor, "B d"] | None = None) -> Float[Tensor, "B"]:
    """How many of `features`, by default of all, both have in their top k on average; from counts alone."""
    total = torch.zeros_like(one.places).double()
    for mine, chance in one.parts():
        mine = mine if features is None else mine & features
        for theirs, other in two.parts():
            total += (mine & theirs).sum(1) * chance * other
    return total


def _log_binomial(n: Integer[Tensor, "B"], k: Integer[Tensor, "B"]) -> Float[Tensor, "B"]:
    """log C(n, k), exactly 0 for C(n, n) and C(n, 0), and -inf where there is no such choice."""
    possible = (k >= 0) & (k <= n)
    k, rest = (torch.where(possible, count, 0).double() for count in (k, n - k))
    log = (n.double() + 1).lgamma() - (rest + 1).lgamma() - (k + 1).lgamma()
    return torch.where(possible, log, -torch.inf)


def _flat_pair(a: Tensor, b: Tensor) -> tuple[Float[Tensor, "B d"], Float[Tensor, "B d"]]:
    x, y = _flat(a, "a"), _flat(b, "b")
    if a.shape != b.shape or a.device != b.device:
        wanted = f"b: expected the shape and device of a, {tuple(a.shape)} on {a.device}"
        raise ValueError(f"{wanted}, got {tuple(b.shape)} on {b.device}")
    return x, y


def _flat(explanations: Tensor, name: str) -> Float[Tensor, "B d"]:
    """One row for each explanation, in float64, which not every device has."""
    check_input(explanations, name)
    flat = explanations.detach().flatten(1)
    flat = (flat.cpu() if flat.device.type == "mps" else flat).double()
    check_pointing(flat, name)
    return flat


def check_pointing(explanations: Float[Tensor, "B d"], name: str) -> None:
    """Check that no explanation is zero everywhere.

    Agreement with such a row would be whatever a sort does to equal numbers, and its angle that of 0 / 0.

    Raises:
        ValueError: some are; the message says how many, and which is the first.

    >>> check_pointing(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), "a")
    Traceback (most recent call last):
        ...
    ValueError: a: expected no explanation of zeros only, got 1 of 2, first row 1: leave them out and count them
    """
    zero = explanations.abs().amax(1) == 0
    if bool(zero.any()):
        got = f"{int(zero.sum())} of {len(zero)}, first row {int(zero.nonzero()[0])}"
        raise ValueError(f"{name}: expected no explanation of zeros only, got {got}: leave them out and count them")


def directions(explanations: Float[Tensor, "... d"]) -> Float[Tensor, "... d"]:
    """Explanations of length 1; by the largest entry first, so that no square is rounded to zero or overflows.

    >>> directions(torch.tensor([[3.0, 4.0], [0.0, 1e-30]]))
    tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]])
    """
    scaled = explanations / explanations.abs().amax(-1, keepdim=True)
    return scaled / scaled.norm(dim=-1, keepdim=True)


def check_k(k: object, d: int) -> int:
    """Check that k is an int from 1 to d, the number of features, and return it.

    Raises:
        TypeError, ValueError: it is not.

    >>> check_k(4, 3)
    Traceback (most recent call last):
        ...
    ValueError: k: expected an int of at most 3, the number of features, got 4
    """
    k = check_count(k, "k")
    if k > d:
        raise ValueError(f"k: expected an int of at most {d}, the number of features, got {k}")
    return k
