"""The numbers that a matplotlib figure shows, read off its axes, for readers who do not see it.

Lines, points, bars, whiskers and bands of a plot become tables. Series at the same places are columns of one table.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.collections import PathCollection, PolyCollection
from matplotlib.colors import to_hex
from matplotlib.container import BarContainer, ErrorbarContainer
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

# Where the tables are in what a notebook stores of a figure.
NUMBERS = "numbers"
ROWS = 30
COLUMNS = 18
_DIGITS = 3
_MARKUP = re.compile(r"[${}\\]")


@dataclass(frozen=True)
class Series:
    """Numbers at places: of a line, of points, bars, or the ends of whiskers and bands.

    Attributes:
        places: along the axis that the series runs along, as they are written there, in words or in digits.
        columns: a name and one value a place, for each column of the table.
        upright: whether the places stand on the horizontal axis.
    """

    places: list[str]
    columns: list[tuple[str, list[str]]]
    upright: bool


def plotted_tables(fig: Figure) -> list[dict[str, str]]:
    """What the figure shows as numbers: for each table its title, and its rows as CSV, the first of them the names.

    A long series is thinned out to 30 rows, numbers have three digits. Pictures of data, shown by `imshow`, are told by
    their size and range, and only beside a plot: alone, they are what their words say.

    >>> import matplotlib.pyplot as plt
    >>> fig, ax = plt.subplots()
    >>> _ = ax.plot([0, 1, 2], [0.5, 0.25, 0.12345], label="loss")
    >>> _ = ax.set(xlabel="step", title="training")
    >>> plotted_tables(fig)
    [{'title': 'training', 'rows': 'step,loss\\n0,0.5\\n1,0.25\\n2,0.123'}]
    """
    shown = [ax for ax in fig.axes if ax.get_visible() and ax.get_label() != "<colorbar>" and ax.name != "3d"]
    names = _names_by_look(shown)
    titles = [_title(ax, number, len(shown)) for number, ax in enumerate(shown, 1)]
    tables = [
        _table(ax, title, series)
        for ax, title in zip(shown, titles, strict=True)
        for series in _stacked(_side_by_side(_series(ax, names)))
        if series.places
    ]
    images = [
        [title, *map(str, drawn.shape[:2]), *_written([drawn.min(), drawn.max()])]
        for ax, title in zip(shown, titles, strict=True)
        for drawn in (image.get_array() for image in ax.get_images())
        if drawn is not None
    ]
    if tables and images:
        tables.append(_csv("pictures", ["picture", "rows", "columns", "smallest", "largest"], images))
    return tables


def _table(ax: Axes, title: str, series: Series) -> dict[str, str]:
    """A series as rows, thinned out where there are too many of them, and its first columns."""
    of = len(series.places)
    kept = np.unique(np.linspace(0, of - 1, min(ROWS, of)).round().astype(int))
    columns = series.columns[:COLUMNS]
    less = [f"{len(kept)} of {of} rows"] if len(kept) < of else []
    less += [f"{COLUMNS} of {len(series.columns)} columns"] if len(columns) < len(series.columns) else []
    along, across = (_axis_name(ax, horizontal) for horizontal in (series.upright, not series.upright))
    head = [along or "place", *(name or across or "value" for name, _ in columns)]
    rows = [[series.places[k], *(values[k] for _, values in columns)] for k in kept]
    return _csv(f"{title} ({', '.join(less)})" if less else title, head, rows)


def _csv(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, str]:
    """One line of a notebook's file, where a list would be a line for every number."""
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([head, *rows])
    return {"title": title, "rows": written.getvalue().rstrip("\n")}


def _side_by_side(drawn: Iterator[Series]) -> list[Series]:
    """Series at the same places as columns of one."""
    joined: list[Series] = []
    for series in drawn:
        same = next((s for s in joined if (s.places, s.upright) == (series.places, series.upright)), None)
        if same is None:
            joined.append(series)
        else:
            same.columns.extend(series.columns)
    for series in joined:
        # The ends of a line's band behind the line.
        order = [_line_of(name) for name, _ in series.columns]
        series.columns.sort(key=lambda column, order=order: order.index(_line_of(column[0])))  # type: ignore[misc]
    return joined


