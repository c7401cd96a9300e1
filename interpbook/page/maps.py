"""Signed maps on one symmetric scale, and alt text for them."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.figure import Figure

from interpbook.output.colors import GRAY, SIGNED
from interpbook.output.figures import as_array
from interpbook.output.numbers import measured

Row = Sequence[torch.Tensor | np.ndarray] | torch.Tensor | np.ndarray


def signed_maps(maps: Row | Mapping[str, Row], titles: Sequence[str], *, images: Row | None = None) -> Figure:
    """Rows of signed maps, each row on one symmetric scale: blue below zero, orange above, zero clear.

    Where a row has no negative value, its colour bar shows the upper half of the scale.

    Args:
        maps: the maps of one row, each (h, w), or a dictionary from the rows' names to their maps. Maps in a
            row share a scale, so give maps whose numbers compare.
        titles: one per column.
        images: pictures for a row on top, each (h, w), (1, h, w) or (3, h, w), in [0, 1].

    Returns:
        The figure; show it with `page.figure(fig, alt=...)`, see `maps_alt`.

    Raises:
        ValueError: a row, or `images`, without exactly one (h, w) map per title.

    >>> fig = signed_maps({"gradient": np.eye(4)[None], "FullGrad": -np.eye(4)[None]}, ["a cat"])
    >>> len(fig.axes)  # two maps and their two scales
    4
    """
    rows = {name: [_map(m, name) for m in row] for name, row in _rows(maps).items()}
    pictures = None if images is None else [_picture(image) for image in images]
    for name, row in {**rows, **({} if pictures is None else {"images": pictures})}.items():
        if len(row) != len(titles):
            raise ValueError(f"{name or 'maps'} has {len(row)} entries, expected one for each of {len(titles)} titles")
    height, width = len(rows) + (pictures is not None), len(titles)
    cell = min(1.9, 6.4 / width)
    fig, grid = plt.subplots(
        height,
        width,
        squeeze=False,
        figsize=(cell * width + 0.8, (cell + 0.12) * height + 0.3),
        layout="constrained",
    )
    for ax, title in zip(grid[0], titles, strict=True):
        ax.set_title(title)
    for ax in grid.flat:
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, linewidth=0.6, alpha=0.6)
    for ax, picture in zip(grid[0], pictures or [], strict=False):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=1)
    for axes, (name, row) in zip(grid[height - len(rows) :], rows.items(), strict=True):
        _draw_row(fig, axes, name, row)
    return fig


def _draw_row(fig: Figure, axes: np.ndarray, name: str, row: list[np.ndarray]) -> None:
    limit = max(float(np.abs(m).max()) for m in row) or 1.0
    for ax, values in zip(axes, row, strict=True):
        drawn = ax.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
    axes[0].set_ylabel(name)
    signed = min(float(m.min()) for m in row) < 0
    ticks = [-limit, 0, limit] if signed else [0, limit]
    scale = fig.colorbar(drawn, ax=axes, shrink=0.8, ticks=ticks, format="%.2g", pad=0.02)
    scale.ax.set_ylim(ticks[0], limit)
    scale.outline.set(edgecolor=GRAY, linewidth=0.6)


def maps_alt(maps: Row | Mapping[str, Row], titles: Sequence[str]) -> str:
    """Alt text for `signed_maps`: where each map is largest, and how much of its absolute sum is positive.

    Its numbers are `page.measured`.

    >>> from interpbook.output.numbers import without_marks
    >>> without_marks(maps_alt(np.eye(4)[None], ["a cat"]))
    'Maps. a cat: largest 1 at row 0, column 0, 100% of the absolute sum positive.'
    """
    parts = []
    for name, row in _rows(maps).items():
        for title, values in zip(titles, (_map(m, name) for m in row), strict=True):
            y, x = np.unravel_index(np.abs(values).argmax(), values.shape)
            total = np.abs(values).sum()
            share = "all zero"
            if total:
                positive = measured(values.clip(min=0).sum() / total, tolerance=0.02)
                share = f"{positive:.0%} of the absolute sum positive"
            label = f"{name}, {title}" if name else title
            parts.append(f"{label}: largest {measured(values[y, x]):.2g} at row {y}, column {x}, {share}")
    return f"Maps. {'; '.join(parts)}."


def _rows(maps: Row | Mapping[str, Row]) -> dict[str, Row]:
    return dict(maps) if isinstance(maps, Mapping) else {"": maps}


def _map(values: object, name: str) -> np.ndarray:
    array = as_array(values)
    if array.ndim != 2:
        raise ValueError(f"a map of {name or 'maps'} has shape {array.shape}, expected (h, w)")
    return array


def _picture(image: object) -> np.ndarray:
    """(h, w) or (h, w, 3), as matplotlib wants it."""
    array = as_array(image)
    if array.ndim == 3 and array.shape[0] in (1, 3):
        array = array[0] if array.shape[0] == 1 else np.moveaxis(array, 0, -1)
    if array.ndim == 2 or array.shape[2:] == (3,):
        return array.clip(0, 1)
    raise ValueError(f"an image has shape {array.shape}, expected (h, w), (1, h, w) or (3, h, w)")
