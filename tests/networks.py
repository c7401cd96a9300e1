"""Networks whose biases and statistics are not zero, so that a test of completeness is not empty."""

import torch
from torch import nn

from interpbook.attribution import FullGradients


def randomize(model: nn.Module, seed: int = 0, dtype: torch.dtype = torch.float64) -> nn.Module:
    """The model in evaluation mode, with random biases, batch-norm scales and statistics, and no head left at zero."""
    generator = torch.Generator().manual_seed(seed)
    model = model.to(dtype).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=dtype)
            if name.endswith("bias") or not parameter.any():
                parameter.copy_(0.1 * noise)
        for name, buffer in model.named_buffers():
            if name.endswith("running_mean"):
                buffer.copy_(0.1 * torch.randn(buffer.shape, generator=generator, dtype=dtype))
            elif name.endswith("running_var"):
                buffer.copy_(0.2 + 0.4 * torch.rand(buffer.shape, generator=generator, dtype=dtype))
    return model


def relative_gap(parts: FullGradients) -> float:
    """By how much the terms miss the output, relative to the largest term; the worst over the batch.

    Where all terms are zero there is nothing to miss.
    """
    largest = torch.stack(list(parts.per_layer().values())).abs().amax(0)
    return float((parts.gap.abs() / largest.clamp(min=torch.finfo(largest.dtype).tiny)).max())
