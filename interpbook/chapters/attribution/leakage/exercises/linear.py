"""The smallest margin of a linear function, when each coordinate of each example may move by eps."""

import itertools
from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, number

Case = tuple[Tensor, float, Tensor, Tensor, float]
_NUDGE = "w = (3, -1), b = 0, x = (1, 0), y = 1, eps = .1: how much can the first coordinate take away, and the second?"
_FORMULA = "(y * (x @ w + b)).min() - eps * w.abs().sum()"


@exercise(rating=1, minutes=10)
def robust_linear(answer: Callable[..., object]) -> str:
    """A function of `w (d,), b, x (N, d), y (N,), eps`: the smallest margin under the worst move, one number."""
    expect_function(answer)
    cases = list(_cases())
    got = torch.tensor([_read(answer, case) for case in cases], dtype=torch.float64)
    want = torch.stack([_worst(*case) for case in cases])
    if not close(got, want):
        raise WrongAnswer(_NUDGE, _what_is_wrong(got, want, cases), _FORMULA)
    return "each coordinate takes eps |w_k|, also those where no example has any signal."


def _cases() -> Iterator[Case]:
    """The data +-e_j, first with robust weights, then not; and points anywhere, some on the wrong side."""
    eye = torch.eye(4, dtype=torch.float64)[:3]
    signs = torch.tensor([1.0] * 3 + [-1.0] * 3, dtype=torch.float64)
    for w, eps in (([0.5, 0.4, 0.6, 0.0], 0.2), ([0.9, -0.2, 0.3, 0.7], 0.3)):
        yield torch.tensor(w, dtype=torch.float64), 0.0, torch.cat([eye, -eye]), signs, eps
    generator = torch.Generator().manual_seed(0)
    for points, d, b, eps in ((5, 3, 0.7, 0.05), (7, 5, -0.4, 0.5), (3, 2, 0.25, 1.5)):
        w, *x = torch.randn((points + 1, d), generator=generator, dtype=torch.float64)
        y = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat(points)[:points]
        yield w, b, torch.stack(x), y, eps


def _read(answer: Callable[..., object], case: Case) -> float:
    w, b, x, y, eps = case
    return number(answer(w.clone(), b, x.clone(), y.clone(), eps), "the smallest margin")


def _worst(w: Tensor, b: float, x: Tensor, y: Tensor, eps: float) -> Tensor:
    """By trying every corner of the box around every example: a linear function is smallest at one of them."""
    corners = eps * torch.tensor(list(itertools.product((-1.0, 1.0), repeat=len(w))), dtype=torch.float64)
    return (y[:, None] * ((x[:, None] + corners) @ w + b)).min()


def _what_is_wrong(got: Tensor, want: Tensor, cases: list[Case]) -> str:
    for hint, wrong in _MISTAKES.items():
        if close(got, torch.stack([torch.as_tensor(wrong(*case), dtype=torch.float64) for case in cases])):
            return hint
    place = next(i for i in range(len(want)) if not close(got[i], want[i]))
    w, b, x, _, eps = cases[place]
    return (
        f"for w = {listed(w)}, b = {b:g}, eps = {eps:g} and {len(x)} examples your function says "
        f"{float(got[place]):.3g}; the worst corner of the worst example has the margin {float(want[place]):.3g}"
    )


def _margins(w: Tensor, b: float, x: Tensor, y: Tensor) -> Tensor:
    return y * (x @ w + b)


# What each mistake comes to.
_MISTAKES: dict[str, Callable[[Tensor, float, Tensor, Tensor, float], Tensor]] = {
    "this is the margin without an attack": lambda w, b, x, y, eps: _margins(w, b, x, y).min(),
    "the Euclidean length of w belongs to an attack of Euclidean length eps; here each coordinate may move": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() - eps * w.norm()
    ),
    "this moves the one coordinate with the largest weight; all of them may move together": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() - eps * w.abs().max()
    ),
    "this is the loss of a coordinate on average: add them up": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() - eps * w.abs().mean()
    ),
    "the attack chooses each sign by itself, so a negative weight costs as much as a positive one": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() - eps * w.sum()
    ),
    "the attack costs eps times the sizes of the weights, not eps itself": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() - eps
    ),
    "the attack costs eps for each coordinate only where the weights are +1 or -1": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() - eps * len(w)
    ),
    "an attack lowers the margin, and this raises it": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() + eps * w.abs().sum()
    ),
    "a coordinate moves by eps, not from -eps to eps": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() - 2 * eps * w.abs().sum()
    ),
    "a coordinate that is zero in an example may move, too": (
        lambda w, b, x, y, eps: (_margins(w, b, x, y) - eps * (x != 0).double() @ w.abs()).min()
    ),
    "only coordinates that are zero in an example move here; the signal's own may move, too": (
        lambda w, b, x, y, eps: (_margins(w, b, x, y) - eps * (x == 0).double() @ w.abs()).min()
    ),
    "this is the mean over the examples: the smallest is asked": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).mean() - eps * w.abs().sum()
    ),
    "this is the largest margin: the smallest is asked": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).max() - eps * w.abs().sum()
    ),
    "the label is missing: an example with y = -1 wants f below zero": (
        lambda w, b, x, y, eps: (x @ w + b).min() - eps * w.abs().sum()
    ),
    "the sign of a margin counts: an example on the wrong side has a negative one": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).abs().min() - eps * w.abs().sum()
    ),
    "the bias is missing": lambda w, b, x, y, eps: _margins(w, 0.0, x, y).min() - eps * w.abs().sum(),
    "the bias is no input: nobody can move it": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() - eps * (w.abs().sum() + abs(b))
    ),
    "do not cut off at zero: a negative margin says how far the attack wins": (
        lambda w, b, x, y, eps: (_margins(w, b, x, y).min() - eps * w.abs().sum()).clamp(min=0)
    ),
    "this is the eps that the function could bear, not its margin at the given eps": (
        lambda w, b, x, y, eps: _margins(w, b, x, y).min() / w.abs().sum()
    ),
}
