"""The control of the tangent spaces: one subspace for all images, that in which they differ most."""

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.checks import check_count, check_input

__all__ = ["principal_projection"]


def principal_projection(images: Float[Tensor, "n *dims"], count: int) -> Float[Tensor, "d d"]:
    """The orthogonal projection onto the `count` principal directions of some images, of d values each.

    >>> images = torch.tensor([[1.0, 0.0], [-1.0, 0.1], [3.0, 0.0]])
    >>> principal_projection(images, 1).diagonal().round().tolist()
    [1.0, 0.0]
    """
    check_input(images, "images")
    centered = (images - images.mean(0)).flatten(1)
    _, directions = torch.linalg.eigh(centered.T @ centered)
    largest = directions[:, -check_count(count, "count") :]
    return largest @ largest.T
