"""The nearest point with k non-zeros: magnitudes, not numbers, exactly k of them, and of ties the first."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, tensor

_NUDGE = "print w, k and your answer: which entry of w is kept and should not be, or the other way around?"
_TIES = "of entries of the same magnitude the first ones are kept, as many as there is room for"
_FORMULA = (
    "`order = w.flatten().abs().argsort(descending=True, stable=True)`; copy the entries at `order[:k]` into zeros"
)


@exercise(rating=1, minutes=10)
def projection(answer: Callable[..., Tensor]) -> str:
    """A function of `w (*dims), k`: a copy with the k entries of largest magnitude, else zero; of ties the first."""
    expect_function(answer)
    for case, w, k in _cases():
        _check_projection(answer, case, w, k)
    return "the nearest point with k non-zeros, and exactly k of them."


def _cases() -> Iterator[tuple[str, Tensor, int]]:
    """Without ties first, then with them, then the ends of k."""
    generator = torch.Generator().manual_seed(0)
    yield "four weights", torch.tensor([3.0, -1.0, 0.5, -2.0], dtype=torch.float64), 2
    yield "a large negative one", torch.tensor([0.2, 0.7, -5.0, 1.0, -0.3], dtype=torch.float64), 2
    yield "a matrix", torch.randn((3, 4), generator=generator, dtype=torch.float64), 5
    yield "ties", torch.tensor([1.0, -2.0, 0.5, 2.0, 2.0, -2.0, -2.0, 0.3], dtype=torch.float64), 2
    yield "ties below a larger one", torch.tensor([1.0, -3.0, 1.0, -1.0], dtype=torch.float64), 2
    yield "many ties", torch.randn(60, generator=generator, dtype=torch.float64).mul(3).round(), 20
    yield "all of one size", torch.tensor([[-0.7, 0.7], [0.7, -0.7], [0.7, 0.7]], dtype=torch.float64), 3
    yield "fewer non-zeros than k", torch.tensor([0.0, 2.0, 0.0, -1.0], dtype=torch.float64), 3
    yield "nothing kept", torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64), 0
    yield "all kept", torch.tensor([1.0, -2.0, 4.0], dtype=torch.float64), 3


def _largest(w: Tensor, k: int) -> Tensor:
    return _kept(w, w.flatten().abs().argsort(descending=True, stable=True)[:k])


def _kept(w: Tensor, places: Tensor) -> Tensor:
    """The entries of w at these places of the flat w, zero elsewhere."""
    kept = torch.zeros_like(w).flatten()
    kept[places] = w.flatten()[places]
    return kept.view_as(w)


def _check_projection(answer: Callable[..., Tensor], case: str, w: Tensor, k: int) -> None:
    given = w.clone()
    got = tensor(answer(given, k), tuple(w.shape), "your answer", "w and its projection have the same shape")
    want = _largest(w, k)
    if close(got, want):
        if got.data_ptr() == given.data_ptr() and not torch.equal(given, w):
            raise WrongAnswer(
                "your numbers are right; print w before and after the call",
                "you write zeros into w itself: begin with a copy, or with zeros",
                _FORMULA,
            )
        return
    for hint, wrong in (_of_all(w, k) | _of_ties(w, k)).items():
        if not close(wrong, want) and close(got, wrong):
            raise WrongAnswer(_NUDGE, f"{hint} ({case}, k = {k})", _FORMULA)
    raise WrongAnswer(_NUDGE, f"{_what_is_wrong(got, want)} ({case}, k = {k})", _FORMULA)


def _of_all(w: Tensor, k: int) -> dict[str, Tensor]:
    """Mistakes that have nothing to do with ties."""
    want, size = _largest(w, k), w.numel()
    rows = torch.stack([_largest(row, k) for row in w]) if w.dim() > 1 else want
    smallest = w.flatten().abs().argsort(stable=True)
    mistakes = {
        "you keep the largest numbers; a weight far below zero is large, too": _kept(
            w, w.flatten().argsort(descending=True, stable=True)[:k]
        ),
        "you keep the k smallest; they are those that go": _kept(w, smallest[:k]),
        "k is how many are kept, not how many go": _largest(w, size - k),
        "these are magnitudes: what is kept keeps its sign": want.abs(),
        "this is the mask; what is kept is as large as in w": (want != 0).double(),
        "you keep k in each row; k is for all of w": rows,
        "one too few are kept: the k-th largest is one of the k largest": _largest(w, max(k - 1, 0)),
        "one too many are kept: the k-th largest has the place k - 1 when one counts from zero": _largest(w, k + 1),
    }
    everything = {"with k = 0 nothing is kept: a slice [-0:] is everything": w} if k == 0 else {}
    return {**everything, **mistakes, "nothing is set to zero": w}


def _of_ties(w: Tensor, k: int) -> dict[str, Tensor]:
    """Mistakes that show where the k-th magnitude is there more than once."""
    magnitude = w.abs()
    last = magnitude.flatten().argsort(stable=True)[w.numel() - k :]
    mistakes = {f"you keep the last: {_TIES}": _kept(w, last)}
    if k > 0:
        threshold = float(magnitude.flatten().sort(descending=True).values[k - 1])
        mistakes[f"all entries as large as the k-th are kept, more than k: {_TIES}"] = w * (magnitude >= threshold)
        mistakes[f"no entry as large as the k-th is kept, fewer than k are left: {_TIES}"] = w * (magnitude > threshold)
    return mistakes


def _what_is_wrong(got: Tensor, want: Tensor) -> str:
    sizes = [kept.abs().flatten().sort().values for kept in (got, want)]
    if close(*sizes):
        return f"exactly k are kept, but not these: {_TIES} (`topk` does not promise it)"
    left, right = int(got.count_nonzero()), int(want.count_nonzero())
    if left != right:
        return f"{left} entries are not zero, and there should be {right}"
    if bool(((got != 0) == (want != 0)).all()):
        return "the right entries are kept, but they should be as they are in w"
    return "as many entries as should are not zero, but others"
