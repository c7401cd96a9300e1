"""What a plane with points to drag shows: a chapter makes a `Scene`, both halves of it, for `explore.plane`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interpbook.explore.controls import Switches, Values
from interpbook.explore.marks import Mark
from interpbook.explore.pictures import Picture
from interpbook.explore.sentences import Fact
from interpbook.explore.tables import Tables

Point = tuple[int | float, int | float]


@dataclass(frozen=True)
class Handle:
    """A point that the reader drags.

    Attributes:
        x, y: where it begins.
        along: "both", or "x" for one that moves sideways only; its height is then what the scene says.
        title: what the reader is told that it is.
    """

    x: int | float
    y: int | float
    along: str = "both"
    title: str = ""

    @property
    def data(self) -> dict[str, object]:
        """What the page's script needs to know."""
        return {"at": [self.x, self.y], "along": self.along}


@dataclass(frozen=True)
class Placed:
    """What a reader has chosen: where the handles are, and what the controls say, both by name."""

    points: Mapping[str, Point]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Drawn:
    """What a scene makes of it.

    Attributes:
        marks: drawn in the plane, one over the other.
        facts: names of the scene's phrases, each with the values of its fields.
        pictures: shown beside the plane, each under its title.
        places: for a handle that is not where it was dragged to, as on a curve, where it is.
    """

    marks: tuple[Mark, ...]
    facts: tuple[Fact, ...]
    pictures: tuple[tuple[str, Picture], ...] = ()
    places: Mapping[str, Point] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """A plane with points to drag; a chapter makes one, with both halves of what it shows.

    Attributes:
        title: what the plane shows, for those who cannot see it.
        compute: what is drawn, for the kernel.
        script: the same for the page: the name of a function in one of `needs`, called as
            `script({points: {name: [x, y]}, settings, limits: [[x0, x1], [y0, y1]]}, tables)`. It returns `{marks,
            facts, pictures, places}`: marks `{kind, values, shape, color, label, faint, dashed, heavy}` with values in
            a flat array, pictures `[title, picture]`; the last two may be left out.
        handles: the points, by name.
        limits: of the plane, ((x0, x1), (y0, y1)).
        axes: what the axes are called.
        equal: a unit is as long on both axes, so that angles are what they look like.
        phrases, settings, starts, needs, tables: as of a `View`. A setting that is a slider has a play button.

    >>> import numpy as np
    >>> from interpbook.explore import plane
    >>> def compute(now):
    ...     x, _ = now.points["x"]
    ...     slope = now.settings["slope"]
    ...     ends = np.array([[-1.0, -slope], [1.0, slope]])
    ...     return Drawn((Mark("line", ends, 0),), (("height", {"y": slope * x}),), places={"x": (x, slope * x)})
    >>> scene = Scene("a line", compute, "line", {"x": Handle(0.5, 0.0, "x")}, ((-1, 1), (-1, 1)),
    ...     phrases={"height": "The height is {y:z.2f}."}, settings={"slope": [0.5, 1]})
    >>> plane(scene).sentence(plane(scene).first)
    'The height is 0.25.'
    """

    title: str
    compute: Callable[[Placed], Drawn]
    script: str
    handles: Mapping[str, Handle]
    limits: tuple[Point, Point]
    axes: tuple[str, str] = ("", "")
    equal: bool = False
    phrases: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Values | Switches] = field(default_factory=dict)
    starts: Mapping[str, object] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    tables: Tables = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As messages name it."""
        return self.title

    def title_of(self, handle: str) -> str:
        """What the reader is told that a handle is."""
        return self.handles[handle].title or handle.replace("_", " ")
