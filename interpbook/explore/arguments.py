"""The arguments of `live`, checked and read: images, labels, views and their controls."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from math import isfinite

import numpy as np
import torch
from torch import Tensor

from interpbook.checks import check_finite
from interpbook.explore.controls import Control, read_controls
from interpbook.explore.network import PackedNetwork
from interpbook.explore.scene import Scene
from interpbook.explore.sentences import check_phrases
from interpbook.explore.views import VIEWS, View

Start = Tensor | Mapping[str, Tensor]
Views = Sequence[str | View]
_PREDICTED = "as predicted"


def read_images(start: object, argument: str, like: Tensor | None = None) -> tuple[list[str], Tensor]:
    """Labels and images (N, C, H, W), rounded to 1/255; of the shape of those in `like`."""
    if isinstance(start, Mapping):
        names, images = list(map(str, start)), list(start.values())
    elif isinstance(start, Tensor):
        images = list(start) if start.dim() == 4 else [start]
        names = [str(k + 1) for k in range(len(images))]
    else:
        raise TypeError(f"{argument}: expected a tensor or a dictionary of images, got {type(start).__name__}")
    if not images or len(set(names)) < len(names):
        got = ", ".join(names) or "none"
        raise ValueError(f"{argument}: expected at least one image, each of another name, got {got}")
    for name, image in zip(names, images, strict=True):
        if not isinstance(image, Tensor) or not image.is_floating_point():
            raise TypeError(f"{argument}: image {name!r} is {_kind(image)}, expected a floating tensor (C, H, W)")
        if image.dim() != 3 or image.shape[0] not in (1, 3) or image.shape != images[0].shape or not image.numel():
            expected = "(1, H, W) or (3, H, W), the same for all"
            raise ValueError(f"{argument}: image {name!r} has shape {tuple(image.shape)}, expected {expected}")
        check_finite(image, f"{argument}: image {name!r}")
        if image.min() < 0 or image.max() > 1:
            low, high = image.min().item(), image.max().item()
            raise ValueError(f"{argument}: image {name!r} has values in [{low:.3g}, {high:.3g}], expected [0, 1]")
    if like is not None and images[0].shape != like.shape[1:]:
        shapes = f"{tuple(images[0].shape)}, expected {tuple(like.shape[1:])}, as those of start"
        raise ValueError(f"{argument}: image {names[0]!r} has shape {shapes}")
    return names, (torch.stack([image.detach().cpu().double() for image in images]) * 255).round() / 255


def _kind(value: object) -> str:
    return f"a tensor of {value.dtype}" if isinstance(value, Tensor) else f"a {type(value).__name__}"


def read_heads(heads: Sequence[str]) -> tuple[str, ...]:
    """The names of the networks that stand side by side in one; none where there is but one."""
    if not isinstance(heads, list | tuple) or not all(isinstance(name, str) and name for name in heads):
        raise TypeError(f"heads: expected a list of names, got {heads!r}")
    if len(heads) == 1 or len(set(heads)) < len(heads):
        raise ValueError(f"heads: expected two or more different names, got {', '.join(heads)}")
    return tuple(heads)


def read_labels(labels: Sequence[str] | None, network: PackedNetwork, heads: int) -> tuple[str, ...]:
    """The names of the classes, one for each logit of a head."""
    [logits] = network.layers[-1]["shape"] if network.layers else network.shape
    classes, rest = divmod(logits, max(1, heads))
    if rest:
        raise ValueError(f"heads: expected as many logits for each of the {heads} names, got {logits} logits in all")
    given = [str(k) for k in range(classes)] if labels is None else labels
    if not isinstance(given, list | tuple) or not all(isinstance(label, str) for label in given):
        raise TypeError(f"labels: expected a list of texts, one for each logit, got {given!r}")
    if not given or len(given) != classes or len({*given, _PREDICTED}) <= len(given):
        others = f"{classes} different texts, one for each logit and none of them {_PREDICTED!r}"
        raise ValueError(f"labels: expected {others}, got {', '.join(given) or 'none'}")
    return tuple(given)


def read_views(views: Views, *, several: bool) -> list[View]:
    """The views, those of the book by their names, unless there are several heads."""
    listed = [views] if isinstance(views, str | View) else views
    if not isinstance(listed, Iterable):
        raise TypeError(f"views: expected a list of views, got {type(views).__name__}")
    read = [_view(view) for view in listed]
    for view in read:
        if several and VIEWS.get(view.name) is view:
            raise ValueError(f"views: {view.name!r} shows one network; with heads, expected views of the chapter's own")
    if sum(view.on_surface for view in read) > 1:
        raise ValueError("views: expected at most one with on_surface=True, got several")
    return read


def choice(name: str, labels: Sequence[str]) -> Control:
    """A control that chooses one of some images."""
    [control] = read_controls({name: dict(zip(labels, range(len(labels)), strict=True))})
    return control


def class_control(labels: tuple[str, ...]) -> Control:
    """The control that chooses the class explained."""
    return Control("class", (_PREDICTED, *labels), (None, *range(len(labels))), "select")


def settings_of(view: View | Scene) -> list[Control]:
    """The own controls of a view, or of a plane's scene, at the values that they start at."""
    try:
        read = read_controls(view.settings)
    except (AttributeError, TypeError, ValueError) as error:
        raise ValueError(f"views: the settings of {view.name!r} cannot be read: {error}") from None
    controls = [replace(control, values=tuple(map(_plain, control.values))) for control in read]
    named = {control.name: control for control in controls}
    for name, start in view.starts.items():
        where = f"views: {view.name!r} starts {name}"
        if name not in named:
            raise ValueError(f"{where}, but its settings are {', '.join(named) or 'none'}")
        position = named[name].position_of(start)
        if position is None:
            wanted = "a list of some" if named[name].kind == "switches" else "one"
            raise ValueError(f"{where} at {start}, expected {wanted} of {', '.join(named[name].labels)}")
        named[name] = replace(named[name], start=position)
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
        if not callable(view.compute):
            raise TypeError(f"views: {view.name!r} has a compute that is no function, but {view.compute!r}")
        if "</script" in view.script.lower() or (not view.script and view is not VIEWS.get(view.name)):
            raise ValueError(f"views: {view.name!r} has no script for the page, or one that closes its own tag")
        check_phrases(view.phrases)
        return view
    if not isinstance(view, str) or view not in VIEWS:
        raise ValueError(f"views: expected a View or one of {', '.join(VIEWS)}, got {view!r}")
    return VIEWS[view]
