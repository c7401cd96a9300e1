"""The step of an attack that keeps it in its ball: the nearest point, of each example by itself."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, tensor

_NUDGE = "print the distance of each example of your answer from x: which is above eps, which should have stayed?"
_NEAREST = "x + (z - x) * min(1, eps / |z - x|), the length of each example over all of its numbers"


@exercise(rating=2, minutes=15)
def projection_onto_ball(answer: Callable[..., Tensor]) -> str:
    """A function of `z (B, *dims), x (B, *dims), eps`: the nearest points with |z_i - x_i| <= eps, Euclidean."""
    expect_function(answer)
    for case, z, x, eps in _cases():
        _check_projection(answer, case, z, x, eps)
    return "one ball for each example, and what lies inside of it stays."


def _cases() -> Iterator[tuple[str, Tensor, Tensor, float]]:
    """Points at given distances from x, in units of eps."""
    generator = torch.Generator().manual_seed(0)
    for case, distances, dims, eps in (
        ("some inside", (0.2, 0.9, 3.0, 1.1), (2, 2), 2.0),
        ("all outside", (1.5, 4.0, 9.0), (1, 3, 2), 0.5),
        ("one alone", (2.5,), (7,), 0.3),
        ("z = x for one", (0.0, 2.0, 0.6), (1, 2, 3), 0.5),
        ("all inside", (0.1, 0.7, 0.0), (4,), 1.5),
    ):
        shape = (len(distances), *dims)
        x, move = (torch.randn(shape, generator=generator, dtype=torch.float64) for _ in range(2))
        lengths = move.flatten(1).norm(dim=1)
        factors = eps * torch.tensor(distances, dtype=torch.float64) / lengths
        yield case, x + factors.view(-1, *[1] * len(dims)) * move, x, eps
    x = torch.ones(2, 3, dtype=torch.float64)
    yield "eps = 0", x + torch.eye(2, 3), x, 0.0


def _check_projection(answer: Callable[..., Tensor], case: str, z: Tensor, x: Tensor, eps: float) -> None:
    got = tensor(answer(z.clone(), x.clone(), eps), tuple(x.shape), "your answer", "one point for each example of z")
    move = z - x
    length = _each(move.flatten(1).norm(dim=1), x)
    ratio = torch.where(length > 0, eps / length, torch.inf)
    inside = ratio.clamp(max=1)
    want = x + inside * move
    if close(got, want):
        return
    if bool(got[(length == 0).expand_as(got)].isnan().any()):
        raise WrongAnswer(
            "your answer is nan somewhere: print it for z = x",
            "where z = x the length of the move is 0, and you divide by it",
            "multiply the move by (eps / length.clamp(min=a tiny number)).clamp(max=1)",
        )
    whole = float(move.norm())
    rows = move.norm(dim=-1, keepdim=True)
    mistakes = {
        "your balls hold the batch as one vector: take the length of each example": x + min(1.0, eps / whole) * move
        if whole
        else z,
        "you bring points that lie inside out to the sphere: they should stay": x + ratio.nan_to_num(posinf=0.0) * move,
        "you move what lies inside, and leave what lies outside: the smaller of 1 and eps / length is needed": x
        + ratio.clamp(min=1).nan_to_num(posinf=0.0) * move,
        "your ball lies around 0, not around x": z * _shrunk(eps, z.flatten(1).norm(dim=1), z),
        "you clamp each number of the move: that is the ball of the maximum norm": x + move.clamp(-eps, eps),
        "this is the move alone: add x": inside * move,
        "the length is taken over the last dimension only: flatten each example first": x
        + move * (eps / rows.clamp(min=1e-30)).clamp(max=1),
        "you multiply the move by eps: divide it by its length, too": x + eps * move,
        "you divide by the squared length: take its root": x + move * _shrunk(eps, move.flatten(1).square().sum(1), x),
        "you take the mean of the squares for the sum: the ball is too large": x
        + move * _shrunk(eps, move.flatten(1).square().mean(1).sqrt(), x),
        "nothing is projected": z,
        "everything goes back to x: that is in the ball, but not the nearest point": x,
    }
    for hint, wrong in mistakes.items():
        if not close(wrong, want) and close(got, wrong):
            raise WrongAnswer(f"{_NUDGE} ({case})", f"{hint} ({case})", _NEAREST)
    off = float((got - want).flatten(1).norm(dim=1).max())
    raise WrongAnswer(
        f"{_NUDGE} ({case})", f"the nearest point is {off:.2g} away from yours (eps = {eps:g}; {case})", _NEAREST
    )


def _shrunk(eps: float, lengths: Tensor, like: Tensor) -> Tensor:
    return _each((eps / lengths.clamp(min=1e-30)).clamp(max=1), like)


def _each(values: Tensor, like: Tensor) -> Tensor:
    return values.view(-1, *[1] * (like.dim() - 1))
