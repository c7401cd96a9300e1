"""How the book's pictures look: one style for light and dark pages, bands of uncertainty, alt text."""

import base64
import html
import io

import matplotlib.pyplot as plt
import numpy as np
import torch
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from interpbook.output.captions import checked_caption, framed, next_number
from interpbook.output.cell import show
from interpbook.output.colors import GRAY, PALETTE
from interpbook.output.numbers import read_marks, without_marks
from interpbook.output.plotted import NUMBERS, plotted_tables
from interpbook.output.png import small_png

DPI = 110
_SHORTEST_ALT = 15
_MARGIN = 2.0  # pixels; boxes around letters are a little larger than the letters


def use_style() -> None:
    """Set matplotlib's defaults to the book's style; `page.start` calls it.

    >>> use_style()
    >>> plt.rcParams["figure.dpi"]
    110.0
    """
    lines = cycler(linestyle=["-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1))])
    plt.rcParams.update(
        {
            "figure.figsize": (6.8, 3.2),
            "figure.dpi": DPI,
            "figure.facecolor": "none",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "none",
            "axes.facecolor": "none",
            "axes.edgecolor": GRAY,
            "axes.labelcolor": GRAY,
            "axes.titlecolor": GRAY,
            "axes.titlesize": "medium",
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.prop_cycle": cycler(color=PALETTE) + lines,
            "text.color": GRAY,
            "xtick.color": GRAY,
            "ytick.color": GRAY,
            "grid.color": GRAY,
            "grid.alpha": 0.3,
            "lines.linewidth": 1.8,
            "legend.frameon": False,
            "image.interpolation": "nearest",
            # For maps without a sign: no colour in it is the page's own, which would look like "nothing".
            "image.cmap": "cividis",
            "font.size": 11,
        }
    )


def figure(fig: Figure, alt: str, caption: str = "") -> None:
    """Show `fig` as a picture with alt text, a number and a caption, and close it.

    The figures of a page, live ones included, are counted in one series; `[Figure 3](#figure-3)` leads to the third.
    The numbers of a plot are read off its axes and stored with it; the book shows them as a table that unfolds.

    Args:
        fig: the figure.
        alt: what the picture shows, in words, written from the numbers in it; at least a few words. A number that was
            measured stands there as f"{page.measured(values):.2f}", so that it is stored with its spread.
        caption: what to look for, for those who see the picture, in one or two plain sentences; a measured number as
            in `alt`.

    Raises:
        TypeError: `fig` is not a matplotlib figure, `caption` is no text.
        ValueError: `alt` is empty or too short to say anything, or a text in the figure is cut off at its edge.

    >>> fig, ax = plt.subplots()
    >>> _ = ax.plot([0, 2])
    >>> from interpbook import page
    >>> _ = page.start()  # doctest: +ELLIPSIS
    interpbook ...
    >>> figure(fig, alt="a straight line from 0 to 2", caption="It rises by the same amount everywhere.")
    Figure 1: a straight line from 0 to 2
    """
    alt, caption = checked_alt(alt), checked_caption(caption)
    check_labels(fig)
    tables = plotted_tables(fig)
    png = png_bytes(fig)
    number = next_number()
    stored = {"words": [words(alt)], **stored_caption(caption)}
    if tables:
        stored[NUMBERS] = tables
    show(f"Figure {number}: {read_marks(alt)[0]}", framed(number, img_html(png, alt), caption), stored)


def stored_caption(caption: str) -> dict[str, object]:
    """What is stored of a figure's caption, where it has one."""
    # Stored keys are sorted; this one stays behind "words", whose numbers are shown first.
    return {"words_below": words(caption)} if caption else {}


def words(alt: str) -> dict[str, object]:
    """What is stored of a figure's words: the text with its numbers between marks, and these numbers."""
    text, numbers = read_marks(alt)
    return {"text": text, "numbers": [number.as_json() for number in numbers]}


def checked_alt(alt: object) -> str:
    """`alt` on one line; refused where it is too short to describe a picture."""
    text = " ".join(alt.split()) if isinstance(alt, str) else ""
    if len(text) < _SHORTEST_ALT or " " not in text:
        raise ValueError(f"alt is {alt!r}, expected a sentence that says what the picture shows")
    return text


def check_labels(fig: object) -> None:
    """Refuse a figure in which a text reaches beyond the edge, where it would be cut off.

    Raises:
        ValueError: with the text, and by how much.

    >>> fig = plt.figure(figsize=(2, 1))
    >>> _ = fig.text(0.9, 0.5, "too long for its place")
    >>> check_labels(fig)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ValueError: fig: the text 'too long for its place' is cut off at the edge, by ... pixels
    """
    if not isinstance(fig, Figure):
        return  # `png_bytes` says so
    fig.draw_without_rendering()
    for text in _drawn_texts(fig):
        box = text.get_window_extent()
        beyond = max(fig.bbox.x0 - box.x0, fig.bbox.y0 - box.y0, box.x1 - fig.bbox.x1, box.y1 - fig.bbox.y1)
        if beyond > _MARGIN:
            raise ValueError(f"fig: the text {text.get_text()!r} is cut off at the edge, by {beyond:.0f} pixels")


def _drawn_texts(fig: Figure) -> list[Text]:
    """Texts that are seen; matplotlib also keeps labels of ticks beyond the ends of an axis."""
    hidden = set()
    for axis in (axis for ax in fig.axes for axis in (ax.xaxis, ax.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in (*axis.get_major_ticks(), *axis.get_minor_ticks()):
            if not (axis.get_visible() and axis.axes.axison and low <= tick.get_loc() <= high):
                hidden |= {tick.label1, tick.label2}
    texts = [artist for artist in fig.findobj(Text) if isinstance(artist, Text) and artist.get_visible()]
    # One that is clipped by its axes is cut on purpose.
    return [
        text
        for text in texts
        if text not in hidden and text.get_text().strip() and not (text.get_clip_on() and text.get_clip_box())
    ]


def png_bytes(fig: object) -> bytes:
    """The figure as a small PNG, the same bytes for the same figure; closes it.

    Raises:
        TypeError: `fig` is not a matplotlib figure.
    """
    if not isinstance(fig, Figure):
        raise TypeError(f"fig is a {type(fig).__name__}, expected a matplotlib Figure")
    drawn = io.BytesIO()
    fig.savefig(drawn, format="png", dpi=DPI, transparent=True)
    plt.close(fig)
    return small_png(Image.open(drawn))


def img_html(png: bytes, alt: str) -> str:
    """`<img>` with the picture inside it, never wider than its page."""
    width, height = Image.open(io.BytesIO(png)).size
    return (
        f'<img src="{data_uri(png)}" alt="{html.escape(without_marks(alt))}" width="{width}" height="{height}"'
        ' style="max-width:100%;height:auto;background:transparent">'
    )


def data_uri(png: bytes) -> str:
    """The picture as a `data:` address, so that a page needs no other file."""
    return "data:image/png;base64," + base64.b64encode(png).decode()


def band(ax: Axes, x: object, samples: object, *, label: str | None = None) -> None:
    """Draw the mean over seeds as a line, and one standard deviation around it as a band.

    Args:
        ax: where to draw.
        x: the points, shape (points,).
        samples: the curves, shape (seeds, points), from at least two seeds.
        label: for the legend.

    Raises:
        ValueError: shapes that do not go together, or fewer than two seeds.

    >>> ax = plt.figure().add_subplot()
    >>> band(ax, [0, 1, 2], np.random.default_rng(0).normal(size=(5, 3)), label="five seeds")
    """
    points, curves = as_array(x), as_array(samples)
    if curves.ndim != 2 or points.shape != curves.shape[1:]:
        raise ValueError(
            f"samples has shape {curves.shape} and x {points.shape}, expected (seeds, points) and (points,)"
        )
    if len(curves) < 2:
        raise ValueError("samples has one seed, expected at least two: one curve has no band")
    mean, std = curves.mean(axis=0), curves.std(axis=0, ddof=1)
    (line,) = ax.plot(points, mean, label=label)
    ax.fill_between(points, mean - std, mean + std, color=line.get_color(), alpha=0.2, linewidth=0)


def as_array(values: object) -> np.ndarray:
    """`values` as a float64 array, from a tensor on any device or anything NumPy reads."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu().numpy()
    return np.asarray(values, dtype=np.float64)
