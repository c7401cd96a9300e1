"""A live figure before it is drawn: its arguments checked, its controls, and what it shows in any state."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from interpbook.checks import check_finite
from interpbook.page.explore.controls import Control, read_controls
from interpbook.page.explore.network import PackedNetwork, pack, rounded
from interpbook.page.explore.pictures import Picture, Shown, draw
from interpbook.page.explore.views import VIEWS, State, View
from interpbook.page.figures import img_html, png_bytes

Start = Tensor | Mapping[str, Tensor]
Views = Sequence[str | View]


@dataclass(frozen=True)
class LiveFigure:
    """What `live` was asked to show.

    Attributes:
        model: the rounded network, in float64, for the kernel.
        network: the same network for the page.
        examples: images (N, C, H, W), float64, multiples of 1/255.
        controls: "example", "class", and the views' settings.
        views: what is shown.
        labels: the names of the classes.
    """

    model: nn.Module
    network: PackedNetwork
    examples: Tensor
    controls: list[Control]
    views: list[View]
    labels: tuple[str, ...]

    def state(self, x: Tensor, positions: Sequence[int], cursor: tuple[int, int]) -> State:
        """The state at an input (1, C, H, W), given the position of every control."""
        chosen: dict[str, Any] = {c.name: c.values[k] for c, k in zip(self.controls, positions, strict=True)}
        state = State(self.model, x, 0, self.labels, cursor, chosen)
        target = chosen["class"]
        return replace(state, target=int(state.logits.argmax()) if target is None else target)

    @property
    def centre(self) -> tuple[int, int]:
        """Where the cursor starts."""
        height, width = self.examples.shape[-2:]
        return height // 2, width // 2

    def picture(self, state: State) -> tuple[str, list[Shown]]:
        """All views of a state as an `<img>`, and what each shows."""
        shown = [view.compute(state) for view in self.views]
        titled = [("the input", Picture("image", state.x[0].cpu().numpy()))]
        for view, result in zip(self.views, shown, strict=True):
            titled += [(view.title if k == 0 else "", picture) for k, picture in enumerate(result.pictures)]
        alt = " ".join(f"{view.title}: {result.text}" for view, result in zip(self.views, shown, strict=True))
        return img_html(png_bytes(draw(titled)), alt), shown


def read_figure(model: nn.Module, start: Start, views: Views, labels: Sequence[str] | None) -> LiveFigure:
    """The arguments of `live`, checked.

    Raises:
        TypeError, ValueError, NotImplementedError: as `live`.
    """
    names, examples = _examples(start)
    network = pack(model, tuple(examples.shape[1:]))
    copy = rounded(model).to(next((p.device for p in model.parameters()), torch.device("cpu")))
    examples = examples.to(next((p.device for p in copy.parameters()), torch.device("cpu")))
    classes = _labels(labels, network)
    chosen = [_view(view) for view in ([views] if isinstance(views, str | View) else views)]
    controls = [*read_controls({"example": dict(zip(names, range(len(names)), strict=True))}), _class_control(classes)]
    for view in chosen:
        controls += _settings(view)
    for things, words in (([v.name for v in chosen], "views"), ([c.name for c in controls], "settings of the views")):
        if not things or len(set(things)) < len(things):
            raise ValueError(f"{words}: expected at least one, and no name twice, got {', '.join(things) or 'nothing'}")
    return LiveFigure(copy, network, examples, controls, chosen, classes)


def _examples(start: Start) -> tuple[list[str], Tensor]:
    """Labels and images (N, C, H, W), rounded to 1/255."""
    if isinstance(start, Mapping):
        names, images = list(map(str, start)), list(start.values())
    elif isinstance(start, Tensor):
        images = list(start) if start.dim() == 4 else [start]
        names = [str(k + 1) for k in range(len(images))]
    else:
        raise TypeError(f"start: expected a tensor or a dictionary of images, got {type(start).__name__}")
    if not images:
        raise ValueError("start: expected at least one image, got none")
    for name, image in zip(names, images, strict=True):
        if not isinstance(image, Tensor) or not image.is_floating_point():
            raise TypeError(f"start: image {name!r} is {_kind(image)}, expected a floating tensor (C, H, W)")
        if image.dim() != 3 or image.shape[0] not in (1, 3) or image.shape != images[0].shape or not image.numel():
            expected = "(1, H, W) or (3, H, W), the same for all"
            raise ValueError(f"start: image {name!r} has shape {tuple(image.shape)}, expected {expected}")
        check_finite(image, f"start: image {name!r}")
        if image.min() < 0 or image.max() > 1:
            low, high = image.min().item(), image.max().item()
            raise ValueError(f"start: image {name!r} has values in [{low:.3g}, {high:.3g}], expected [0, 1]")
    return names, (torch.stack([image.detach().cpu().double() for image in images]) * 255).round() / 255


def _kind(value: object) -> str:
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def _labels(labels: Sequence[str] | None, network: PackedNetwork) -> tuple[str, ...]:
    shape = network.layers[-1]["shape"] if network.layers else list(network.shape)
    if len(shape) != 1:
        raise ValueError(f"model: expected one logit for each class, (B, K), got outputs of shape (B, {shape})")
    given = tuple(map(str, range(shape[0]) if labels is None else labels))
    if len(given) != shape[0] or len(set(given)) < len(given):
        raise ValueError(f"labels: expected {shape[0]} different names, one for each logit, got {', '.join(given)}")
    return given


def _class_control(labels: tuple[str, ...]) -> Control:
    return Control("class", ("as predicted", *labels), (None, *range(len(labels))), "select")


def _settings(view: View) -> list[Control]:
    """The view's own controls, at the values that they start at."""
    controls = [replace(control, values=tuple(map(_plain, control.values))) for control in read_controls(view.settings)]
    named = {control.name: control for control in controls}
    for name, start in view.starts.items():
        where = f"views: {view.name!r} starts {name}"
        if name not in named:
            raise ValueError(f"{where}, but its settings are {', '.join(named) or 'none'}")
        if start not in named[name].values:
            raise ValueError(f"{where} at {start}, expected one of {', '.join(named[name].labels)}")
        named[name] = replace(named[name], start=named[name].values.index(start))
    for name, control in named.items():
        for value in control.values:
            if not isinstance(value, str | int | float | None) or (isinstance(value, float) and not isfinite(value)):
                kind = value if isinstance(value, float) else f"a {type(value).__name__}"
                raise ValueError(f"views: setting {name} has {kind}, expected finite numbers or texts")
    return list(named.values())


def _plain(value: object) -> object:
    """Numbers of numpy as Python's own, which the page can hold."""
    return value.item() if isinstance(value, np.generic) else value


def _view(view: object) -> View:
    if isinstance(view, View):
        if "</script" in view.script.lower() or (not view.script and view is not VIEWS.get(view.name)):
            raise ValueError(f"views: {view.name!r} has no script for the page, or one that closes its own tag")
        return view
    if not isinstance(view, str) or view not in VIEWS:
        raise ValueError(f"views: expected a View or one of {', '.join(VIEWS)}, got {view!r}")
    return VIEWS[view]
