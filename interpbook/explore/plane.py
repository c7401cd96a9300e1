"""`plane` puts a plane into the page in which the reader drags points, and sees what follows from them."""

import html
from dataclasses import dataclass
from math import isfinite

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from interpbook.explore.arguments import settings_of
from interpbook.explore.controls import Control, refresh
from interpbook.explore.document import document
from interpbook.explore.explorable import Explorable
from interpbook.explore.marks import draw_marks
from interpbook.explore.pictures import draw_picture
from interpbook.explore.scene import Handle, Placed, Scene
from interpbook.explore.sentences import check_phrases, sentence
from interpbook.explore.tables import pack_tables
from interpbook.output.captions import checked_caption
from interpbook.output.colors import GRAY, PALETTE
from interpbook.output.figures import img_html, png_bytes

__all__ = ["PlaneFigure", "plane"]

SCRIPTS = (
    "tables.js", "controls.js", "address.js", "sentences.js", "drawing.js", "panel.js", "marks.js", "handles.js",
    "plane.js",
)  # fmt: skip


@dataclass(frozen=True, eq=False, repr=False)
class PlaneFigure(Explorable):
    """What `plane` was asked to show."""

    scene: Scene
    controls: list[Control]
    caption: str = ""

    @property
    def first(self) -> Placed:
        """The state that a reader meets."""
        points = {name: (handle.x, handle.y) for name, handle in self.scene.handles.items()}
        return Placed(points, {control.name: control.value_at(control.start) for control in self.controls})

    def sentence(self, now: Placed) -> str:
        """What is said of a state."""
        return sentence(self.scene.phrases, self.scene.compute(now).facts)

    def picture(self, now: Placed) -> Figure:
        """The plane of a state, and the pictures beside it."""
        drawn = self.scene.compute(now)
        fig = plt.figure(figsize=(7.6, 4.0), layout="constrained")
        widths = [2.4, *(1 for _ in drawn.pictures)]
        axes = fig.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0]
        (x_limits, y_limits), (x_label, y_label) = self.scene.limits, self.scene.axes
        axes[0].set(xlim=x_limits, ylim=y_limits, xlabel=x_label, ylabel=y_label)
        draw_marks(axes[0], drawn.marks)
        for name, point in {**now.points, **drawn.places}.items():
            axes[0].plot(*point, "o", markersize=11, markerfacecolor="none", markeredgewidth=2, color=GRAY)
            axes[0].annotate(self.scene.title_of(name), point, xytext=(8, 8), textcoords="offset points")
        # A field would stretch the axes to its own shape.
        axes[0].set(xlim=x_limits, ylim=y_limits, aspect="equal" if self.scene.equal else "auto")
        for ax, (title, picture) in zip(axes[1:], drawn.pictures, strict=True):
            draw_picture(ax, title, picture)
        return fig

    def widgets(self) -> ipywidgets.VBox:
        """Two sliders for every point, the controls, and below them the plane."""
        boxes = [control.widget() for control in self.controls]
        sliders = {name: self._sliders(name, handle) for name, handle in self.scene.handles.items()}
        view = ipywidgets.HTML()

        def now() -> str:
            points = {name: tuple(slider.value for slider in pair) for name, pair in sliders.items()}
            chosen = zip(self.controls, boxes, strict=True)
            state = Placed(points, {control.name: control.value_at(box.value) for control, box in chosen})
            said = self.sentence(state)
            return f"{img_html(png_bytes(self.picture(state)), said)}<p>{html.escape(said)}</p>"

        refresh(view, now, first=True)
        moving = [slider for pair in sliders.values() for slider in pair]
        for box in (*boxes, *moving):
            box.observe(lambda change: refresh(view, now), names="value")
        free = [slider for slider in moving if not slider.disabled]
        return ipywidgets.VBox([*free, *boxes, view])

    def _sliders(self, name: str, handle: Handle) -> list[ipywidgets.FloatSlider]:
        """One for each coordinate; a height that the scene decides is left out of sight."""
        pair = []
        for axis, start, (low, high) in zip("xy", (handle.x, handle.y), self.scene.limits, strict=True):
            title = f"{self.scene.title_of(name)}: {axis}"
            fixed = axis == "y" and handle.along == "x"
            step = (high - low) / 200
            pair.append(
                ipywidgets.FloatSlider(value=start, min=low, max=high, step=step, description=title, disabled=fixed)
            )
        return pair

    @property
    def _plain(self) -> str:
        return f"A plane in which points are dragged: {self.scene.title}; see the web page of this chapter."

    def _in_page(self) -> tuple[str, dict[str, object]]:
        still = img_html(png_bytes(self.picture(self.first)), self.sentence(self.first))
        page = document(
            "ib-plane",
            still,
            self.data,
            styles=["explore.css", "live.css", "plane.css"],
            scripts=list(dict.fromkeys([*SCRIPTS, *self.scene.needs])),
            smaller="give it smaller tables",
        )
        return page, {}

    @property
    def data(self) -> dict[str, object]:
        """What the page's scripts read."""
        scene = self.scene
        handles = [{"name": name, "title": scene.title_of(name), **h.data} for name, h in scene.handles.items()]
        return {
            "title": scene.title,
            "script": scene.script,
            "phrases": dict(scene.phrases),
            "handles": handles,
            "limits": scene.limits,
            "ticks": [_ticks(low, high) for low, high in scene.limits],
            "axes": scene.axes,
            "equal": scene.equal,
            "palette": PALETTE,
            "controls": [{**control.data, "values": control.values} for control in self.controls],
            "tables": pack_tables(scene.tables),
        }


