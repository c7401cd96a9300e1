"""The controls of an explorable figure: what a reader may choose, in the page and in a kernel."""

import html
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import ipywidgets
import numpy as np

_LONGEST_SELECT = 4  # a numeric control with more values becomes a slider

Values = Sequence[object] | np.ndarray | Mapping[str, object]
Position = int | tuple[int, ...]  # of the value chosen; of switches, those of all that are on


@dataclass(frozen=True)
class Switches:
    """A control of which any number of values is chosen, each switched on and off by a button of its own.

    What a state holds of it is the tuple of the values that are on, in the order in which they stand here.

    Attributes:
        values: a list of values, or a dictionary from labels to values. Labels are without spaces, which part them in
            the page's address.

    >>> [control] = read_controls({"keep": Switches([1, 2, 3])})
    >>> control.kind, control.value_at((0, 2))
    ('switches', (1, 3))
    """

    values: Values


class SwitchRow(ipywidgets.HBox, ipywidgets.ValueWidget):
    """Switches in a kernel: a row of buttons, whose value is the tuple of the places that are on."""

    def __init__(self, title: str, labels: Sequence[str], start: tuple[int, ...]) -> None:
        as_wide_as_its_text = ipywidgets.Layout(width="auto")
        self.buttons = [ipywidgets.ToggleButton(description=label, layout=as_wide_as_its_text) for label in labels]
        layout = ipywidgets.Layout(flex_flow="row wrap")
        super().__init__([ipywidgets.Label(title), *self.buttons], layout=layout)
        for button in self.buttons:
            button.observe(self._read, names="value")
        self.observe(self._show, names="value")
        self.value = start

    def _show(self, change: object) -> None:
        for place, button in enumerate(self.buttons):
            # What is set here is no choice of the reader's.
            button.unobserve(self._read, names="value")
            button.value = place in self.value
            button.observe(self._read, names="value")

    def _read(self, change: object) -> None:
        self.value = tuple(place for place, button in enumerate(self.buttons) if button.value)


@dataclass(frozen=True)
class Control:
    """One control: its argument, what the reader sees of each value, the values, "range", "select" or "switches", the
    first, and what the reader sees in place of the name.
    """

    name: str
    labels: tuple[str, ...]
    values: tuple[object, ...]
    kind: str
    start: Position = 0
    shown: str = ""

    @property
    def title(self) -> str:
        """The name as the reader sees it."""
        return self.shown or self.name.replace("_", " ")

    @property
    def data(self) -> dict[str, object]:
        """What the page's script needs to know."""
        return {"name": self.name, "title": self.title, "kind": self.kind, "labels": self.labels, "start": self.start}

    def value_at(self, position: Position) -> object:
        """The value at a position; of switches, those of all that are on."""
        if isinstance(position, tuple):
            return tuple(self.values[place] for place in position)
        return self.values[position]

    def position_of(self, value: object) -> Position | None:
        """Where a value stands, and for switches where each of some values does; None if one is not there."""
        if self.kind != "switches":
            return self.values.index(value) if value in self.values else None
        if not isinstance(value, list | tuple) or not all(one in self.values for one in value):
            return None
        return tuple(place for place, own in enumerate(self.values) if own in value)

    def widget(self) -> ipywidgets.Widget:
        """The control in a kernel: a widget whose value is the position in `values`."""
        if isinstance(self.start, tuple):
            return SwitchRow(self.title, self.labels, self.start)
        kind = ipywidgets.SelectionSlider if self.kind == "range" else ipywidgets.Dropdown
        options = [(label, position) for position, label in enumerate(self.labels)]
        style = {"description_width": "initial"}
        return kind(options=options, value=self.start, description=self.title, style=style)


def read_controls(controls: Mapping[str, Values | Switches]) -> list[Control]:
    """Keywords as controls.

    Raises:
        TypeError: a control is neither a list nor a dictionary nor switches.
        ValueError: one that is empty or shows two values alike, or switches with a space in a label.

    >>> [control] = read_controls({"lam": [0.0, 0.1, 1.0, 10.0, 1e-5]})
    >>> control.kind, control.labels
    ('range', ('0', '0.1', '1', '10', '1e-05'))
    """
    return [_control(name, values) for name, values in controls.items()]


def _control(name: str, given: object) -> Control:
    if isinstance(given, Switches):
        each = _control(name, given.values)
        if spaced := [label for label in each.labels if not label or " " in label]:
            raise ValueError(f"{name} has a switch {spaced[0]!r}, expected labels without spaces")
        return replace(each, kind="switches", start=())
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


def refresh(view: ipywidgets.HTML, make: Callable[[], str], *, first: bool = False) -> None:
    """Show what `make` returns. Except at first, an error is shown in its place and not raised: a frontend hides what
    a control's callback raises, and the old picture must not stand for the new state.
    """
    try:
        view.value = make()
    except Exception as error:
        if first:
            raise
        view.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"
