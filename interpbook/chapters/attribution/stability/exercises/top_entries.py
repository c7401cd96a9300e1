"""How many of the k largest entries two explanations have in common, with the same sign."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, tensor

_NUDGE = "take a = (3, -2, 1, 0), b = (-5, -4, 0, 1) and k = 2: which features are in both sets, with which signs?"
_FORMULA = (
    "a feature counts where it is in a.abs().topk(k, dim=1).indices and in b's, and a.sign() == b.sign(); "
    "add up over the features, and divide by k"
)
_ZERO_NUDGE = "what are the two largest entries of (0, 0, 0, 0)?"
_ZERO_FORMULA = 'if not (a.any(1) & b.any(1)).all(): raise ValueError("...")'


@exercise(rating=2, minutes=15)
def agreement(answer: Callable[..., Tensor]) -> str:
    """A function of `a (B, d), b (B, d), k`: the shared top entries of equal sign, of k; ValueError for a zero row."""
    expect_function(answer)
    cases = list(_cases())
    got, want = torch.cat([_agreements(answer, *case) for case in cases]), _together(_agreed, cases)
    if not close(got, want):
        raise WrongAnswer(_NUDGE, _what_is_wrong(got, want, cases), _FORMULA)
    for which in ((0,), (1,), (0, 1)):
        _check_refusal(answer, which)
    return "a feature that pushes one network up and the other down is no agreement."


def _cases() -> Iterator[tuple[Tensor, Tensor, int]]:
    """Two explanations that are alike; rows of many zeros, but no zero rows; a row, itself and its opposite."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    small = torch.tensor([[3.0, -2.0, 1.0, 0.0], [0.0, 0.0, 5.0, 4.0]], dtype=torch.float64)
    yield small, torch.tensor([[-5.0, -4.0, 0.0, 1.0], [7.0, 0.0, 6.0, 0.0]], dtype=torch.float64), 2
    for rows, d, k in ((6, 7, 3), (5, 12, 4), (4, 5, 1)):
        a = normal(rows, d)
        yield a, a + normal(rows, d), k
    a = normal(3, 9)
    yield a, a * torch.tensor([[1.0], [-1.0], [2.0]], dtype=torch.float64), 5


def _agreements(answer: Callable[..., Tensor], a: Tensor, b: Tensor, k: int) -> Tensor:
    try:
        said = answer(a.clone(), b.clone(), k)
    except WrongAnswer as refused:
        if isinstance(refused.__cause__, ValueError) and not a.all():
            raise WrongAnswer(
                "read the message: which of your rows do you refuse?",
                "you refuse rows with some zeros in them; only a row of nothing but zeros has no largest entries",
                _ZERO_FORMULA,
            ) from refused
        raise
    return tensor(said, (len(a),), "the agreement", "one number for each row, no mean over the examples", _FORMULA)


def _together(measure: Callable[[Tensor, Tensor, int], Tensor], cases: list[tuple[Tensor, Tensor, int]]) -> Tensor:
    return torch.cat([measure(*case) for case in cases])


def _top(values: Tensor, k: int) -> Tensor:
    """Which entries of each row are among its k largest, True or False."""
    return torch.zeros_like(values, dtype=torch.bool).scatter(1, values.topk(k, dim=1).indices, True)


def _tops(a: Tensor, b: Tensor, k: int) -> tuple[Tensor, Tensor, Tensor]:
    """The top k by size of both, and where signs are equal."""
    return _top(a.abs(), k), _top(b.abs(), k), a.sign() == b.sign()


def _agreed(a: Tensor, b: Tensor, k: int) -> Tensor:
    of_a, of_b, same = _tops(a, b, k)
    return (of_a & of_b & same).double().mean(1) * a.shape[1] / k


def _what_is_wrong(got: Tensor, want: Tensor, cases: list[tuple[Tensor, Tensor, int]]) -> str:
    for hint, measure in _MISTAKES.items():
        if close(got, _together(measure, cases)):
            return hint
    off = ~torch.isclose(got, want, rtol=1e-4, atol=1e-5)
    place = int(off.nonzero()[0, 0])
    rows = [(a, b, k) for many, others, k in cases for a, b in zip(many, others, strict=True)]
    a, b, k = rows[place]
    return (
        f"for a = {listed(a)}, b = {listed(b)} and k = {k} your function says {float(got[place]):.3g}, "
        f"not {float(want[place]):.3g}"
    )


