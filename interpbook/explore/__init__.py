"""Figures that a reader moves: `sweep` for any drawing, `live` for a small network inside the page."""

from interpbook.explore.explorable import Explorable
from interpbook.explore.live import live
from interpbook.explore.pictures import Picture, Shown
from interpbook.explore.sweep import sweep
from interpbook.explore.views import State, View

__all__ = ["Explorable", "Picture", "Shown", "State", "View", "live", "sweep"]
