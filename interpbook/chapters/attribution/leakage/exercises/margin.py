"""The largest margin of a network of size one without biases, on signals of different lengths."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, number

# Lengths of the signals.
CASES = ([1.0], [1.0] * 4, [3.0, 4.0], [1.0, 2.0, 2.0], [0.1, 5.0, 7.0, 0.4], [2.5] * 7, [0.3, 0.2])
_NUDGE = "what do the margins at c_j e_j and -c_j e_j add up to? All r of these sums are to be large, and v is short"
_FORMULA = "1 / (2 * (1 / c**2).sum().sqrt())"


@exercise(rating=2, minutes=15)
def max_margin(answer: Callable[..., object]) -> str:
    """A function of `c (r,)`, the lengths of the signals: the largest smallest margin."""
    expect_function(answer)
    lengths = [torch.tensor(case, dtype=torch.float64) for case in CASES]
    got = torch.tensor([number(answer(c.clone()), "the margin") for c in lengths], dtype=torch.float64)
    want = torch.stack([_attained(c) for c in lengths])
    if not close(got, want):
        raise WrongAnswer(_NUDGE, _what_is_wrong(got, want, lengths), _FORMULA)
    return "the shorter a signal, the larger the gradient there, at every input."


def best_network(c: Tensor) -> tuple[Tensor, Tensor]:
    """Outer weights a and inner weights W of a network of size one that attains the largest margin."""
    v = 1 / c / (1 / c).norm()
    return torch.tensor([0.5, -0.5], dtype=c.dtype), torch.stack([v, -v])


def smallest_margin(a: Tensor, w: Tensor, c: Tensor) -> Tensor:
    """Of f(x) = sum a_i relu(<w_i, x>) at the points c_j e_j, label 1, and -c_j e_j, label -1."""
    points = torch.diag(c)
    return torch.cat([(points @ w.T).relu() @ a, -((-points @ w.T).relu() @ a)]).min()


def _attained(c: Tensor) -> Tensor:
    return smallest_margin(*best_network(c), c)


def _what_is_wrong(got: Tensor, want: Tensor, lengths: list[Tensor]) -> str:
    for hint, wrong in _MISTAKES.items():
        if close(got, torch.stack([torch.as_tensor(wrong(c), dtype=torch.float64) for c in lengths])):
            return hint
    place = next(i for i in range(len(want)) if not close(got[i], want[i]))
    said, best, c = float(got[place]), float(want[place]), lengths[place]
    case = f"for c = {listed(c)} your function says {said:.4g}"
    if said < best:
        _, (v, _) = best_network(c)
        return f"{case}, and the network (relu(<v, x>) - relu(-<v, x>)) / 2 with v = {listed(v)} has {best:.4g}"
    return f"{case}, and no network of size 1 has more than {best:.4g}"


# What each mistake comes to.
_MISTAKES: dict[str, Callable[[Tensor], Tensor | float]] = {
    "the margins at the two opposite points share this: they add up to c_j v_j": lambda c: 1 / (1 / c).norm(),
    "this is theorem 1, for signals of length 1: the lengths are missing": lambda c: 1 / (2 * len(c) ** 0.5),
    "the lengths are missing, and so is the half: two opposite points share the sum": lambda c: 1 / len(c) ** 0.5,
    "1 / r is a share of the gradient, not a margin, and it has no lengths": lambda c: 1 / len(c),
    "the entries of v obey sum v_j**2 <= 1, not sum v_j <= 1; and the lengths are missing": lambda c: 1 / (2 * len(c)),
    "sqrt(r) / 2 bounds all pairs together, and there is one smallest margin; the lengths are missing": lambda c: (
        len(c) ** 0.5 / 2
    ),
    "with equal weights the shortest signal decides: give it a larger weight": lambda c: c.min() / (2 * len(c) ** 0.5),
    "this is the mean margin under equal weights: the smallest counts": lambda c: c.mean() / (2 * len(c) ** 0.5),
    "weights like the lengths help the signals that need it least": lambda c: c.square().min() / (2 * c.norm()),
    "this bounds the sum of all pairs, which no single margin reaches": lambda c: c.norm() / 2,
    "this is the mean over the pairs, with weights like the lengths: the smallest margin counts": lambda c: (
        c.norm() / (2 * len(c))
    ),
    "all weight on the shortest signal leaves none for the others": lambda c: c.min() / 2,
    "a root is missing: it is the length of v that is bounded by 1": lambda c: 1 / (2 * (1 / c).square().sum()),
    "the entries of v obey sum v_j**2 <= 1, not sum v_j <= 1": lambda c: 1 / (2 * (1 / c).sum()),
    "this is half of the harmonic mean; v is bounded in its Euclidean length": lambda c: len(c) / (2 * (1 / c).sum()),
    "this is upside down: longer signals have larger margins": lambda c: (1 / c).norm() / 2,
    "this falls when a signal grows: it is 1 / c_j that is squared": lambda c: 1 / (2 * c.norm()),
    "the two opposite points are counted twice: one half is enough": lambda c: 1 / (4 * (1 / c).norm()),
}
