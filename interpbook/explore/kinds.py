"""The kinds of layers that a page computes, and what it needs to know of each."""

from collections.abc import Callable
from math import prod
from typing import Any

from torch import Tensor, nn

__all__ = ["describe", "with_batch"]


def describe(name: str, layer: nn.Module, shape: tuple[int, ...]) -> dict[str, Any] | None:
    """The kind, settings and parameters of a layer for inputs of this shape; None if it computes nothing.

    Args:
        name: the layer's path in the model, for messages.
        layer: a module in evaluation mode.
        shape: of one input, without a batch axis.

    Raises:
        NotImplementedError: the page has no such layer, or not with these settings.
        ValueError: inputs of another number of axes than the layer takes.

    Example:
        >>> describe("act", nn.LeakyReLU(0.2), (8, 28, 28))
        {'kind': 'leaky_relu', 'slope': 0.2}
    """
    where = f"layer {name!r} ({type(layer).__name__})"
    if type(layer) not in _LAYERS:
        known = ", ".join(kind.__name__ for kind in _LAYERS)
        raise NotImplementedError(f"{where}: expected a layer that the page can compute: Sequential, {known}")
    axes, describe = _LAYERS[type(layer)]
    if axes is not None and len(shape) != axes:
        raise ValueError(f"{where}: expected an input of {axes + 1} axes, batch included, got {with_batch(shape)}")
    try:
        return describe(layer, shape)
    except NotImplementedError as error:
        raise NotImplementedError(f"{where}: {error}") from None


def with_batch(shape: tuple[int, ...]) -> str:
    """A shape in words, with the batch in front.

    >>> with_batch((1, 28, 28))
    '(B, 1, 28, 28)'
    """
    return f"({', '.join(['B', *map(str, shape)])})"


def _need(layer: nn.Module, **expected: Any) -> None:
    for name, value in expected.items():
        if getattr(layer, name) != value:
            raise NotImplementedError(f"expected {name}={value!r}, got {getattr(layer, name)!r}")


def _pair(value: Any) -> list[int]:
    return [value, value] if isinstance(value, int) else list(value)


def _given(**parameters: Tensor | None) -> dict[str, Tensor]:
    return {name: value for name, value in parameters.items() if value is not None}


def _conv(layer: nn.Conv2d, shape: tuple[int, ...]) -> dict[str, Any]:
    _need(layer, padding_mode="zeros")
    kernel, dilation = _pair(layer.kernel_size), _pair(layer.dilation)
    if layer.padding == "same":
        # Where it cannot be the same on both sides, torch puts one more at the end.
        padding = [d * (k - 1) // 2 for k, d in zip(kernel, dilation, strict=True)]
    else:
        padding = [0, 0] if isinstance(layer.padding, str) else _pair(layer.padding)
    return {
        "kind": "conv",
        "kernel": kernel,
        "stride": _pair(layer.stride),
        "padding": padding,
        "dilation": dilation,
        "groups": layer.groups,
        "parameters": _given(weight=layer.weight, bias=layer.bias),
    }


def _linear(layer: nn.Linear, shape: tuple[int, ...]) -> dict[str, Any]:
    return {"kind": "linear", "parameters": _given(weight=layer.weight, bias=layer.bias)}


def _norm(layer: nn.BatchNorm1d | nn.BatchNorm2d, shape: tuple[int, ...]) -> dict[str, Any]:
    _need(layer, track_running_stats=True)
    statistics = {"mean": layer.running_mean, "variance": layer.running_var}
    return {
        "kind": "norm",
        "eps": layer.eps,
        "parameters": _given(weight=layer.weight, bias=layer.bias, **statistics),
    }


def _pool(kind: str, kernel: list[int], stride: list[int], padding: list[int]) -> dict[str, Any]:
    return {"kind": kind, "kernel": kernel, "stride": stride, "padding": padding, "dilation": [1, 1]}


def _average(layer: nn.AvgPool2d, shape: tuple[int, ...]) -> dict[str, Any]:
    _need(layer, ceil_mode=False)
    kernel = _pair(layer.kernel_size)
    everywhere = layer.divisor_override or (prod(kernel) if layer.count_include_pad else None)
    return {**_pool("average", kernel, _pair(layer.stride), _pair(layer.padding)), "divisor": everywhere}


def _adaptive(layer: nn.AdaptiveAvgPool2d, shape: tuple[int, ...]) -> dict[str, Any]:
    wanted = [old if new is None else new for old, new in zip(shape[1:], _sizes(layer.output_size), strict=True)]
    if any(old % new for old, new in zip(shape[1:], wanted, strict=True)):
        raise NotImplementedError(f"expected an output size that divides {tuple(shape[1:])}, got {tuple(wanted)}")
    kernel = [old // new for old, new in zip(shape[1:], wanted, strict=True)]
    return {**_pool("average", kernel, kernel, [0, 0]), "divisor": prod(kernel)}


def _sizes(output_size: Any) -> list[int | None]:
    return list(output_size) if isinstance(output_size, tuple | list) else [output_size, output_size]


def _max(layer: nn.MaxPool2d, shape: tuple[int, ...]) -> dict[str, Any]:
    _need(layer, ceil_mode=False, return_indices=False)
    if _pair(layer.dilation) != [1, 1]:
        raise NotImplementedError(f"expected dilation=1, got {layer.dilation!r}")
    return _pool("max", _pair(layer.kernel_size), _pair(layer.stride), _pair(layer.padding))


def _settings(kind: str, **attributes: str) -> Callable[[Any, tuple[int, ...]], dict[str, Any]]:
    return lambda layer, shape: {"kind": kind, **{name: getattr(layer, a) for name, a in attributes.items()}}


def _nothing(layer: nn.Module, shape: tuple[int, ...]) -> None:
    return None


# For every type of layer: the axes of one input, where torch itself would also take a batch for one example, and the
# description. Subclasses are left out: they may compute something else.
_LAYERS: dict[type[nn.Module], tuple[int | None, Callable[[Any, tuple[int, ...]], dict[str, Any] | None]]] = {
    nn.Conv2d: (3, _conv),
    nn.Linear: (1, _linear),
    nn.BatchNorm1d: (None, _norm),
    nn.BatchNorm2d: (None, _norm),
    nn.ReLU: (None, _settings("relu")),
    nn.LeakyReLU: (None, _settings("leaky_relu", slope="negative_slope")),
    nn.Softplus: (None, _settings("softplus", beta="beta", threshold="threshold")),
    nn.SiLU: (None, _settings("silu")),
    nn.GELU: (None, lambda layer, shape: {"kind": "gelu_tanh" if layer.approximate == "tanh" else "gelu"}),
    nn.Tanh: (None, _settings("tanh")),
    nn.Sigmoid: (None, _settings("sigmoid")),
    nn.AvgPool2d: (3, _average),
    nn.MaxPool2d: (3, _max),
    nn.AdaptiveAvgPool2d: (3, _adaptive),
    nn.Flatten: (None, _settings("flatten")),
    nn.Identity: (None, _nothing),
    nn.Dropout: (None, _nothing),
    nn.Dropout2d: (None, _nothing),
}
