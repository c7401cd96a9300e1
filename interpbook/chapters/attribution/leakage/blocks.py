"""The images of the chapter, whose evidence is known: a digit, and above or below it always the same ring."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.datasets import Blocks, load_block_mnist

__all__ = ["load_blocks", "load_images", "null_block"]


def null_block() -> Float[Tensor, "1 14 14"]:
    """The block that says nothing, a gray ring: .6 where 3 < rho < 5, rho the distance from the middle (6.5, 6.5).

    >>> null_block().shape, int((null_block() > 0).sum())
    (torch.Size([1, 14, 14]), 48)
    """
    away = torch.arange(14) - 6.5
    rho = (away[:, None] ** 2 + away**2).sqrt()
    return 0.6 * ((rho > 3) & (rho < 5))[None]


def load_blocks(split: str = "train", *, size: int | None = None, position: str = "random") -> Blocks:
    """MNIST digits at half their size, and the ring above or below each, by the fall of a coin.

    Half the scale of the published experiment, which has digits of 28x28 [shah2021input]. The coins of each split are
    its own, and the same every time.

    Args:
        split: "train" or "test", 10,000 and 2,000 images.
        size: only the first `size`.
        position: of the digits; with "top" or "bottom" no coin falls.

    Raises:
        ValueError: as `load_mnist`, or another position.

    >>> blocks = load_blocks("test", size=4)
    >>> blocks.images.shape, blocks.signal.float().mean().item()
    (torch.Size([4, 1, 28, 14]), 0.5)
    """
    return load_block_mnist(null_block(), split, size=size, position=position)


def load_images(split: str = "train") -> tuple[Float[Tensor, "n 1 28 14"], Int[Tensor, "n"]]:
    """What a recipe needs: the images and labels of `load_blocks`.

    >>> len(load_images("test"))
    2
    """
    blocks = load_blocks(split)
    return blocks.images, blocks.labels
