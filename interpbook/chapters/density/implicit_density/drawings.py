"""What the chapter draws into a saliency map."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["smile"]


def smile() -> Float[Tensor, "28 28"]:
    """A face of 28 by 28 pixels, one where there is ink and zero elsewhere.

    >>> face = smile()
    >>> face.shape, face.unique()
    (torch.Size([28, 28]), tensor([0., 1.]))
    """
    rows, columns = torch.meshgrid(torch.arange(28.0), torch.arange(28.0), indexing="ij")
    radius = torch.hypot(rows - 13.5, columns - 13.5)
    face = (radius - 11).abs() < 0.9
    eyes = torch.hypot(rows - 10, (columns - 13.5).abs() - 4) < 1.8
    mouth = ((radius - 6.5).abs() < 0.9) & (rows > 15.5)
    return (face | eyes | mouth).float()
