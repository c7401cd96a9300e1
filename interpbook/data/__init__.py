"""Data at hand without a download: samples of MNIST and Fashion-MNIST, four photographs, and three tables.

Where each comes from, and under which licence, is written in `files/CREDITS.md`.
"""

from interpbook.data.fetch import DataError
from interpbook.data.image_sets import FASHION_CLASSES, load_fashion_mnist, load_mnist
from interpbook.data.photos import Photo, load_cats
from interpbook.data.tables import Table, load_table

__all__ = [
    "FASHION_CLASSES",
    "DataError",
    "Photo",
    "Table",
    "load_cats",
    "load_fashion_mnist",
    "load_mnist",
    "load_table",
]
