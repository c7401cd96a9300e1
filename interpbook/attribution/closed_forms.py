"""Implicit biases that are known without differentiating: a shortcut, never a condition.

`linearize` finds the bias `b = z - J u` of every operation by forward-mode differentiation. For the operations below
the answer can be written down, which saves two evaluations of each. A test compares both ways.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, fx

aten = torch.ops.aten

# z(c u) = c z(u) for every c > 0, hence J u = z (Euler) and b = 0, when all tensor inputs depend on the model's input.
HOMOGENEOUS = frozenset(
    {
        aten.relu.default,
        aten.leaky_relu.default,
        aten.max_pool2d_with_indices.default,
        aten.avg_pool2d.default,
        aten._adaptive_avg_pool2d.default,
        aten.mean.dim,
        aten.sum.dim_IntList,
        aten.view.default,
        aten._unsafe_view.default,
        aten.permute.default,
        aten.transpose.int,
        aten.t.default,
        aten.expand.default,
        aten.squeeze.dim,
        aten.unsqueeze.default,
        aten.slice.Tensor,
        aten.select.int,
        aten.clone.default,
        aten.cat.default,
    }
)

# Homogeneous too, provided that neither operand is a number.
SUMS = frozenset({aten.add.Tensor, aten.sub.Tensor})

DETACH = aten.detach.default

# What has the shape of its argument and nothing else of it, or is cut off from it.
CONSTANT = frozenset(
    {
        DETACH,
        aten.empty_like.default,
        aten.full_like.default,
        aten.new_empty.default,
        aten.new_full.default,
        aten.new_ones.default,
        aten.new_zeros.default,
        aten.ones_like.default,
        aten.zeros_like.default,
    }
)
# Each row of the output is made of the same row of the inputs; views count where they keep the number of rows,
# means where they are not over rows.
ROWWISE = SUMS | {
    aten.relu.default,
    aten.leaky_relu.default,
    aten.max_pool2d_with_indices.default,
    aten.avg_pool2d.default,
    aten._adaptive_avg_pool2d.default,
    aten.clone.default,
}
MEAN = aten.mean.dim
VIEWS = frozenset({aten.view.default, aten._unsafe_view.default})


def _convolution(z: Tensor, x: Tensor, weight: Tensor, bias: Tensor | None, *_: Any) -> Tensor | None:
    return None if bias is None else bias.view(1, -1, *[1] * (z.dim() - 2)).expand_as(z)


def _linear(z: Tensor, bias: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    return bias.expand_as(z)


def _batch_norm(z: Tensor, x: Tensor, weight: Any, bias: Any, mean: Any, var: Any, *options: Any) -> Any:
    """With fixed statistics `z = (x - mean) w / s + beta`, `s = sqrt(var + eps)`: the bias is `beta - mean w / s`.

    A forward pass may ask for the statistics of `x` itself (`training`); then there is no closed form.
    """
    if options[0] is True:
        return NotImplemented
    shift = -mean * (var + options[-1]).rsqrt()
    shift = shift if weight is None else shift * weight
    shift = shift if bias is None else shift + bias
    return shift.view(1, -1, *[1] * (z.dim() - 2)).expand_as(z)


def _none(*_: Any) -> None:
    """An operation that is linear in `x` has no bias."""


# The position of `x` among the arguments, and the bias: valid when no other argument depends on the model's input and
# no keyword changes the formula. Called with the first output, then the arguments.
AFFINE: dict[Any, tuple[int, Callable[..., Tensor | None]]] = {
    aten.convolution.default: (0, _convolution),
    aten.addmm.default: (1, _linear),
    # At places that do not move: some versions of torch can neither go forward nor go back twice through these.
    aten.grid_sampler_2d.default: (0, _none),
    aten.grid_sampler_3d.default: (0, _none),
    aten.native_batch_norm.default: (0, _batch_norm),
    aten._native_batch_norm_legit_no_training.default: (0, _batch_norm),
}


BATCH_NORMS = (aten.native_batch_norm.default, aten._native_batch_norm_legit_no_training.default)


def uses_batch_statistics(node: fx.Node) -> bool:
    """Whether this is batch norm with the statistics of its input, which couple the examples."""
    return node.target == aten.native_batch_norm.default and node.args[5] is True


def _copy(destination: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    """The conversion and expansion that copying into a tensor stands for."""
    return source.to(destination).expand_as(destination).clone()


def _scatter(operation: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def scatter(destination: Tensor, source: Tensor, dim: int = 0, *place: Any, **options: Any) -> Tensor:
        if not destination.is_complex():
            return operation(destination, source, dim, *place, **options)
        dim, source = dim % destination.dim(), source.to(destination)
        parts = torch.view_as_real(destination), torch.view_as_real(source)
        return torch.view_as_complex(operation(*parts, dim, *place, **options))

    return scatter


def _contiguous_back(operation: Callable[..., tuple[Tensor, ...]]) -> Callable[..., tuple[Tensor, ...]]:
    """Torch's batch norm goes back wrongly for a batch of one whose gradient has strides of its own."""

    def batch_norm(*arguments: Any) -> tuple[Tensor, ...]:
        z, *rest = operation(*arguments)
        if z.requires_grad and len(z) == 1:
            z.register_hook(lambda gradient: gradient.contiguous())
        return z, *rest

    return batch_norm


# What torch cannot differentiate, or not rightly, by what it can: copies, writing into complex values, batch norm.
REPLACED: dict[Any, Callable[..., Any]] = {
    **{norm: _contiguous_back(norm) for norm in BATCH_NORMS},
    aten.copy.default: _copy,
    aten.slice_scatter.default: _scatter(aten.slice_scatter.default),
    aten.select_scatter.default: _scatter(aten.select_scatter.default),
}
