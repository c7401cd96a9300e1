"""Pictures of a live figure as plain data, and how a kernel draws them; `static/drawing.js` draws them in the page."""

import itertools
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from interpbook.explore.sentences import Fact
from interpbook.output.colors import GRAY, NEGATIVE, POSITIVE, SIGNED

_COLUMNS = 4
_LETTERS = 24  # of a title in one line
_PLACES = 10  # of a chart, that are named below it


@dataclass(frozen=True)
class Picture:
    """One picture.

    Attributes:
        kind: "image", values (c, h, w) in [0, 1]; "map", signed values (h, w); "bars", a number >= 0 for each label,
            its bar full from 1 on, with a line through all bars at `mark`; "waterfall", a signed number for each label,
            drawn as steps from zero to their sum; "intervals", a signed number for each label, with `errors` on either
            side; "chart", values (2, n), dots and a line over the n places that the labels name, the dot at `chosen`
            standing out.
        values: the numbers, as above.
        labels: of bars, steps and places.
        chosen: the position of the bar or dot that stands out.
        total: what the sum of a waterfall is called.
        errors: how far an interval reaches to either side of its value.
        ticks: heights that a chart marks, in rising order; it reaches from the first to the last.
        names: what the places, the dots and the line of a chart are called.
        mark: a number in [0, 1] that bars are compared with; no line at 0.

    Raises:
        ValueError: another kind.
    """

    kind: Literal["image", "map", "bars", "waterfall", "intervals", "chart"]
    values: np.ndarray
    labels: tuple[str, ...] = ()
    chosen: int | None = None
    total: str = ""
    errors: np.ndarray | None = None
    ticks: tuple[int | float, ...] = ()
    names: tuple[str, str, str] = ("", "", "")
    mark: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in _DRAWN:
            raise ValueError(f"kind: expected one of {', '.join(_DRAWN)}, got {self.kind!r}")


@dataclass(frozen=True)
class Shown:
    """What a view makes of a state: its pictures, and the facts that its sentence tells of them.

    Attributes:
        pictures: one or more, side by side.
        facts: names of the view's phrases, each with the values of its fields.
    """

    pictures: tuple[Picture, ...]
    facts: tuple[Fact, ...]


def draw(titled: Sequence[tuple[str, Picture]]) -> Figure:
    """All pictures of a state side by side, each under its title, or beside the one whose title it shares.

    >>> fig = draw([("a map", Picture("map", np.eye(3))), ("", Picture("bars", np.array([1.0]), ("cat",), 0))])
    >>> len(fig.axes)
    2
    """
    rows = _rows(titled)
    fig = plt.figure(figsize=(7.6, 2.1 * len(rows)), layout="constrained")
    grid = fig.add_gridspec(len(rows), _COLUMNS)
    for place, row in enumerate(rows):
        starts = [k for k, (title, _) in enumerate(row) if title or k == 0]
        for start, end in itertools.pairwise([*starts, len(row)]):
            # A part of its own for what shares a title, so that no other picture's labels part it.
            axes = fig.add_subfigure(grid[place, start:end]).subplots(1, end - start, squeeze=False)[0]
            for ax, (title, picture) in zip(axes, row[start:end], strict=True):
                draw_picture(ax, title, picture)
    return fig


def draw_picture(ax: Axes, title: str, picture: Picture) -> None:
    """One picture in its axes, under its title."""
    ax.set_title(textwrap.fill(title, _LETTERS), fontsize="small", loc="left")
    _DRAWN[picture.kind](ax, picture)
    ax.tick_params(labelsize="x-small", length=0)
    ax.set_anchor("NW")


def _rows(titled: Sequence[tuple[str, Picture]]) -> list[list[tuple[str, Picture]]]:
    """The pictures in rows of at most four. Those without a title belong to the one before, and stay in its row."""
    rows: list[list[tuple[str, Picture]]] = [[]]
    for k, (title, picture) in enumerate(titled):
        untitled = itertools.takewhile(lambda after: not after[0], titled[k + 1 :])
        wanted = min(1 + len(list(untitled)), _COLUMNS) if title else 1
        if len(rows[-1]) + wanted > _COLUMNS:
            rows.append([])
        rows[-1].append((title, picture))
    return rows


def _image(ax: Axes, picture: Picture) -> None:
    values = np.moveaxis(picture.values, 0, -1)
    ax.imshow(values[..., 0] if values.shape[-1] == 1 else values, cmap="gray", vmin=0, vmax=1)
    ax.set(xticks=[], yticks=[])


def _map(ax: Axes, picture: Picture) -> None:
    limit = float(np.abs(picture.values).max()) or 1.0
    ax.imshow(picture.values, cmap=SIGNED, vmin=-limit, vmax=limit)
    ax.set(xticks=[], yticks=[])
    ax.spines[:].set(visible=True, linewidth=0.6, alpha=0.6)


def _bars(ax: Axes, picture: Picture) -> None:
    places = range(len(picture.labels))
    ax.barh(places, picture.values, color=[POSITIVE if k == picture.chosen else GRAY for k in places])
    if picture.mark:
        ax.axvline(picture.mark, color=GRAY, linewidth=0.6)
    ax.set(xlim=(0, 1), xticks=[])
    _label_rows(ax, picture.labels)


def _waterfall(ax: Axes, picture: Picture) -> None:
    ends = picture.values.cumsum()
    starts = ends - picture.values
    colors = [NEGATIVE if value < 0 else POSITIVE for value in picture.values]
    ax.barh(range(len(ends)), picture.values, left=starts, color=colors)
    ax.barh(len(ends), ends[-1], color=GRAY)
    ax.axvline(0, color=GRAY, linewidth=0.6)
    ax.set_xticks([])
    _label_rows(ax, (*picture.labels, picture.total))


def _intervals(ax: Axes, picture: Picture) -> None:
    colors = [NEGATIVE if value < 0 else POSITIVE for value in picture.values]
    reach = np.zeros(len(colors)) if picture.errors is None else picture.errors
    for row, (value, error, color) in enumerate(zip(picture.values, reach, colors, strict=True)):
        ax.errorbar(value, row, xerr=error, fmt="o", markersize=4, color=color)
    ax.axvline(0, color=GRAY, linewidth=0.6)
    _label_rows(ax, picture.labels)


def _chart(ax: Axes, picture: Picture) -> None:
    dots, line = picture.values
    places = range(len(picture.labels))
    across, measured, drawn = picture.names
    ax.plot(places, line, color=NEGATIVE, label=drawn)
    ax.plot(places, dots, "o", markersize=3, color=GRAY, label=measured)
    if picture.chosen is not None:
        ax.plot(picture.chosen, dots[picture.chosen], "o", markersize=6, color=POSITIVE)
    every = -(-len(places) // _PLACES)
    ax.set(xticks=places[::every], xticklabels=picture.labels[::every], yticks=picture.ticks)
    ax.set(ylim=(picture.ticks[0], picture.ticks[-1]), box_aspect=0.75)
    ax.set_xlabel(across, fontsize="x-small")
    ax.grid(axis="y", alpha=0.3)
    ax.legend(fontsize="x-small")


def _label_rows(ax: Axes, labels: Sequence[str]) -> None:
    ax.set_yticks(range(len(labels)), labels)
    ax.invert_yaxis()
    ax.spines[:].set_visible(False)


_DRAWN = {
    "image": _image,
    "map": _map,
    "bars": _bars,
    "waterfall": _waterfall,
    "intervals": _intervals,
    "chart": _chart,
}
