"""`sweep` draws one figure for every setting of a few controls.

Executed for the book or a test (INTERPBOOK_RENDER=page), the figure is one self-contained HTML output that
needs no kernel and no network. Run by a person, it is ipywidgets around the same function.
"""

import itertools
from collections.abc import Callable, Mapping

import ipywidgets
from IPython.display import display
from matplotlib.figure import Figure

from interpbook.explore.controls import Control, Values, read_controls, refresh
from interpbook.explore.document import document, render_in_page
from interpbook.output.cell import show
from interpbook.output.figures import checked_alt, data_uri, img_html, png_bytes, words
from interpbook.output.numbers import without_marks

__all__ = ["sweep"]

Draw = Callable[..., Figure | tuple[Figure, str]]
Alt = str | Callable[..., str] | None


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
    if render_in_page():
        page, said = sweep_page(draw, alt=alt, **controls)
        names = ", ".join(control.title for control in _read(draw, controls))
        show(f"An explorable figure; its controls: {names}.", page, {"words": said})
    else:
        display(sweep_widgets(draw, alt=alt, **controls))


def sweep_html(draw: Draw, *, alt: Alt = None, **controls: Values) -> str:
    """The figure of `sweep` for the page: every setting drawn once, equal pictures stored once.

    Raises:
        ValueError: as `sweep`.
    """
    return sweep_page(draw, alt=alt, **controls)[0]


def sweep_page(draw: Draw, *, alt: Alt = None, **controls: Values) -> tuple[str, list[dict[str, object]]]:
    """The figure for the page, and what is stored of the words of every setting.

    Raises:
        ValueError: as `sweep`.
    """
    ordered = _read(draw, controls)
    pictures: list[str] = []
    states, said = [], []
    for setting in itertools.product(*(range(len(control.values)) for control in ordered)):
        png, text = _drawn(draw, alt, ordered, setting)
        if not pictures:
            static = img_html(png, text)
        uri = data_uri(png)
        if uri not in pictures:
            pictures.append(uri)
        states.append({"picture": pictures.index(uri), "alt": without_marks(text)})
        said.append(words(text))
    # The first picture stands in <noscript>, and the script takes it from there.
    data = {"controls": [control.data for control in ordered], "states": states, "pictures": pictures[1:]}
    page = document(
        "ib-sweep",
        static,
        data,
        styles=["explore.css", "sweep.css"],
        scripts=["controls.js", "address.js", "sweep.js"],
        smaller=f"it holds {len(pictures)} pictures; give the controls fewer values, or draw a smaller figure",
    )
    return page, said


def sweep_widgets(draw: Draw, *, alt: Alt = None, **controls: Values) -> ipywidgets.VBox:
    """The figure of `sweep` for a kernel: the controls, and below them the picture, redrawn at each change.

    Raises:
        ValueError: as `sweep`.
    """
    ordered = _read(draw, controls)
    boxes = [control.widget() for control in ordered]
    plays = [_play(box) for control, box in zip(ordered, boxes, strict=True) if control.kind == "range"]
    view = ipywidgets.HTML()

    def now() -> str:
        return img_html(*_drawn(draw, alt, ordered, tuple(box.value for box in boxes)))

    refresh(view, now, first=True)
    for box in boxes:
        box.observe(lambda change: refresh(view, now), names="value")
    return ipywidgets.VBox([*boxes, *plays, view])


def _play(slider: ipywidgets.SelectionSlider) -> ipywidgets.Play:
    """A button that moves the slider from value to value."""
    play = ipywidgets.Play(max=len(slider.options) - 1, interval=500, description=slider.description)
    ipywidgets.jslink((play, "value"), (slider, "index"))
    return play


def _read(draw: Draw, controls: Mapping[str, Values]) -> list[Control]:
    if not callable(draw):
        raise TypeError(f"draw is {draw!r}, expected a function that returns a figure")
    if not controls:
        raise ValueError("sweep has no control, expected at least one keyword such as lam=[0.1, 1]")
    return read_controls(controls)


def _drawn(draw: Draw, alt: Alt, controls: list[Control], setting: tuple[int, ...]) -> tuple[bytes, str]:
    """Picture and alt text of one setting, given by the position of each control's value."""
    chosen = {c.name: c.values[position] for c, position in zip(controls, setting, strict=True)}
    result = draw(**chosen)
    fig, text = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
    if text is None and callable(alt):
        text = alt(**chosen)
    elif text is None and alt is not None:
        labels = (f"{c.title} {c.labels[position]}" for c, position in zip(controls, setting, strict=True))
        text = f"{alt} ({', '.join(labels)})"
    png = png_bytes(fig)
    return png, checked_alt(text)
