"""Attribution by covering: how much the output falls when a window of the input is replaced."""

from collections.abc import Callable
from itertools import islice, product
from numbers import Integral

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.checks import check_baseline, check_count, check_input, check_values
from interpbook.functions import copies_per_call, fix_target

__all__ = ["occlusion"]

Extent = int | tuple[int, ...]


def occlusion(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    window: Extent,
    stride: Extent | None = None,
    baseline: float | int | Float[Tensor, "..."] = 0.0,
    chunk: int | None = None,
) -> Float[Tensor, "B *dims"]:
    """The fall of f when a window is covered [zeiler2014visualizing], averaged over the windows at a value:

        mean over the windows w that contain i of  f(x) - f(x with the baseline inside w).

    For a linear f and windows of one value it is the term of that value, weight * (x - baseline).

    Args:
        f: (B, *dims) -> (B,); called on whole copies of the batch, (n * B, *dims). It needs no gradient.
        x: the batch.
        window: sides of the window, one for each of dims, (3, 8, 8) for a square of all channels of (3, 224,
            224); an int is the same side for all of dims, or the whole of a shorter one.
        stride: distance from one window to the next, at most the window where the window is not the whole
            dimension; an int or one for each of dims. The default is the window: no overlap.
        baseline: what covers, in units of x: a number, or a tensor that broadcasts to x.
        chunk: copies of the batch in one call of f; the default is one, more only when a copy has few values.

    Windows start at 0, stride, 2 stride and so on, up to the first that reaches the border, where it is
    clipped.

    Returns:
        A tensor like x, in units of f.

    Raises:
        TypeError, ValueError: a wrong `x`, `window`, `stride` (one that leaves values uncovered, too),
            `baseline` or `chunk`; an output of f that is not (B,) or not finite.

    >>> occlusion(lambda x: (x * torch.tensor([1.0, 10.0, 100.0])).sum(1), torch.ones(1, 3), window=1)
    tensor([[  1.,  10., 100.]])
    >>> occlusion(lambda x: x.sum(1), torch.ones(1, 3), window=2)
    tensor([[2., 2., 1.]])
    """
    check_input(x)
    x = x.detach()
    cover = check_baseline(baseline, x)
    windows = product(*_intervals(tuple(x.shape[1:]), window, stride))
    copies = copies_per_call(x, chunk)
    f = fix_target(f, x)
    total = torch.zeros_like(x, dtype=torch.float32 if x.device.type == "mps" else torch.float64)
    count = torch.zeros_like(total[:1])
    with torch.no_grad():
        output = check_values(f(x.clone()), len(x))
        while group := list(islice(windows, copies)):
            covered = x.repeat(len(group), *[1] * (x.dim() - 1)).unflatten(0, (len(group), len(x)))
            for copy, where in zip(covered, group, strict=True):
                copy[:, *where] = cover[:, *where]
            values = check_values(f(covered.flatten(0, 1)), len(group) * len(x))
            for fall, where in zip(output - values.unflatten(0, (len(group), len(x))), group, strict=True):
                total[:, *where] += fall.view(-1, *[1] * (x.dim() - 1))
                count[:, *where] += 1
    return (total / count).to(x.dtype)


def _intervals(sizes: tuple[int, ...], window: Extent, stride: Extent | None) -> list[list[slice]]:
    """For each dimension, the intervals that the windows have there."""
    sides = _extent(window, "window", sizes)
    if isinstance(window, Integral):
        sides = [min(side, size) for side, size in zip(sides, sizes, strict=True)]
    steps = sides if stride is None else _extent(stride, "stride", sizes)
    intervals = []
    for size, side, step in zip(sizes, sides, steps, strict=True):
        if side > size:
            raise ValueError(f"window: expected sides up to those of an example, {sizes}, got {tuple(sides)}")
        if side < size and step > side:
            raise ValueError(f"stride: expected at most the window, {tuple(sides)}, got {tuple(steps)}: leaves gaps")
        windows = 1 + -(-(size - side) // step)
        intervals.append([slice(k * step, min(k * step + side, size)) for k in range(windows)])
    return intervals


def _extent(value: object, name: str, sizes: tuple[int, ...]) -> list[int]:
    """One positive int for each dimension, from an int or a sequence of them."""
    if isinstance(value, Integral):
        value = [value] * len(sizes)
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{name}: expected an int or a tuple of {len(sizes)} ints, got {value!r}")
    if len(value) != len(sizes):
        raise ValueError(f"{name}: expected {len(sizes)} ints, one for each of {sizes}, got {tuple(value)}")
    return [check_count(side, name) for side in value]
