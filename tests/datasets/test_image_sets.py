"""What the loaders promise: shapes, ranges, balance, order, and full sets that are checked."""

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torchvision

from interpbook.datasets import DataError, image_sets, load_cats, load_fashion_mnist, load_mnist
from interpbook.datasets.fetch import checksum_of

LOADERS = pytest.mark.parametrize("load", [load_mnist, load_fashion_mnist])


@LOADERS
@pytest.mark.parametrize(("split", "count"), [("train", 10_000), ("test", 2_000)])
def test_bundled_samples(load: Callable, split: str, count: int) -> None:
    images, labels = load(split)
    assert images.shape == (count, 1, 28, 28)
    assert images.dtype == torch.float32
    assert labels.dtype == torch.int64
    assert images.min() == 0
    assert images.max() == 1
    assert torch.equal(labels, torch.arange(count) % 10)  # any prefix is as balanced as it can be
    levels = images * 255
    assert torch.allclose(levels, levels.round(), atol=1e-4)


@LOADERS
def test_prefix_and_determinism(load: Callable) -> None:
    images, labels = load("test")
    few, few_labels = load("test", size=37)
    assert torch.equal(few, images[:37])
    assert torch.equal(few_labels, labels[:37])


@LOADERS
def test_training_and_test_images_are_different(load: Callable) -> None:
    train = {image.numpy().tobytes() for image in load("train")[0]}
    test = {image.numpy().tobytes() for image in load("test")[0]}
    assert not train & test


def test_the_two_sets_look_like_themselves() -> None:
    """Ones have the least ink of all digits; sandals less than pullovers."""
    images, labels = load_mnist("test")
    assert int(torch.stack([images[labels == k].mean() for k in range(10)]).argmin()) == 1
    images, labels = load_fashion_mnist("test")
    names = image_sets.FASHION_CLASSES
    ink = {name: float(images[labels == k].mean()) for k, name in enumerate(names)}
    assert ink["sandal"] < ink["trouser"] < ink["pullover"]


@LOADERS
def test_a_slice_of_the_test_images_is_a_sample_of_them(load: Callable) -> None:
    """Each tenth has the grey of the whole, up to chance, class by class; in the order of MNIST's file it has not."""
    images, labels = load("test")
    grey = images.mean((1, 2, 3)).double()
    for label in range(10):
        grey[labels == label] -= grey[labels == label].mean()
    tenths = grey.view(10, -1)
    chi_squared = float((tenths.mean(1).square() * tenths.shape[1] / grey.var()).sum())
    assert chi_squared < 27.9  # one in a thousand, with nine degrees of freedom


@LOADERS
def test_bad_arguments(load: Callable) -> None:
    with pytest.raises(ValueError, match='split: expected "train" or "test", got \'validation\''):
        load("validation")
    with pytest.raises(ValueError, match="size: expected an int of at least 1, got 0"):
        load("test", size=0)
    with pytest.raises(ValueError, match="size: expected at most the 2000 images of this split, got 2001"):
        load("test", size=2001)
    with pytest.raises(ValueError, match="root: expected full=True"):
        load("test", root="somewhere")


@pytest.fixture
def full_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for the full MNIST test set: two gzipped idx files behind torchvision's table."""
    source = tmp_path / "source"
    source.mkdir()
    pixels = bytes(i % 256 for i in range(25 * 784))
    images = bytes([0, 0, 8, 3, 0, 0, 0, 25, 0, 0, 0, 28, 0, 0, 0, 28]) + pixels
    labels = bytes([0, 0, 8, 1, 0, 0, 0, 25]) + bytes(i % 10 for i in range(25))
    resources, sizes = [], {}
    for stem, suffix, content in (("images", "idx3", images), ("labels", "idx1", labels)):
        packed = gzip.compress(content)
        name = f"t10k-{stem}-{suffix}-ubyte.gz"
        (source / name).write_bytes(packed)
        resources.append((name, checksum_of(packed, "md5").removeprefix("md5:")))
        sizes[f"t10k-{stem}"] = len(packed)
    monkeypatch.setattr(torchvision.datasets.MNIST, "mirrors", [source.as_uri() + "/"])
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    monkeypatch.setitem(image_sets.FULL_SIZES, "MNIST", sizes)
    return source


def test_full_set_is_fetched_once_and_checked_every_time(full_set: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    images, labels = load_mnist("test", full=True, root=root)
    assert images.shape == (25, 1, 28, 28)
    assert torch.equal(labels, torch.arange(25) % 10)
    assert images.flatten()[255] == 1
    for path in full_set.iterdir():
        path.unlink()
    again, _ = load_mnist("test", full=True, root=root, size=7)
    assert torch.equal(again, images[:7])
    damaged = root / "MNIST" / "raw" / "t10k-labels-idx1-ubyte.gz"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"t10k-labels-idx1-ubyte\.gz .*MB\) could not be downloaded"):
        load_mnist("test", full=True, root=root)


def test_sizes_and_checksums_cover_torchvision() -> None:
    for name, sizes in image_sets.FULL_SIZES.items():
        files = dict(getattr(torchvision.datasets, name).resources)
        assert {file.split("-idx")[0] for file in files} == set(sizes)


def test_cats() -> None:
    cats = load_cats()
    assert [cat.index for cat in cats] == [281, 283, 284, 285]
    for cat in cats:
        assert cat.image.mode == "RGB"
        assert min(cat.image.size) >= 224
        assert cat.name.endswith("cat")
    assert [cat.image.tobytes() for cat in cats] == [cat.image.tobytes() for cat in load_cats()]
