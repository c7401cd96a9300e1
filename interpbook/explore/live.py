"""`live` puts a small network into the page: the reader draws, and sees the network answer."""

import base64
from collections.abc import Sequence

import ipywidgets
import torch
from IPython.display import display
from torch import Tensor, nn

from interpbook.explore.arguments import Start, Views, read_figure
from interpbook.explore.document import document, render_in_page
from interpbook.explore.figure import LiveFigure
from interpbook.explore.kernel import widgets
from interpbook.explore.views import VIEWS
from interpbook.output.cell import show

__all__ = ["live"]

SCRIPTS = ("controls.js", "address.js", "layers.js", "backward.js", "state.js", "drawing.js", "views.js", "panel.js")


def live(
    model: nn.Module,
    *,
    start: Start,
    views: Views = tuple(VIEWS),
    labels: Sequence[str] | None = None,
    inputs: Start | None = None,
) -> None:
    """Show a network that answers while the reader draws.

    In the page the network itself is in the figure, its weights rounded to 16 bits, and a script computes what the
    views show; in a kernel torch computes the same from the same rounded weights.

    Args:
        model: a trained sequence of layers in evaluation mode that maps (B, C, H, W) to logits (B, K): convolutions,
            linear layers, batch norm, activations, pooling, flatten, also in sequences of sequences.
        start: what the figure starts with, and further examples: images in [0, 1], (C, H, W) or (N, C, H, W), with
            one channel or three, or a dictionary from labels to images. Values are rounded to 1/255.
        views: what is shown, in this order: "probabilities", "fullgrad_terms", "input_gradient", "gradient_x_input",
            "fullgrad_map", "gradient_step", "occlusion" (all of them, where left out), or a chapter's own `View`.
        labels: the names of the classes; their numbers, where left out.
        inputs: images as in `start` that the network looks at in place of the drawing, one at a time, by a control.
            The drawing is then no input, but what the views make of it (`State.drawing`), as in `drawn_shift`.

    Raises:
        TypeError: an argument of another kind.
        ValueError: a model in training mode, weights that are not finite or beyond 16 bits; images that are not
            finite, outside [0, 1] or of another shape; an unknown view, or two of one name; labels that do not
            match the logits; in the page, a figure of more than 400 kB.
        NotImplementedError: a layer that the page cannot compute.

    >>> from interpbook import models
    >>> small = models.MLP(hidden=(4,)).eval()
    >>> page = live_html(small, start=torch.zeros(1, 28, 28), views=["probabilities"])  # what `live` shows in the book
    >>> page.count("<noscript>")
    1
    """
    if render_in_page():
        page = live_html(model, start=start, views=views, labels=labels, inputs=inputs)
        show("A network that answers while you draw; see the web page of this chapter.", page)
    else:
        display(live_widgets(model, start=start, views=views, labels=labels, inputs=inputs))


def live_html(
    model: nn.Module,
    *,
    start: Start,
    views: Views = tuple(VIEWS),
    labels: Sequence[str] | None = None,
    inputs: Start | None = None,
) -> str:
    """The figure of `live` for the page.

    Raises:
        TypeError, ValueError, NotImplementedError: as `live`.
    """
    figure = read_figure(model, start, views, labels, inputs)
    first = figure.state(figure.examples[:1], [c.start for c in figure.controls], figure.center)
    still, _ = figure.picture(first)
    return document(
        "ib-live" if figure.inputs is None else "ib-live ib-inputs",
        still,
        _data(figure),
        styles=["explore.css", "live.css", *([] if figure.inputs is None else ["inputs.css"])],
        scripts=[*SCRIPTS, "brush.js", "live.js", *_needed(figure)],
        smaller="take a network with fewer parameters, or fewer examples",
    )


def live_widgets(
    model: nn.Module,
    *,
    start: Start,
    views: Views = tuple(VIEWS),
    labels: Sequence[str] | None = None,
    inputs: Start | None = None,
) -> ipywidgets.VBox:
    """The figure of `live` for a kernel, for networks too large for the page too.

    Raises:
        TypeError, ValueError, NotImplementedError: as `live`.
    """
    return widgets(read_figure(model, start, views, labels, inputs))


def _needed(figure: LiveFigure) -> list[str]:
    """The scripts that not every figure has, each once."""
    own = [] if figure.inputs is None else ["inputs.js"]
    return list(dict.fromkeys([*own, *(script for view in figure.views for script in view.needs)]))


def _data(figure: LiveFigure) -> dict[str, object]:
    controls = [{**control.data, "values": control.values} for control in figure.controls]
    views = [{"name": v.name, "title": v.title, "settings": list(v.settings), "script": v.script} for v in figure.views]
    own = {} if figure.inputs is None else {"inputs": _pixels(figure.inputs)}
    return {
        "network": figure.network.data,
        "examples": _pixels(figure.examples),
        "labels": figure.labels,
        "controls": controls,
        "views": views,
        **own,
    }


def _pixels(images: Tensor) -> str:
    """Images in [0, 1], one byte a value, in base64."""
    return base64.b64encode((images * 255).round().to(torch.uint8).cpu().numpy().tobytes()).decode()
