"""Figures that a reader moves: `sweep` draws one figure for every setting of a few controls.

Executed for the book or a test (INTERPBOOK_RENDER=page), the figure is one self-contained HTML output that
needs no kernel and no network. Run by a person, it is ipywidgets around the same function.
"""

import hashlib
import html
import itertools
import json
import numbers
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import ipywidgets
import numpy as np
from IPython.display import display
from matplotlib.figure import Figure

from interpbook.page.figures import checked_alt, data_uri, img_html, png_bytes
from interpbook.page.output import show

__all__ = ["sweep"]

LIMIT_KB = 400
_STATIC = Path(__file__).with_name("static")
_LONGEST_SELECT = 4  # a numeric control with more values becomes a slider

Draw = Callable[..., Figure | tuple[Figure, str]]
Values = Sequence[object] | np.ndarray | Mapping[str, object]
Alt = str | Callable[..., str] | None


@dataclass(frozen=True)
class Control:
    """One control: its argument, what the reader sees of each value, the values, and "range" or "select"."""

    name: str
    labels: tuple[str, ...]
    values: tuple[object, ...]
    kind: str

    @property
    def title(self) -> str:
        """The name as the reader sees it."""
        return self.name.replace("_", " ")


def sweep(draw: Draw, *, alt: Alt = None, **controls: Values) -> None:
    """Show the figure that `draw` makes, with one control per keyword; it starts at the first values.

    Args:
        draw: called as `draw(lam=..., image=...)`; returns a figure, or a figure and its alt text. Equal
            arguments must give equal figures.
        alt: alt text for figures that come without: a function of the same arguments, or a text to which
            the setting is added.
        controls: for each argument of `draw` a list of values, or a dictionary from labels to values. More
            than four numbers make a slider, anything else a drop-down list.

    Raises:
        TypeError: `draw` returns something else, or a control is neither a list nor a dictionary.
        ValueError: a control is empty or shows two values alike, alt text is missing, the page's figure
            exceeds 400 kB, or INTERPBOOK_RENDER is neither unset nor "page".

    >>> import matplotlib.pyplot as plt
    >>> def draw(slope):
    ...     fig, ax = plt.subplots()
    ...     ax.axline((0, 0), slope=slope)
    ...     return fig, f"a line through the origin with slope {slope}"
    >>> page = sweep_html(draw, slope=[1, 2])  # what `sweep(draw, slope=[1, 2])` shows in the book
    >>> page.count("<img")
    1
    """
    render = os.environ.get("INTERPBOOK_RENDER", "")
    if render not in ("", "page"):
        raise ValueError(f"INTERPBOOK_RENDER is {render!r}, expected 'page' or nothing")
    if render == "page":
        page = sweep_html(draw, alt=alt, **controls)
        names = ", ".join(control.title for control in read_controls(controls))
        show(f"An explorable figure; its controls: {names}.", page)
    else:
        display(sweep_widgets(draw, alt=alt, **controls))


def sweep_html(draw: Draw, *, alt: Alt = None, **controls: Values) -> str:
    """The figure of `sweep` for the page: every setting drawn once, equal pictures stored once.

    Raises:
        ValueError: as `sweep`.
    """
    ordered = read_controls(controls)
    pictures: list[str] = []
    states = []
    for setting in itertools.product(*(range(len(control.values)) for control in ordered)):
        png, text = _drawn(draw, alt, ordered, setting)
        if not pictures:
            static = img_html(png, text)
        uri = data_uri(png)
        if uri not in pictures:
            pictures.append(uri)
        states.append({"picture": pictures.index(uri), "alt": text})
    shown = [{"title": c.title, "kind": c.kind, "labels": c.labels} for c in ordered]
    # The first picture stands in <noscript>, and the script takes it from there.
    data = json.dumps({"controls": shown, "states": states, "pictures": pictures[1:]}, ensure_ascii=False)
    data = data.replace("<", "\\u003c")
    page = _document(static, data)
    size = len(page.encode()) / 1000
    if size > LIMIT_KB:
        raise ValueError(
            f"the figure takes {size:.0f} kB in the page ({len(pictures)} pictures), at most {LIMIT_KB} kB"
            " are allowed: give the controls fewer values, or draw a smaller or plainer figure"
        )
    return page


