"""The next layer after a removal: the kept rows solved by least squares against all of T, the others zero."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, tensor

_NUDGE = "print T - A @ V for your V: are its products with each kept column, A[:, kept].T @ (T - A @ V), zero?"
_FORMULA = "zeros, with V[kept] = torch.linalg.lstsq(A[:, kept], A @ W).solution"


@exercise(rating=1, minutes=10)
def repaired(answer: Callable[..., Tensor]) -> str:
    """A function of `A (n, d), W (d, m), kept (k,)`: weights (d, m), zero where a neuron went, the others the best."""
    expect_function(answer)
    for case in _cases():
        _check_repair(answer, *case)
    return "what the removed neurons said, the kept ones say as well as they can."


def _cases() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Activations of ReLUs, which overlap; the kept ones in any order; once fewer examples than neurons."""
    generator = torch.Generator().manual_seed(0)
    for n, d, m, kept in ((12, 5, 3, (0, 2, 3)), (20, 6, 1, (4, 1)), (9, 12, 2, (7, 2, 11, 5)), (16, 4, 5, (3, 0, 2))):
        activations = (torch.randn((n, d), generator=generator, dtype=torch.float64) + 0.7).relu()
        weights = torch.randn((d, m), generator=generator, dtype=torch.float64)
        yield activations, weights, torch.tensor(kept)


def _solved(columns: Tensor, target: Tensor) -> Tensor:
    return torch.linalg.pinv(columns) @ target


def _filled(weights: Tensor, kept: Tensor, rows: Tensor) -> Tensor:
    whole = torch.zeros_like(weights)
    whole[kept] = rows
    return whole


def _check_repair(answer: Callable[..., Tensor], activations: Tensor, weights: Tensor, kept: Tensor) -> None:
    given = weights.clone()
    d, m = weights.shape
    got = tensor(
        answer(activations.clone(), given, kept.clone()),
        (d, m),
        "the weights",
        "one row for each neuron, also for those that went, and one column for each output",
        _FORMULA,
    )
    want = _filled(weights, kept, _solved(activations[:, kept], activations @ weights))
    if close(got, want):
        if not torch.equal(given, weights) and got.data_ptr() == given.data_ptr():
            raise WrongAnswer(
                "your numbers are right; print W before and after the call",
                "you write into W itself: begin with zeros, or with a copy",
                _FORMULA,
            )
        return
    case = f"({len(activations)} examples, {d} neurons, kept {kept.tolist()})"
    for hint, wrong in _mistakes(activations, weights, kept).items():
        if not close(wrong, want) and close(got, wrong):
            raise WrongAnswer(_NUDGE, f"{hint} {case}", _FORMULA)
    raise WrongAnswer(_NUDGE, f"{_what_is_wrong(got, want, activations, weights, kept)} {case}", _FORMULA)


def _mistakes(activations: Tensor, weights: Tensor, kept: Tensor) -> dict[str, Tensor]:
    own, target = activations[:, kept], activations @ weights
    solved, old = _solved(own, target), weights[kept]
    best = _filled(weights, kept, solved)
    gone = torch.ones(len(weights), dtype=torch.bool)
    gone[kept] = False
    short = own @ old
    with_ones = torch.cat([own, torch.ones_like(own[:, :1])], dim=1)
    gram = activations.T @ activations
    factor = (short * target).sum() / short.square().sum()
    return {
        "these are W's own rows: nothing makes up for what went (solving against A_S W_S gives just them)": _filled(
            weights, kept, old
        ),
        "this is W as it was: nothing is removed": weights,
        "nothing is solved again, and all is zero": torch.zeros_like(weights),
        "the removed neurons are solved for, and the kept ones are zero": _filled(
            weights, gone, _solved(activations[:, gone], target)
        ),
        "this is the correction alone, what went in terms of what stays: add W's rows to it": best
        - _filled(weights, kept, old),
        "W's rows are added to a solution that holds them already": best + _filled(weights, kept, old),
        "the correction is to be added to W's rows, not taken away": 2 * _filled(weights, kept, old) - best,
        "the kept rows are solved, but those of the removed neurons are W's, not zero": best + weights * gone[:, None],
        "you solve for a bias as well, with a column of ones or with means taken off: the bias stays": _filled(
            weights, kept, _solved(with_ones, target)[:-1]
        ),
        "all neurons are solved for, and the removed ones cut away afterwards: solve for the kept ones alone": _filled(
            weights, kept, _solved(activations, target)[kept]
        ),
        "a block of the inverse of G is not the inverse of its block G_SS": _filled(
            weights, kept, torch.linalg.pinv(gram)[kept][:, kept] @ own.T @ target
        ),
        "each kept neuron is fitted alone, as if the others were not there": _filled(
            weights, kept, (own.T @ target) / own.square().sum(0)[:, None]
        ),
        "this is C_S = A_S^T T: divide by G_SS": _filled(weights, kept, own.T @ target),
        "one factor for all of W's rows is not least squares: each weight may change": _filled(
            weights, kept, factor * old
        ),
        "row j of the solution belongs to neuron kept[j]; `kept` may come in any order": _filled(
            weights, kept.sort().values, solved
        ),
        "the solution stands in the first rows: row j belongs to neuron kept[j]": _filled(
            weights, torch.arange(len(kept)), solved
        ),
    }


def _what_is_wrong(got: Tensor, want: Tensor, activations: Tensor, weights: Tensor, kept: Tensor) -> str:
    gone = torch.ones(len(weights), dtype=torch.bool)
    gone[kept] = False
    if bool(got[gone].any()):
        place = int(got[gone].ne(0).any(1).nonzero()[0, 0])
        return f"neuron {int(gone.nonzero()[place, 0])} went, and its row is not zero"
    errors = [float((activations @ (weights - some)).square().sum()) for some in (got, want)]
    return f"the squared error ||T - A V||^2 is {errors[0]:.4g}, and could be {errors[1]:.4g}"
