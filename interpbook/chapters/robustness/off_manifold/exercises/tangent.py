"""The orthogonal projection onto what the columns of a Jacobian span, whether they are independent or not."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, tensor

_NUDGE = "P should leave every column of J as it is, and be its own square: try P @ J and P @ P"
_PROJECTION = "P = J (J^T J)^-1 J^T, or U U^T with an orthonormal basis U of the columns, or J @ torch.linalg.pinv(J)"


@exercise(rating=2, minutes=15)
def tangent_space(answer: Callable[..., Tensor]) -> str:
    """A function of `jacobian (d, k)`: the orthogonal projection onto the span of its columns, shape (d, d)."""
    expect_function(answer)
    generator = torch.Generator().manual_seed(0)
    _check_projection(answer, torch.tensor([[3.0], [4.0], [0.0]], dtype=torch.float64))
    for d, k in ((5, 2), (4, 3), (6, 1)):
        _check_projection(answer, torch.randn((d, k), generator=generator, dtype=torch.float64) + 0.5)
    # One coordinate of the code does nothing; the third column is the sum of the others.
    unused = torch.tensor([[2.0, 0.0], [1.0, 0.0], [-2.0, 0.0]], dtype=torch.float64)
    dependent = torch.tensor([[1.0, 0, 1], [2, 1, 3], [0, 3, 3], [1, -1, 0]], dtype=torch.float64)
    for jacobian, rank in ((unused, 1), (dependent, 2)):
        _check_rank(answer, jacobian, rank)
    return "trace(P) is the number of directions in which the decoder can move."


def _read(answer: Callable[..., Tensor], jacobian: Tensor) -> Tensor:
    d, k = jacobian.shape
    return tensor(
        answer(jacobian.clone()),
        (d, d),
        "P",
        f"P maps moves of d = {d} numbers to such moves; with k = {k} in its shape it is a basis, or acts on codes",
        _PROJECTION,
    )


def _check_projection(answer: Callable[..., Tensor], jacobian: Tensor) -> None:
    got = _read(answer, jacobian)
    d, k = jacobian.shape
    want = jacobian @ torch.linalg.pinv(jacobian)
    if close(got, want):
        return
    square = jacobian @ jacobian.T
    columns = jacobian / jacobian.norm(dim=0)
    eye = torch.eye(d, dtype=jacobian.dtype)
    mistakes = {
        "J J^T is a projection only where the columns are orthonormal: here it stretches": square,
        "to divide by the squared length of all of J is right only for one column": square / square.trace(),
        "the columns have length one now, but are not at right angles to each other": columns @ columns.T,
        "this is the part off the tangent space, I - P": eye - want,
        "this is the identity, all directions: a basis of the space has k columns (of an SVD, the first k of U)": eye,
        "the inverse of J^T J is needed, not its square root or J^T J itself": jacobian
        @ (jacobian.T @ jacobian)
        @ jacobian.T,
    }
    for hint, wrong in mistakes.items():
        if not close(wrong, want) and close(got, wrong):
            raise WrongAnswer(_NUDGE, f"{hint} (d = {d}, k = {k})", _PROJECTION)
    raise WrongAnswer(_NUDGE, f"{_what_is_wrong(got, jacobian)} (d = {d}, k = {k})", _PROJECTION)


def _what_is_wrong(got: Tensor, jacobian: Tensor) -> str:
    moved = float((got @ jacobian - jacobian).norm() / jacobian.norm())
    if not moved <= 1e-4:
        return f"your P moves the columns of J by {moved:.2g} of their length"
    if not close(got, got.T):
        return "your P differs from its transpose: it is a projection, but not the orthogonal one"
    return "your P leaves the columns as they are, but not only them: it projects onto too large a space"


def _check_rank(answer: Callable[..., Tensor], jacobian: Tensor, rank: int) -> None:
    k = jacobian.shape[1]
    nudge = f"your P is right where the columns of J are independent; try a decoder that uses {rank} of {k} directions"
    formula = "J @ torch.linalg.pinv(J), or the columns of U whose singular values are not zero"
    try:
        got = _read(answer, jacobian)
    except WrongAnswer as failed:
        if not isinstance(failed.__cause__, torch.linalg.LinAlgError):
            raise
        why = f"J^T J has no inverse where J has rank {rank} and k = {k} columns"
        raise WrongAnswer(nudge, why, formula) from failed
    want = jacobian @ torch.linalg.pinv(jacobian)
    if close(got, want):
        return
    count = float(got.trace())
    if abs(count - k) < 1e-3:
        raise WrongAnswer(
            nudge,
            f"your P has trace {count:.2g} and J has rank {rank}: a basis from QR or an SVD has k columns, of which "
            "only some lie in the space",
            formula,
        )
    raise WrongAnswer(
        nudge, f"rounding decides what comes out where J^T J has no inverse (rank {rank}, k = {k} columns)", formula
    )
