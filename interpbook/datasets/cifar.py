"""CIFAR-10 [krizhevsky2009learning]: small photographs in colour, for the full scale; downloaded, never bundled."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int, UInt8
from torch import Tensor

from interpbook.checks import check_count
from interpbook.datasets.fetch import cache_folder, fetch_bytes
from interpbook.datasets.splits import check_split, first_images

CIFAR10_CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"
)  # fmt: skip

ARCHIVE_BYTES = 170498071  # for the progress bar and for messages


def load_cifar10(
    split: str = "train", *, size: int | None = None, root: str | Path | None = None
) -> tuple[Float[Tensor, "n 3 32 32"], Int[Tensor, " n"]]:
    """Photographs of ten things: colours (red, green, blue) in [0, 1], and labels 0 to 9 (`CIFAR10_CLASSES`).

    50,000 training and 10,000 test images in the original order, which mixes the classes. They do not come with
    the package: one archive of 170 MB is downloaded once, from the address and against the checksum that
    torchvision publishes, checked again each time and read without being unpacked on disk.

    Args:
        split: `"train"` or `"test"`; the two share no image.
        size: only the first `size` images.
        root: folder for the archive, where torchvision would put it too; by default `~/.cache/interpbook`.

    Raises:
        ValueError: unknown `split`, or `size` out of range.
        DataError: the archive cannot be downloaded; the message says what to do without a network.

    Source: [krizhevsky2009learning].

    >>> images, labels = load_cifar10("test", size=20)  # doctest: +SKIP
    >>> CIFAR10_CLASSES[3]
    'cat'
    """
    check_split(split)
    if size is not None:
        check_count(size, "size")  # before 170 MB are on their way
    from torchvision.datasets import CIFAR10  # here, because it takes a second to import

    path = cache_folder(root) / CIFAR10.filename
    archive = fetch_bytes(path, [CIFAR10.url], f"md5:{CIFAR10.tgz_md5}", ARCHIVE_BYTES)
    batches = CIFAR10.train_list if split == "train" else CIFAR10.test_list
    return first_images(*_read(archive, [f"{CIFAR10.base_folder}/{name}" for name, _ in batches]), size)


def _read(archive: bytes, names: list[str]) -> tuple[UInt8[np.ndarray, "n 3 32 32"], UInt8[np.ndarray, " n"]]:
    """The images and labels of the named files of the archive, one after another, in one pass through it."""
    batches = {}
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r|gz") as tar:
        for member in tar:
            if member.name in names:
                content = tar.extractfile(member)
                assert content is not None
                # A pickle can run code: these are the very bytes whose checksum `fetch_bytes` has compared.
                batches[member.name] = pickle.load(content, encoding="latin1")
    images = np.concatenate([batches[name]["data"] for name in names]).reshape(-1, 3, 32, 32)
    return images, np.concatenate([batches[name]["labels"] for name in names]).astype(np.uint8)
