"""Noise from a generator, never from the global random state."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["standard_normal"]


def standard_normal(shape: tuple[int, ...], like: Tensor, generator: torch.Generator) -> Float[Tensor, "..."]:
    """Independent standard normal numbers with the dtype and device of `like`.

    Drawn as float32 where the generator lives, so that another dtype or device sees the same numbers.

    >>> standard_normal((2, 3), torch.zeros(1, dtype=torch.float64), torch.Generator()).dtype
    torch.float64
    """
    noise = torch.randn(shape, generator=generator, device=generator.device, dtype=torch.float32)
    return noise.to(like)
