"""What a page is made of: set-up, claims, figures, explorable figures, exercises.

>>> from interpbook import page
>>> page.scale() in ("quick", "full")
True
"""

from interpbook.page import explore
from interpbook.page.claims import claim, claims_table
from interpbook.page.exercises import check
from interpbook.page.figures import band, figure
from interpbook.page.maps import maps_alt, signed_maps
from interpbook.page.setup import scale, start

__all__ = [
    "band",
    "check",
    "claim",
    "claims_table",
    "explore",
    "figure",
    "maps_alt",
    "scale",
    "signed_maps",
    "start",
]
