"""What `load_table` promises: shapes, ranges, a split that never changes, words, and clear errors."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import sklearn.datasets
import torch

from interpbook.datasets import DataError, Table, bundled, load_table, tables

SHAPES = {"breast_cancer": (455, 114, 30), "diabetes": (354, 88, 10), "adult": (2400, 600, 12)}
TABLES = pytest.mark.parametrize("name", SHAPES)


def raw(table: Table) -> torch.Tensor:
    """The values as they were before they were scaled."""
    return table.low.double() + table.x.double() * (table.high - table.low).double()


@TABLES
def test_shapes_and_types(name: str) -> None:
    train, test, width = SHAPES[name]
    for split, count in (("train", train), ("test", test)):
        table = load_table(name, split)
        assert table.x.shape == (count, width)
        assert table.x.dtype == torch.float32
        assert table.y.shape == (count,)
        assert table.low.shape == table.high.shape == (width,)
        assert len(set(table.features)) == width
        assert table.y.dtype == (torch.int64 if table.classes else torch.float32)
        assert table.x.isfinite().all()


@TABLES
def test_the_training_split_fills_the_unit_interval(name: str) -> None:
    train, test = load_table(name), load_table(name, "test")
    assert torch.equal(train.x.min(0).values, torch.zeros(train.x.shape[1]))
    assert torch.equal(train.x.max(0).values, torch.ones(train.x.shape[1]))
    if train.classes is None:
        assert (train.y.min(), train.y.max()) == (0, 1)
    else:
        assert train.y.unique().tolist() == list(range(len(train.classes)))
    # Scaled by the training split's ranges, not by its own: its values leave the interval, or fail to fill it.
    assert torch.equal(test.low, train.low)
    assert torch.equal(test.high, train.high)
    assert (test.x.min(0).values != 0).any() or (test.x.max(0).values != 1).any()


@pytest.mark.parametrize(("name", "function"), [("breast_cancer", "load_breast_cancer"), ("diabetes", "load_diabetes")])
def test_the_two_splits_are_the_whole_table(name: str, function: str) -> None:
    options = {"scaled": False} if name == "diabetes" else {}
    original = getattr(sklearn.datasets, function)(**options)
    splits = [load_table(name, split) for split in ("train", "test")]
    x, y = torch.cat([raw(table) for table in splits]), torch.cat([table.y for table in splits])
    order = [int((np.abs(original.data - row) / original.data.max(0)).sum(1).argmin()) for row in x.numpy()]
    assert sorted(order) == list(range(len(original.data)))
    assert np.allclose(x, original.data[order], rtol=1e-5, atol=1e-5 * original.data.max(0))
    target = original.target[order].astype(np.float64)
    assert np.corrcoef(y.numpy(), target)[0, 1] == pytest.approx(1)
    if name == "breast_cancer":
        assert np.array_equal(y.numpy(), target)
        assert splits[0].classes == ("malignant", "benign")


@TABLES
def test_two_loads_are_equal_and_a_prefix_is_a_fair_sample(name: str) -> None:
    one, two = load_table(name), load_table(name)
    assert torch.equal(one.x, two.x)
    assert torch.equal(one.y, two.y)
    y = one.y.double()
    for part in (y[:100], load_table(name, "test").y.double()):
        assert abs(part.mean() - y.mean()) < 4 * y.std() / len(part) ** 0.5


def test_the_shuffle_is_this_one() -> None:
    """Another order would move rows between the splits, and every number measured on them."""
    assert tables._shuffled(10) == [9, 8, 4, 3, 0, 1, 7, 2, 6, 5]
    assert sorted(tables._shuffled(569)) == list(range(569))


def test_adult_says_what_its_words_are() -> None:
    people = load_table("adult")
    assert set(people.words) == {
        "workclass", "marital-status", "occupation", "relationship", "race", "sex", "native-country"
    }  # fmt: skip
    values = raw(people)
    assert torch.allclose(values, values.round(), atol=1e-2)
    for name, words in people.words.items():
        column = values[:, people.features.index(name)].round()
        assert list(words) == sorted(words)
        assert column.min() >= 0
        assert column.max() < len(words)
    assert people.words["sex"] == ("Female", "Male")
    assert people.words["workclass"][0] == "?"
    # Read off as words, the columns agree with each other: there are no female husbands.
    sex = values[:, people.features.index("sex")].round() == people.words["sex"].index("Female")
    role = values[:, people.features.index("relationship")].round()
    assert role[sex].eq(people.words["relationship"].index("Husband")).float().mean() < 0.01
    assert role[~sex].eq(people.words["relationship"].index("Husband")).float().mean() > 0.5
    assert 0.2 < people.y.double().mean() < 0.28
    rich, poor = values[people.y == 1], values[people.y == 0]
    assert rich[:, people.features.index("education-num")].mean() > poor[:, 2].mean() + 1


def test_a_constant_column_is_zero() -> None:
    data = np.array([[1.0, 5.0], [3.0, 5.0], [2.0, 5.0], [4.0, 7.0]])
    scaled, low, high = tables._scaled(data, [0, 1, 2])
    assert torch.equal(scaled, torch.tensor([[0, 0], [1, 0], [0.5, 0], [1.5, 0]]))
    assert (low.tolist(), high.tolist()) == ([1, 5], [3, 5])


def test_unknown_names() -> None:
    with pytest.raises(ValueError, match="name: expected one of 'breast_cancer', 'diabetes', 'adult', got 'heloc'"):
        load_table("heloc")
    with pytest.raises(ValueError, match='split: expected "train" or "test", got \'validation\''):
        load_table("diabetes", "validation")


def test_a_damaged_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("adult.npz", "SHA256SUMS"):
        shutil.copy(bundled.FILES / name, tmp_path / name)
    monkeypatch.setattr(tables, "read_bundled", lambda name: bundled.read_bundled(name, tmp_path))
    load_table("adult")
    content = bytearray((tmp_path / "adult.npz").read_bytes())
    content[1000] ^= 1
    (tmp_path / "adult.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"adult\.npz is damaged: expected sha256:.*Reinstall interpbook"):
        load_table("adult")
    (tmp_path / "adult.npz").unlink()
    with pytest.raises(DataError, match=r"adult\.npz is missing .*Reinstall interpbook"):
        load_table("adult")


def test_a_broken_scikit_learn_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(**options: bool) -> None:
        raise FileNotFoundError("diabetes_data_raw.csv.gz")

    whole = sklearn.datasets.load_breast_cancer()
    whole.data = whole.data[:-1]
    monkeypatch.setattr(sklearn.datasets, "load_diabetes", missing)
    monkeypatch.setattr(sklearn.datasets, "load_breast_cancer", lambda: whole)
    with pytest.raises(DataError, match=r"load_diabetes\(\) failed: FileNotFoundError: .*Reinstall scikit-learn"):
        load_table("diabetes")
    with pytest.raises(DataError, match=r"load_breast_cancer\(\) has shape \(568, 30\), expected \(569, 30\)"):
        load_table("breast_cancer")
