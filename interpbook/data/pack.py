"""Pack the bundled samples from the raw idx files: `python -m interpbook.data.pack mnist FOUR FILES`.

From each class the images are taken at equal distances through the original file (MNIST's test file holds two
groups of writers one after the other), and stored class after class: 0, 1, ..., 9, 0, 1, ... Every prefix is
thus as balanced as it can be. No random numbers are involved, and the archive carries no dates: the same four
files give the same bytes.

The format is numpy's compressed npz. MNIST and Fashion-MNIST together take 7.3 MB, and each file is read and
checked in less than 0.1 s; xz would save 1 MB, but is slower to read, and some Pythons are built without it.
"""

import argparse
import hashlib
import io
from pathlib import Path

import numpy as np
from jaxtyping import Int, UInt8

from interpbook.data.bundled import FILES, checksums
from interpbook.data.fetch import atomic_file
from interpbook.data.idx import decode_idx

PER_CLASS = {"train": 1000, "test": 200}


def balanced_order(labels: UInt8[np.ndarray, " n"], per_class: int) -> Int[np.ndarray, " chosen"]:
    """Indices of `per_class` images of every class, spread evenly through the file, classes interleaved.

    Raises:
        ValueError: a class has fewer than `per_class` members.

    >>> balanced_order(np.array([0, 0, 1, 1, 0, 0, 1, 1], dtype=np.uint8), per_class=2).tolist()
    [0, 2, 4, 6]
    """
    columns = []
    for label in np.unique(labels):
        members = np.flatnonzero(labels == label)
        if len(members) < per_class:
            raise ValueError(f"class {label} has {len(members)} images, {per_class} were asked for")
        columns.append(members[np.arange(per_class) * len(members) // per_class])
    return np.stack(columns, axis=1).reshape(-1)


def pack(images: UInt8[np.ndarray, "n h w"], labels: UInt8[np.ndarray, "..."], per_class: int) -> bytes:
    """An npz archive of the chosen `images` (UInt8[N H W]) and `labels` (UInt8[N]).

    Raises:
        ValueError: the two lengths differ, or a class is too small.

    >>> labels = np.array([0, 1, 0, 1], dtype=np.uint8)
    >>> archive = pack(np.zeros((4, 28, 28), dtype=np.uint8), labels, per_class=1)
    >>> np.load(io.BytesIO(archive))["labels"].tolist()
    [0, 1]
    """
    if len(images) != len(labels):
        raise ValueError(f"{len(images)} images but {len(labels)} labels")
    order = balanced_order(labels, per_class)
    archive = io.BytesIO()
    np.savez_compressed(archive, images=images[order], labels=labels[order])
    return archive.getvalue()


def write_checksums(folder: Path) -> None:
    """Write `SHA256SUMS`, the list of every npz and jpg file below `folder`.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> _ = (folder / "a.npz").write_bytes(b"abc")
    >>> write_checksums(folder)
    >>> checksums(folder)["a.npz"][:14]
    'sha256:ba7816b'
    """
    paths = sorted(path for path in folder.rglob("*") if path.suffix in (".npz", ".jpg"))
    with atomic_file(folder / "SHA256SUMS") as file:
        for path in paths:
            digits = hashlib.sha256(path.read_bytes()).hexdigest()
            file.write(f"{digits}  {path.relative_to(folder).as_posix()}\n".encode())


def main(arguments: list[str] | None = None) -> None:
    """The command line; see the top of this module."""
    parser = argparse.ArgumentParser(prog="python -m interpbook.data.pack", description=__doc__)
    parser.add_argument("name", choices=["mnist", "fashion-mnist"])
    for split in PER_CLASS:
        parser.add_argument(f"{split}_images", type=Path, help="raw idx file, gzipped or not")
        parser.add_argument(f"{split}_labels", type=Path, help="raw idx file, gzipped or not")
    parser.add_argument("--out", type=Path, default=FILES, help="folder to write to (default: the package)")
    chosen = parser.parse_args(arguments)
    for split, per_class in PER_CLASS.items():
        paths = [getattr(chosen, f"{split}_{part}") for part in ("images", "labels")]
        images, labels = (decode_idx(path.read_bytes(), str(path)) for path in paths)
        with atomic_file(chosen.out / f"{chosen.name}-{split}.npz") as file:
            file.write(pack(images, labels, per_class))
    write_checksums(chosen.out)
    for name, checksum in checksums(chosen.out).items():
        print(f"{checksum}  {(chosen.out / name).stat().st_size:>9}  {name}")


if __name__ == "__main__":
    main()
