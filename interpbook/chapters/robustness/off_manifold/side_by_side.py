"""Two networks in one, so that one figure can ask both the same question."""

from collections import OrderedDict
from functools import partial

import torch
from torch import nn

from interpbook.chapters.robustness.off_manifold.networks import StridedCNN

__all__ = ["side_by_side"]


def side_by_side(first: StridedCNN, second: StridedCNN) -> nn.Sequential:
    """One network that computes what two compute: Float[B 1 H W] to the ten logits of the first, then of the second.

    Both see the input. After that their channels never meet: convolutions have two groups, and the weights of the
    linear layer are zero where they would lead from one network to the other.

    Args:
        first, second: networks for images of the same size; neither is changed.

    Returns:
        A plain sequence of layers in evaluation mode, with weights of its own.

    Raises:
        TypeError: one of them is no `StridedCNN`.
        ValueError: their layers are of different sizes.

    >>> one, two = StridedCNN((28, 14), seed=1).eval(), StridedCNN((28, 14), seed=2).eval()
    >>> x = torch.rand(3, 1, 28, 14)
    >>> torch.allclose(side_by_side(one, two)(x), torch.cat([one(x), two(x)], 1), atol=1e-6)
    True
    """
    for name, model in (("first", first), ("second", second)):
        if not isinstance(model, StridedCNN):
            raise TypeError(f"{name}: expected a StridedCNN, got {type(model).__name__}")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for (name, one), other in zip(first.named_children(), second.children(), strict=True):
        layers[name] = _joined(name, one, other)
    return nn.Sequential(layers).eval()


def _joined(name: str, one: nn.Module, other: nn.Module) -> nn.Module:
    """A layer of both networks; those without weights are the same in both."""
    if not isinstance(one, nn.Conv2d | nn.Linear):
        return one
    assert isinstance(other, nn.Conv2d | nn.Linear)
    if one.weight.shape != other.weight.shape:
        shapes = f"{tuple(one.weight.shape)} and {tuple(other.weight.shape)}"
        raise ValueError(f"second: layer {name!r} has weights of shape {shapes}, expected the same in both networks")
    with torch.random.fork_rng(devices=[]):
        joined = _wider(one, shared=name == "conv1")
    if isinstance(one, nn.Linear):
        weight = torch.block_diag(one.weight, other.weight)
    else:
        weight = torch.cat([one.weight, other.weight])
    bias = torch.cat([part.bias for part in (one, other) if part.bias is not None])
    joined.load_state_dict({"weight": weight.detach(), "bias": bias.detach()})
    return joined.to(one.weight)


def _wider(layer: nn.Conv2d | nn.Linear, *, shared: bool) -> nn.Module:
    """A layer with twice the outputs, and with twice the inputs unless both networks share them."""
    if isinstance(layer, nn.Linear):
        return nn.Linear(2 * layer.in_features, 2 * layer.out_features, dtype=layer.weight.dtype)
    groups = 1 if shared else 2
    # The one kind that a StridedCNN has.
    halve = partial(nn.Conv2d, kernel_size=3, stride=2, padding=1, dtype=layer.weight.dtype)
    return halve(groups * layer.in_channels, 2 * layer.out_channels, groups=groups)
