"""Networks with fewer channels: choose them layer by layer, solve the next layer's weights again, and cut."""

import copy
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interpbook.checks import (
    check_count,
    check_generator,
    check_input,
    check_labels,
    check_model,
    check_number,
    check_output,
    run,
)
from interpbook.pruning.activations import Moments, input_of, moments, weights_of
from interpbook.pruning.coupling import Coupling, check_couplings, find_couplings, layer_of
from interpbook.pruning.criteria import CRITERIA, Layer
from interpbook.pruning.selection import reweight as solve
from interpbook.pruning.submodularity import explained
from interpbook.pruning.surgery import columns_kept, remove_channels

__all__ = ["TARGETS", "Pruned", "prune_structured"]

#: What the weights that are solved again shall give: see `prune_structured`.
TARGETS = ("layerwise", "sequential", "asymmetric")


@dataclass(frozen=True)
class Pruned:
    """A smaller network, and how it came about.

    Attributes:
        model: the smaller network, of the same modules with fewer channels.
        kept: by name of the layer that made them, the channels that are left, ascending.
        explained: by the same names, F(S) / ||T||^2: how much of the next layer's input, without its bias, the kept
            channels explain with their best weights, 0 to 1, whether these were used or not.
        parameters: of the network before and after.
        seconds: that it took.
    """

    model: nn.Module
    kept: Mapping[str, Int[Tensor, "k"]]
    explained: Mapping[str, float]
    parameters: tuple[int, int]
    seconds: float


def prune_structured(
    model: nn.Module,
    inputs: Float[Tensor, "N *dims"],
    keep: float | int | Mapping[str, int],
    method: str = "greedy",
    reweight: bool = True,
    *,
    target: str = "asymmetric",
    ridge: float | int = 0.0,
    layers: Collection[str] | None = None,
    couplings: Iterable[Coupling] | None = None,
    labels: Int[Tensor, "N"] | None = None,
    batch_size: int = 128,
    generator: torch.Generator | None = None,
) -> Pruned:
    """Remove channels of a network, from front to back, so that the layers behind them can make up for it.

    Of each layer the channels S are kept that explain most of the input T of the next layer: with B the activations
    that reach it and W its weights,

        F(S) = ||T||^2 - min_V ||T - B_S V||^2,

    and the best V replaces W. No labels, no gradients, no training. The result is a physically smaller copy, of plain
    modules with a state dict of their own; `model` is left as it is. Biases stay.

    Args:
        model: in evaluation mode, with linear layers and convolutions that follow each other; see `find_couplings`.
        inputs: examples to look at; 64 are not few. Memory does not grow with their number.
        keep: the fraction of the channels of each layer, in (0, 1], at least one channel is kept; or their number, by
            the name of the layer that makes them: the others are then left as they are.
        method: how channels are chosen, one of `CRITERIA`: "greedy" on F, or, to compare with, "greedy_untargeted",
            "alone", "part_norm", "random", "weight_norm", "activation_gradient", "sampling", "removal",
            "lasso".
        reweight: solve the next layer's weights again, with any method; False leaves the old ones.
        target: "layerwise": B and T are those of the whole network, each layer for itself. "sequential": B is what
            reaches the layer in the network as pruned so far, and T what it made of that. "asymmetric": B as pruned
            so far, T of the whole network, so that a layer also mends what was lost before it.
        ridge: of `reweight`, toward the old weights: 0.01 helps where there are fewer examples than channels kept.
        layers: names of the layers that lose channels; by default all that can.
        couplings: which layers belong together, where `torch.fx` cannot find out.
        labels: the classes for "activation_gradient"; by default those that the network predicts.
        batch_size: examples at a time.
        generator: of "random" and "sampling"; by default one with seed 0.

    Raises:
        TypeError: an argument of the wrong kind.
        ValueError: a fraction or a number of channels that cannot be kept, unknown names, no layer at all, `layers`
            beside `couplings`, a layer between that is not understood (the message names it), training mode, inputs
            that the model does not take, NaN or infinite inputs or activations.

    Source: [elhalabi2022data]; the ridge and the classes without labels are ours.

    >>> from interpbook.models import MLP
    >>> network = MLP(hidden=(20,), inputs=6, classes=3).eval()
    >>> examples = torch.rand(64, 6, generator=torch.Generator().manual_seed(0))
    >>> pruned = prune_structured(network, examples, keep=0.5)
    >>> pruned.model.fc1, pruned.model.fc.weight.shape, pruned.parameters
    (Linear(in_features=6, out_features=10, bias=True), torch.Size([3, 10]), (203, 103))
    """
    start = time.perf_counter()
    check_input(inputs, "inputs")
    check_model(model, inputs, "inputs")
    for name, given, choices in (("method", method, CRITERIA), ("target", target, TARGETS)):
        if given not in choices:
            raise ValueError(f"{name}: expected one of {', '.join(choices)}, got {given!r}")
    check_number(ridge, "ridge", minimum=0)
    generator = check_generator(generator)
    found = _couplings(model, keep, layers, couplings)
    counts = _counts(keep, found, model)
    batches = inputs.split(check_count(batch_size, "batch_size"))
    first = run(model, inputs[:1], "inputs")
    _check_norms(model, found, inputs[:1])
    with torch.no_grad():
        classes = _classes(model, batches, labels, first) if method == "activation_gradient" else ()
        small = copy.deepcopy(model)
        kept: dict[str, Tensor] = {}
        shares: dict[str, float] = {}
        for coupling in found:
            name = coupling.producer
            if name not in counts:
                continue
            seen = model if target == "layerwise" else small
            measured = moments(seen, coupling, batches, model if target == "asymmetric" else None)
            layer = Layer(seen, coupling, batches, classes, measured, generator)
            kept[name] = CRITERIA[method](layer, counts[name]).sort().values
            shares[name] = _share(measured, columns_kept(kept[name], coupling.group))
            remove_channels(small, coupling, kept[name], _solved(layer, kept[name], ridge) if reweight else None)
    sizes = tuple(sum(parameter.numel() for parameter in network.parameters()) for network in (model, small))
    return Pruned(small, kept, shares, (sizes[0], sizes[1]), time.perf_counter() - start)


