"""Noise from a generator, never from the global random state."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["check_generator", "standard_normal"]


def check_generator(generator: object) -> torch.Generator:
    """The generator that was given, or a new one with seed 0: without one the same call gives the same answer.

    Raises:
        TypeError: neither a `torch.Generator` nor None.

    >>> check_generator(0)
    Traceback (most recent call last):
        ...
    TypeError: generator: expected a torch.Generator or None, got int
    """
    if generator is None:
        return torch.Generator().manual_seed(0)
    if not isinstance(generator, torch.Generator):
        raise TypeError(f"generator: expected a torch.Generator or None, got {type(generator).__name__}")
    return generator


def standard_normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Float[Tensor, "..."]:
    """Independent standard normal numbers with the dtype and device of `like`.

    Drawn as float32 where the generator lives, so that another dtype or device sees the same numbers.

    >>> standard_normal((2, 3), torch.zeros(1, dtype=torch.float64), torch.Generator()).dtype
    torch.float64
    """
    noise = torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float32)
    return noise.to(like)
