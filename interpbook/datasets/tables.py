"""Three tables whose rows an explanation can be asked about: breast cancer, diabetes and Adult."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.datasets.bundled import read_bundled
from interpbook.datasets.fetch import DataError
from interpbook.datasets.splits import check_split
from interpbook.equality import EqualByValue

TRAIN_SHARE = 0.8


@dataclass(frozen=True, eq=False)
class Table(EqualByValue):
    """One split of a table, every feature on the scale of the training split.

    Attributes:
        x: the features, (raw - low) / (high - low): in [0, 1] in the training split, where a column that is constant
            there is 0; a test row may lie outside, some of breast cancer far outside.
        y: the class, an index into `classes`; or, where there are no classes, a number scaled as x is.
        features: the name of each column of x.
        classes: the name of each class, or None if y is a number.
        low, high: the smallest and the largest raw value of each feature in the training split.
        words: for each feature of words, its words; the raw value is the place of the word in this list.
    """

    x: Float[Tensor, "n d"]
    y: Int[Tensor, "n"] | Float[Tensor, "n"]
    features: tuple[str, ...]
    classes: tuple[str, ...] | None
    low: Float[Tensor, "d"]
    high: Float[Tensor, "d"]
    words: dict[str, tuple[str, ...]]


@dataclass(frozen=True, eq=False)
class _Raw:
    x: Float[np.ndarray, "n d"]
    y: np.ndarray
    features: tuple[str, ...]
    classes: tuple[str, ...] | None
    words: dict[str, tuple[str, ...]]


def load_table(name: str, split: str = "train") -> Table:
    """A table of numbers to train on in seconds, split once and for all into four fifths and one fifth.

    - `"breast_cancer"`: 569 tumours, 30 measurements of the nuclei of their cells; malignant or benign?
      [street1993nuclear]
    - `"diabetes"`: 442 patients, 10 measurements; how far has the disease gone a year later? Here y is a number.
      [efron2004least]
    - `"adult"`: 3,000 of the 48,842 people of an extract from the US census of 1994; more than 50,000 dollars a year?
      [becker1996adult] Of its 12 features 7 are words: their values are places in the alphabetical list of words
      (`words`), "?" standing for what was not recorded. The order of such a feature has no meaning, though a linear
      model will take it for a scale. Left out are the census' sampling weight and the name of the education, which is
      also there as a number.

    The rows are shuffled in one fixed order, so that every prefix is a fair sample.

    Args:
        name: which table.
        split: `"train"` or `"test"`; the two share no row, and are scaled by the ranges of the first.

    Raises:
        ValueError: unknown `name` or `split`.
        DataError: a file is missing or damaged.

    >>> people = load_table("adult", "test")
    >>> people.x.shape, people.features[:3], people.classes
    (torch.Size([600, 12]), ('age', 'workclass', 'education-num'), ('<=50K', '>50K'))
    >>> age = people.low[0] + people.x[:, 0] * (people.high - people.low)[0]
    >>> bool((age - age.round()).abs().max() < 1e-4)
    True
    """
    if name not in _LOADERS:
        raise ValueError(f"name: expected one of {', '.join(map(repr, _LOADERS))}, got {name!r}")
    check_split(split)
    raw = _LOADERS[name]()
    order = _shuffled(len(raw.x))
    cut = round(TRAIN_SHARE * len(order))
    train, rows = order[:cut], order[:cut] if split == "train" else order[cut:]
    x, low, high = _scaled(raw.x, train)
    y = torch.from_numpy(raw.y.astype(np.int64)) if raw.classes else _scaled(raw.y[:, None], train)[0][:, 0]
    return Table(x[rows], y[rows], raw.features, raw.classes, low, high, raw.words)


def _shuffled(count: int) -> list[int]:
    """The numbers 0 .. count - 1 in the order of their SHA-256: the same with any library, of any version."""
    return sorted(range(count), key=lambda k: hashlib.sha256(str(k).encode()).digest())


def _scaled(raw: Float[np.ndarray, "n d"], train: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """Columns scaled by their ranges over the rows `train`, and these ranges."""
    low, high = raw[train].min(0), raw[train].max(0)
    width = np.where(high > low, high - low, np.inf)  # what does not vary carries no information: 0
    scaled, low, high = (torch.from_numpy(part.astype(np.float32)) for part in ((raw - low) / width, low, high))
    return scaled, low, high


def _from_scikit_learn(function: str, shape: tuple[int, int], **options: bool) -> _Raw:
    import sklearn.datasets  # here, because it takes a second to import

    remedy = "Reinstall scikit-learn."
    try:
        bunch = getattr(sklearn.datasets, function)(**options)
    except (OSError, ValueError, UnicodeError) as error:
        raise DataError(f"scikit-learn's {function}() failed: {type(error).__name__}: {error}. {remedy}") from error
    if bunch.data.shape != shape:
        raise DataError(f"scikit-learn's {function}() has shape {bunch.data.shape}, expected {shape}. {remedy}")
    classes = tuple(map(str, bunch.target_names)) if "target_names" in bunch else None
    return _Raw(bunch.data, bunch.target, tuple(map(str, bunch.feature_names)), classes, {})


def _breast_cancer() -> _Raw:
    return _from_scikit_learn("load_breast_cancer", (569, 30))


def _diabetes() -> _Raw:
    return _from_scikit_learn("load_diabetes", (442, 10), scaled=False)


def _adult() -> _Raw:
    archive = np.load(io.BytesIO(read_bundled("adult.npz")))
    features, classes = (tuple(map(str, archive[part])) for part in ("features", "classes"))
    words = {name: tuple(map(str, archive[f"words {name}"])) for name in features if f"words {name}" in archive}
    return _Raw(archive["x"].astype(np.float64), archive["y"], features, classes, words)


_LOADERS: dict[str, Callable[[], _Raw]] = {
    "breast_cancer": _breast_cancer,
    "diabetes": _diabetes,
    "adult": _adult,
}
