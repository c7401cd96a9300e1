"""How far an explanation moved, whatever its length: the angle, row by row."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, tensor

_NUDGE = "multiply some rows of g, and others of g_new, by 10: does your number stay?"
_FORMULA = "u = g / g.norm(dim=1, keepdim=True), v likewise; (u * v).sum(1).clamp(-1, 1).arccos()"
_EDGE_NUDGE = "hand in one explanation twice: what is the cosine, to sixteen digits?"


@exercise(rating=2, minutes=15)
def more_stable(answer: Callable[..., Tensor]) -> str:
    """A function of `g (B, d), g_new (B, d)`: the angle between the rows, in radians."""
    expect_function(answer)
    g, new = _explanations()
    got, want = _read(answer, g, new), _angles(g, new)
    if not close(got, want):
        raise WrongAnswer(_NUDGE, _what_is_wrong(got, want, g, new), _FORMULA)
    _check_scale(answer, g, new, want)
    _check_edges(answer)
    return "decay shortens gradients by itself; only what is left after that speaks of stability."


def _explanations() -> tuple[Tensor, Tensor]:
    """Small angles and large ones, in rows of very different lengths."""
    generator = torch.Generator().manual_seed(0)
    g, other = torch.randn((2, 9, 5), generator=generator, dtype=torch.float64)
    share = torch.linspace(0.1, 3, 9, dtype=torch.float64)[:, None]
    lengths = torch.logspace(-1, 1, 9, dtype=torch.float64)[:, None]
    return lengths * g, (g + share * other) * lengths.flip(0)


def _read(answer: Callable[..., Tensor], g: Tensor, new: Tensor) -> Tensor:
    return tensor(
        answer(g.clone(), new.clone()),
        (len(g),),
        "the change",
        "one number for each row: no mean over examples, and norms and products over dim=1",
        _FORMULA,
    )


def _units(values: Tensor) -> Tensor:
    return values / values.norm(dim=1, keepdim=True)


def _angles(g: Tensor, new: Tensor) -> Tensor:
    """By half the angle, which is exact where a cosine is rounded to 1."""
    u, v = _units(g), _units(new)
    return 2 * torch.atan2((u - v).norm(dim=1), (u + v).norm(dim=1))


def _what_is_wrong(got: Tensor, want: Tensor, g: Tensor, new: Tensor) -> str:
    for hint, wrong in _mistakes(g, new).items():
        # A cosine out of range gives nan, and nan is then what the answer has, too.
        if torch.equal(got.isnan(), wrong.isnan()) and close(got.nan_to_num(), wrong.nan_to_num()):
            return hint
    place = int((~torch.isclose(got, want, rtol=1e-4, atol=1e-5)).nonzero()[0, 0])
    return f"for row {place} your function says {float(got[place]):.3g}, and the angle is {float(want[place]):.3g}"


def _mistakes(g: Tensor, new: Tensor) -> dict[str, Tensor]:
    angle = _angles(g, new)
    cosine, product = angle.cos(), (g * new).sum(1)
    raw, size, new_size = (g - new).norm(dim=1), g.norm(dim=1), new.norm(dim=1)
    return {
        "this is the raw distance: it shrinks by itself when gradients become shorter": raw,
        "this is the square of the raw distance: it shrinks by itself when gradients become shorter": raw.square(),
        "divided by the length of g it still grows when only g_new becomes longer; compare directions": raw / size,
        "divided by both lengths added, it still changes when only one of them does": raw / (size + new_size),
        "divided by the larger length, it still changes when only one of them does": raw / size.maximum(new_size),
        "you divide by the lengths of the whole batch: a long row then counts for the short ones": (
            product / (g.norm() * new.norm())
        ).arccos(),
        "you divide by the mean length of the batch: each row has a length of its own": raw / size.mean(),
        "arccos wants a cosine: divide the product by both lengths": product.arccos(),
        "arccos wants a cosine, and cutting the product off does not make it one: divide by both lengths": (
            product.clamp(-1, 1).arccos()
        ),
        "arccos wants a cosine: the product is divided by one of the lengths, and there are two": (
            product / size
        ).arccos(),
        "you divide by squared lengths": (product / (size * new_size).square()).arccos(),
        "these are degrees": angle.rad2deg(),
        "this is the cosine: what is its angle?": cosine,
        "this is one minus the cosine, which falls like the square of a small angle": 1 - cosine,
        "an explanation and its opposite do not agree: the sign of the cosine counts": cosine.abs().arccos(),
        "this is the distance of the two ends on the sphere, not the angle": (_units(g) - _units(new)).norm(dim=1),
        "this is half of the angle": angle / 2,
        "this is the angle as a share of pi": angle / math.pi,
        "you divide each feature by its size over the examples: divide each row by its length": _angles_by_feature(
            g, new
        ),
    }


def _angles_by_feature(g: Tensor, new: Tensor) -> Tensor:
    u, v = g / g.norm(dim=0), new / new.norm(dim=0)
    return (u * v).sum(1).clamp(-1, 1).arccos()


def _check_scale(answer: Callable[..., Tensor], g: Tensor, new: Tensor, want: Tensor) -> None:
    """Rows that are much longer, or much shorter, in one of the two: the angles are the same."""
    factors = torch.logspace(-6, 6, len(g), dtype=torch.float64)[:, None]
    for a, b in ((factors * g, new), (g, factors * new)):
        if not close(_read(answer, a, b), want):
            raise WrongAnswer(
                _NUDGE,
                "very short or very long rows change your number: what do you add to a length, or cut off?",
                _FORMULA,
            )


def _check_edges(answer: Callable[..., Tensor]) -> None:
    """Rows of the same direction, and of opposite ones, whose cosine is rounded to beyond 1 here and there."""
    generator = torch.Generator().manual_seed(1)
    many = torch.randn((500, 7), generator=generator, dtype=torch.float64)
    for factor, angle in ((1.0, 0.0), (3.0, 0.0), (-1.0, math.pi), (-0.7, math.pi)):
        got = _read(answer, many, factor * many)
        where = f"between g and {factor:g} g the angle is {angle:.3g}"
        if got.isnan().any():
            raise WrongAnswer(
                _EDGE_NUDGE,
                f"{where}, and yours is nan in {int(got.isnan().sum())} of 500 rows: a cosine is rounded past 1",
                "clamp the cosine to -1 .. 1 before arccos",
            )
        if not torch.allclose(got, torch.full_like(got, angle), rtol=0, atol=2e-3):
            off = float((got - angle).abs().max())
            raise WrongAnswer(_EDGE_NUDGE, f"{where}, and yours is off by {off:.2g}", _FORMULA)
