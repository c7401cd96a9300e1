"""A live figure in a kernel: the same controls and views as in the page, computed by torch.

Widgets have no surface to draw on. The brush is moved by two sliders, as it is by the arrow keys in the page.
"""

import math
from collections.abc import Callable, Sequence

import ipywidgets
import torch
from torch import Tensor

from interpbook.explore.controls import Control, Position, refresh


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
    """Of the brush on images (..., H, W), in pixels: a stroke is as wide, for the longer side, as one of MNIST."""
    return 1.2 * max(x.shape[-2:]) / 28


def centered(x: Tensor) -> Tensor:
    """The image moved by whole pixels so that its ink balances in the middle, as far as none leaves the image.

    Args:
        x: images (1, C, H, W), all channels moved alike.

    >>> dot = torch.zeros(1, 1, 3, 3)
    >>> dot[..., 0, 0] = 1
    >>> centered(dot)[0, 0].tolist()
    [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    shifts = [_shift(x.sum((0, 1, other))) for other in (3, 2)]
    return x.roll(shifts, (2, 3))


def _shift(ink: Tensor) -> int:
    """By how many places the middle of the ink is away from the middle; at most as many as are free."""
    places = ink.nonzero().flatten()
    if not len(places):
        return 0
    balance = float((torch.arange(len(ink), device=ink.device) * ink).sum() / ink.sum())
    wanted = math.floor((len(ink) - 1) / 2 - balance + 0.5)
    return min(len(ink) - 1 - int(places[-1]), max(-int(places[0]), wanted))


def widgets(
    controls: Sequence[Control],
    examples: Tensor,
    center: tuple[int, int],
    show: Callable[[Tensor, Sequence[Position], tuple[int, int]], str],
) -> ipywidgets.VBox:
    """The controls, of which the first chooses an example, the brush, and below them what `show` says.

    Args:
        controls: of the figure, in order.
        examples: images (N, C, H, W) to start from.
        center: row and column at which the cursor starts.
        show: HTML for a drawing (1, C, H, W), the position of every control, and the cursor.
    """
    boxes = [control.widget() for control in controls]
    sides = zip(("row", "column"), examples.shape[-2:], center, strict=True)
    cursor = [ipywidgets.IntSlider(value=v, max=size - 1, description=name) for name, size, v in sides]
    buttons = [ipywidgets.Button(description=name) for name in ("draw", "erase", "clear", "centre", "reset")]
    view = ipywidgets.HTML()
    example = 0
    x = examples[:1]

    def now() -> str:
        return show(x, [example, *(box.value for box in boxes[1:])], (cursor[0].value, cursor[1].value))

    def choose(change: object) -> None:
        nonlocal x, example
        if boxes[0].value is not None:
            example = boxes[0].value
            x = examples[example:][:1]
            refresh(view, now)

    def touch(button: ipywidgets.Button) -> None:
        nonlocal x
        act = button.description
        if act == "reset":
            for control, box in zip(controls[1:], boxes[1:], strict=True):
                box.value = control.start
            cursor[0].value, cursor[1].value = center
            boxes[0].value = None
            boxes[0].value = controls[0].start
            return
        # The drawing is no example any longer, and any of them can be chosen again.
        boxes[0].value = None
        if act == "clear":
            x = torch.zeros_like(x)
        elif act == "centre":
            x = centered(x)
        else:
            row, column = (float(box.value) for box in cursor)
            x = stamp(x, row, column, brush_radius(x), erase=act == "erase")
        refresh(view, now)

    refresh(view, now, first=True)
    boxes[0].observe(choose, names="value")
    for box in (*boxes[1:], *cursor):
        box.observe(lambda change: refresh(view, now), names="value")
    for button in buttons:
        button.on_click(touch)
    return ipywidgets.VBox([*boxes, ipywidgets.HBox(cursor), ipywidgets.HBox(buttons), view])
