"""Packing is deterministic, balanced and faithful; the idx reader accepts nothing but whole files."""

import gzip
import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from interpbook.datasets import pack
from interpbook.datasets.bundled import checksums
from interpbook.datasets.idx import decode_idx


def encode_idx(array: np.ndarray) -> bytes:
    """The inverse of `decode_idx`, written from the format's definition."""
    header = bytes([0, 0, 8, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return header + array.tobytes()


@given(st.lists(st.integers(0, 4), min_size=2), st.data())
def test_balanced_order(values: list[int], data: st.DataObject) -> None:
    labels = np.array(values, dtype=np.uint8)
    classes, counts = np.unique(labels, return_counts=True)
    per_class = data.draw(st.integers(1, int(counts.min())))
    order = pack.balanced_order(labels, per_class)
    assert labels[order].tolist() == classes.tolist() * per_class
    for label, count in zip(classes, counts, strict=True):
        chosen = np.flatnonzero(labels == label).searchsorted(order[labels[order] == label])
        # The i-th of the chosen lies where the i-th of `per_class` equal parts of its class begins.
        assert (np.abs(chosen - np.arange(per_class) * count / per_class) < 1).all()
        assert (np.diff(chosen) > 0).all()


def test_too_small_a_class() -> None:
    with pytest.raises(ValueError, match="class 1 has 1 images, 2 were asked for"):
        pack.balanced_order(np.array([0, 0, 1], dtype=np.uint8), 2)


@pytest.fixture
def raw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four raw files of random images, one of them gzipped, as command-line arguments."""
    monkeypatch.setattr(pack, "PER_CLASS", {"train": 3, "test": 2})
    random = np.random.default_rng(0)
    arguments = []
    for split, count in (("train", 60), ("test", 40)):
        labels = random.permutation(np.arange(count) % 10).astype(np.uint8)
        images = random.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        for part, array in (("images", images), ("labels", labels)):
            path = tmp_path / f"{split}-{part}"
            content = encode_idx(array)
            path.write_bytes(gzip.compress(content) if (split, part) == ("test", "images") else content)
            arguments.append(str(path))
    return arguments


def test_packing_is_deterministic_and_faithful(raw: list[str], tmp_path: Path) -> None:
    for folder in ("one", "two"):
        pack.main(["mnist", *raw, "--out", str(tmp_path / folder)])
    assert checksums(tmp_path / "one") == checksums(tmp_path / "two")
    assert set(checksums(tmp_path / "one")) == {"mnist-train.npz", "mnist-test.npz"}
    for split, (images, labels) in (("train", raw[:2]), ("test", raw[2:])):
        before = (
            decode_idx(Path(images).read_bytes(), "images"),
            decode_idx(Path(labels).read_bytes(), "labels"),
        )
        originals = {(x.tobytes(), int(y)) for x, y in zip(*before, strict=True)}
        archive = np.load(io.BytesIO((tmp_path / "one" / f"mnist-{split}.npz").read_bytes()))
        packed = {(x.tobytes(), int(y)) for x, y in zip(archive["images"], archive["labels"], strict=True)}
        assert packed <= originals
        assert len(packed) == 10 * pack.PER_CLASS[split]


def test_a_shuffled_archive_forgets_the_order_of_the_file() -> None:
    random = np.random.default_rng(0)
    labels = np.repeat(np.arange(3, dtype=np.uint8), 40)
    images = np.sort(random.integers(0, 256, (120, 28, 28), dtype=np.uint8), axis=0)  # brighter and brighter
    backwards = np.concatenate([np.flatnonzero(labels == label)[::-1] for label in range(3)])
    one, other = (
        np.load(io.BytesIO(pack.pack(images[order], labels[order], 40, shuffled=True)))
        for order in (np.arange(120), backwards)
    )
    assert one["labels"].tolist() == [0, 1, 2] * 40
    assert np.array_equal(one["images"], other["images"])
    places = [np.flatnonzero((images == image).all((1, 2))).item() for image in one["images"]]
    assert labels[places].tolist() == [0, 1, 2] * 40
    assert sorted(places) == list(range(120))
    assert not (np.diff(places[::3]) > 0).all()


def test_images_and_labels_must_match() -> None:
    with pytest.raises(ValueError, match="4 images but 3 labels"):
        pack.pack(np.zeros((4, 28, 28), dtype=np.uint8), np.zeros(3, dtype=np.uint8), 1)


ADULT = (
    "age,fnlwgt,sex,education,class\n30,1.5,Male,a,<=50K\n40,2.5,Female,b,>50K\n50,3.5,,a,<=50K\n60,4.5,Male,c,>50K\n"
)


def test_packing_the_table_is_deterministic_and_faithful(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "ADULT_ROWS", 4)
    (tmp_path / "adult.csv").write_text(ADULT)
    for folder in ("one", "two"):
        pack.main(["adult", str(tmp_path / "adult.csv"), "--out", str(tmp_path / folder)])
    assert checksums(tmp_path / "one") == checksums(tmp_path / "two")
    archive = np.load(tmp_path / "one" / "adult.npz")
    assert set(archive) == {"x", "y", "features", "classes", "words sex"}
    assert archive["features"].tolist() == ["age", "sex"]
    assert archive["x"][:, 0].tolist() == [30, 40, 50, 60]
    assert archive["words sex"][archive["x"][:, 1]].tolist() == ["Male", "Female", "?", "Male"]
    assert archive["classes"][archive["y"]].tolist() == ["<=50K", ">50K", "<=50K", ">50K"]


def test_the_table_s_rows_are_spread_evenly() -> None:
    many = "age,class\n" + "".join(f"{k},{k % 2}\n" for k in range(1000))
    assert np.load(io.BytesIO(pack.pack_adult(many, 8)))["x"][:, 0].tolist() == list(range(0, 1000, 125))


def test_broken_tables_are_refused() -> None:
    with pytest.raises(ValueError, match="the file has 4 rows, 5 were asked for"):
        pack.pack_adult(ADULT, 5)
    with pytest.raises(ValueError, match=r"no column 'class'; its columns are age, income"):
        pack.pack_adult("age,income\n3,4\n", 1)


@pytest.mark.parametrize("shape", [(3,), (0,), (2, 3, 4)])
def test_idx_round_trip(shape: tuple[int, ...]) -> None:
    array = np.arange(np.prod(shape), dtype=np.uint8).reshape(shape)
    assert np.array_equal(decode_idx(encode_idx(array), "array"), array)
    assert np.array_equal(decode_idx(gzip.compress(encode_idx(array)), "array"), array)


@pytest.mark.parametrize("change", ["short", "long", "type", "empty", "header only", "gzip"])
def test_broken_idx_is_refused(change: str) -> None:
    whole = encode_idx(np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    broken = {
        "short": whole[:-1],
        "long": whole + b"!",
        "type": bytes([0, 0, 9]) + whole[3:],
        "empty": b"",
        "header only": whole[:9],
        "gzip": gzip.compress(whole)[:-9],
    }[change]
    with pytest.raises(ValueError, match=r"^the file"):
        decode_idx(broken, "the file")
