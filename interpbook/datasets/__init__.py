"""Data at hand without a download: samples of MNIST and Fashion-MNIST, four photographs, and three tables.

The samples come with the package, as a sample of the Adult table does, and are checked against their SHA-256 sums each
time they are read; the two smaller tables, breast cancer and diabetes, are scikit-learn's. The full sets and CIFAR-10
are downloaded once, where they are asked for.

Where each comes from, and under which licence, is written in `files/CREDITS.md`.
"""

from interpbook.datasets.blocks import Blocks, block_images, load_block_mnist
from interpbook.datasets.cifar import CIFAR10_CLASSES, load_cifar10
from interpbook.datasets.fetch import DataError
from interpbook.datasets.image_sets import FASHION_CLASSES, load_fashion_mnist, load_mnist
from interpbook.datasets.photos import Photo, load_cats
from interpbook.datasets.tables import Table, load_table

__all__ = [
    "CIFAR10_CLASSES",
    "FASHION_CLASSES",
    "Blocks",
    "DataError",
    "Photo",
    "Table",
    "block_images",
    "load_block_mnist",
    "load_cats",
    "load_cifar10",
    "load_fashion_mnist",
    "load_mnist",
    "load_table",
]