def _line_of(name: str) -> str:
    return name.removesuffix(" from").removesuffix(" to")


def _stacked(drawn: Sequence[Series]) -> list[Series]:
    """Series of the same names at other places as rows of one: points of several runs, say."""
    stacks: dict[tuple[object, ...], Series] = {}
    for series in drawn:
        key = (series.upright, *(name for name, _ in series.columns))
        if key in stacks:
            stacks[key].places.extend(series.places)
            for (_, values), (_, more) in zip(stacks[key].columns, series.columns, strict=True):
                values.extend(more)
        else:
            stacks[key] = series
    return list(stacks.values())


def _series(ax: Axes, names: dict[str, str]) -> Iterator[Series]:
    """Everything in the axes that shows numbers, kind by kind."""
    whiskers = [made.lines for made in ax.containers if isinstance(made, ErrorbarContainer)]
    parts = {part for line, caps, _ in whiskers for part in (line, *caps)}
    # Where the words stand on the upright axis, as of rows of points, the places do.
    upright = not _words(ax.yaxis) or bool(_words(ax.xaxis))
    for line in ax.lines:
        # One in other coordinates is drawn across the axes, as by `axvline`, and shows no numbers.
        if line not in parts and _in_coordinates(line, ax):
            yield _points(ax, line.get_xydata(), _label(line) or names.get(_look(line), ""), upright)
    for made in ax.containers:
        if isinstance(made, ErrorbarContainer):
            yield _whiskers(ax, made, names)
        elif isinstance(made, BarContainer):
            yield _bars(ax, made)
    for drawn in ax.collections:
        if isinstance(drawn, PathCollection):
            yield _points(ax, drawn.get_offsets(), _label(drawn), upright)
        elif isinstance(drawn, PolyCollection):
            yield from _band(ax, drawn, names)


def _points(ax: Axes, points: ArrayLike, name: str, upright: bool) -> Series:
    known: np.ndarray = np.ma.filled(np.ma.asarray(points, dtype=float), np.nan)
    along, across = known[np.isfinite(known).all(1)].T[:: 1 if upright else -1]
    return Series(_places(ax, along, upright), [(name, _written(across))], upright)


def _whiskers(ax: Axes, made: ErrorbarContainer, names: dict[str, str]) -> Series:
    """The points of an error bar plot and the ends of their whiskers; of whiskers both ways, the upright ones."""
    line, _, stalks = made.lines
    upright = bool(made.has_yerr)
    ends = np.array([np.asarray(path.vertices)[[0, -1]] for path in stalks[-1].get_paths()])
    along, across = (ends[..., 0], ends[..., 1]) if upright else (ends[..., 1], ends[..., 0])
    name = _label(made)
    columns = _from_to(name, across.min(1), across.max(1))
    if line is not None:
        name = name or names.get(_look(line), "")
        middle = np.asarray(line.get_xydata())[:, int(upright)]
        columns = [(name, _written(middle)), *_from_to(name, across.min(1), across.max(1))]
    return Series(_places(ax, along[:, 0], upright), columns, upright)


def _bars(ax: Axes, made: BarContainer) -> Series:
    """Bars at the middles of their feet; those of a histogram, too."""
    upright = made.orientation != "horizontal"
    boxes = [bar.get_bbox() for bar in made]
    places = [(box.x0 + box.x1) / 2 if upright else (box.y0 + box.y1) / 2 for box in boxes]
    values = [box.y1 - box.y0 if upright else box.x1 - box.x0 for box in boxes]
    return Series(_places(ax, np.array(places), upright), [(_label(made), _written(values))], upright)


def _band(ax: Axes, drawn: PolyCollection, names: dict[str, str]) -> Iterator[Series]:
    """The edges of what `fill_between` drew: its outline goes along the first, and back along the second."""
    for path in drawn.get_paths()[:1]:
        corners = np.asarray(path.vertices)
        half = (len(corners) - 3) // 2
        there, back = corners[1 : half + 1], corners[half + 2 : 2 * half + 2][::-1]
        if half > 0 and len(corners) == 2 * half + 3 and np.array_equal(there[:, 0], back[:, 0]):
            color = to_hex(np.asarray(drawn.get_facecolor())[0])
            name = _label(drawn) or next((names[look] for look in names if look.startswith(color)), "")
            yield Series(_places(ax, there[:, 0], True), _from_to(name, there[:, 1], back[:, 1]), True)


