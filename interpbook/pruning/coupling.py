"""Which layers can lose channels: the layer that makes them, the one that reads them, and what lies between."""

import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, fx, nn

__all__ = ["Coupling", "Parametric", "check_couplings", "find_couplings", "layer_of"]

Parametric = nn.Linear | nn.Conv2d
Norm = nn.BatchNorm1d | nn.BatchNorm2d

# Modules that treat every channel by itself and without parameters, so that one channel less changes no other.
BY_CHANNEL = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.SELU, nn.CELU, nn.GELU, nn.SiLU, nn.Mish, nn.Softplus, nn.Tanh),
    *(nn.Sigmoid, nn.Hardtanh, nn.Hardswish, nn.Hardsigmoid, nn.Softsign, nn.Identity, nn.Dropout, nn.Dropout1d),
    nn.Dropout2d,
)
FUNCTIONS_BY_CHANNEL = {
    *(torch.relu, torch.tanh, torch.sigmoid, nn.functional.relu, nn.functional.gelu, nn.functional.silu),
    *(nn.functional.elu, nn.functional.leaky_relu, nn.functional.softplus, nn.functional.dropout),
}
# These mix the last two axes: the places of one channel, as long as nothing is flattened.
OF_IMAGES = (nn.MaxPool2d, nn.AvgPool2d, nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d, nn.ZeroPad2d)
FUNCTIONS_OF_IMAGES = {
    *(nn.functional.max_pool2d, nn.functional.avg_pool2d, nn.functional.adaptive_avg_pool2d, torch.max_pool2d),
}


@dataclass(frozen=True)
class Coupling:
    """A layer whose output channels can be removed, and the layer whose inputs are then fewer.

    Attributes:
        producer: the name of the linear layer or convolution that makes the channels, as `model.get_submodule` has it.
        consumer: of the one that reads them.
        group: how many inputs of the consumer belong to one channel: 1 between linear layers, kernel height times
            width of a consuming convolution, positions where a convolution is flattened into a linear layer.
        norms: the batch norms between the two, which lose the same channels.
    """

    producer: str
    consumer: str
    group: int = 1
    norms: tuple[str, ...] = ()


class _Stop(NamedTuple):
    """Where the way from a layer to a next one ends: why, and whether that is how networks are, as at a sum."""

    reason: str
    usual: bool = False


