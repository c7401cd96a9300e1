"""MNIST [lecun1998gradient] and Fashion-MNIST [xiao2017fashion]: bundled samples, and the full sets."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from interpbook.datasets.bundled import read_bundled
from interpbook.datasets.fetch import cache_folder, fetch_bytes
from interpbook.datasets.idx import decode_idx
from interpbook.datasets.splits import check_split, first_images

Arrays = tuple[UInt8[np.ndarray, "n 28 28"], UInt8[np.ndarray, " n"]]

FASHION_CLASSES = (
    "T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"
)  # fmt: skip

# Lengths in bytes of the original gzipped idx files, for the progress bar and for messages.
FULL_SIZES = {
    "MNIST": {
        "train-images": 9912422,
        "train-labels": 28881,
        "t10k-images": 1648877,
        "t10k-labels": 4542,
    },
    "FashionMNIST": {
        "train-images": 26421880,
        "train-labels": 29515,
        "t10k-images": 4422102,
        "t10k-labels": 5148,
    },
}


def load_mnist(
    split: str = "train", *, size: int | None = None, full: bool = False, root: str | Path | None = None
) -> tuple[Float[Tensor, "n 1 28 28"], Int[Tensor, " n"]]:
    """Handwritten digits: grey images in [0, 1], ink bright on a black ground, and labels 0 to 9.

    The bundled sample holds 10,000 training and 2,000 test images in a fixed order, class after class
    (0, 1, ..., 9, 0, 1, ...), so that every prefix is as balanced as it can be. Within its class a test image stands
    where chance (its checksum) put it, so that any slice is a sample; the original file has its harder half first.

    Args:
        split: `"train"` or `"test"`; the two share no image.
        size: only the first `size` images.
        full: the whole set (60,000 and 10,000 images, in the original order, not quite balanced), downloaded
            once from the addresses and against the checksums that torchvision publishes.
        root: folder for the full set, laid out as torchvision does; by default `~/.cache/interpbook`.

    Raises:
        ValueError: unknown `split`, `size` out of range, or `root` without `full`.
        DataError: a file is missing, damaged, or cannot be downloaded.

    Source: [lecun1998gradient].

    >>> images, labels = load_mnist("test", size=20)
    >>> images.shape, labels[:12].tolist()
    (torch.Size([20, 1, 28, 28]), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1])
    """
    return _load("mnist", "MNIST", split, size, full, root)


def load_fashion_mnist(
    split: str = "train", *, size: int | None = None, full: bool = False, root: str | Path | None = None
) -> tuple[Float[Tensor, "n 1 28 28"], Int[Tensor, " n"]]:
    """Pictures of clothes: grey images in [0, 1] on a black ground, and labels 0 to 9 (`FASHION_CLASSES`).

    Arguments, order and errors are those of `load_mnist`.

    Source: [xiao2017fashion].

    >>> images, labels = load_fashion_mnist("test", size=10)
    >>> FASHION_CLASSES[labels[9]], bool(images.min() >= 0), bool(images.max() <= 1)
    ('ankle boot', True, True)
    """
    return _load("fashion-mnist", "FashionMNIST", split, size, full, root)


def _load(
    bundled: str, torchvision_name: str, split: str, size: int | None, full: bool, root: str | Path | None
) -> tuple[Float[Tensor, "n 1 28 28"], Int[Tensor, " n"]]:
    check_split(split)
    if root is not None and not full:
        raise ValueError(f"root: expected full=True beside it, as it is the full set's folder, got {root!r}")
    if full:
        images, labels = _full(torchvision_name, split, cache_folder(root))
    else:
        archive = np.load(io.BytesIO(read_bundled(f"{bundled}-{split}.npz")))
        images, labels = archive["images"], archive["labels"]
    return first_images(images[:, None], labels, size)


def _full(name: str, split: str, root: Path) -> Arrays:
    """Both arrays of a full set, through torchvision's table of addresses and checksums."""
    import torchvision  # here, because it takes a second to import and the bundled samples do without

    dataset: Any = getattr(torchvision.datasets, name)
    arrays = []
    for part, suffix in (("images", "idx3-ubyte.gz"), ("labels", "idx1-ubyte.gz")):
        stem = f"{'train' if split == 'train' else 't10k'}-{part}"
        file = f"{stem}-{suffix}"
        checksum = f"md5:{dict(dataset.resources)[file]}"
        urls = [mirror + file for mirror in dataset.mirrors]
        path = root / name / "raw" / file
        arrays.append(decode_idx(fetch_bytes(path, urls, checksum, FULL_SIZES[name][stem]), str(path)))
    return arrays[0], arrays[1]
