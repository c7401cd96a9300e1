"""A live figure: its network, examples and controls, and what it shows in any state."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn

from interpbook.explore.controls import Control
from interpbook.explore.network import PackedNetwork
from interpbook.explore.pictures import Picture, Shown, draw
from interpbook.explore.views import State, View
from interpbook.output.figures import img_html, png_bytes


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
        inputs: what the network looks at in place of the drawing, as the examples; None where it is the drawing.
    """

    model: nn.Module
    network: PackedNetwork
    examples: Tensor
    controls: list[Control]
    views: list[View]
    labels: tuple[str, ...]
    inputs: Tensor | None = None

    def state(self, x: Tensor, positions: Sequence[int], cursor: tuple[int, int]) -> State:
        """The state at a drawing (1, C, H, W), given the position of every control."""
        chosen: dict[str, Any] = {c.name: c.values[k] for c, k in zip(self.controls, positions, strict=True)}
        seen = x if self.inputs is None else self.inputs[chosen["input"]][None]
        state = State(self.model, seen, 0, self.labels, cursor, chosen, drawn=x)
        target = chosen["class"]
        return replace(state, target=int(state.logits.argmax()) if target is None else target)

    @property
    def center(self) -> tuple[int, int]:
        """Where the cursor starts."""
        height, width = self.examples.shape[-2:]
        return height // 2, width // 2

    def picture(self, state: State) -> tuple[str, list[Shown]]:
        """All views of a state as an `<img>`, and what each shows."""
        shown = [_shown(view, state) for view in self.views]
        surface = "the input" if self.inputs is None else "the drawing"
        titled = [(surface, Picture("image", state.drawing[0].cpu().numpy()))]
        for view, result in zip(self.views, shown, strict=True):
            titled += [(view.title if k == 0 else "", picture) for k, picture in enumerate(result.pictures)]
        alt = " ".join(f"{view.title}: {result.text}" for view, result in zip(self.views, shown, strict=True))
        return img_html(png_bytes(draw(titled)), alt), shown


def _shown(view: View, state: State) -> Shown:
    result = view.compute(state)
    if not isinstance(result, Shown) or not all(isinstance(picture, Picture) for picture in result.pictures):
        raise TypeError(f"views: {view.name!r} computed a {type(result).__name__}, expected a Shown with Pictures")
    return result