def plane(scene: Scene, *, caption: str = "") -> Explorable:
    """A plane in which the reader drags points; in the page a script computes what follows, in a kernel Python does.

    Args:
        scene: what it shows.
        caption: what to look for, in one or two plain sentences.

    Raises:
        TypeError: `scene` is no Scene, `caption` no text.
        ValueError: limits that are no intervals, a handle outside of them or none, a setting or a phrase that cannot
            be read. When it is shown in the page: tables beyond 32 bits, a figure of more than 400 kB.

    >>> import numpy as np
    >>> from interpbook.explore import Drawn, Handle, Mark, Scene
    >>> def compute(now):
    ...     return Drawn((Mark("dots", np.array([now.points["x"]]), 1),), (("at", {"x": now.points["x"][0]}),))
    >>> script = (
    ...     "function (now) { var x = now.points.x; return {"
    ...     " marks: [{ kind: 'dots', values: x, color: 1 }], facts: [['at', { x: x[0] }]] }; }"
    ... )
    >>> points, limits = {"x": Handle(0.5, 0.0)}, ((-1, 1), (-1, 1))
    >>> scene = Scene("a dot", compute, script, points, limits, phrases={"at": "At {x:z.2f}."})
    >>> figure = plane(scene)  # as the last line of a cell it shows itself
    >>> figure.html().count("<noscript>")
    1
    """
    if not isinstance(scene, Scene):
        raise TypeError(f"scene is a {type(scene).__name__}, expected a Scene")
    for ends in scene.limits:
        if not (len(ends) == 2 and all(map(isfinite, ends)) and ends[0] < ends[1]):
            raise ValueError(f"scene: limits are {scene.limits}, expected two intervals")
    if not scene.handles:
        raise ValueError("scene: it has no handles, expected at least one point to drag")
    for name, handle in scene.handles.items():
        if handle.along not in ("both", "x"):
            raise ValueError(f"scene: handle {name!r} moves along {handle.along!r}, expected both or x")
        inside = zip((handle.x, handle.y), scene.limits, strict=True)
        if not all(low <= value <= high for value, (low, high) in inside):
            raise ValueError(f"scene: handle {name!r} begins at {(handle.x, handle.y)}, outside of {scene.limits}")
    check_phrases(scene.phrases)
    return PlaneFigure(scene, settings_of(scene), checked_caption(caption))


def _ticks(low: int | float, high: int | float) -> list[float]:
    """About six round numbers between two ends."""
    return [float(f"{tick:.6g}") for tick in MaxNLocator(6).tick_values(low, high) if low <= tick <= high]
