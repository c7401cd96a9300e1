"""A live figure: its network, examples and controls, what it shows in any state, and its form for the page."""

import base64
import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import ipywidgets
import torch
from torch import Tensor, nn

from interpbook.explore.controls import Control, Position
from interpbook.explore.document import document
from interpbook.explore.explorable import Explorable
from interpbook.explore.kernel import widgets
from interpbook.explore.network import PackedNetwork
from interpbook.explore.pictures import Picture, draw
from interpbook.explore.views import State, View
from interpbook.output.figures import img_html, png_bytes

COMPUTING = ("tables.js", "layers.js", "backward.js", "state.js", "sentences.js", "drawing.js", "views.js")
SCRIPTS = ("controls.js", "address.js", *COMPUTING, "panel.js", "brush.js", "live.js")


@dataclass(frozen=True, eq=False, repr=False)
class LiveFigure(Explorable):
    """What `live` was asked to show.

    Attributes:
        model: the rounded network, in float64, for the kernel.
        network: the same network for the page.
        examples: images (N, C, H, W), float64, multiples of 1/255.
        controls: "example", "class", and the views' settings.
        views: what is shown.
        labels: the names of the classes, of each head.
        inputs: what the network looks at in place of the drawing, as the examples; None where it is the drawing.
        heads: the names of the networks in one; none where there is but one.
        caption: what to look for.
    """

    model: nn.Module
    network: PackedNetwork
    examples: Tensor
    controls: list[Control]
    views: list[View]
    labels: tuple[str, ...]
    inputs: Tensor | None = None
    heads: tuple[str, ...] = ()
    caption: str = ""

    def state(self, x: Tensor, positions: Sequence[Position], cursor: tuple[int, int]) -> State:
        """The state at a drawing (1, C, H, W), given the position of every control."""
        chosen: dict[str, Any] = {c.name: c.value_at(k) for c, k in zip(self.controls, positions, strict=True)}
        seen = x if self.inputs is None else self.inputs[chosen["input"]][None]
        state = State(self.model, seen, 0, self.labels, cursor, chosen, drawn=x)
        target = chosen.get("class")
        first = state.logits[: len(self.labels)]
        return replace(state, target=int(first.argmax()) if target is None else target)

    @property
    def first(self) -> State:
        """The state that a reader meets."""
        return self.state(self.examples[:1], [control.start for control in self.controls], self.center)

    @property
    def center(self) -> tuple[int, int]:
        """Where the cursor starts."""
        height, width = self.examples.shape[-2:]
        return height // 2, width // 2

    def picture(self, state: State) -> tuple[str, list[str]]:
        """All views of a state as an `<img>`, and the sentence of each."""
        shown = [(view, *view.show(state)) for view in self.views]
        surface = "the input" if self.inputs is None else "the drawing"
        titled = [(surface, Picture("image", state.drawing[0].cpu().numpy()))]
        for view, pictures, _ in shown:
            if view.on_surface:
                titled[0] = ("the input, drawn on", pictures[0])
                pictures = pictures[1:]
            titled += [(view.title if k == 0 else "", picture) for k, picture in enumerate(pictures)]
        alt = " ".join(f"{view.title}: {text}" for view, _, text in shown)
        return img_html(png_bytes(draw(titled)), alt), [text for _, _, text in shown]

    def widgets(self) -> ipywidgets.VBox:
        """The controls, the brush, and below them the views; for networks too large for the page, too."""
        return widgets(self.controls, self.examples, self.center, self._in_kernel)

    def _in_kernel(self, x: Tensor, positions: Sequence[Position], cursor: tuple[int, int]) -> str:
        image, said = self.picture(self.state(x, positions, cursor))
        titles = [view.title for view in self.views]
        lines = [f"<li><b>{title}</b>: {html.escape(text)}</li>" for title, text in zip(titles, said, strict=True)]
        return f"{image}<ul>{''.join(lines)}</ul>"

    @property
    def _plain(self) -> str:
        return "A network that answers while you draw; see the web page of this chapter."

    def _in_page(self) -> tuple[str, dict[str, object]]:
        still, _ = self.picture(self.first)
        needed = [script for view in self.views for script in view.needs]
        kind, styles, own = "ib-live", ["explore.css", "live.css"], []
        if self.inputs is not None:
            kind, styles, own = "ib-live ib-inputs", [*styles, "inputs.css"], ["inputs.js"]
        page = document(
            kind,
            still,
            self.data,
            styles=styles,
            scripts=list(dict.fromkeys([*SCRIPTS, *own, *needed])),
            smaller="take a network with fewer parameters, or fewer examples",
        )
        return page, {}

    @property
    def data(self) -> dict[str, object]:
        """What the page's scripts read."""
        own = {} if self.inputs is None else {"inputs": _pixels(self.inputs)}
        heads = {"heads": self.heads} if self.heads else {}
        return {
            "network": self.network.data,
            "examples": _pixels(self.examples),
            "labels": self.labels,
            "controls": [{**control.data, "values": control.values} for control in self.controls],
            "views": [view.data for view in self.views],
            **own,
            **heads,
        }


def _pixels(images: Tensor) -> str:
    """Images in [0, 1], one byte a value, in base64."""
    return base64.b64encode((images * 255).round().to(torch.uint8).cpu().numpy().tobytes()).decode()
