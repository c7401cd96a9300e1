"""What every experiment over seeds repeats: a generator from a seed, and one measurement of every network."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


def generator(seed: int, device: torch.device | str = "cpu") -> torch.Generator:
    """A new source of random numbers, the same for the same seed.

    >>> a, b = torch.randn(3, generator=generator(0)), torch.randn(3, generator=generator(0))
    >>> bool((a == b).all())
    True
    """
    return torch.Generator(device).manual_seed(seed)


def over_seeds(measure: Callable[[Any], Any], families: Mapping[str, Iterable[Any]]) -> dict[str, Tensor]:
    """One number for each network: {"baseline": a tensor with one entry per seed, ...}, for a table or a claim.

    Args:
        measure: takes a network and returns a number.
        families: by name, the networks of all seeds.

    >>> over_seeds(lambda weight: weight**2, {"small": [1.0, 2.0]})
    {'small': tensor([1., 4.], dtype=torch.float64)}
    """
    measured = {}
    for name, networks in families.items():
        numbers = [float(measure(network)) for network in networks]
        measured[name] = torch.tensor(numbers, dtype=torch.float64)
    return measured