def _from_to(name: str, low: np.ndarray, high: np.ndarray) -> list[tuple[str, list[str]]]:
    return [(f"{name} from".strip(), _written(low)), (f"{name} to".strip(), _written(high))]


def _places(ax: Axes, places: np.ndarray, upright: bool) -> list[str]:
    """Places as they are written at their axis: in words where it has some, those of categories also nearby."""
    words = _words(ax.xaxis if upright else ax.yaxis)
    categories = bool(words) and set(np.diff(sorted(words))) <= {1.0}
    written = _written(places)
    for k, place in enumerate(places):
        nearest = min(words, key=lambda tick: abs(tick - place), default=np.nan)
        if np.isclose(nearest, place) or (categories and abs(nearest - place) < 0.5):
            written[k] = words[nearest]
    return written


def _words(axis: Axis) -> dict[float, str]:
    """What is written at the places of an axis, if it is something else than the numbers of these places."""
    places = [float(tick) for tick in axis.get_majorticklocs()]
    # Not those that are seen: axes in a column have theirs written once, below the last.
    labels = [plain(str(label)) for label in axis.get_major_formatter().format_ticks(places)]
    words = {tick: label for tick, label in zip(places, labels, strict=True) if label}
    return {} if all(_says(word, tick) for tick, word in words.items()) else words


def _says(word: str, tick: float) -> bool:
    """Whether a label is its tick's number; powers are set as a formula, 10^3."""
    base, _, power = word.replace("−", "-").replace("mathdefault", "").replace("times", "e").partition("^")
    try:
        return bool(np.isclose(float(base) ** float(power or 1), tick, atol=1e-9))
    except ValueError:
        return False


def _title(ax: Axes, number: int, of: int) -> str:
    titles = (ax.get_title(loc="center"), ax.get_title(loc="left"), ax.get_title(loc="right"), ax.get_ylabel())
    return plain(next(filter(None, titles), f"panel {number}" if of > 1 else "the plot"))


def _axis_name(ax: Axes, horizontal: bool) -> str:
    """What an axis is called; where several axes share theirs, one of them says it."""
    shared = (ax.get_shared_x_axes() if horizontal else ax.get_shared_y_axes()).get_siblings(ax)
    names = (other.get_xlabel() if horizontal else other.get_ylabel() for other in (ax, *shared))
    return plain(next(filter(None, names), ""))


def _names_by_look(shown: Sequence[Axes]) -> dict[str, str]:
    """Names of lines by their colour and dashes, for a legend is drawn in one of several axes."""
    lines = [(line, _label(line)) for ax in shown for line in ax.lines if _in_coordinates(line, ax)]
    made = [(m.lines[0], _label(m)) for ax in shown for m in ax.containers if isinstance(m, ErrorbarContainer)]
    return {_look(line): name for line, name in (*lines, *made) if line is not None and name}


def _in_coordinates(line: Line2D, ax: Axes) -> bool:
    return bool(line.get_transform() == ax.transData)


def _look(line: Line2D) -> str:
    return f"{to_hex(line.get_color())} {line.get_linestyle()} {line.get_marker()}"


def _label(drawn: Artist | BarContainer | ErrorbarContainer) -> str:
    """Its name in a legend; a name that matplotlib gives itself begins with an underscore."""
    label = str(drawn.get_label() or "")
    return "" if label.startswith("_") else plain(label)


def plain(text: str) -> str:
    r"""A text of a figure without the signs of its formulas.

    >>> plain(r"step $\lambda_{0}$")
    'step lambda_0'
    """
    return " ".join(_MARKUP.sub("", text).split())


def _written(values: ArrayLike) -> list[str]:
    """With three digits; whole numbers in full, and nothing for what is no number."""
    written = []
    for value in np.asarray(values, dtype=float):
        whole = float(value).is_integer() and abs(value) < 1e6
        digits = f"{value:.0f}" if whole else f"{float(f'{value:.{_DIGITS}g}'):g}"
        written.append(digits if np.isfinite(value) else "")
    return written
