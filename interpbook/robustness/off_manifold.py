"""How much of what a model reacts to leads off the manifold of the data: of its changes, and of its gradient."""

from collections.abc import Callable

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from interpbook.checks import check_count, check_finite, check_generator, check_input, check_number
from interpbook.functions import copies_per_call, fix_target, standard_normal
from interpbook.robustness.region import each

__all__ = ["on_manifold_fraction", "relative_off_manifold_robustness", "signal_fraction"]

# Random vectors on which a projection is checked.
PROBES = 8

Projection = Float[Tensor, "d d"] | Float[Tensor, "B d d"] | Bool[Tensor, "..."]


def relative_off_manifold_robustness(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    projection: Projection,
    sigma: float | int,
    generator: torch.Generator | None = None,
    *,
    directions: int | None = None,
    chunk: int | None = None,
) -> Float[Tensor, "B"]:
    """The share of the reaction to noise that is left when only its part off the manifold is added [srinivas2023which]:

        rho(x) = E |f(x + u - P u) - f(x)|^2 / E |f(x + u) - f(x)|^2,    |u| = sigma sqrt(d),

    with P the orthogonal projection onto the tangent space of the manifold at x, and u in a random direction, as long
    as Gaussian noise of deviation sigma is on average. 0: the model reacts to nothing off the manifold; 1 where it
    reacts to nothing along it. For a smooth scalar f and sigma to 0 it is 1 - on_manifold_fraction(grad f, P); for one
    with K outputs, whose squared gradients then add up, sum_k |grad f_k - P grad f_k|^2 / sum_k |grad f_k|^2.

    The directions of u are those of a random orthonormal basis of all values of an example, and their opposites, so
    that to first order in sigma the estimate is exact and has no spread at all; the same for every example, so that
    neither the size nor the order of the batch matters.

    Args:
        f: from (B, *dims) to numbers (B,) or vectors (B, K), whose Euclidean distance is taken.
        x: the batch; d values an example.
        projection: P, for all examples or one for each; or a mask of bools, of the shape of an example or of the
            batch, True on the values along which the manifold extends.
        sigma: above 0, in units of x. Far below 1e-3 of the values of x, float32 measures its own rounding, and half
            precision always: x has 32 bits or more.
        generator: of the basis; by default one with seed 0.
        directions: how many of the d directions; all of them, by default.
        chunk: copies of the batch in one call of f.

    Returns:
        A share of each example, at least 0; above 1 where the two parts of a noise cancel each other in f.

    Raises:
        TypeError, ValueError: a wrong `x` or `sigma`; a `projection` that is not symmetric and idempotent, or of
            another shape, or a mask without any signal; a model in training mode, or one that returns other shapes or
            values that are not finite; an f that does not change at all under the noise.

    >>> x = torch.zeros(1, 2, dtype=torch.float64)
    >>> along_first = torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)
    >>> relative_off_manifold_robustness(lambda x: 2 * x[:, 0] + x[:, 1], x, along_first, sigma=0.1)
    tensor([0.2000], dtype=torch.float64)
    """
    check_input(x)
    f = fix_target(f, x.detach())
    sigma = check_number(sigma, "sigma", minimum=0)
    if sigma == 0:
        raise ValueError("sigma: expected a number above 0, got 0")
    _check_precise(x, "x")
    off = _off_part(projection, x)
    d = x[0].numel()
    count = d if directions is None else min(d, check_count(directions, "directions"))
    noises = sigma * d**0.5 * _orthonormal(count, d, x, check_generator(generator))
    with torch.no_grad():
        here = _outputs(f, x.detach())
        copies = copies_per_call(x, chunk)
        parts = torch.cat([noises, -noises]).split(copies)
        totals = torch.stack([torch.stack([_change(f, x, move, here) for move in (off(u), u)]) for u in parts])
    change_off, change = totals.sum(0)
    if not bool((change > 0).all()):
        still = int((change <= 0).sum())
        raise ValueError(
            f"f: expected a function that changes under the noise, got none at {still} of {len(x)} examples"
        )
    return change_off / change


def on_manifold_fraction(gradient: Float[Tensor, "B *dims"], projection: Projection) -> Float[Tensor, "B"]:
    """The share of the squared length of a gradient that lies in the tangent space: |P g|^2 / |g|^2, 0 to 1.

    1 minus it is the other measure of [srinivas2023which], which its theorem sets equal to the relative off-manifold
    robustness for small noise.

    Args:
        gradient: of each example, not zero.
        projection: as for `relative_off_manifold_robustness`.

    Raises:
        TypeError, ValueError: a wrong `gradient` or `projection`, or a gradient that is zero.

    >>> on_manifold_fraction(torch.tensor([[2.0, 1.0]]), torch.tensor([[1.0, 0.0], [0.0, 0.0]]))
    tensor([0.8000])
    """
    check_input(gradient, "gradient")
    gradient = _in_units_of_its_largest(gradient)
    rows = gradient.flatten(1)[:, None]
    on = rows - _off_part(projection, gradient)(rows)
    return on.square().sum((1, 2)) / rows.square().sum((1, 2))