def _check_refusal(answer: Callable[..., Tensor], which: tuple[int, ...]) -> None:
    """That a row of zeros, in some of the two explanations, is refused with a ValueError."""
    generator = torch.Generator().manual_seed(1)
    pair = torch.randn((2, 4, 6), generator=generator, dtype=torch.float64)
    pair[which, 2] = 0
    names = " and ".join("ab"[i] for i in which)
    try:
        said = answer(*pair.clone(), 2)
    except WrongAnswer as refused:
        if isinstance(refused.__cause__, ValueError):
            return
        if refused.__cause__ is None:
            raise
        raised = type(refused.__cause__).__name__
        raise WrongAnswer(_ZERO_NUDGE, f"you raise {raised}; a wrong value is a ValueError", _ZERO_FORMULA) from None
    raise WrongAnswer(
        _ZERO_NUDGE,
        f"row 2 of {names} is zero, and your function says {listed(tensor(said, (4,), 'the agreement'))}: refuse it",
        _ZERO_FORMULA,
    )


def _of_signed_values(a: Tensor, b: Tensor, k: int) -> Tensor:
    return (_top(a, k) & _top(b, k) & (a.sign() == b.sign())).sum(1) / k


def _of_smallest(a: Tensor, b: Tensor, k: int) -> Tensor:
    return (_top(-a.abs(), k) & _top(-b.abs(), k) & (a.sign() == b.sign())).sum(1) / k


def _without_signs(a: Tensor, b: Tensor, k: int) -> Tensor:
    of_a, of_b, _ = _tops(a, b, k)
    return (of_a & of_b).sum(1) / k


def _of_the_union(a: Tensor, b: Tensor, k: int) -> Tensor:
    of_a, of_b, same = _tops(a, b, k)
    return (of_a & of_b & same).sum(1) / (of_a | of_b).sum(1)


def _jaccard(a: Tensor, b: Tensor, k: int) -> Tensor:
    of_a, of_b, _ = _tops(a, b, k)
    return (of_a & of_b).sum(1) / (of_a | of_b).sum(1)


def _of_the_shared(a: Tensor, b: Tensor, k: int) -> Tensor:
    of_a, of_b, same = _tops(a, b, k)
    shared = (of_a & of_b).sum(1)
    return (of_a & of_b & same).sum(1) / shared.clamp(min=1)


def _of_the_first(a: Tensor, b: Tensor, k: int) -> Tensor:
    of_a, _, same = _tops(a, b, k)
    return (of_a & same).sum(1) / k


def _in_the_same_order(a: Tensor, b: Tensor, k: int) -> Tensor:
    first, second = a.abs().topk(k, dim=1).indices, b.abs().topk(k, dim=1).indices
    return ((first == second) & (a.sign().gather(1, first) == b.sign().gather(1, second))).sum(1) / k


def _all_or_nothing(a: Tensor, b: Tensor, k: int) -> Tensor:
    of_a, of_b, same = _tops(a, b, k)
    return (same | ~(of_a | of_b)).all(1).double()


def _less_the_opposed(a: Tensor, b: Tensor, k: int) -> Tensor:
    of_a, of_b, _ = _tops(a, b, k)
    return ((of_a & of_b) * a.sign() * b.sign()).sum(1) / k


# What each mistake comes to.
_MISTAKES: dict[str, Callable[[Tensor, Tensor, int], Tensor]] = {
    "you take the largest signed values: a feature that pushes down hard is large, too; sort by size": (
        _of_signed_values
    ),
    "these are the smallest entries: topk takes the largest by itself": _of_smallest,
    "signs are not looked at: a feature may push one network up and the other down": _without_signs,
    "you divide by the union of the sets (Jaccard): divide by k": _of_the_union,
    "you divide by the union of the sets (Jaccard), and signs are not looked at": _jaccard,
    "you divide by what the sets share; divide by k, or one lucky feature counts as full agreement": _of_the_shared,
    "you look at the signs of a's set alone: a feature has to be in b's set, too": _of_the_first,
    "you compare place by place, the largest with the largest; the order within the sets does not count": (
        _in_the_same_order
    ),
    "one sign that differs makes all of it zero: count feature by feature": _all_or_nothing,
    "a feature of opposite signs counts as none, not as minus one": _less_the_opposed,
    "you divide by d, the number of features: divide by k": lambda a, b, k: _agreed(a, b, k) * k / a.shape[1],
    "this is a number of features: divide by k": lambda a, b, k: _agreed(a, b, k) * k,
    "this is the share of all features with equal signs: only the k largest count": lambda a, b, k: (
        (a.sign() == b.sign()).double().mean(1)
    ),
}
