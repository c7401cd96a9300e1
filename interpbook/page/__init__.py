"""What a page is made of: set-up, claims, measured numbers, tables, figures, explorable figures, a quiz, exercises.

The library never imports this subpackage; notebooks import nothing else to set themselves up.

>>> from interpbook import page
>>> page.scale() in ("quick", "full")
True
"""

from interpbook import explore
from interpbook.output.figures import band, figure
from interpbook.output.numbers import Number, measured
from interpbook.page.claims import ClaimError, claim
from interpbook.page.exercises import check
from interpbook.page.maps import maps_alt, signed_maps
from interpbook.page.quiz import quiz
from interpbook.page.seeds import generator, only, over_seeds
from interpbook.page.setup import Page, scale, start
from interpbook.page.table import table

__all__ = [
    "ClaimError",
    "Number",
    "Page",
    "band",
    "check",
    "claim",
    "explore",
    "figure",
    "generator",
    "maps_alt",
    "measured",
    "only",
    "over_seeds",
    "quiz",
    "scale",
    "signed_maps",
    "start",
    "table",
]
