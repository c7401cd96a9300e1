"""`live` puts a small network into the page: the reader draws, and sees the network answer."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from interpbook.explore.arguments import (
    Start,
    Views,
    choice,
    class_control,
    read_heads,
    read_images,
    read_labels,
    read_views,
    settings_of,
)
from interpbook.explore.explorable import Explorable
from interpbook.explore.figure import LiveFigure
from interpbook.explore.network import pack, rounded
from interpbook.explore.views import VIEWS
from interpbook.output.captions import checked_caption

__all__ = ["live"]


def live(
    model: nn.Module,
    *,
    start: Start,
    views: Views = tuple(VIEWS),
    labels: Sequence[str] | None = None,
    inputs: Start | None = None,
    heads: Sequence[str] = (),
    caption: str = "",
) -> Explorable:
    """A network that answers while the reader draws.

    In the page the network itself is in the figure, its weights rounded to 16 bits, and a script computes what the
    views show; in a kernel torch computes the same from the same rounded weights.

    Args:
        model: a trained sequence of layers in evaluation mode that maps (B, C, H, W) to logits (B, K): convolutions,
            linear layers, batch norm, activations, pooling, flatten, also in sequences of sequences.
        start: what the figure starts with, and further examples: images in [0, 1], (C, H, W) or (N, C, H, W), with
            one channel or three, or a dictionary from labels to images. Values are rounded to 1/255.
        views: what is shown, in this order: "probabilities", "input_gradient", "gradient_x_input", "gradient_step",
            "occlusion" (all of them, where left out), or a chapter's own `View`.
        labels: the names of the classes; their numbers, where left out.
        inputs: images as in `start` that the network looks at in place of the drawing, one at a time, by a control.
            The drawing is then no input, but what the views make of it (`State.drawing`).
        heads: the names of several networks in one, whose logits stand one after the other in the model's, the same
            classes for each. There is then no control for the class, and views are a chapter's own.
        caption: what to look for, in one or two plain sentences.

    Raises:
        TypeError: an argument of another kind.
        ValueError: a model in training mode, weights that are not finite or beyond 16 bits; images that are not
            finite, outside [0, 1] or of another shape; an unknown view, or two of one name; heads or labels that
            do not match the logits. When it is shown in the page: a figure of more than 400 kB.
        NotImplementedError: a layer that the page cannot compute.

    >>> from interpbook import models
    >>> small = models.MLP(hidden=(4,)).eval()
    >>> figure = live(small, start=torch.zeros(1, 28, 28), views=["probabilities"])  # a cell's last line shows itself
    >>> figure.html().count("<noscript>")
    1
    """
    names, examples = read_images(start, "start")
    network = pack(model, tuple(examples.shape[1:]))
    device = next((parameter.device for parameter in model.parameters()), torch.device("cpu"))
    named = read_heads(heads)
    classes = read_labels(labels, network, len(named))
    chosen = read_views(views, several=bool(named))
    given, controls = None, [choice("example", names)]
    if inputs is not None:
        shown, images = read_images(inputs, "inputs", like=examples)
        given = images.to(device)
        controls = [replace(controls[0], shown="drawing"), choice("input", shown)]
    if not named:
        controls.append(class_control(classes))
    for view in chosen:
        controls += settings_of(view)
    _check_names([view.name for view in chosen], "views")
    _check_names([control.name for control in controls], "settings of the views")
    figure = LiveFigure(
        rounded(model).to(device),
        network,
        examples.to(device),
        controls,
        chosen,
        classes,
        given,
        named,
        checked_caption(caption),
    )
    logits = figure.first.logits
    if not logits.isfinite().all():
        raise ValueError(f"model: its logits at the first image are {logits.tolist()}, with weights rounded to 16 bits")
    return figure


def _check_names(names: list[str], argument: str) -> None:
    if not names or len(set(names)) < len(names):
        raise ValueError(f"{argument}: expected at least one, and no name twice, got {', '.join(names) or 'nothing'}")