def _document(static: str, data: str) -> str:
    name = "ib-" + hashlib.sha256((static + data).encode()).hexdigest()[:12]
    style, script = ((_STATIC / file).read_text(encoding="utf-8") for file in ("sweep.css", "sweep.js"))
    return (
        f'<div class="ib-sweep" id="{name}"><style>{style}</style>'
        f"<noscript>{static}<p>This figure moves where scripts are allowed.</p></noscript>"
        f'<script type="application/json">{data}</script>'
        f'<script>{script.rstrip()}("{name}");</script></div>'
    )


def sweep_widgets(draw: Draw, *, alt: Alt = None, **controls: Values) -> ipywidgets.VBox:
    """The figure of `sweep` for a kernel: the controls, and below them the picture, redrawn at each change.

    Raises:
        ValueError: as `sweep`.
    """
    ordered = read_controls(controls)
    boxes = [_widget(control) for control in ordered]
    view = ipywidgets.HTML()

    def redraw(change: object = None) -> None:
        try:
            view.value = img_html(*_drawn(draw, alt, ordered, tuple(box.value for box in boxes)))
        except Exception as error:
            if change is None:
                raise
            # A frontend hides what a control's callback raises; the old picture must not stand for the new state.
            view.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"

    redraw()
    for box in boxes:
        box.observe(redraw, names="value")
    return ipywidgets.VBox([*boxes, view])


def _widget(control: Control) -> ipywidgets.Widget:
    """The control as a widget whose value is the position in `control.values`."""
    kind = ipywidgets.SelectionSlider if control.kind == "range" else ipywidgets.Dropdown
    options = [(label, position) for position, label in enumerate(control.labels)]
    style = {"description_width": "initial"}
    return kind(options=options, value=0, description=control.title, style=style)


def read_controls(controls: Mapping[str, object]) -> list[Control]:
    """The keywords of `sweep` as controls.

    Raises:
        TypeError: a control is neither a list nor a dictionary.
        ValueError: no control at all, or one that is empty or shows two values alike.

    >>> [control] = read_controls({"lam": [0.0, 0.1, 1.0, 10.0, 1e-5]})
    >>> control.kind, control.labels
    ('range', ('0', '0.1', '1', '10', '1e-05'))
    """
    if not controls:
        raise ValueError("sweep has no control, expected at least one keyword such as lam=[0.1, 1]")
    return [_control(name, values) for name, values in controls.items()]


def _control(name: str, given: object) -> Control:
    if isinstance(given, Mapping):
        labels, values = tuple(map(str, given)), tuple(given.values())
    elif isinstance(given, Sequence | np.ndarray) and not isinstance(given, str):
        values = tuple(given)
        labels = tuple(map(_label, values))
    else:
        raise TypeError(f"{name} is a {type(given).__name__}, expected a list of values or a dictionary of labels")
    if not values or len(set(labels)) < len(labels):
        raise ValueError(f"{name} shows {', '.join(labels) or 'nothing'}, expected values that look different")
    numeric = all(isinstance(v, numbers.Real) and not isinstance(v, bool) for v in values)
    slider = numeric and len(values) > _LONGEST_SELECT and not isinstance(given, Mapping)
    return Control(name, labels, values, "range" if slider else "select")


def _label(value: object) -> str:
    return f"{float(value):.4g}" if isinstance(value, numbers.Real) and not isinstance(value, bool) else str(value)


def _drawn(draw: Draw, alt: Alt, controls: list[Control], setting: tuple[int, ...]) -> tuple[bytes, str]:
    """Picture and alt text of one setting, given by the position of each control's value."""
    chosen = {c.name: c.values[position] for c, position in zip(controls, setting, strict=True)}
    result = draw(**chosen)
    fig, text = result if isinstance(result, tuple) else (result, None)
    if text is None and callable(alt):
        text = alt(**chosen)
    elif text is None and alt is not None:
        labels = (f"{c.title} {c.labels[position]}" for c, position in zip(controls, setting, strict=True))
        text = f"{alt} ({', '.join(labels)})"
    png = png_bytes(fig)
    return png, checked_alt(text)
