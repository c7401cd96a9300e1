"""How many channels each layer keeps, if all together may have so many parameters: equal loss in every layer."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks import check_count, check_data, check_input, check_model, check_number
from interpbook.pruning.activations import moments
from interpbook.pruning.coupling import Coupling, find_couplings, layer_of
from interpbook.pruning.selection import greedy_select
from interpbook.pruning.structured import prune_structured
from interpbook.training import accuracy

__all__ = ["accuracy_curves", "allocate", "count_parameters", "explained_curves"]

#: By layer, what is left of a network when that layer alone keeps so many channels, for some numbers of channels.
Curves = Mapping[str, Mapping[int, float]]


def allocate(model: nn.Module, curves: Curves, budget: int) -> dict[str, int]:
    """Share out a budget of parameters among layers: each keeps the fewest channels with which it alone leaves a value
    of at least a, where a is the largest for which all fit; what remains goes to the layers that keep the largest
    fraction.

    Args:
        model: whose parameters are counted.
        curves: the value of each layer by its number of channels, as of `accuracy_curves` or `explained_curves`; more
            channels count as at least as good as fewer.
        budget: the largest number of parameters of the whole smaller network.

    Returns:
        The number of channels of each layer, for `prune_structured(model, inputs, keep=...)`.

    Raises:
        TypeError: a budget that is no int.
        ValueError: no curves, or names of layers that cannot lose channels, numbers of channels that a layer does not
            have, values that are not finite, a budget that is exceeded with the fewest channels.

    Source: [elhalabi2022data], after [kuzmin2019taxonomy]; the values of `explained_curves` in it are ours.

    >>> model = nn.Sequential(nn.Linear(9, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> curves = {"0": {1: 0.2, 4: 0.9, 8: 1.0}, "2": {1: 0.8, 4: 0.9, 8: 1.0}}
    >>> allocate(model, curves, budget=60)
    {'0': 5, '2': 1}
    """
    check_count(budget, "budget")
    couplings = find_couplings(model, [*curves])
    if not curves:
        raise ValueError("curves: expected those of at least one layer, got none")
    envelopes = {}
    for coupling in couplings:
        name = coupling.producer
        envelopes[name] = _envelope(name, curves[name], len(layer_of(model, name).weight))
    thresholds = sorted({value for envelope in envelopes.values() for value in envelope.values()})
    fitting = None
    low, high = 0, len(thresholds)
    while low < high:
        middle = (low + high) // 2
        counts = {name: _fewest(envelope, thresholds[middle]) for name, envelope in envelopes.items()}
        if count_parameters(model, couplings, counts) <= budget:
            fitting, low = counts, middle + 1
        else:
            high = middle
    if fitting is None:
        fewest = {name: min(envelope) for name, envelope in envelopes.items()}
        least = count_parameters(model, couplings, fewest)
        raise ValueError(f"budget: expected at least {least} parameters, with the fewest channels, got {budget}")
    return _spend(model, couplings, fitting, budget)


def _envelope(name: str, curve: Mapping[int, float], channels: int) -> dict[int, float]:
    """The largest value so far, by ascending numbers of channels."""
    if not curve or not all(isinstance(count, int) and 1 <= count <= channels for count in curve):
        raise ValueError(f"curves: expected numbers from 1 to {channels} for {name}, got {[*curve]}")
    odd = [value for value in curve.values() if not math.isfinite(value)]
    if odd:
        raise ValueError(f"curves: expected finite values for {name}, got {odd[0]}")
    envelope: dict[int, float] = {}
    best = -float("inf")
    for count in sorted(curve):
        best = max(best, curve[count])
        envelope[count] = best
    return envelope


def _fewest(envelope: Mapping[int, float], threshold: float) -> int:
    reaching = [count for count, value in envelope.items() if value >= threshold]
    return min(reaching, default=max(envelope))


def _spend(model: nn.Module, couplings: Sequence[Coupling], counts: dict[str, int], budget: int) -> dict[str, int]:
    """Channel by channel, as long as they fit, for the layer with the largest fraction first."""
    channels = {name: len(layer_of(model, name).weight) for name in counts}
    for name in sorted(counts, key=lambda name: -counts[name] / channels[name]):
        while counts[name] < channels[name]:
            more = {**counts, name: counts[name] + 1}
            if count_parameters(model, couplings, more) > budget:
                break
            counts = more
    return counts


def count_parameters(model: nn.Module, couplings: Sequence[Coupling], counts: Mapping[str, int]) -> int:
    """How many parameters a model has left when layers keep so many channels.

    >>> model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> count_parameters(model, find_couplings(model), {"0": 3})
    23
    """
    rows: dict[str, tuple[int, int]] = {}
    columns: dict[str, tuple[int, int]] = {}
    for coupling in couplings:
        pair = counts[coupling.producer], len(layer_of(model, coupling.producer).weight)
        columns[coupling.consumer] = pair
        for name in (coupling.producer, *coupling.norms):
            rows[name] = pair
    total = 0
    for name, module in model.named_modules():
        kept, of = rows.get(name, (1, 1))
        kept_in, of_in = columns.get(name, (1, 1))
        for own, parameter in module.named_parameters(recurse=False):
            size = parameter.numel() * kept // of
            total += size * kept_in // of_in if own == "weight" and name in columns else size
    return total


def accuracy_curves(
    model: nn.Module,
    inputs: Float[Tensor, "N *dims"],
    data: tuple[Tensor, Tensor],
    fractions: Sequence[float],
    options: Mapping[str, Any] = MappingProxyType({}),
) -> Curves:
    """The accuracy on labelled data when one layer alone keeps a fraction of its channels, as published.

    Args:
        model: in evaluation mode.
        inputs: to prune with, without labels.
        data: inputs and classes to measure accuracy on: not those that the smaller network is judged by.
        fractions: in (0, 1]; the whole layer is added.
        options: of `prune_structured`.

    Raises:
        TypeError, ValueError: as `prune_structured`, or fractions outside of (0, 1].

    Source: [elhalabi2022data].

    >>> model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    >>> x = torch.rand(9, 2)
    >>> curves = accuracy_curves(model, x, (x, model(x).argmax(1)), fractions=[0.5])
    >>> sorted(curves["0"]), curves["0"][4]
    ([2, 4], 1.0)
    """
    check_data(data)
    for fraction in fractions:
        if not 0 < check_number(fraction, "fractions") <= 1:
            raise ValueError(f"fractions: expected numbers in (0, 1], got {fraction}")
    curves: dict[str, dict[int, float]] = {}
    for coupling in find_couplings(model):
        name = coupling.producer
        channels = len(layer_of(model, name).weight)
        curves[name] = {channels: accuracy(model, *data)}
        for count in {max(1, round(fraction * channels)) for fraction in fractions} - {channels}:
            pruned = prune_structured(model, inputs, {name: count}, **options)
            curves[name][count] = min(curves[name][channels], accuracy(pruned.model, *data))
    return curves


def explained_curves(model: nn.Module, inputs: Float[Tensor, "N *dims"], batch_size: int = 128) -> Curves:
    """F(S_k) / ||T||^2 of greedy selection in each layer alone, for every k: no labels, and one selection a layer.

    Source: ours, in place of the accuracy of [elhalabi2022data].

    >>> model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 1)).eval()
    >>> curves = explained_curves(model, torch.rand(9, 2))
    >>> [*curves["0"]], round(curves["0"][2], 6)
    ([1, 2], 1.0)
    """
    check_model(model)
    check_input(inputs, "inputs")
    curves = {}
    with torch.no_grad():
        for coupling in find_couplings(model):
            measured = moments(model, coupling, inputs.split(check_count(batch_size, "batch_size")))
            channels = len(layer_of(model, coupling.producer).weight)
            groups = torch.arange(len(measured.gram), device=measured.gram.device) // coupling.group
            _, gains = greedy_select(measured.gram, measured.cross, channels, groups)
            shares = gains.cumsum(0) / measured.energy if measured.energy else torch.ones(channels)
            curves[coupling.producer] = dict(enumerate(shares.tolist(), start=1))
    return curves
