"""Data whose evidence is one coordinate: +-e_j and noise beside it, and the networks that learn from them."""

from functools import partial
from typing import NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interpbook.models import MLP
from interpbook.robustness import adversarial_inputs

__all__ = ["ATTACK", "EPS", "Units", "load_units", "network", "without_biases"]

RELEVANT, BESIDE = 10, 10
SIZES = {"train": 200, "test": 1000}
NOISE = 0.1
HIDDEN = 200
#: How far the attack may move each coordinate: beyond 1/10, where a linear network fails, and below 1/2.
EPS = 0.35
ATTACK = adversarial_inputs(EPS, "linf", steps=4, box=None)


class Units(NamedTuple):
    """Inputs Float[n 20], their classes, 0 for -e_j and 1 for e_j, and the coordinate j that decides, 0 to 9."""

    x: Float[Tensor, "n 20"]
    labels: Int[Tensor, "n"]
    signal: Int[Tensor, "n"]


def load_units(split: str = "train") -> Units:
    """One of the first ten coordinates is +-1 and says the class; the other nine are 0, the last ten are noise.

    The same 200 training and 1,000 test examples every time; the noise is normal with deviation 0.1.

    Raises:
        ValueError: another split.

    >>> units = load_units("test")
    >>> units.x[0, units.signal[0]].item() == 2 * units.labels[0].item() - 1
    True
    """
    if split not in SIZES:
        raise ValueError(f"split: expected one of {sorted(SIZES)}, got {split!r}")
    n = SIZES[split]
    generator = torch.Generator().manual_seed(0 if split == "train" else 1)
    signal = torch.randint(RELEVANT, (n,), generator=generator)
    labels = torch.randint(2, (n,), generator=generator)
    x = torch.zeros(n, RELEVANT + BESIDE)
    x[torch.arange(n), signal] = 2.0 * labels - 1
    x[:, RELEVANT:] = NOISE * torch.randn(n, BESIDE, generator=generator)
    return Units(x, labels, signal)


#: The network of these pages: one hidden layer of 200 ReLU, made from a seed.
network = partial(MLP, (HIDDEN,), inputs=RELEVANT + BESIDE, classes=2)


def without_biases(model: nn.Module) -> nn.Module:
    """The same network, its biases zero and no longer trained; changed in place.

    >>> model = without_biases(network(seed=0))
    >>> model(torch.zeros(1, 20)).abs().max().item()
    0.0
    """
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
            parameter.requires_grad_(False)
    return model
