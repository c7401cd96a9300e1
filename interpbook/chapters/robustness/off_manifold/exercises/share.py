"""The share of a gradient that lies on the signal, of each example by itself."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, tensor

_NUDGE = "try a gradient (4, -2) with a mask (True, False): 4 / 5 of its squared length lie on the signal"
_SHARE = "the sum of the squares under the mask, over the sum of all squares, both over all dimensions but the first"


@exercise(rating=1, minutes=10)
def signal_share(answer: Callable[..., Tensor]) -> str:
    """A function of `gradient (B, *dims), mask (B, *dims)`: the share of the squared length under the mask, (B,)."""
    expect_function(answer)
    for gradient, mask in _cases():
        _check_share(answer, gradient, mask)
    return "a share, not a size: it does not say how long the gradient is, nor whether the answer is right."


def _cases() -> Iterator[tuple[Tensor, Tensor]]:
    """Gradients of very different lengths, each with its own mask."""
    generator = torch.Generator().manual_seed(0)
    plain = torch.tensor([[4.0, -2.0]], dtype=torch.float64)
    yield plain, torch.tensor([[True, False]])
    for shape in ((3, 1, 4, 2), (4, 5)):
        gradient = torch.randn(shape, generator=generator, dtype=torch.float64)
        lengths = torch.logspace(-1, 1, shape[0], dtype=torch.float64).view(-1, *[1] * (len(shape) - 1))
        mask = torch.rand(shape, generator=generator) < 0.4
        mask.flatten(1)[:, 0], mask.flatten(1)[:, -1] = True, False
        yield lengths * gradient, mask


def _check_share(answer: Callable[..., Tensor], gradient: Tensor, mask: Tensor) -> None:
    size = len(gradient)
    got = tensor(
        answer(gradient.clone(), mask.clone()),
        (size,),
        "your share",
        "one number for each example: do you sum over the batch, or not over all of the rest?",
        "`.flatten(1).sum(1)` sums over all dimensions but the first",
    )
    flat, signal = gradient.flatten(1), mask.flatten(1).double()
    squares = flat.square()
    on, everything = (squares * signal).sum(1), squares.sum(1)
    share = on / everything
    if close(got, share):
        return
    mistakes = {
        "square the lengths: the share is one of the squared length, so that on and off add up to one": share.sqrt(),
        "you sum absolute values; the squares are asked for": (flat.abs() * signal).sum(1) / flat.abs().sum(1),
        "numbers of both signs cancel in your sums: square them first": (flat * signal).sum(1) / flat.sum(1),
        "this is the share beside the signal: the mask is True on it": 1 - share,
        "you divide by what lies beside the signal; divide by all": on / (everything - on),
        "sums, not means: a mean over the signal's pixels grows when the mask is small": (on / signal.sum(1))
        / squares.mean(1),
        "this is the squared length on the signal; divide by the whole squared length": on,
        "you divide by the squared length of the whole batch: each example has its own": on / everything.sum(),
        "all examples get one share, that of the batch: each has its own": (on.sum() / everything.sum()).expand(size),
        "this is the share of the pixels under the mask, whatever the gradient is": signal.mean(1),
        "every example has a mask of its own, and you use the first for all": (squares * signal[0]).sum(1) / everything,
    }
    for hint, wrong in mistakes.items():
        if not close(wrong, share) and close(got, wrong):
            raise WrongAnswer(_NUDGE, hint, _SHARE)
    raise WrongAnswer(_NUDGE, f"the shares of a batch should be {listed(share)}, and are {listed(got)}", _SHARE)