def _couplings(
    model: nn.Module, keep: object, layers: Collection[str] | None, couplings: Iterable[Coupling] | None
) -> Sequence[Coupling]:
    """As given, or as found from the layers that are named."""
    if couplings is None:
        named = [*keep] if layers is None and isinstance(keep, Mapping) else layers
        return find_couplings(model, named)
    if layers is not None:
        raise ValueError("layers: expected none beside couplings, which say the layers already")
    return check_couplings(couplings, model)


def _check_norms(model: nn.Module, found: Sequence[Coupling], x: Float[Tensor, "1 *dims"]) -> None:
    """Check that batch norms in one dimension treat channels, not the steps of a sequence."""
    for coupling in found:
        for name in coupling.norms:
            if isinstance(model.get_submodule(name), nn.BatchNorm1d) and input_of(model, name, x).dim() != 2:
                raise ValueError(f"{coupling.producer}: expected that {name} treats its channels, got a sequence")


def _counts(keep: object, found: Sequence[Coupling], model: nn.Module) -> dict[str, int]:
    """How many channels of each layer are kept."""
    channels = {coupling.producer: len(layer_of(model, coupling.producer).weight) for coupling in found}
    if not channels or (isinstance(keep, Mapping) and not keep):
        raise ValueError("layers, keep: expected at least one layer that loses channels, got none")
    if not isinstance(keep, Mapping):
        fraction = check_number(keep, "keep")
        if not 0 < fraction <= 1:
            raise ValueError(f"keep: expected a fraction in (0, 1] or numbers of channels by name, got {keep!r}")
        return {name: max(1, round(fraction * count)) for name, count in channels.items()}
    for name, count in keep.items():
        if name not in channels:
            raise ValueError(f"keep: expected names of layers that lose channels, {[*channels]}, got {name!r}")
        if check_count(count, f"keep[{name!r}]") > channels[name]:
            raise ValueError(f"keep: expected from 1 to {channels[name]} channels of {name}, got {count}")
    return {name: int(count) for name, count in keep.items()}


def _classes(model: nn.Module, batches: Sequence[Tensor], labels: object, output: object) -> Sequence[Tensor]:
    """Labels by batch: as given, or those that the network predicts; `output` is that for one example."""
    logits = check_output(output, 1)
    if labels is None:
        return [model(x.clone()).argmax(1) for x in batches]
    total = sum(len(x) for x in batches)
    return check_labels(labels, total, logits.shape[1]).to(logits.device).split(len(batches[0]))


def _share(measured: Moments, columns: Int[Tensor, "k"]) -> float:
    if measured.energy == 0:
        return 1.0
    return float(explained(measured.gram, measured.cross, columns)) / measured.energy


def _solved(layer: Layer, kept: Int[Tensor, "k"], ridge: float | int) -> Float[Tensor, "d m"]:
    """New weights of the kept columns of the consumer."""
    columns = columns_kept(kept, layer.coupling.group)
    return solve(layer.moments.gram, layer.moments.cross, columns, weights_of(layer.consumer), ridge)
