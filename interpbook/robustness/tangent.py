"""The tangent spaces of a manifold that a decoder spans."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks import check_finite, check_input, check_model
from interpbook.functions import differentiable

__all__ = ["tangent_projection"]


def tangent_projection(
    decoder: nn.Module | Callable[[Tensor], Tensor], z: Float[Tensor, "B k"]
) -> Float[Tensor, "B d d"]:
    """The orthogonal projection onto the tangent space, at decoder(z), of the manifold of all that a decoder can draw:

        P = U U^T,    U an orthonormal basis of the columns of J = d decoder / d z.

    Its rank is that of J, k where the decoder uses all of its k coordinates. Directions whose singular value is below
    max(d, k) times the rounding of the dtype times the largest one count as none, as in `torch.linalg.matrix_rank`;
    trace(P) is the number of those that count.

    Args:
        decoder: a module in evaluation mode, or any function, from (B, k) to (B, *dims), d values an example; each
            example by itself.
        z: codes.

    Returns:
        A matrix of each example, for examples as `flatten(1)` makes them, without a graph.

    Raises:
        TypeError, ValueError: a wrong `z`, of half precision for one; a decoder in training mode, or one that returns
            other shapes, or values that are not finite, or that is constant near one of the codes.

    Source: [srinivas2023which].

    >>> circle = lambda z: torch.cat([z.cos(), z.sin()], 1)
    >>> tangent_projection(circle, torch.zeros(1, 1))
    tensor([[[0., 0.],
             [0., 1.]]])
    """
    check_input(z, "z")
    if isinstance(decoder, nn.Module):
        check_model(decoder, z)
    elif not callable(decoder):
        raise TypeError(f"decoder: expected a module or a function, got {type(decoder).__name__}")
    if z.dim() != 2 or torch.finfo(z.dtype).bits < 32:
        raise ValueError(f"z: expected float32 or float64 of shape (B, k), got {z.dtype} of shape {tuple(z.shape)}")
    _check_pictures(decoder, z)
    jacobian = _jacobian(decoder, z.detach())
    check_finite(jacobian, "Jacobian of the decoder")
    left, sizes, _ = torch.linalg.svd(jacobian, full_matrices=False)
    rounding = max(jacobian.shape[1:]) * torch.finfo(jacobian.dtype).eps
    counts = sizes > rounding * sizes[:, :1]
    if not bool(counts[:, 0].all()):
        still = int((~counts[:, 0]).sum())
        raise ValueError(f"decoder: expected one that changes with z, got a constant at {still} of {len(z)} codes")
    basis = left * counts[:, None]
    return basis @ basis.mT


def _check_pictures(decoder: Callable[[Tensor], Tensor], z: Tensor) -> None:
    with torch.no_grad():
        try:
            pictures = decoder(z.detach().clone())
        except (RuntimeError, ValueError) as error:
            raise ValueError(
                f"z: expected codes that the decoder takes, got shape {tuple(z.shape)}: {error}"
            ) from error
    if not isinstance(pictures, Tensor) or pictures.dim() < 2 or len(pictures) != len(z):
        got = tuple(pictures.shape) if isinstance(pictures, Tensor) else type(pictures).__name__
        raise ValueError(f"output of the decoder: expected shape (B, *dims) with B = {len(z)}, got {got}")
    check_finite(pictures, "output of the decoder")


def _jacobian(decoder: Callable[[Tensor], Tensor], z: Float[Tensor, "B k"]) -> Float[Tensor, "B d k"]:
    """The derivative of each example's picture in each coordinate of its own code.

    J^T w is linear in w, and its derivative in w is J: two passes back in place of one forward, which not every
    operation has.
    """
    with differentiable():
        leaf = z.clone().requires_grad_()
        pictures = decoder(leaf.clone())
        if not pictures.requires_grad:
            return pictures.new_zeros(len(z), pictures[0].numel(), z.shape[1])
        weights = torch.zeros_like(pictures, requires_grad=True)
        (pulled,) = torch.autograd.grad(pictures, leaf, weights, create_graph=True)
        columns = []
        for coordinate in pulled.unbind(1):
            (column,) = torch.autograd.grad(coordinate.sum(), weights, retain_graph=True)
            columns.append(column.flatten(1))
    return torch.stack(columns, dim=2).detach()
