"""CIFAR-10 from a server of our own: fetched once, checked every time, read in order, and never half there."""

import functools
import http.server
import io
import pickle
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torchvision.datasets import CIFAR10

from interpbook.datasets import CIFAR10_CLASSES, DataError, cifar, load_cifar10
from interpbook.datasets.fetch import checksum_of

EACH = 7  # images in a batch file


def pixels(batch: int) -> np.ndarray:
    return np.random.default_rng(batch).integers(0, 256, (EACH, 3 * 32 * 32), dtype=np.uint8)


def batch_file(batch: int) -> bytes:
    labels = [(batch + k) % 10 for k in range(EACH)]
    return pickle.dumps({"batch_label": f"batch {batch}", "labels": labels, "data": pixels(batch)}, protocol=2)


def archive() -> bytes:
    """The layout of the original: a folder of batches, out of order, beside files that are not asked for."""
    files = {f"data_batch_{k}": batch_file(k) for k in (3, 1, 5, 4, 2)}
    files |= {"readme.html": b"<html>", "test_batch": batch_file(6), "batches.meta": b"not a pickle"}
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        folder = tarfile.TarInfo("cifar-10-batches-py")
        folder.type = tarfile.DIRTYPE
        tar.addfile(folder)
        for name, content in files.items():
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    return packed.getvalue()


class Handler(http.server.SimpleHTTPRequestHandler):
    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The archive behind torchvision's address, on a server that counts in `Handler.asked`."""
    content, folder = archive(), tmp_path / "server"
    folder.mkdir()
    (folder / CIFAR10.filename).write_bytes(content)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(CIFAR10, "tgz_md5", checksum_of(content, "md5").removeprefix("md5:"))
    monkeypatch.setattr(cifar, "ARCHIVE_BYTES", len(content))
    monkeypatch.setattr(Handler, "asked", [], raising=False)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=folder)) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        monkeypatch.setattr(CIFAR10, "url", f"http://127.0.0.1:{server.server_port}/{CIFAR10.filename}")
        yield folder / CIFAR10.filename
        server.shutdown()
        thread.join()


def test_the_images_of_all_batches_in_order(source: Path, tmp_path: Path) -> None:
    images, labels = load_cifar10("train", root=tmp_path / "root")
    expected = np.concatenate([pixels(batch) for batch in (1, 2, 3, 4, 5)])
    assert (images.shape, images.dtype, labels.dtype) == ((5 * EACH, 3, 32, 32), torch.float32, torch.int64)
    assert torch.equal((images * 255).round(), torch.from_numpy(expected).view(-1, 3, 32, 32).float())
    assert images.min() == 0
    assert images.max() == 1
    assert labels.tolist() == [(batch + k) % 10 for batch in (1, 2, 3, 4, 5) for k in range(EACH)]
    test, _ = load_cifar10("test", root=tmp_path / "root", size=3)
    assert torch.equal((test * 255).round(), torch.from_numpy(pixels(6)[:3]).view(-1, 3, 32, 32).float())


def test_torchvision_reads_the_same(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """torchvision's own class, from the same archive where `load_cifar10` put it, without a second download."""
    images, labels = load_cifar10("train", root=tmp_path / "root")
    files = {f"data_batch_{k}": batch_file(k) for k in range(1, 6)} | {"test_batch": batch_file(6)}
    sums = [[name, checksum_of(content, "md5").removeprefix("md5:")] for name, content in files.items()]
    monkeypatch.setattr(CIFAR10, "train_list", sums[:5])
    monkeypatch.setattr(CIFAR10, "test_list", sums[5:])
    monkeypatch.setattr(CIFAR10, "_load_meta", lambda self: None)
    theirs = CIFAR10(tmp_path / "root", download=True)
    assert torch.equal((images * 255).round().permute(0, 2, 3, 1), torch.from_numpy(theirs.data).float())
    assert labels.tolist() == theirs.targets
    assert len(Handler.asked) == 1


def test_it_is_fetched_once_and_nothing_else_is_written(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    first, _ = load_cifar10("test", root=root)
    again, _ = load_cifar10("test", root=root)
    assert torch.equal(first, again)
    assert Handler.asked == [f"/{CIFAR10.filename}"]
    assert [entry.name for entry in root.iterdir()] == [CIFAR10.filename]


def test_the_cache_is_in_the_home_folder(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    load_cifar10("test", size=1)
    assert (tmp_path / ".cache" / "interpbook" / CIFAR10.filename).read_bytes() == source.read_bytes()


def test_a_damaged_archive_is_replaced_or_named(source: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    load_cifar10("test", root=root)
    path = root / CIFAR10.filename
    path.write_bytes(path.read_bytes()[:-1])
    load_cifar10("test", root=root)
    assert path.read_bytes() == source.read_bytes()
    path.write_bytes(b"damaged")
    source.write_bytes(source.read_bytes()[:-1])
    message = r"cifar-10-python\.tar\.gz .*MB\) could not be downloaded(.|\n)*damaged(.|\n)*truncated(.|\n)*Without"
    with pytest.raises(DataError, match=message):
        load_cifar10("test", root=root)
    assert path.read_bytes() == b"damaged"
    path.unlink()
    source.unlink()
    with pytest.raises(DataError, match="the server answered 404"):
        load_cifar10("test", root=root)
    assert not list(root.iterdir())


def test_the_bytes_that_are_unpacked_are_those_that_were_checked(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program changes the archive between the check and the opening."""
    root = tmp_path / "root"
    expected, _ = load_cifar10("test", root=root)
    path, opened = root / CIFAR10.filename, tarfile.open

    def late(*arguments: Any, **options: Any) -> tarfile.TarFile:
        path.write_bytes(b"something else")
        return opened(*arguments, **options)

    monkeypatch.setattr(tarfile, "open", late)
    images, _ = load_cifar10("test", root=root)
    assert path.read_bytes() == b"something else"
    assert torch.equal(images, expected)


def test_wrong_arguments_are_refused_before_the_download(source: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match='split: expected "train" or "test", got \'validation\''):
        load_cifar10("validation", root=tmp_path)
    with pytest.raises(ValueError, match="size: expected an int of at least 1, got 0"):
        load_cifar10("test", size=0, root=tmp_path)
    assert not Handler.asked
    with pytest.raises(ValueError, match="size: expected at most the 7 images of this split, got 8"):
        load_cifar10("test", size=8, root=tmp_path)


def test_torchvision_still_publishes_what_we_ask_for() -> None:
    assert CIFAR10.filename == "cifar-10-python.tar.gz"
    assert CIFAR10.tgz_md5 == "c58f30108f718f92721af3b95e74349a"
    assert [name for name, _ in CIFAR10.train_list] == [f"data_batch_{k}" for k in range(1, 6)]
    assert len(CIFAR10_CLASSES) == 10
