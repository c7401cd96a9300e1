"""Four tables in the units of this chapter: every feature with mean 0 and standard deviation 1 on the training rows."""

from dataclasses import dataclass
from functools import cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interpbook.datasets import load_table

__all__ = ["TABLES", "Rows", "rows_of"]

#: What the tables are called on the pages.
TABLES = {
    "adult": "Adult",
    "digits": "digits",
    "breast_cancer": "breast cancer",
    "diabetes": "diabetes",
    "adult_few": "Adult, 353 rows",
}
TEST_ROWS = 200
FEW = 353  # diabetes has 354


@dataclass(frozen=True)
class Rows:
    """Training and test rows of a table, test rows at most 200."""

    x: Float[Tensor, "n d"]
    y: Int[Tensor, "n"]
    test_x: Float[Tensor, "N d"]
    test_y: Int[Tensor, "N"]

    @property
    def classes(self) -> int:
        """The number of classes."""
        return int(self.y.max()) + 1


@cache
def rows_of(name: str) -> Rows:
    """One of `TABLES`, scaled by the training rows; a constant feature is 0 there.

    The number that `diabetes` has to predict is split at its median over the training rows. `digits` are the 8x8 images
    of scikit-learn [alpaydin1998optical], four fifths of them for training.
    """
    if name == "adult_few":
        whole = rows_of("adult")
        return Rows(whole.x[:FEW], whole.y[:FEW], whole.test_x, whole.test_y)
    x, y, test_x, test_y = _digits() if name == "digits" else _table(name)
    mean, width = x.mean(0), x.std(0)
    width = torch.where(width > 1e-6, width, torch.ones_like(width))
    return Rows((x - mean) / width, y, ((test_x - mean) / width)[:TEST_ROWS], test_y[:TEST_ROWS])


def _table(name: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    train, test = load_table(name), load_table(name, "test")
    if train.classes is not None:
        return train.x, train.y, test.x, test.y
    middle = train.y.median()
    return train.x, (train.y > middle).long(), test.x, (test.y > middle).long()


def _digits() -> tuple[Tensor, Tensor, Tensor, Tensor]:
    from sklearn.datasets import load_digits  # here, because it takes a second to import

    images, labels = load_digits(return_X_y=True)
    order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
    x, y = torch.from_numpy(images).float()[order], torch.from_numpy(labels).long()[order]
    cut = round(0.8 * len(x))
    return x[:cut], y[:cut], x[cut:], y[cut:]
