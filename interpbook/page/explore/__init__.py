"""Figures that a reader moves: `sweep` for any drawing, `live` for a small network inside the page."""

from interpbook.page.explore.sweep import sweep

__all__ = ["sweep"]
