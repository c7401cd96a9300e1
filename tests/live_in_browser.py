"""A live figure in a browser, used as a reader uses it: by mouse, menus and sliders, and what it answers."""

from typing import Any

import numpy as np

# Keeps what every figure of the page has drawn last, and how often and how fast.
LISTEN = """document.addEventListener("ib-drawn", event => {
    const figure = event.target;
    figure.drawn = event.detail;
    (figure.took ??= []).push(event.detail.milliseconds);
}, true);"""


class Live:
    """One of the live figures of a page, on 28 x 28 pixels or those of `shape`, and what it has drawn."""

    def __init__(self, tab, number: int = 0, shape: tuple[int, int] = (28, 28)) -> None:
        self.tab = tab
        self.shape = shape
        self.root = tab.locator(".ib-live").nth(number)
        self.surface = self.root.locator(".ib-surface")

    def settle(self) -> None:
        """Wait until what was asked for is drawn."""
        self.tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")

    def get(self, expression: str) -> Any:
        """A value made of the figure's last `results`, `now`."""
        self.settle()
        return self.root.evaluate(f"figure => {{ const {{results, now}} = figure.drawn; return {expression}; }}")

    def values(self, view: int, picture: int = 0) -> np.ndarray:
        """The numbers behind a picture."""
        return np.array(self.get(f"Array.from(results[{view}].pictures[{picture}].values)"))

    @property
    def x(self) -> np.ndarray:
        return np.array(self.get("Array.from(now.x)"), dtype=float).reshape(self.shape)

    @property
    def logits(self) -> np.ndarray:
        return np.array(self.get("Array.from(now.logits)"))

    @property
    def said(self) -> list[str]:
        self.settle()
        return self.root.locator(".ib-text").all_text_contents()

    def at(self, row: float, column: float) -> tuple[float, float]:
        """Where a pixel's middle is on the screen."""
        box = self.surface.bounding_box()
        height, width = self.shape
        return box["x"] + (column + 0.5) / width * box["width"], box["y"] + (row + 0.5) / height * box["height"]

    def stroke(self, *points: tuple[float, float]) -> None:
        self.tab.mouse.move(*self.at(*points[0]))
        self.tab.mouse.down()
        for point in points[1:]:
            self.tab.mouse.move(*self.at(*point))
        self.tab.mouse.up()

    def menu(self, name: str):
        return self.root.get_by_role("combobox", name=name)

    def slider(self, name: str):
        return self.root.get_by_role("slider", name=name)

    def press(self, name: str) -> None:
        self.root.get_by_role("button", name=name, exact=True).click()
