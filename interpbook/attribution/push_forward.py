"""The Jacobian of one operation times a vector, and whether it agrees with going back."""

import threading
import warnings
from collections.abc import Callable, Sequence
from functools import reduce

import torch
from torch import Tensor
from torch.func import jvp

__all__ = ["agree", "push_forward"]


def push_forward(
    operation: Callable[..., tuple[Tensor, ...]],
    point: tuple[Tensor, ...],
    tangent: tuple[Tensor, ...],
    elements: torch.Size | None = None,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The operation's value, and its Jacobian times `tangent`.

    Going back twice is the transpose of the transpose; where an output with these elements is made of one element of
    each input, going back once is enough. What cannot go back twice goes forward, which torch does for one thread at
    a time, and leaves out without a word what it has no rule for: then the product is compared with going back once.
    """
    if elements is not None and not any(t.is_complex() for t in point):
        return _scale(operation, point, tangent, elements)
    try:
        return _go_back_twice(operation, point, tangent)
    except (RuntimeError, NotImplementedError):
        z, product = _go_forward(operation, point, tangent)
        if not agree(operation, point, product):
            raise
        return z, product


def _scale(
    operation: Callable[..., tuple[Tensor, ...]],
    point: tuple[Tensor, ...],
    tangent: tuple[Tensor, ...],
    elements: torch.Size,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """An operation on elements has a diagonal Jacobian, once its inputs have the shape of its output."""
    point = tuple(t.expand(elements).clone().requires_grad_() for t in point)
    (z,) = operation(*point)
    if not z.requires_grad:
        return (z.detach(),), (torch.zeros_like(z),)
    diagonals = torch.autograd.grad(z, point, torch.ones_like(z), allow_unused=True, materialize_grads=True)
    return (z.detach(),), (reduce(torch.add, map(torch.mul, diagonals, tangent)).detach(),)


def _go_back_twice(
    operation: Callable[..., tuple[Tensor, ...]], point: tuple[Tensor, ...], tangent: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """`J' w` is linear in w, with the transpose J."""
    point = tuple(t.clone().requires_grad_() for t in point)
    outputs = operation(*point)
    moving = [z for z in outputs if z.requires_grad]
    w = [torch.zeros_like(z, requires_grad=True) for z in moving]
    back = torch.autograd.grad(moving, point, w, create_graph=True, allow_unused=True)
    if moving and all(g is None for g in back):
        raise NotImplementedError("it has no derivative")
    pairs = [(g, t) for g, t in zip(back, tangent, strict=True) if g is not None and g.requires_grad]
    products = iter(
        torch.autograd.grad([g for g, _ in pairs], w, [t for _, t in pairs], allow_unused=True, materialize_grads=True)
        if pairs
        else map(torch.zeros_like, moving)
    )
    product = tuple(next(products) if z.requires_grad else torch.zeros_like(z) for z in outputs)
    return tuple(z.detach() for z in outputs), tuple(p.detach() for p in product)


# Torch has one level of forward-mode differentiation for the whole process.
_FORWARD = threading.RLock()


def _go_forward(
    operation: Callable[..., tuple[Tensor, ...]], point: tuple[Tensor, ...], tangent: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    with _FORWARD, torch.no_grad(), warnings.catch_warnings():
        # Torch compiles its own decompositions at the first forward-mode derivative, and warns about how.
        warnings.simplefilter("ignore", FutureWarning)
        z, product = jvp(operation, point, tangent)[:2]
    return z, product


def agree(
    operation: Callable[..., tuple[Tensor, ...]],
    point: tuple[Tensor, ...],
    product: Sequence[Tensor],
    r: Sequence[Tensor] | None = None,
) -> bool:
    """Whether `<r, J u> = <J' r, u>` up to rounding, for the point u, a product `J u`, and these r or any."""
    point = tuple(t.clone().requires_grad_() for t in point)
    outputs = operation(*point)
    pairs = [(z, p) for z, p in zip(outputs, product, strict=True) if z.requires_grad]
    if not pairs:
        return True
    if r is None:
        r = [torch.arange(z.numel(), device=z.device, dtype=z.dtype).cos().view_as(z) for z, _ in pairs]
    back = torch.autograd.grad([z for z, _ in pairs], point, r, allow_unused=True)
    if all(g is None for g in back):
        return False
    forward = [(a.conj() * p).real for a, (_, p) in zip(r, pairs, strict=True)]
    backward = [(g.conj() * u).real for g, u in zip(back, point, strict=True) if g is not None]
    # Infinite values, as in an attention mask, have no share; half precision would round the sums.
    forward, backward = (
        [torch.where(t.isfinite(), t, 0).to(torch.promote_types(t.dtype, torch.float32)) for t in part]
        for part in (forward, backward)
    )
    # A product may cancel most of the value that it belongs to, as that of a saturated softmax does.
    whole = [torch.where(z.isfinite(), a * z.detach(), 0).abs() for a, (z, _) in zip(r, pairs, strict=True)]
    scale = sum(float(t.abs().sum()) for t in [*forward, *backward, *whole])
    gap = sum(float(t.sum()) for t in forward) - sum(float(t.sum()) for t in backward)
    return abs(gap) <= max(torch.finfo(t.dtype).eps for t in [*point, *outputs]) ** 0.5 * scale
