"""Data that travels with the package: samples of MNIST and Fashion-MNIST, and four photographs.

Where each comes from, and under which licence, is written in `files/CREDITS.md`.
"""

from interpbook.data.fetch import DataError
from interpbook.data.image_sets import FASHION_CLASSES, load_fashion_mnist, load_mnist
from interpbook.data.photos import Photo, load_cats

__all__ = ["FASHION_CLASSES", "DataError", "Photo", "load_cats", "load_fashion_mnist", "load_mnist"]
