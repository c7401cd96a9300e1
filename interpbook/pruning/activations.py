"""What reaches a layer, as a matrix, and the small matrices that selection needs of it, summed over batches."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.checks import check_finite
from interpbook.pruning.coupling import Coupling, Parametric, layer_of

__all__ = ["Moments", "input_of", "moments", "pieces_of", "rows_of", "weights_of"]

# How many numbers of the rows of a layer are in memory at a time: 64 MB of float64.
AT_A_TIME = 2**23


@dataclass(frozen=True)
class Moments:
    """B and T of one layer, as far as selection and reweighting need them; their size does not depend on the rows.

    Attributes:
        gram: G = B^T B, float64.
        cross: C = B^T T, float64.
        energy: ||T||^2.
        rows: of B and T: examples, times positions where the consumer is a convolution.
    """

    gram: Float[Tensor, "d d"]
    cross: Float[Tensor, "d m"]
    energy: float
    rows: int


def moments(
    model: nn.Module, coupling: Coupling, batches: Sequence[Tensor], original: nn.Module | None = None
) -> Moments:
    """Sum the moments of what reaches the consumer of a coupling.

    Args:
        model: B is what reaches its consumer.
        coupling: which layers.
        batches: of inputs; the rows of a part of one are in memory at a time.
        original: the target T is what its consumer makes of what reaches that, without the bias; by default of B.

    Raises:
        ValueError: NaN or infinite activations.
    """
    consumer = layer_of(model, coupling.consumer)
    weights = weights_of(consumer)
    d, m = weights.shape
    gram, cross = weights.new_zeros(d, d), weights.new_zeros(d, m)
    energy, count = weights.new_zeros(()), 0
    for x in batches:
        parts = pieces_of(consumer, input_of(model, coupling.consumer, x))
        if original is not None:
            reader = layer_of(original, coupling.consumer)
            aims = input_of(original, coupling.consumer, x).split(len(parts[0]))
        for place, part in enumerate(parts):
            B = rows_of(consumer, part)
            gram.addmm_(B.mT, B)
            count += len(B)
            if original is not None:
                T = rows_of(reader, aims[place]) @ weights_of(reader)
                cross.addmm_(B.mT, T)
                energy += T.square().sum()
    if original is None:
        cross = gram @ weights
        energy = (weights * cross).sum()
    check_finite(gram, f"activations that reach {coupling.consumer}")
    return Moments(gram, cross, float(energy), count)


@torch.no_grad()
def input_of(model: nn.Module, name: str, x: Float[Tensor, "B *dims"]) -> Float[Tensor, "B *inner"]:
    """What reaches a module of a model when it computes with `x`, without gradients.

    Raises:
        ValueError: the model does not call the module just once, with its input as an argument without a name.
    """
    seen: list[Tensor] = []
    hook = model.get_submodule(name).register_forward_pre_hook(lambda module, inputs: seen.extend(inputs[:1]))
    try:
        model(x.clone())  # the first layer may work in place
    finally:
        hook.remove()
    if len(seen) != 1:
        raise ValueError(f"couplings: expected modules with whose input the model computes once, got {name!r}")
    return seen[0]


def pieces_of(consumer: Parametric, inputs: Float[Tensor, "B *inner"]) -> Sequence[Float[Tensor, "b *inner"]]:
    """Inputs of a layer, a few examples at a time, so that their rows fit in little memory.

    >>> len(pieces_of(nn.Conv2d(64, 8, kernel_size=3), torch.rand(40, 64, 28, 28)))
    3
    """
    columns = 1 if isinstance(consumer, nn.Linear) else consumer.kernel_size[0] * consumer.kernel_size[1]
    return inputs.split(max(1, AT_A_TIME // (inputs[0].numel() * columns)))


def rows_of(consumer: Parametric, inputs: Float[Tensor, "B *inner"]) -> Float[Tensor, "n d"]:
    """What a linear layer or a convolution multiplies its weights with, float64: one row an output position.

    Columns are in the order of `weights_of`: those of one channel stand together.
    """
    if isinstance(consumer, nn.Linear):
        return inputs.reshape(-1, inputs.shape[-1]).double()
    mode = "constant" if consumer.padding_mode == "zeros" else consumer.padding_mode
    padded = F.pad(inputs.double(), _padding(consumer), mode=mode)
    patches = F.unfold(padded, consumer.kernel_size, consumer.dilation, 0, consumer.stride)
    return patches.mT.reshape(-1, patches.shape[1])


def _padding(consumer: nn.Conv2d) -> list[int]:
    """Left, right, above, below, as torch pads it."""
    if isinstance(consumer.padding, tuple):
        above, left = consumer.padding
        return [left, left, above, above]
    if consumer.padding == "valid":
        return [0, 0, 0, 0]
    height, width = (step * (size - 1) for step, size in zip(consumer.dilation, consumer.kernel_size, strict=True))
    return [width // 2, width - width // 2, height // 2, height - height // 2]


def weights_of(consumer: Parametric) -> Float[Tensor, "d m"]:
    """W of a linear layer or a convolution, float64, so that it computes `rows_of(...) @ W` plus its bias."""
    return consumer.weight.detach().double().flatten(1).mT
