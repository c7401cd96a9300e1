"""What every loader of images says in the same way: the name of a split, and its first images as tensors."""

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from interpbook.checks import check_count


def check_split(split: object) -> None:
    """Raise ValueError unless `split` names one of the two halves of a data set.

    >>> check_split("validation")
    Traceback (most recent call last):
    ...
    ValueError: split: expected "train" or "test", got 'validation'
    """
    if split not in ("train", "test"):
        raise ValueError(f'split: expected "train" or "test", got {split!r}')


def first_images(
    images: UInt8[np.ndarray, "m *dims"], labels: UInt8[np.ndarray, " m"], size: int | None
) -> tuple[Float[Tensor, "n *dims"], Int[Tensor, " n"]]:
    """The first `size` images (None: all) as floats in [0, 1], and their labels.

    Raises:
        TypeError, ValueError: `size` is no count, or is larger than the number of images.

    >>> first_images(np.full((3, 1, 1), 255, np.uint8), np.arange(3, dtype=np.uint8), size=2)
    (tensor([[[1.]],
    <BLANKLINE>
            [[1.]]]), tensor([0, 1]))
    """
    if size is not None and check_count(size, "size") > len(images):
        raise ValueError(f"size: expected at most the {len(images)} images of this split, got {size}")
    pixels = torch.from_numpy(images[:size].astype(np.float32)).div_(255)
    return pixels, torch.from_numpy(labels[:size].astype(np.int64))
