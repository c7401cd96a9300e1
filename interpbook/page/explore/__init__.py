"""Figures that a reader moves: `sweep` for any drawing, `live` for a small network inside the page."""

from interpbook.page.explore.live import live
from interpbook.page.explore.pictures import Picture, Shown
from interpbook.page.explore.shift import drawn_shift
from interpbook.page.explore.sweep import sweep
from interpbook.page.explore.views import State, View

__all__ = ["Picture", "Shown", "State", "View", "drawn_shift", "live", "sweep"]
