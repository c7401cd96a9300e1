"""Views of a live figure: the full-gradients of a logit as terms that add up to it, and their map.

The page's half is `views.js`; a test holds the two halves together.
"""

import numpy as np

from interpbook.attribution import full_gradients, fullgrad_map
from interpbook.explore.pictures import Picture, Shown
from interpbook.explore.views import MAP_PHRASES, State, View, map_view

__all__ = ["FULLGRAD_MAP", "FULLGRAD_TERMS"]

_NEEDS = ("attribution/fullgrad/views.js",)


def _terms(now: State) -> Shown:
    shares = {name: share.item() for name, share in full_gradients(now.model, now.x, now.target).per_layer().items()}
    picture = Picture("waterfall", np.array(list(shares.values())), tuple(shares), total="logit")
    terms = [
        ("next" if k else "first", {"name": name, "share": share}) for k, (name, share) in enumerate(shares.items())
    ]
    return Shown((picture,), (*terms, ("total", {"logit": sum(shares.values())})))


def _map(now: State) -> Shown:
    return map_view(fullgrad_map(now.model, now.x, now.target)[0])


FULLGRAD_TERMS = View(
    "fullgrad_terms",
    "the logit, term by term",
    _terms,
    "fullgrad.terms",
    phrases={
        "first": "{name} {share:z.2f}",
        "next": ", {name} {share:z.2f}",
        "total": "; together the logit {logit:z.2f}.",
    },
    needs=_NEEDS,
)
FULLGRAD_MAP = View("fullgrad_map", "FullGrad map", _map, "fullgrad.map", phrases=MAP_PHRASES, needs=_NEEDS)
