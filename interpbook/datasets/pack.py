"""Pack the bundled samples from the raw files: `python -m interpbook.datasets.pack mnist FOUR FILES`, or `adult CSV`.

From each class the images are taken at equal distances through the original file (MNIST's test file holds two
groups of writers one after the other), and stored class after class: 0, 1, ..., 9, 0, 1, ... Every prefix is
thus as balanced as it can be. Within its class a test image stands where its checksum puts it, which is as good as by
chance: in the order of the file the second half of MNIST would be the easier one, and a slice no sample. No random
numbers are involved, and the archive carries no dates: the same four files give the same bytes.

The format is numpy's compressed npz. MNIST and Fashion-MNIST together take 7.3 MB, and each file is read and
checked in less than 0.1 s; xz would save 1 MB, but is slower to read, and some Pythons are built without it.

Of the Adult table rows are taken at equal distances through the file. Words are stored as their places in the
alphabetical list of those that the file holds.
"""

import argparse
import csv
import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from interpbook.datasets.bundled import FILES, checksums
from interpbook.datasets.fetch import atomic_file
from interpbook.datasets.idx import decode_idx

PER_CLASS = {"train": 1000, "test": 200}
SHUFFLED = ("test",)  # the training images keep their order: the bundled networks were trained on their prefixes
ADULT_ROWS = 3000
ADULT_CLASS = "class"
ADULT_LEFT_OUT = ("fnlwgt", "education", ADULT_CLASS)  # a sampling weight, and the words for `education-num`


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


def pack(
    images: UInt8[np.ndarray, "n h w"], labels: UInt8[np.ndarray, "..."], per_class: int, *, shuffled: bool = False
) -> bytes:
    """An npz archive of the chosen `images` (UInt8[N H W]) and `labels` (UInt8[N]).

    Args:
        images: all images of the original file.
        labels: their classes.
        per_class: how many of each class are packed.
        shuffled: the chosen ones of a class in the order of their pixels' SHA-256, not in that of the file.

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
    if shuffled:
        checksum = [hashlib.sha256(images[k].tobytes()).digest() for k in order]
        classes = len(order) // per_class
        for column in range(classes):
            members = range(column, len(order), classes)
            order[members] = order[sorted(members, key=checksum.__getitem__)]
    archive = io.BytesIO()
    np.savez_compressed(archive, images=images[order], labels=labels[order])
    return archive.getvalue()


def pack_adult(text: str, count: int) -> bytes:
    """An npz archive of `count` rows of the Adult table, `text` in CSV.

    It holds `x` (Int32[n 12]), `y` (UInt8[n]), the names `features` and `classes`, and for each feature of words the
    list "words <feature>". An empty field is written "?", as in the original table.

    Raises:
        ValueError: the file has fewer rows, or no column `class`.

    >>> table = "age,sex,class\\n30,Male,<=50K\\n40,Female,>50K\\n50,,>50K\\n60,Male,<=50K\\n"
    >>> archive = np.load(io.BytesIO(pack_adult(table, 2)))
    >>> archive["x"].tolist(), archive["words sex"].tolist(), archive["y"].tolist()
    ([[30, 2], [50, 0]], ['?', 'Female', 'Male'], [0, 1])
    """
    rows = list(csv.DictReader(io.StringIO(text)))
    if len(rows) < count:
        raise ValueError(f"the file has {len(rows)} rows, {count} were asked for")
    if ADULT_CLASS not in rows[0]:
        raise ValueError(f"the file has no column {ADULT_CLASS!r}; its columns are {', '.join(rows[0])}")
    chosen = np.arange(count) * len(rows) // count
    columns = {name: np.array([row[name] or "?" for row in rows]) for name in rows[0]}
    arrays: dict[str, Any] = {}
    features = [name for name in columns if name not in ADULT_LEFT_OUT]
    numbers = []
    for name in features:
        try:
            numbers.append(columns[name].astype(np.float64).astype(np.int32)[chosen])
        except ValueError:
            arrays[f"words {name}"], codes = np.unique(columns[name], return_inverse=True)
            numbers.append(codes.astype(np.int32)[chosen])
    arrays["classes"], labels = np.unique(columns[ADULT_CLASS], return_inverse=True)
    arrays |= {"x": np.stack(numbers, 1), "y": labels.astype(np.uint8)[chosen], "features": np.array(features)}
    archive = io.BytesIO()
    np.savez_compressed(archive, **arrays)
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
    parser = argparse.ArgumentParser(prog="python -m interpbook.datasets.pack", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True)
    for name in ("mnist", "fashion-mnist"):
        images_of = names.add_parser(name)
        for split in PER_CLASS:
            images_of.add_argument(f"{split}_images", type=Path, help="raw idx file, gzipped or not")
            images_of.add_argument(f"{split}_labels", type=Path, help="raw idx file, gzipped or not")
    names.add_parser("adult").add_argument("csv", type=Path, help="the table with a line of names")
    for command in names.choices.values():
        command.add_argument("--out", type=Path, default=FILES, help="folder to write to (default: the package)")
    chosen = parser.parse_args(arguments)
    if chosen.name == "adult":
        packed = {"adult": pack_adult(chosen.csv.read_text(encoding="utf-8"), ADULT_ROWS)}
    else:
        packed = {}
        for split, per_class in PER_CLASS.items():
            paths = [getattr(chosen, f"{split}_{part}") for part in ("images", "labels")]
            images, labels = (decode_idx(path.read_bytes(), str(path)) for path in paths)
            packed[f"{chosen.name}-{split}"] = pack(images, labels, per_class, shuffled=split in SHUFFLED)
    for stem, content in packed.items():
        with atomic_file(chosen.out / f"{stem}.npz") as file:
            file.write(content)
    write_checksums(chosen.out)
    for name, checksum in checksums(chosen.out).items():
        print(f"{checksum}  {(chosen.out / name).stat().st_size:>9}  {name}")


if __name__ == "__main__":
    main()
