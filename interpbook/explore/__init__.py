"""Figures that a reader moves: `sweep` for any drawing, `live` for a small network inside the page, `plane` for points
to drag.
"""

from interpbook.explore.controls import Switches
from interpbook.explore.explorable import Explorable
from interpbook.explore.live import live
from interpbook.explore.marks import Mark
from interpbook.explore.pictures import Picture, Shown
from interpbook.explore.plane import plane
from interpbook.explore.scene import Drawn, Handle, Placed, Scene
from interpbook.explore.side_by_side import side_by_side
from interpbook.explore.sweep import sweep
from interpbook.explore.views import State, View

__all__ = [
    "Drawn",
    "Explorable",
    "Handle",
    "Mark",
    "Picture",
    "Placed",
    "Scene",
    "Shown",
    "State",
    "Switches",
    "View",
    "live",
    "plane",
    "side_by_side",
    "sweep",
]
