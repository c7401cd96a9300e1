"""What is drawn in the plane, as plain data, and how a kernel draws it; `static/marks.js` draws it in the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from interpbook.output.colors import PALETTE

FAINT = 0.35  # the opacity of what stands behind
HEAVY = 2  # how much thicker what stands out is
_DASHES = (4, 3)


@dataclass(frozen=True)
class Mark:
    """One thing drawn in the plane.

    Attributes:
        kind: "line", a polyline through (n, 2) points, interrupted at a point of NaN; "dots", (n, 2) points;
            "arrows", (n, 4), each from its first two numbers to its last two; "field", (h, w) values >= 0 spread over
            the whole plane, the first row at the bottom, the largest in full colour and zero clear.
        values: the numbers, as above.
        color: its place in the book's palette.
        label: what the legend calls it; "" leaves it out.
        faint: behind the others.
        dashed: of a line.
        heavy: of a line or arrows, drawn thicker.

    Raises:
        ValueError: another kind, or values of another shape.
    """

    kind: Literal["line", "dots", "arrows", "field"]
    values: np.ndarray
    color: int = 5
    label: str = ""
    faint: bool = False
    dashed: bool = False
    heavy: bool = False

    def __post_init__(self) -> None:
        if self.kind not in _DRAWN:
            raise ValueError(f"kind: expected one of {', '.join(_DRAWN)}, got {self.kind!r}")
        shape = np.shape(self.values)
        columns = {"line": 2, "dots": 2, "arrows": 4}.get(self.kind, shape[-1] if shape else 0)
        if len(shape) != 2 or shape[1] != columns:
            wanted = f"(n, {columns})" if self.kind != "field" else "(h, w)"
            raise ValueError(f"values: expected the shape {wanted} for {self.kind}, got {shape}")
        if not 0 <= self.color < len(PALETTE):
            raise ValueError(f"color: expected a place in a palette of {len(PALETTE)}, got {self.color}")


def draw_marks(ax: Axes, marks: Sequence[Mark]) -> None:
    """All marks in one pair of axes, whose limits are set, with a legend below the figure where one has a label.

    >>> import matplotlib.pyplot as plt
    >>> _, ax = plt.subplots()
    >>> draw_marks(ax, [Mark("line", np.array([[0.0, 0.0], [1.0, 1.0]]), label="rising")])
    >>> [text.get_text() for text in ax.figure.legends[0].get_texts()]
    ['rising']
    """
    for mark in marks:
        _DRAWN[mark.kind](ax, mark)
    if any(mark.label for mark in marks):
        # Below everything, where it is as wide as the figure and takes no width from the plane.
        ax.figure.legend(*ax.get_legend_handles_labels(), fontsize="small", loc="outside lower left", ncols=3)


def _line(ax: Axes, mark: Mark) -> None:
    style = (0, _DASHES) if mark.dashed else "-"
    width = mpl.rcParams["lines.linewidth"] * _weight(mark)
    ax.plot(*mark.values.T, color=PALETTE[mark.color], linestyle=style, linewidth=width, **_look(mark))


def _dots(ax: Axes, mark: Mark) -> None:
    ax.plot(*mark.values.T, "o", markersize=4, color=PALETTE[mark.color], **_look(mark))


def _arrows(ax: Axes, mark: Mark) -> None:
    x, y, to_x, to_y = mark.values.T
    ax.quiver(
        x, y, to_x - x, to_y - y, angles="xy", scale_units="xy", scale=1, width=0.005 * _weight(mark),
        color=PALETTE[mark.color], **_look(mark),
    )  # fmt: skip


def _field(ax: Axes, mark: Mark) -> None:
    color = mpl.colors.to_rgb(PALETTE[mark.color])
    shades = LinearSegmentedColormap.from_list("field", [(*color, 0.0), (*color, 0.7)])
    most = float(mark.values.max()) or 1.0
    ax.imshow(
        mark.values, cmap=shades, vmin=0, vmax=most, extent=(*ax.get_xlim(), *ax.get_ylim()), origin="lower",
        aspect="auto", zorder=0, interpolation="bilinear", alpha=FAINT if mark.faint else 1,
    )  # fmt: skip
    # A picture has no entry in a legend of its own.
    ax.plot([], [], "s", color=PALETTE[mark.color], **_look(mark))


def _weight(mark: Mark) -> int:
    return HEAVY if mark.heavy else 1


def _look(mark: Mark) -> dict[str, Any]:
    return {"alpha": FAINT if mark.faint else 1.0, "label": mark.label or None}


_DRAWN = {"line": _line, "dots": _dots, "arrows": _arrows, "field": _field}
