"""A live figure in a kernel: the same controls and views as in the page, computed by torch.

Widgets have no surface to draw on. The brush is moved by two sliders, as it is by the arrow keys in the page.
"""

import html

import ipywidgets
import torch
from torch import Tensor

from interpbook.page.explore.figure import LiveFigure


def stamp(x: Tensor, row: float, column: float, radius: float, *, erase: bool = False) -> Tensor:
    """The image with one dab of the round brush, whose edge is soft over one pixel.

    Args:
        x: images (..., H, W).
        row, column: the middle of the brush, in pixels.
        radius: in pixels.
        erase: take ink away instead.

    >>> stamp(torch.zeros(3, 3), 1.0, 1.0, 0.5).tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    rows = torch.arange(x.shape[-2], device=x.device, dtype=x.dtype)[:, None]
    columns = torch.arange(x.shape[-1], device=x.device, dtype=x.dtype)
    ink = (radius + 0.5 - torch.hypot(rows - row, columns - column)).clamp(0, 1)
    return torch.minimum(x, 1 - ink) if erase else torch.maximum(x, ink)


def brush_radius(x: Tensor) -> float:
    """Of the brush on images (..., H, W), in pixels."""
    return 1.2 * min(x.shape[-2:]) / 28


def widgets(figure: LiveFigure) -> ipywidgets.VBox:
    """The figure as widgets: the controls, the brush, and below them the views."""
    boxes = [control.widget() for control in figure.controls]
    sides = zip(("row", "column"), figure.examples.shape[-2:], figure.centre, strict=True)
    cursor = [ipywidgets.IntSlider(value=v, max=size - 1, description=name) for name, size, v in sides]
    buttons = [ipywidgets.Button(description=name) for name in ("draw", "erase", "clear")]
    view = ipywidgets.HTML()
    x = figure.examples[:1]

    def redraw(change: object = None) -> None:
        try:
            state = figure.state(x, [box.value for box in boxes], (cursor[0].value, cursor[1].value))
            image, shown = figure.picture(state)
            lines = (
                f"<li><b>{v.title}</b>: {html.escape(s.text)}</li>" for v, s in zip(figure.views, shown, strict=True)
            )
            view.value = f"{image}<ul>{''.join(lines)}</ul>"
        except Exception as error:
            if change is None:
                raise
            # A frontend hides what a control's callback raises; the old picture must not stand for the new state.
            view.value = f"<pre>{html.escape(f'{type(error).__name__}: {error}')}</pre>"

    def take_example(change: object) -> None:
        nonlocal x
        x = figure.examples[boxes[0].value :][:1]
        redraw(change)

    def touch(button: ipywidgets.Button) -> None:
        nonlocal x
        if button.description == "clear":
            x = torch.zeros_like(x)
        else:
            row, column = (float(box.value) for box in cursor)
            x = stamp(x, row, column, brush_radius(x), erase=button.description == "erase")
        redraw(button)

    redraw()
    boxes[0].observe(take_example, names="value")
    for box in (*boxes[1:], *cursor):
        box.observe(redraw, names="value")
    for button in buttons:
        button.on_click(touch)
    return ipywidgets.VBox([*boxes, ipywidgets.HBox(cursor), ipywidgets.HBox(buttons), view])
