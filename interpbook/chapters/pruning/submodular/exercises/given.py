"""What each neuron would add to those that are kept: the gain given S, zero where nothing is left of a column."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, listed, tensor

# Of a column of which a smaller share of its square is left, rounding is left.
_ROUNDING = 1e-9
_NUDGE = "take one neuron, and compute F(S and it) - F(S) by two least-squares problems: is that your number?"
_FORMULA = "||R_i^T T||^2 / ||R_i||^2 with R_i = a_i - proj_S a_i, and zero where nothing is left of a_i"


@exercise(rating=2, minutes=20)
def gains_given(answer: Callable[..., Tensor]) -> str:
    """A function of `A (n, d), T (n, m), kept (k,)`: what each neuron adds to F beside the kept ones, shape (d,)."""
    expect_function(answer)
    for case, activations, target, kept in _cases():
        _check_gains(answer, case, activations, target, kept)
    return "a neuron is worth what the others cannot say."


def _cases() -> Iterator[tuple[str, Tensor, Tensor, Tensor]]:
    """First independent columns; then dependent ones, a dead one, and more neurons than examples."""
    generator = torch.Generator().manual_seed(0)

    def drawn(n: int, d: int) -> Tensor:
        return (torch.randn((n, d), generator=generator, dtype=torch.float64) + 0.7).relu()

    def normal(n: int, m: int) -> Tensor:
        return torch.randn((n, m), generator=generator, dtype=torch.float64)

    small = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 2.0]], dtype=torch.float64)
    yield "three neurons", small, torch.tensor([[1.0], [3.0], [1.0]], dtype=torch.float64), torch.tensor([0])
    yield "overlapping neurons", drawn(12, 6), normal(12, 3), torch.tensor([4, 1, 2])
    replaced = drawn(10, 7)
    replaced[:, 5] = replaced[:, 0] + 0.3 * replaced[:, 2]
    replaced[:, 3] = 0
    yield "a neuron that is a combination of kept ones, and a dead one", replaced, normal(10, 2), torch.tensor([2, 0])
    yield "fewer examples than neurons", drawn(5, 9), normal(5, 4), torch.tensor([8, 3])
    yield "as many independent kept neurons as examples", drawn(4, 6), normal(4, 2), torch.tensor([5, 0, 2, 1])


def _projected(columns: Tensor, values: Tensor) -> Tensor:
    return columns @ (torch.linalg.pinv(columns) @ values)


def _left(activations: Tensor, kept: Tensor) -> Tensor:
    """The residual columns, exactly zero where only rounding is left."""
    left = activations - _projected(activations[:, kept], activations)
    something = left.square().sum(0) > _ROUNDING * activations.square().sum(0)
    return left * something


def _over(numerator: Tensor, denominator: Tensor) -> Tensor:
    """A quotient, zero where the denominator is."""
    return torch.where(denominator > 0, numerator / denominator.where(denominator > 0, 1), 0)


def _gains(activations: Tensor, target: Tensor, kept: Tensor) -> Tensor:
    left = _left(activations, kept)
    return _over((left.T @ target).square().sum(1), left.square().sum(0))


def _check_gains(answer: Callable[..., Tensor], case: str, activations: Tensor, target: Tensor, kept: Tensor) -> None:
    n, d = activations.shape
    got = tensor(
        answer(activations.clone(), target.clone(), kept.clone()),
        (d,),
        "the gains",
        "one number for each of the d neurons, also for those that are kept; outputs are added up",
        _FORMULA,
    )
    want = _gains(activations, target, kept)
    if close(got, want):
        return
    case = f"({case}: n = {n}, d = {d}, kept {kept.tolist()})"
    for hint, wrong in _mistakes(activations, target, kept).items():
        if not close(wrong, want) and close(got, wrong):
            raise WrongAnswer(_NUDGE, f"{hint} {case}", _FORMULA)
    raise WrongAnswer(_NUDGE, f"{_what_is_wrong(got, want, activations, kept)} {case}", _FORMULA)


def _mistakes(activations: Tensor, target: Tensor, kept: Tensor) -> dict[str, Tensor]:
    n, m = target.shape
    left, own = _left(activations, kept), activations[:, kept]
    products, size = left.T @ target, left.square().sum(0)
    want = _over(products.square().sum(1), size)
    whole = activations.square().sum(0)
    alone = _over((activations.T @ target).square().sum(1), whole)
    free = torch.ones(len(want), dtype=torch.bool)
    free[kept] = False
    before = _projected(own, target).square().sum()
    shadow = activations - left
    # Projections on each kept column, added up as if the columns were orthogonal.
    separately = activations - own @ ((own.T @ activations) / own.square().sum(0)[:, None])
    return {
        "these are the gains alone, as if nothing were kept": alone,
        "these are the gains alone, with zeros for the kept ones: take what the kept ones explain off": alone * free,
        "what is left of a column is shorter than the column: divide by ||R_i||^2": products.square().sum(1),
        "divide by ||R_i||^2, not by ||R_i||": _over(products.square().sum(1), size.sqrt()),
        "you divide by the square of the column; divide by that of what is left of it": _over(
            products.square().sum(1), whole
        ),
        "square the products R_i^T T before they are added": _over(products.abs().sum(1), size),
        "each output is squared for itself, and then added up": _over(products.sum(1).square(), size),
        "this is the square root of the gain: lengths do not add up, squares do": want.sqrt(),
        "F is a sum over outputs, not a mean": want / m,
        "F is a sum over examples, not a mean": want / n,
        "F is not divided by ||T||^2 here": want / target.square().sum(),
        "this is F with the neuron: take off F without it": want + before,
        "these are F with the neuron, and for the kept ones zero: take off F without it": (want + before) * free,
        "this is the squared error that is left with the neuron; how much smaller does it become?": (
            target.square().sum() - before - want
        ),
        "you use the part of a column that the kept ones explain; take it off": _over(
            (shadow.T @ target).square().sum(1), shadow.square().sum(0)
        ),
        "kept neurons overlap: project on all of them at once, not on each and add up": _over(
            (separately.T @ target).square().sum(1), separately.square().sum(0)
        ),
        "the kept ones have their own gains, where they should have zero": alone.where(~free, want),
    }


def _what_is_wrong(got: Tensor, want: Tensor, activations: Tensor, kept: Tensor) -> str:
    off = ((got - want).abs() > 1e-4 * want.abs() + 1e-5 * want.max() + 1e-6) | ~got.isfinite()
    place = int(off.nonzero()[0, 0]) if off.any() else 0
    nothing_left = not bool(_left(activations, kept)[:, place].any())
    if place in kept.tolist() and nothing_left:
        return f"neuron {place} is kept, adds nothing more, and has {float(got[place]):.3g} instead of 0"
    if nothing_left:
        return f"nothing but rounding is left of neuron {place}: it adds 0, and has {float(got[place]):.3g}"
    return f"neuron {place} adds {float(want[place]):.3g}, not {float(got[place]):.3g}, of {listed(want)}"
