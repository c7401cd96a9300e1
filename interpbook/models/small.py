"""The book's small networks: plain sequences of named layers, fit for one core and for a web page."""

import itertools
from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn
from torch.nn.utils import skip_init

from interpbook.checks import check_count

Activation = str | Callable[[], nn.Module]

# Near to ReLU, with a second derivative: for networks whose curvature is looked at.
SOFTPLUS = partial(nn.Softplus, beta=10)

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "softplus": nn.Softplus,
    "gelu": nn.GELU,
    "silu": nn.SiLU,
    "tanh": nn.Tanh,
}


class _Layers(nn.Sequential):
    """A sequence of named layers; a slice of it is a plain `nn.Sequential` that keeps the names."""

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return nn.Sequential(OrderedDict(list(self.named_children())[index]))
        return super().__getitem__(index)


class SmallCNN(_Layers):
    """A convolutional network for small images: three convolutions and one linear layer, 21,578 parameters for 28x28.

    Layers: `conv1`, `act1`, `conv2`, `act2`, `conv3`, `act3`, `flatten`, `fc`; with `batch_norm` `bn1` to
    `bn3`, in front of each activation. Convolutions are 3x3 with padding 1 and strides 1, 2, 2. Every
    convolution and the linear layer has a bias, also in front of batch norm.

    Maps Float[B 1 H W], grey values in [0, 1], to logits Float[B classes].

    Args:
        activation: one of `ACTIVATIONS`, or a factory such as `functools.partial(nn.Softplus, beta=10)`. Each
            activation is a module of its own and never works in place.
        batch_norm: normalise after every convolution (two parameters more a channel).
        channels: output channels of the three convolutions.
        classes: the number of logits.
        size: H and W of the images.
        seed: of the initial weights, uniform on ±1/sqrt(fan_in), biases included (torch's own default). The
            global random state is neither used nor changed.

    Raises:
        ValueError: an unknown activation, or sizes that are not positive.
        TypeError: an activation that is neither a name nor a factory of modules.

    >>> model = SmallCNN("gelu", seed=3)
    >>> model(torch.zeros(2, 1, 28, 28)).shape
    torch.Size([2, 10])
    >>> [name for name, _ in model.named_children()]
    ['conv1', 'act1', 'conv2', 'act2', 'conv3', 'act3', 'flatten', 'fc']
    """

    def __init__(
        self,
        activation: Activation = "relu",
        batch_norm: bool = False,
        *,
        channels: tuple[int, int, int] = (8, 16, 32),
        classes: int = 10,
        size: tuple[int, int] = (28, 28),
        seed: int = 0,
    ) -> None:
        widths = _sizes((1, *channels), "channels")
        height, width = (-(-side // 4) for side in _sizes(size, "size"))  # after two strides of 2
        generator = torch.Generator().manual_seed(seed)
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        for number, (wide_in, wide_out) in enumerate(itertools.pairwise(widths), start=1):
            stride = 1 if number == 1 else 2
            convolution = skip_init(nn.Conv2d, wide_in, wide_out, 3, stride=stride, padding=1)
            layers[f"conv{number}"] = _initialize(convolution, generator)
            if batch_norm:
                layers[f"bn{number}"] = nn.BatchNorm2d(wide_out)
            layers[f"act{number}"] = make_activation(activation)
        layers["flatten"] = nn.Flatten()
        linear = skip_init(nn.Linear, widths[-1] * height * width, check_count(classes, "classes"))
        layers["fc"] = _initialize(linear, generator)
        super().__init__(layers)


class MLP(_Layers):
    """A fully connected network: `flatten`, then `fc1`, `act1`, ..., and `fc`, all linear layers with a bias.

    Maps Float[B *dims], with `inputs` values an example, to logits Float[B classes].

    Args:
        hidden: widths of the hidden layers; empty for a linear classifier.
        activation: as for `SmallCNN`.
        inputs: the number of values of one example, 784 for a 28x28 image.
        classes: the number of logits.
        seed: of the initial weights, as for `SmallCNN`.

    Raises:
        ValueError: an unknown activation, or sizes that are not positive.
        TypeError: an activation that is neither a name nor a factory of modules.

    >>> model = MLP(hidden=(16,), inputs=4, classes=3)
    >>> model(torch.zeros(2, 2, 2)).shape, [name for name, _ in model.named_children()]
    (torch.Size([2, 3]), ['flatten', 'fc1', 'act1', 'fc'])
    """

    def __init__(
        self,
        hidden: Sequence[int] = (64, 32),
        activation: Activation = "relu",
        *,
        inputs: int = 784,
        classes: int = 10,
        seed: int = 0,
    ) -> None:
        widths = _sizes((check_count(inputs, "inputs"), *hidden), "hidden")
        generator = torch.Generator().manual_seed(seed)
        layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
        for number, (wide_in, wide_out) in enumerate(itertools.pairwise(widths), start=1):
            layers[f"fc{number}"] = _initialize(skip_init(nn.Linear, wide_in, wide_out), generator)
            layers[f"act{number}"] = make_activation(activation)
        linear = skip_init(nn.Linear, widths[-1], check_count(classes, "classes"))
        layers["fc"] = _initialize(linear, generator)
        super().__init__(layers)


def _sizes(sizes: Sequence[int], name: str) -> list[int]:
    return [check_count(size, name) for size in sizes]


def make_activation(activation: Activation) -> nn.Module:
    """A new module, from one of the names of `ACTIVATIONS` or from a factory.

    Raises:
        ValueError: an unknown name.
        TypeError: neither a name nor a factory of modules.

    >>> make_activation("gelu")
    GELU(approximate='none')
    """
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation: expected one of {sorted(ACTIVATIONS)}, got {activation!r}")
        return ACTIVATIONS[activation]()
    module = activation() if callable(activation) and not isinstance(activation, nn.Module) else None
    if not isinstance(module, nn.Module):
        raise TypeError(f"activation: expected a name or a function that makes a module, got {activation!r}")
    return module


def _initialize(layer: nn.Module, generator: torch.Generator) -> nn.Module:
    """Fill a layer made by `skip_init`, which would otherwise have drawn from the global random state."""
    weight, bias = layer.weight, layer.bias
    assert isinstance(weight, nn.Parameter)
    assert isinstance(bias, nn.Parameter)
    bound = weight[0].numel() ** -0.5
    for parameter in (weight, bias):
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer
