"""Cut channels out of a network: the same modules, with smaller parameters."""

from collections.abc import Callable

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interpbook.pruning.coupling import Coupling, Parametric, layer_of

__all__ = ["columns_kept", "remove_channels"]


def remove_channels(
    model: nn.Module, coupling: Coupling, kept: Int[Tensor, "k"], weights: Float[Tensor, "columns m"] | None = None
) -> None:
    """Cut all but some channels out of a model, in place: rows of the producer, entries of the batch norms, inputs of
    the consumer.

    The smaller model computes what the larger one does when the consumer's weights for the other channels are zero.

    Args:
        model: whose modules get new, smaller parameters.
        coupling: which layers.
        kept: the channels that stay, ascending.
        weights: of the consumer for the inputs that stay, as of `reweight`; by default the old ones.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> remove_channels(model, Coupling("0", "2"), torch.tensor([1, 5, 6]))
    >>> model[0], model[2]
    (Linear(in_features=4, out_features=3, bias=True), Linear(in_features=3, out_features=2, bias=True))
    """
    producer, consumer = layer_of(model, coupling.producer), layer_of(model, coupling.consumer)
    channels = len(producer.weight)
    for name in ("weight", "bias"):
        _replace(producer, name, _at(kept))
    for name in coupling.norms:
        norm = model.get_submodule(name)
        assert isinstance(norm, nn.BatchNorm1d | nn.BatchNorm2d)
        features = columns_kept(kept, norm.num_features // channels)
        for part in ("weight", "bias", "running_mean", "running_var"):
            _replace(norm, part, _at(features))
        norm.num_features = len(features)
    old = consumer.weight
    if weights is None:
        by_output = old.detach().reshape(len(old), -1, coupling.group).index_select(1, kept)
    else:
        by_output = weights.mT
    new = by_output.reshape(len(old), -1, *old.shape[2:]).to(old)
    _replace(consumer, "weight", lambda value: new)
    _tell_sizes(producer)
    _tell_sizes(consumer)


def columns_kept(kept: Int[Tensor, "k"], group: int) -> Int[Tensor, "columns"]:
    """The columns of some channels, of `group` columns each.

    >>> columns_kept(torch.tensor([0, 2]), 2)
    tensor([0, 1, 4, 5])
    """
    return (kept[:, None] * group + torch.arange(group, device=kept.device)).flatten()


def _at(places: Int[Tensor, "k"]) -> Callable[[Tensor], Tensor]:
    return lambda value: value[places]


def _replace(module: nn.Module, name: str, change: Callable[[Tensor], Tensor]) -> None:
    """A parameter or buffer, if the module has it, by another of the same kind."""
    old = getattr(module, name)
    if old is None:
        return
    new = change(old.detach()).clone(memory_format=torch.contiguous_format)
    setattr(module, name, nn.Parameter(new, old.requires_grad) if isinstance(old, nn.Parameter) else new)


def _tell_sizes(layer: Parametric) -> None:
    """What a layer says of itself, from its weight."""
    outputs, inputs = layer.weight.shape[:2]
    if isinstance(layer, nn.Conv2d):
        layer.out_channels, layer.in_channels = outputs, inputs
    else:
        layer.out_features, layer.in_features = outputs, inputs
