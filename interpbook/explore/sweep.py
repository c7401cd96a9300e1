"""`sweep` draws one figure for every setting of a few controls."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import ipywidgets
from matplotlib.figure import Figure

from interpbook.explore.controls import Control, Values, read_controls, refresh
from interpbook.explore.document import document
from interpbook.explore.explorable import Explorable
from interpbook.output.captions import checked_caption
from interpbook.output.figures import check_labels, checked_alt, data_uri, img_html, png_bytes, words
from interpbook.output.numbers import without_marks

__all__ = ["Sweep", "sweep"]

Draw = Callable[..., Figure | tuple[Figure, str]]
Alt = str | Callable[..., str] | None


def sweep(draw: Draw, *, alt: Alt = None, caption: str = "", **controls: Values) -> Explorable:
    """The figure that `draw` makes, with one control per keyword; it starts at the first values.

    Args:
        draw: called as `draw(lam=..., image=...)`; returns a figure, or a figure and its alt text. Equal
            arguments must give equal figures.
        alt: alt text for figures that come without: a function of the same arguments, or a text to which
            the setting is added.
        caption: what to look for, in one or two plain sentences, whatever the setting.
        controls: for each argument of `draw` a list of values, or a dictionary from labels to values. More
            than four numbers make a slider, anything else a drop-down list.

    Raises:
        TypeError: `draw` is no function, or a control is neither a list nor a dictionary. When it is shown: `draw`
            returns something else.
        ValueError: no control, one that is empty or shows two values alike. When it is shown: alt text is missing,
            or the page's figure exceeds 400 kB.

    >>> import matplotlib.pyplot as plt
    >>> def draw(slope):
    ...     fig, ax = plt.subplots()
    ...     ax.axline((0, 0), slope=slope)
    ...     return fig, f"a line through the origin with slope {slope}"
    >>> figure = sweep(draw, slope=[1, 2])  # as the last line of a cell it shows itself
    >>> figure.html().count("<img")
    1
    """
    return Sweep(draw, alt, _read(draw, controls), checked_caption(caption))


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Explorable):
    """What `sweep` was asked to show."""

    draw: Draw
    alt: Alt
    controls: list[Control]
    caption: str = ""

    def widgets(self) -> ipywidgets.VBox:
        """The controls, and below them the picture, redrawn at each change."""
        boxes = [control.widget() for control in self.controls]
        plays = [_play(box) for control, box in zip(self.controls, boxes, strict=True) if control.kind == "range"]
        view = ipywidgets.HTML()

        def now() -> str:
            return img_html(*self._drawn(tuple(box.value for box in boxes)))

        refresh(view, now, first=True)
        for box in boxes:
            box.observe(lambda change: refresh(view, now), names="value")
        return ipywidgets.VBox([*boxes, *plays, view])

    @property
    def _plain(self) -> str:
        return f"An explorable figure; its controls: {', '.join(control.title for control in self.controls)}."

    def _in_page(self) -> tuple[str, dict[str, object]]:
        """Every setting drawn once, equal pictures stored once; beside it the words of every setting."""
        pictures: list[str] = []
        states, said = [], []
        for setting in itertools.product(*(range(len(control.values)) for control in self.controls)):
            png, text = self._drawn(setting)
            if not pictures:
                still = img_html(png, text)
            uri = data_uri(png)
            if uri not in pictures:
                pictures.append(uri)
            states.append({"picture": pictures.index(uri), "alt": without_marks(text)})
            said.append(words(text))
        # The first picture stands in <noscript>, and the script takes it from there.
        data = {"controls": [control.data for control in self.controls], "states": states, "pictures": pictures[1:]}
        page = document(
            "ib-sweep",
            still,
            data,
            styles=["explore.css", "sweep.css"],
            scripts=["controls.js", "address.js", "sweep.js"],
            smaller=f"it holds {len(pictures)} pictures; give the controls fewer values, or draw a smaller figure",
        )
        return page, {"words": said}

    def _drawn(self, setting: tuple[int, ...]) -> tuple[bytes, str]:
        """Picture and alt text of one setting, given by the position of each control's value."""
        chosen = {c.name: c.values[position] for c, position in zip(self.controls, setting, strict=True)}
        result = self.draw(**chosen)
        fig, text = result if isinstance(result, tuple) and len(result) == 2 else (result, None)
        if text is None and callable(self.alt):
            text = self.alt(**chosen)
        elif text is None and self.alt is not None:
            labels = (f"{c.title} {c.labels[position]}" for c, position in zip(self.controls, setting, strict=True))
            text = f"{self.alt} ({', '.join(labels)})"
        check_labels(fig)
        png = png_bytes(fig)
        return png, checked_alt(text)


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
    read = read_controls(controls)
    for control in read:
        if control.kind == "switches":
            raise TypeError(f"{control.name} is a Switches, expected a list of values or a dictionary of labels")
    return read
