"""A trained network as a page computes it: its layers described one by one, its weights rounded to 16 bits."""

import base64
import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from interpbook.checks import check_count, check_finite, check_model
from interpbook.explore.kinds import describe, with_batch

__all__ = ["PackedNetwork", "is_sequence", "pack", "rounded"]

LARGEST = torch.finfo(torch.float16).max


@dataclass(frozen=True)
class PackedNetwork:
    """A network as `static/layers.js` reads it.

    Attributes:
        shape: of one input, without a batch axis.
        layers: one description a layer, in order: `name` as torch names it, `kind`, `shape` of the output, the
            settings of the kind, and `parameters`, the range of each parameter in `weights`.
        weights: all parameters one after the other, as 16-bit floats, little end first, in base64.
    """

    shape: tuple[int, ...]
    layers: list[dict[str, Any]]
    weights: str

    @property
    def names(self) -> tuple[str, ...]:
        """The layers' names, in order; a layer that is used twice comes twice."""
        return tuple(layer["name"] for layer in self.layers)

    @property
    def data(self) -> dict[str, Any]:
        """What `readNetwork` takes, once it has gone through JSON."""
        return {"input": list(self.shape), "layers": self.layers, "weights": self.weights}


def rounded(model: nn.Module) -> nn.Module:
    """The network that the page computes: a copy on the CPU in float64, every parameter and buffer rounded.

    Each floating entry of the state dict becomes the nearest 16-bit float, batch norm's statistics included. What
    `torch.nn.utils.parametrize` computes is taken as it is now, and rounded as any other parameter.

    Args:
        model: a module in evaluation mode; it is not changed.

    Raises:
        TypeError: `model` is not a module.
        ValueError: training mode; a parameter or a buffer that is NaN or infinite, or larger than 65504, the
            largest 16-bit float.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 2)).eval()
        >>> close = rounded(model)
        >>> close[0].weight.dtype, torch.equal(close[0].weight, model[0].weight.half().double())
        (torch.float64, True)
    """
    check_model(model)
    result = copy.deepcopy(model)
    for module in list(result.modules()):
        if parametrize.is_parametrized(module):
            _make_plain(module)
    result = result.cpu().double()
    for name, value in result.state_dict().items():
        if value.is_floating_point():
            value.copy_(_half(value, name))
    return result


def pack(model: nn.Module, shape: tuple[int, ...]) -> PackedNetwork:
    """Read a sequence of layers into what the page needs to compute it, with the weights of `rounded(model)`.

    Layers: convolution, linear, batch norm with fixed statistics, the activations of `SmallCNN`, leaky ReLU and
    sigmoid, average and max pooling, flatten; sequences inside the sequence are read in order; identities and
    dropout compute nothing and are skipped. How large a network may be is for the caller to say.

    Args:
        model: an `nn.Sequential` in evaluation mode, from inputs `(B, *shape)` to logits `(B, K)`.
        shape: of one input, such as (1, 28, 28).

    Raises:
        TypeError: `model` is not a module, or `shape` has something else than ints.
        ValueError: training mode; a weight that is not finite or too large; a layer that does not take what the
            layer before gives; an output that is not `(B, K)`; a hook, which may change what a layer computes.
        NotImplementedError: a model that is no sequence, or a layer that the page has not; the message names the
            layer and lists those that it has.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, 2)).eval()
        >>> packed = pack(model, (1, 4, 4))
        >>> packed.names, packed.layers[0]["shape"], packed.layers[0]["parameters"]
        (('0', '1', '2', '3'), [4, 2, 2], {'weight': [0, 36], 'bias': [36, 40]})
    """
    check_model(model)
    if not is_sequence(model):
        raise NotImplementedError(f"model: expected an nn.Sequential, got {type(model).__name__}")
    _check_hooks(model)
    model = rounded(model)
    layers: list[dict[str, Any]] = []
    weights, ranges = bytearray(), dict[str, list[int]]()
    now = tuple(check_count(length, "shape") for length in shape)
    if not now:
        raise ValueError("shape: expected the sizes of one input, such as (1, 28, 28), got ()")
    for name, layer in _flat(model):
        settings = describe(name, layer, now)
        now = _output_shape(name, layer, now)
        if settings is None:
            continue
        parameters = settings.pop("parameters", {})
        for what, value in parameters.items():
            key = f"{name}.{what}"
            if key not in ranges:
                start = len(weights) // 2
                weights += value.detach().half().numpy().astype("<f2").tobytes()
                ranges[key] = [start, start + value.numel()]
        found = {what: ranges[f"{name}.{what}"] for what in parameters}
        layers.append({"name": name, **settings, "shape": list(now), "parameters": found})
    if len(now) != 1:
        raise ValueError(f"model: expected logits of shape (B, K), got {with_batch(now)}: flatten them")
    return PackedNetwork(tuple(shape), layers, base64.b64encode(weights).decode("ascii"))


def _make_plain(module: nn.Module) -> None:
    """Turn what is parametrized into plain parameters.

    `parametrize.remove_parametrizations` would change the module's class, which a copy shares with the original.
    """
    parametrizations = module.parametrizations
    assert isinstance(parametrizations, nn.ModuleDict)
    values = {name: getattr(module, name).detach().clone() for name in parametrizations}
    plain = parametrize.type_before_parametrizations(module)
    del module.parametrizations
    module.__class__ = plain
    for name, value in values.items():
        module.register_parameter(name, nn.Parameter(value))


def _half(value: Tensor, name: str) -> Tensor:
    check_finite(value, name)
    if value.numel() and value.abs().max() > LARGEST:
        largest = float(value.abs().max())
        raise ValueError(f"{name}: expected values of at most {LARGEST:g}, the largest 16-bit float, got {largest:g}")
    return value.half()


def is_sequence(module: object) -> TypeGuard[nn.Sequential]:
    """Whether running the children one after the other is all that the module does."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _flat(model: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """The layers in the order in which they run, each under the first of its names."""
    names = {id(module): name for name, module in model.named_modules()}

    def walk(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
        if not is_sequence(module):
            yield names[id(module)], module
            return
        # Not `children()`, which leaves out a module's second use.
        for child in module._modules.values():
            assert child is not None
            yield from walk(child)

    return walk(model)


def _check_hooks(model: nn.Module) -> None:
    for name, module in model.named_modules():
        if module._forward_hooks or module._forward_pre_hooks:
            where = f"layer {name!r} ({type(module).__name__})" if name else "model"
            raise ValueError(f"{where}: expected no forward hook, which may change the output: remove it first")


def _output_shape(name: str, layer: nn.Module, shape: tuple[int, ...]) -> tuple[int, ...]:
    try:
        with torch.no_grad():
            # Two examples, so that a layer that mixes them is seen.
            output = layer(torch.zeros(2, *shape, dtype=torch.float64))
    except (RuntimeError, ValueError, IndexError) as error:
        where = f"layer {name!r} ({type(layer).__name__})"
        raise ValueError(f"{where}: expected an input that it takes, got {with_batch(shape)}: {error}") from error
    if output.dim() < 2 or len(output) != 2:
        where = f"layer {name!r} ({type(layer).__name__})"
        raise ValueError(
            f"{where}: expected an output with the batch first, got {tuple(output.shape)} for a batch of 2"
        )
    return tuple(output.shape[1:])
