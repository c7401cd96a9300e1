"""The learning rate below which the best weights of a support, whichever it is, are a fixed point."""

from collections.abc import Callable, Iterator
from math import isclose

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, number

_NUDGE = (
    "at the solution on the support, which entries of w and of g are zero? Take one step, and ask who is among the k"
)
_FORMULA = "min |w_j| over j in the support, over max |g_i| over i outside, at the least-squares solution w"


@exercise(rating=2, minutes=15)
def critical_learning_rate(answer: Callable[..., object]) -> str:
    """A function of `X (n, d), y (n,), support (d,)`: the largest lr at which least squares on it is a fixed point."""
    expect_function(answer)
    for inputs, y, support in _cases():
        _check_rate(answer, inputs, y, support)
    return "every support is a trap for a learning rate that is small enough."


def _cases() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Correlated columns, once more of them than equations; supports as they come."""
    generator = torch.Generator().manual_seed(0)
    for n, d, places in ((12, 6, (0, 3)), (9, 7, (1, 2, 6)), (7, 10, (4, 5, 8)), (15, 4, (2,))):
        inputs = torch.randn((n, d), generator=generator, dtype=torch.float64)
        inputs = inputs + 0.6 * torch.randn((n, 1), generator=generator, dtype=torch.float64)
        y = inputs @ torch.randn(d, generator=generator, dtype=torch.float64)
        support = torch.zeros(d, dtype=torch.bool)
        support[[*places]] = True
        yield inputs, y, support


def _solution(inputs: Tensor, y: Tensor, support: Tensor) -> Tensor:
    w = inputs.new_zeros(inputs.shape[1])
    w[support] = torch.linalg.pinv(inputs[:, support]) @ y
    return w


def _check_rate(answer: Callable[..., object], inputs: Tensor, y: Tensor, support: Tensor) -> None:
    got = number(answer(inputs.clone(), y.clone(), support.clone()), "the learning rate")
    n, d = inputs.shape
    w = _solution(inputs, y, support)
    g = inputs.T @ (inputs @ w - y)
    want = float(w[support].abs().min() / g[~support].abs().max())
    if isclose(got, want, rel_tol=1e-4):
        return
    case = f"n = {n}, d = {d}, k = {int(support.sum())}"
    for hint, wrong in _mistakes(inputs, y, support, w, g).items():
        value = float(wrong)
        if not isclose(value, want, rel_tol=1e-4) and isclose(got, value, rel_tol=1e-4):
            raise WrongAnswer(_NUDGE, f"{hint} ({case})", _FORMULA)
    what = "not a number" if got != got else f"{got:.3g}"
    raise WrongAnswer(_NUDGE, f"the learning rate should be {want:.3g}, and is {what} ({case})", _FORMULA)


def _mistakes(inputs: Tensor, y: Tensor, support: Tensor, w: Tensor, g: Tensor) -> dict[str, Tensor]:
    own, off = w[support], g[~support]
    smallest, longest = own.abs().min(), off.abs().max()
    want = smallest / longest
    cut = torch.linalg.pinv(inputs) @ y * support
    gradient_of_cut = inputs.T @ (inputs @ cut - y)
    at_zero = inputs.T @ y
    norm = torch.linalg.matrix_norm(inputs, ord=2) ** 2
    return {
        "the weakest kept weight loses its place first, not the strongest": own.abs().max() / longest,
        "one weight loses its place: take the smallest, not the mean": own.abs().mean() / longest,
        "the strongest zero weight comes back first, not the weakest": smallest / off.abs().min(),
        "one weight comes back: take the largest |g|, not the mean": smallest / off.abs().mean(),
        "one weight comes back: the length of g is that of all of them together": smallest / off.norm(),
        "a kept weight far below zero is large, too: take its magnitude": own.min() / longest,
        "a weight comes back on either side of zero: take the magnitude of g": smallest / off.max(),
        "it is upside down": 1 / want,
        "the loss has a half: its gradient is X^T (X w - y), without a two": want / 2,
        "the loss is a sum over equations, not a mean": want * len(y),
        "the loss is half a sum, not a mean of squares": want * len(y) / 2,
        "the solution of all columns, cut to the support, is not the solution on the support": (
            cut[support].abs().min() / gradient_of_cut[~support].abs().max()
        ),
        "g is the gradient at the solution on the support, not at w = 0": smallest / at_zero[~support].abs().max(),
        "this is where gradient descent begins to diverge, whatever is projected": 2 / norm,
        "this is where gradient descent certainly does not climb, whatever is projected": 1 / norm,
        "this is the largest |g|; how far must it bring a weight?": longest,
        "this is the smallest weight; how fast does another grow?": smallest,
    }
