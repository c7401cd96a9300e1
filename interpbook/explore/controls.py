"""The controls of an explorable figure: what a reader may choose, in the page and in a kernel."""

import html
import numbers
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import ipywidgets
import numpy as np

_LONGEST_SELECT = 4  # a numeric control with more values becomes a slider

Values = Sequence[object] | np.ndarray | Mapping[str, object]


@dataclass(frozen=True)
class Control:
    """One control: its argument, what the reader sees of each value, the values, "range" or "select", the first, and
    what the reader sees in place of the name.
    """

    name: str
    labels: tuple[str, ...]
    values: tuple[object, ...]
    kind: str
    start: int = 0
    shown: str = ""

    @property
    def title(self) -> str:
        """The name as the reader sees it."""
        return self.shown or self.name.replace("_", " ")

    @property
    def data(self) -> dict[str, object]:
        """What the page's script needs to know."""
        return {"name": self.name, "title": self.title, "kind": self.kind, "labels": self.labels, "start": self.start}

    def widget(self) -> ipywidgets.Widget:
        """The control in a kernel: a widget whose value is the position in `values`."""
        kind = ipywidgets.SelectionSlider if self.kind == "range" else ipywidgets.Dropdown
        options = [(label, position) for position, label in enumerate(self.labels)]
        style = {"description_width": "initial"}
        return kind(options=options, value=self.start, description=self.title, style=style)


def read_controls(controls: Mapping[str, Values]) -> list[Control]:
    """Keywords as controls.

    Raises:
        TypeError: a control is neither a list nor a dictionary.
        ValueError: one that is empty or shows two values alike.

    >>> [control] = read_controls({"lam": [0.0, 0.1, 1.0, 10.0, 1e-5]})
    >>> control.kind, control.labels
    ('range', ('0', '0.1', '1', '10', '1e-05'))
    """
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
