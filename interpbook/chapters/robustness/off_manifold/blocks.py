"""The images of the chapter whose signal is known: a digit, and above or below it always the same letter."""

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.datasets import Blocks, load_block_mnist

__all__ = ["images_of_seed", "letter", "load_blocks", "load_images"]

# Drawn by hand, so that no font of a machine decides what the networks see.
_LETTER = """
..............
......##......
......##......
.....####.....
.....#..#.....
....##..##....
....##..##....
...##....##...
...########...
...########...
..##......##..
..##......##..
..............
..............
"""


def letter() -> Float[Tensor, "1 14 14"]:
    """The distractor, a capital A of zeros and ones.

    >>> letter().shape, int(letter().sum())
    (torch.Size([1, 14, 14]), 46)
    """
    rows = [[float(sign == "#") for sign in row] for row in _LETTER.split()]
    return torch.tensor([rows])


def load_blocks(split: str = "train", *, size: int | None = None) -> Blocks:
    """MNIST digits at half their size, and the letter above or below each, by the fall of a coin.

    Half the scale of the published experiment, which has digits of 28x28 [srinivas2023which]. The coins of each split
    are its own, and the same every time.

    Args:
        split: "train" or "test", 10,000 and 2,000 images.
        size: only the first `size`.

    Raises:
        ValueError: as `load_mnist`.

    >>> blocks = load_blocks("test", size=4)
    >>> blocks.images.shape, blocks.signal.float().mean().item()
    (torch.Size([4, 1, 28, 14]), 0.5)
    """
    return load_block_mnist(letter(), split, size=size)


def images_of_seed(seed: int) -> Blocks:
    """400 test images that no other of the seeds 0 to 4 sees, so that a spread over seeds is one over images too.

    >>> images_of_seed(4).labels[:3].tolist()
    [0, 1, 2]
    """
    blocks = load_blocks("test")
    own = slice(400 * seed, 400 * (seed + 1))
    return Blocks(blocks.images[own], blocks.labels[own], blocks.signal[own])


def load_images(split: str = "train") -> tuple[Float[Tensor, "n 1 28 14"], Int[Tensor, "n"]]:
    """What a recipe needs: the images and labels of `load_blocks`.

    >>> len(load_images("test"))
    2
    """
    blocks = load_blocks(split)
    return blocks.images, blocks.labels