def find_couplings(model: nn.Module, layers: Collection[str] | None = None) -> list[Coupling]:
    """Follow the output of linear layers and convolutions of a model to the layer that reads it.

    A coupling is found where the output goes one way only, through batch norms and layers that treat each channel by
    itself, into a linear layer or a convolution: all of a plain sequence but the last layer, and the inner
    convolutions of a residual block. The model is followed by `torch.fx`; no data is needed.

    Args:
        model: to follow.
        layers: names of those whose channels shall be removed; by default all that can be. The last layer, and those
            whose output is added to another or used twice, are then left as they are.

    Returns:
        The couplings, in the order in which the model computes.

    Raises:
        TypeError: `model` is no module, or `layers` is a string.
        ValueError: `torch.fx` cannot follow the model; none is found, or none of a layer in `layers`; by default also a
            layer whose output goes into something of which is not known what it does to channels (a group norm, a
            convolution in groups). The message names the layer and what stands after it.

    >>> find_couplings(nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)))
    [Coupling(producer='0', consumer='2', group=1, norms=())]
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model: expected a torch.nn.Module, got {type(model).__name__}")
    if isinstance(layers, str):
        raise TypeError(f"layers: expected a list of names, got {layers!r}")
    try:
        graph = fx.Tracer().trace(model)
    except Exception as error:
        # torch.fx raises what the model's own code raises when it meets a symbol in place of a tensor.
        raise ValueError(f"model: torch.fx cannot follow it, say `couplings=` ({error})") from error
    modules = dict(model.named_modules())
    found, stops = {}, {}
    for node in graph.nodes:
        if node.op == "call_module" and isinstance(modules[node.target], Parametric):
            name = str(node.target)
            end = _follow(node, modules)
            if isinstance(end, Coupling):
                found[name] = end
            else:
                stops[name] = end
    if layers is None:
        unusual = {name: stop for name, stop in stops.items() if not stop.usual}
        refused = unusual if found else unusual or stops
        if refused or not found:
            name, stop = next(iter(refused.items()), ("model", _Stop("it has no linear layer and no convolution")))
            raise ValueError(f"{name}: {stop.reason}; `layers=` says which to prune, `couplings=` how")
        return [*found.values()]
    for name in layers:
        if name not in found:
            reason = stops[name].reason if name in stops else "the model computes with no such layer"
            raise ValueError(f"layers: {name}: {reason}")
    return [coupling for name, coupling in found.items() if name in {*layers}]


def _follow(node: fx.Node, modules: Mapping[str, nn.Module]) -> Coupling | _Stop:
    """The coupling that a layer begins, or why it begins none."""
    producer = str(node.target)
    norms: list[str] = []
    flat = isinstance(modules[producer], nn.Linear)
    if _calls(node) > 1:
        return _Stop("the model computes with it more than once")
    while True:
        users = [user for user in node.users if not _asks_batch_size(user)]
        if len(users) != 1:
            return _Stop(f"its output goes {len(users)} ways", usual=True)
        node = users[0]
        name = str(node.target)
        module = modules.get(name) if node.op == "call_module" else None
        if node.op == "output":
            return _Stop("its output is an output of the model", usual=True)
        if len(node.all_input_nodes) > 1 and not _flattens(node, module):
            return _Stop(f"its output meets another in {node.name}", usual=True)
        if isinstance(module, Parametric | Norm) and _calls(node) > 1:
            return _Stop(f"the model computes with {name}, which reads it, more than once")
        if isinstance(module, Parametric):
            return _coupling(producer, name, tuple(norms), flat, modules)
        if isinstance(module, Norm):
            norms.append(name)
        elif _flattens(node, module):
            flat = True
        elif not _by_channel(node, module, flat):
            what = f"{name} ({type(module).__name__})" if module is not None else node.name
            return _Stop(f"its output goes into {what}, of which is not known what it does to channels")


def _coupling(
    producer: str, consumer: str, norms: tuple[str, ...], flat: bool, modules: Mapping[str, nn.Module]
) -> Coupling | _Stop:
    if isinstance(modules[consumer], nn.Linear) != flat:
        return _Stop(f"its output goes into {consumer} with its axes in another order")
    coupling = Coupling(producer, consumer, _group(modules[producer], modules[consumer]), norms)
    problem = _problem(coupling, modules)
    return _Stop(problem) if problem else coupling


def layer_of(model: nn.Module, name: str) -> Parametric:
    """A linear layer or a convolution of a model, by its name."""
    layer = model.get_submodule(name)
    assert isinstance(layer, Parametric)
    return layer


def _calls(node: fx.Node) -> int:
    return sum(other.op == "call_module" and other.target == node.target for other in node.graph.nodes)


def _by_channel(node: fx.Node, module: nn.Module | None, flat: bool) -> bool:
    """Whether what happens at a node happens to each channel by itself."""
    if isinstance(module, OF_IMAGES) or node.target in FUNCTIONS_OF_IMAGES:
        return not flat
    is_relu = node.op == "call_method" and node.target == "relu"
    return isinstance(module, BY_CHANNEL) or node.target in FUNCTIONS_BY_CHANNEL or is_relu


def _flattens(node: fx.Node, module: nn.Module | None) -> bool:
    """Whether all axes but the batch become one."""
    if isinstance(module, nn.Flatten):
        return (module.start_dim, module.end_dim) == (1, -1)
    if node.op == "call_method" and node.target in ("view", "reshape"):
        return bool(len(node.args) == 3 and _is_batch_size(node.args[1]) and node.args[2] == -1)
    called = node.target is torch.flatten or (node.op == "call_method" and node.target == "flatten")
    return bool(called and node.args[1:] == (1,) and not node.kwargs)


def _asks_size(node: object) -> bool:
    """Whether a node is `x.size(...)` or `x.shape`."""
    if not isinstance(node, fx.Node):
        return False
    shape = node.target is getattr and node.args[1] == "shape"
    return bool(shape or (node.op, node.target) == ("call_method", "size"))


def _asks_batch_size(node: fx.Node) -> bool:
    """Whether a node and what is made of it know nothing of x but its first size."""
    return _is_batch_size(node) or (_asks_size(node) and all(_is_batch_size(user) for user in node.users))


def _is_batch_size(size: object) -> bool:
    """Whether this is `x.size(0)`, `x.size()[0]` or `x.shape[0]`."""
    if not isinstance(size, fx.Node):
        return False
    if size.target is operator.getitem:
        return _asks_size(size.args[0]) and bool(size.args[1] == 0)
    return _asks_size(size) and size.args[1:] == (0,)


def _group(producer: nn.Module, consumer: nn.Module) -> int:
    if isinstance(consumer, nn.Conv2d):
        height, width = consumer.kernel_size
        return height * width
    assert isinstance(consumer, nn.Linear)
    assert isinstance(producer, Parametric)
    return max(1, consumer.in_features // len(producer.weight))


def check_couplings(couplings: Iterable[Coupling], model: nn.Module) -> Sequence[Coupling]:
    """Check that couplings name layers of a model that fit each other, and return them as a list.

    >>> check_couplings([Coupling("0", "2")], nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(9, 2)))
    Traceback (most recent call last):
        ...
    ValueError: couplings: 0: expected that 2 reads 8 channels of 1 inputs each, got 9 inputs
    """
    modules = dict(model.named_modules())
    checked: list[Coupling] = []
    for coupling in couplings:
        if not isinstance(coupling, Coupling):
            raise TypeError(f"couplings: expected Coupling(producer, consumer, group), got {coupling!r}")
        for name in (coupling.producer, coupling.consumer, *coupling.norms):
            if name not in modules:
                raise ValueError(f"couplings: expected names of modules of the model, got {name!r}")
        problem = _problem(coupling, modules)
        if problem:
            raise ValueError(f"couplings: {coupling.producer}: {problem}")
        for other in checked:
            for part in ("producer", "consumer"):
                if getattr(coupling, part) == getattr(other, part):
                    raise ValueError(f"couplings: expected each {part} once, got {getattr(coupling, part)!r} twice")
            if coupling.consumer == other.producer:
                raise ValueError(
                    f"couplings: expected them from front to back, got {other.producer!r} before {coupling.producer!r}"
                )
        checked.append(coupling)
    if not checked:
        raise ValueError("couplings: expected at least one")
    return checked


def _weight(module: nn.Module) -> object:
    return dict(module.named_parameters(recurse=False, remove_duplicate=False)).get("weight")


def _problem(coupling: Coupling, modules: Mapping[str, nn.Module]) -> str:
    """Why the channels of a coupling cannot be removed, from the layers alone, or nothing."""
    for name in (coupling.producer, coupling.consumer):
        module = modules[name]
        if not isinstance(module, Parametric):
            return f"expected linear layers and convolutions, got {name} ({type(module).__name__})"
        for part in ("weight", "bias"):
            if isinstance(getattr(module, part), Tensor) and part not in dict(module.named_parameters(recurse=False)):
                return f"the {part} of {name} is no parameter but computed from others"
        shared = [other for other, own in modules.items() if own is not module and _weight(own) is module.weight]
        if shared:
            return f"the weight of {name} is that of {shared[0]}, too"
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            return f"{name} is a convolution in {module.groups} groups"
    sizes = [modules[name].get_parameter("weight").shape for name in (coupling.producer, coupling.consumer)]
    # Inputs of a convolution are counted with the places of its kernel.
    channels, inputs = sizes[0][0], sizes[1][1:].numel()
    if inputs != channels * coupling.group:
        expected = f"that {coupling.consumer} reads {channels} channels of {coupling.group} inputs each"
        return f"expected {expected}, got {inputs} inputs"
    if isinstance(modules[coupling.producer], nn.Linear) and coupling.group > 1:
        return f"the inputs of {coupling.consumer} that belong to one of its outputs do not stand together"
    for name in coupling.norms:
        norm = modules[name]
        if not isinstance(norm, Norm):
            return f"expected batch norms between the layers, got {name} ({type(norm).__name__})"
        if norm.num_features % channels:
            return f"expected that {name} has features for {channels} channels, got {norm.num_features}"
    return ""
