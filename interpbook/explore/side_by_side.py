"""Two networks in one, so that one figure can ask both the same question."""

import copy
from collections import OrderedDict

import torch
from torch import nn

from interpbook.explore.network import is_sequence

__all__ = ["side_by_side"]

# Layers without weights, which take every value by itself.
_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.Softplus, nn.SiLU, nn.GELU, nn.Tanh, nn.Sigmoid)
# In the order in which they may come: behind a linear layer, the values of one network are no longer together.
_ORDER = {nn.Conv2d: 0, nn.Flatten: 1, nn.Linear: 2}


def side_by_side(first: nn.Sequential, second: nn.Sequential) -> nn.Sequential:
    """One network that computes what two compute: x to the logits of the first, then those of the second.

    Both see the input. After the first layer with weights they never meet: later convolutions have two groups, and
    the weights of later linear layers are zero where they would lead from one network to the other.

    Args:
        first, second: sequences of the same layers: convolutions with one group, `Flatten`, linear layers, in this
            order, and activations anywhere; neither is changed.

    Returns:
        A plain sequence of layers in evaluation mode, with weights of its own and the names of the first.

    Raises:
        TypeError: one of them is no sequence, or has another kind of layer.
        ValueError: their layers are not the same, or not in this order, or none has weights; more than one group.

    >>> one, two = (nn.Sequential(nn.Flatten(), nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)) for _ in "ab")
    >>> x = torch.rand(5, 1, 2, 2)
    >>> torch.allclose(side_by_side(one, two)(x), torch.cat([one(x), two(x)], 1), atol=1e-6)
    True
    """
    for argument, model in (("first", first), ("second", second)):
        _check_layers(argument, model)
    if len(first) != len(second):
        raise ValueError(f"second: expected as many layers as in first, {len(first)}, got {len(second)}")
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    shared = True
    # Not `named_children()`, which leaves out a layer's second use.
    for (name, one), other in zip(first._modules.items(), second, strict=True):
        assert one is not None
        if repr(one) != repr(other):
            raise ValueError(f"second: layer {name!r} is {other}, expected {one}, as in first")
        layers[name] = _joined(one, other, shared=shared)
        shared = shared and not isinstance(one, nn.Conv2d | nn.Linear)
    return nn.Sequential(layers).eval()


def _check_layers(argument: str, model: object) -> None:
    if not is_sequence(model):
        raise TypeError(f"{argument}: expected an nn.Sequential, got {type(model).__name__}")
    for name, layer in model._modules.items():
        if type(layer) not in (*_ORDER, *_ACTIVATIONS):
            known = ", ".join(kind.__name__ for kind in (*_ORDER, *_ACTIVATIONS))
            raise TypeError(f"{argument}: layer {name!r} is a {type(layer).__name__}, expected one of {known}")
        if isinstance(layer, nn.Conv2d) and layer.groups > 1:
            raise ValueError(f"{argument}: layer {name!r} has {layer.groups} groups, expected one")
        if isinstance(layer, nn.Flatten) and (layer.start_dim, layer.end_dim) != (1, -1):
            raise ValueError(f"{argument}: layer {name!r} is {layer}, expected Flatten(start_dim=1, end_dim=-1)")
    kinds = [type(layer) for layer in model if type(layer) in _ORDER]
    ordered = kinds == sorted(kinds, key=_ORDER.__getitem__)
    if not {nn.Conv2d, nn.Linear} & {*kinds} or not ordered or {*kinds} == {nn.Conv2d, nn.Linear}:
        got = ", ".join(kind.__name__ for kind in kinds) or "none of them"
        raise ValueError(f"{argument}: expected convolutions, Flatten, linear layers in this order, got {got}")


def _joined(one: nn.Module, other: nn.Module, *, shared: bool) -> nn.Module:
    """A layer of both networks, with twice the outputs, and twice the inputs unless both share them."""
    joined = copy.deepcopy(one)
    if not isinstance(one, nn.Conv2d | nn.Linear):
        return joined
    assert isinstance(joined, nn.Conv2d | nn.Linear)
    assert isinstance(other, nn.Conv2d | nn.Linear)
    if isinstance(joined, nn.Conv2d):
        joined.groups = 1 if shared else 2
        joined.in_channels *= joined.groups
        joined.out_channels *= 2
        weight = torch.cat([one.weight, other.weight])
    else:
        weight = torch.cat([one.weight, other.weight]) if shared else torch.block_diag(one.weight, other.weight)
        joined.out_features, joined.in_features = weight.shape
    joined.weight = nn.Parameter(weight.detach())
    if one.bias is not None and other.bias is not None:
        joined.bias = nn.Parameter(torch.cat([one.bias, other.bias]).detach())
    return joined
