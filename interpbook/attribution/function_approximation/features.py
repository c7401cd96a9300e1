"""What counts as one feature: a single value of an example, or a group of values such as a superpixel."""

from dataclasses import dataclass
from numbers import Integral

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from interpbook.checks import check_count

__all__ = ["Features", "features_of", "superpixel_grid"]


@dataclass(frozen=True, eq=False)
class Features:
    """How `count` features lie in an example of shape `dims`. Made by `features_of`.

    Attributes:
        dims: the shape of one example.
        count: d, the number of features.
        groups: the feature of every value, flat; `None` when each value is its own feature.
    """

    dims: tuple[int, ...]
    count: int
    groups: Int[Tensor, "values"] | None

    def spread(self, xi: Shaped[Tensor, "n d"]) -> Shaped[Tensor, "n 1 *dims"]:
        """Give every value of an example the number of its feature."""
        flat = xi if self.groups is None else xi[:, self.groups.to(xi.device)]
        return flat.reshape(len(xi), 1, *self.dims)

    def collect(self, values: Float[Tensor, "n *dims"]) -> Float[Tensor, "n d"]:
        """Add up the values of each feature: the transpose of `spread`."""
        flat = values.reshape(len(values), -1)
        if self.groups is None:
            return flat
        return flat.new_zeros(len(flat), self.count).index_add_(1, self.groups.to(flat.device), flat)

    def arrange(self, weights: Float[Tensor, "B d"]) -> Float[Tensor, "B ..."]:
        """The shape of the examples where each value is a feature; with groups, one number per group."""
        return weights.reshape(len(weights), *self.dims) if self.groups is None else weights


def features_of(x: Float[Tensor, "B *dims"], groups: object = None) -> Features:
    """The features of the examples in `x`.

    Args:
        x: the batch.
        groups: a map of labels 0 .. d - 1 that broadcasts to dims, in which every label occurs: values with the
            same label are one feature. Without it each value is a feature.

    Raises:
        TypeError: `groups` is not an integer tensor.
        ValueError: it does not broadcast to dims, or its labels are not 0 .. d - 1.

    >>> features_of(torch.zeros(1, 3, 8, 8), superpixel_grid((8, 8), 4)).count
    4
    """
    dims = tuple(x.shape[1:])
    if groups is None:
        return Features(dims, x[0].numel(), None)
    what = groups.dtype if isinstance(groups, Tensor) else type(groups).__name__
    if not isinstance(groups, Tensor) or what == torch.bool or groups.is_floating_point() or groups.is_complex():
        raise TypeError(f"groups: expected an integer tensor that broadcasts to {dims}, got {what}")
    try:
        flat = groups.long().broadcast_to(dims).reshape(-1)
    except RuntimeError:
        raise ValueError(
            f"groups: expected a shape that broadcasts to that of an example, {dims}, got {tuple(groups.shape)}"
        ) from None
    labels = flat.unique()
    if int(labels[0]) != 0 or int(labels[-1]) != len(labels) - 1:
        found = f"{len(labels)} labels from {int(labels[0])} to {int(labels[-1])}"
        raise ValueError(f"groups: expected labels 0, 1, ... d - 1, each of which occurs, got {found}")
    return Features(dims, len(labels), flat)


def superpixel_grid(size: tuple[int, int], side: int) -> Int[Tensor, "height width"]:
    """A regular grid of squares as a map of labels for `groups`:

        label(row, column) = (row // side) * squares_per_row + column // side.

    Args:
        size: height and width of the image in pixels.
        side: of a square in pixels; those at the lower and right border are what is left.

    Returns:
        An int64 map (height, width), which broadcasts over the channels of an image. `weights[:, groups]` paints
        one number per square back onto it.

    Raises:
        TypeError, ValueError: `size` is not two positive ints, or `side` not one.

    >>> superpixel_grid((2, 4), side=2)
    tensor([[0, 0, 1, 1],
            [0, 0, 1, 1]])
    """
    if not isinstance(size, (tuple, list)) or len(size) != 2 or not all(isinstance(n, Integral) for n in size):
        raise TypeError(f"size: expected (height, width) in pixels, got {size!r}")
    height, width = (check_count(n, "size") for n in size)
    side = check_count(side, "side")
    rows, columns = torch.arange(height) // side, torch.arange(width) // side
    return rows[:, None] * (int(columns[-1]) + 1) + columns