def signal_fraction(gradient: Float[Tensor, "B *dims"], mask: Tensor) -> Float[Tensor, "B"]:
    """The share of the squared length of a gradient that lies on the signal: |m g|^2 / |g|^2, 0 to 1.

    Args:
        gradient: of each example, not zero.
        mask: m, bools or the numbers 0 and 1, of the shape of an example or of the batch (an axis may have length 1);
            True on the signal, of which every example has some.

    Raises:
        TypeError, ValueError: a wrong `gradient` or `mask`, a mask without any signal, or a gradient that is zero.

    >>> signal_fraction(torch.tensor([[2.0, 1.0]]), torch.tensor([True, False]))
    tensor([0.8000])
    """
    check_input(gradient, "gradient")
    signal = _check_mask(mask, gradient, "mask")
    squares = _in_units_of_its_largest(gradient).square()
    return torch.where(signal, squares, 0).flatten(1).sum(1) / squares.flatten(1).sum(1)


def _in_units_of_its_largest(gradient: Tensor) -> Float[Tensor, "B *dims"]:
    """So that squares do not vanish: where a network is sure, the gradient of its log-probability is tiny."""
    _check_precise(gradient, "gradient")
    largest = gradient.flatten(1).abs().amax(1)
    zeros = int((largest == 0).sum())
    if zeros:
        raise ValueError(f"gradient: expected one that is not zero, got {zeros} that are of {len(gradient)}")
    return gradient / each(largest, gradient)


def _check_precise(value: Tensor, name: str) -> None:
    if not value.is_floating_point() or torch.finfo(value.dtype).bits < 32:
        raise TypeError(
            f"{name}: expected float32 or float64, as shares of squares are lost in less, got {value.dtype}"
        )


def _outputs(f: Callable[[Tensor], Tensor], x: Tensor) -> Float[Tensor, "B K"]:
    values = f(x.clone())
    if not isinstance(values, Tensor) or values.dim() not in (1, 2) or len(values) != len(x) or not values.numel():
        got = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"output of f: expected shape (B,) or (B, K) with B = {len(x)}, got {got}")
    _check_precise(values, "output of f")
    check_finite(values, "output of f")
    return values.reshape(len(x), -1)


def _change(f: Callable[[Tensor], Tensor], x: Tensor, moves: Tensor, here: Tensor) -> Float[Tensor, "B"]:
    """Of each example, the squared changes of f under some moves, added up; moves (m, d), or (B, m, d)."""
    # One copy of the batch after another, as a function with a target for each example takes them.
    copies = x.flatten(1) + moves.expand(len(x), -1, -1).transpose(0, 1)
    there = _outputs(f, copies.reshape(-1, *x.shape[1:]))
    return (there.reshape(len(copies), len(x), -1) - here).square().sum((0, 2))


def _orthonormal(count: int, d: int, like: Tensor, generator: torch.Generator) -> Float[Tensor, "count d"]:
    """Rows in random directions, at right angles to each other."""
    normal = standard_normal((d, count), like, generator).double()
    basis, triangle = torch.linalg.qr(normal)
    # With the signs of the diagonal every direction is as likely as every other.
    return (basis * triangle.diagonal().sign()).T.to(like)


def _off_part(projection: Tensor, x: Tensor) -> Callable[[Tensor], Tensor]:
    """What a projection leaves of moves (m, d) or (B, m, d)."""
    if isinstance(projection, Tensor) and projection.dtype == torch.bool:
        signal = _check_mask(projection, x, "projection").flatten(1)[:, None]
        return lambda moves: torch.where(signal, 0, moves)
    matrix = _check_projection(projection, x)
    return lambda moves: moves - moves @ matrix


def _check_projection(projection: object, x: Tensor) -> Tensor:
    d = x[0].numel()
    wanted = f"projection: expected a symmetric and idempotent matrix ({d}, {d}), or one for each example"
    if not isinstance(projection, Tensor) or not projection.is_floating_point():
        raise TypeError(f"{wanted}, got {getattr(projection, 'dtype', type(projection).__name__)}")
    if projection.shape not in ((d, d), (len(x), d, d)):
        raise ValueError(f"{wanted} of {len(x)}, got shape {tuple(projection.shape)}")
    check_finite(projection, "projection")
    matrix = projection.detach().to(x)
    # A matrix that treats a few random vectors as a projection does is one, and a product of matrices costs d times as
    # much. Rounding of float32 is far below the tolerance.
    probes = torch.randn(d, PROBES, generator=torch.Generator().manual_seed(0)).to(x)
    once = matrix @ probes
    for what, other in (("its transpose", matrix.mT @ probes), ("its square", matrix @ once)):
        error = float((other - once).abs().max() / (1 + once.abs().max()))
        if error > 1e-3:
            raise ValueError(f"{wanted}, got one that differs from {what} by {error:.2g} on a random vector")
    return matrix


def _check_mask(mask: object, x: Tensor, name: str) -> Bool[Tensor, "B *dims"]:
    wanted = f"{name}: expected bools, or numbers 0 and 1, of shape {tuple(x.shape[1:])} or {tuple(x.shape)}"
    if not isinstance(mask, Tensor):
        raise TypeError(f"{wanted}, got {type(mask).__name__}")
    if mask.dtype != torch.bool and not bool(((mask == 0) | (mask == 1)).all()):
        raise ValueError(f"{wanted}, got other numbers")
    try:
        signal = mask.to(x.device).bool().broadcast_to(x.shape)
    except RuntimeError:
        raise ValueError(f"{wanted}, got shape {tuple(mask.shape)}") from None
    empty = int((~signal.flatten(1).any(1)).sum())
    if empty:
        raise ValueError(f"{name}: expected some signal in every example, got none in {empty} of {len(x)}")
    return signal
