"""Images of two blocks, of which only one says what the label is: data whose signal is known pixel by pixel."""

from typing import NamedTuple

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional as F

from interpbook.checks import check_generator, check_input
from interpbook.datasets.image_sets import load_mnist

__all__ = ["Blocks", "block_images", "load_block_mnist"]


class Blocks(NamedTuple):
    """Images of two blocks in [0, 1], the label of each, and a mask that is True on the block that the label is of.

    >>> blocks = load_block_mnist(torch.zeros(1, 14, 14), "test", size=2)
    >>> bool((blocks.images[~blocks.signal] == 0).all())
    True
    """

    images: Float[Tensor, "n 1 28 14"]
    labels: Int[Tensor, "n"]
    signal: Bool[Tensor, "n 1 28 14"]


def load_block_mnist(
    distractor: Float[Tensor, "1 14 14"],
    split: str = "train",
    *,
    size: int | None = None,
    position: str = "random",
) -> Blocks:
    """MNIST digits at half their size, and one and the same distractor above or below each: `block_images` of them.

    Half the scale of the published experiments, whose digits are 28x28 [shah2021input; srinivas2023which]. The coins
    of each split are its own, and the same every time.

    Args:
        distractor: the block that says nothing of the label, in [0, 1].
        split: "train" or "test", 10,000 and 2,000 images.
        size: only the first `size`.
        position: of the digits: "random", "top" or "bottom".

    Raises:
        TypeError, ValueError: as `load_mnist` and `block_images`.

    >>> images, labels, signal = load_block_mnist(torch.zeros(1, 14, 14), "test", size=4)
    >>> images.shape, labels.tolist(), signal.float().mean().item()
    (torch.Size([4, 1, 28, 14]), [0, 1, 2, 3], 0.5)
    """
    digits, labels = load_mnist(split)
    coins = torch.Generator().manual_seed(0 if split == "train" else 1)
    images, signal = block_images(F.avg_pool2d(digits, 2), distractor, position=position, generator=coins)
    return Blocks(images[:size], labels[:size], signal[:size])


def block_images(
    images: Float[Tensor, "n c h w"],
    distractor: Float[Tensor, "c h w"],
    *,
    position: str = "random",
    generator: torch.Generator | None = None,
) -> tuple[Float[Tensor, "n c 2*h w"], Bool[Tensor, "n c 2*h w"]]:
    """Each image with one and the same distractor above or below it, by the fall of a coin
    [shah2021input; srinivas2023which].

    The label of an image is that of the result. What stands in the distractor's block is the same in all of them and
    says nothing of the label; only *where* it stands differs, and with `position` "top" or "bottom" not even that.

    Args:
        images: the signal.
        distractor: of the same size as one image.
        position: where the image stands: "random", "top" or "bottom".
        generator: of the coins, by default one with seed 0. The same loader may pass one for every `position`; where
            no coin is tossed, it stays as it is.

    Returns:
        The stacked images, and a mask that is True on the block of the signal.

    Raises:
        TypeError, ValueError: tensors that are not floating, not finite, or do not fit each other; another `position`
            or a wrong `generator`.

    >>> blocks, signal = block_images(torch.ones(2, 1, 1, 1), torch.zeros(1, 1, 1))
    >>> blocks.shape, torch.equal(blocks > 0, signal)
    (torch.Size([2, 1, 2, 1]), True)
    """
    check_input(images, "images")
    check_input(distractor, "distractor")
    if images.dim() != 4 or distractor.shape != images.shape[1:]:
        found = f"{tuple(images.shape)} and {tuple(distractor.shape)}"
        raise ValueError(f"distractor: expected the shape (c, h, w) of one of the images (n, c, h, w), got {found}")
    on_top = _on_top(position, len(images), check_generator(generator)).to(images.device)[:, None, None, None]
    other = distractor.to(images).expand_as(images)
    blocks = torch.where(on_top, torch.cat([images, other], 2), torch.cat([other, images], 2))
    first, second = on_top.expand_as(images), ~on_top.expand_as(images)
    return blocks, torch.cat([first, second], 2)


def _on_top(position: str, count: int, generator: torch.Generator) -> Bool[Tensor, "count"]:
    """Whether each image stands above the distractor."""
    if position == "random":
        return torch.rand(count, generator=generator, device=generator.device) < 0.5
    if position not in ("top", "bottom"):
        raise ValueError(f'position: expected "random", "top" or "bottom", got {position!r}')
    return torch.full((count,), position == "top")
