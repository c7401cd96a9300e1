"""Views of a live figure: the full-gradients of a logit as terms that add up to it, and their map.

Two controls write the same network in other coordinates: another grey is counted as zero, and batch norm is folded into
the layer before it. The logit stays, and the terms do not.

The page's half is `views.js`; a test holds the two halves together.
"""

import itertools

import numpy as np
from torch import nn

from interpbook.attribution import full_gradients, fullgrad_map
from interpbook.explore.pictures import Picture, Shown
from interpbook.explore.sentences import Fact
from interpbook.explore.views import MAP_PHRASES, State, View, map_view

__all__ = ["FULLGRAD_MAP", "FULLGRAD_TERMS"]

APART, FOLDED = "a layer of its own", "folded into the layer before"
_NEEDS = ("attribution/fullgrad/views.js",)
_LINEAR = (nn.Conv2d, nn.Linear)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)


def _terms(now: State) -> Shown:
    shares = {name: share.item() for name, share in full_gradients(now.model, now.x, now.target).per_layer().items()}
    shares = _counted_from(now.settings["what_is_zero"], shares, now)
    folding = now.settings["batch_norm"] == FOLDED
    pairs = _folded_pairs(now.model) if folding else {}
    for norm, before in pairs.items():
        shares[before] = shares.get(before, 0.0) + shares.pop(norm, 0.0)
    # A layer without a bias adds nothing where no shift is absorbed.
    shares = {name: share for name, share in shares.items() if name == "input" or share != 0}
    picture = Picture("waterfall", np.array(list(shares.values())), tuple(shares), total="logit")
    facts: list[Fact] = [
        ("next" if k else "first", {"name": name, "share": share}) for k, (name, share) in enumerate(shares.items())
    ]
    facts.append(("total", {"logit": sum(shares.values())}))
    if folding and not pairs:
        facts.append(("nothing_to_fold", {}))
    return Shown((picture,), tuple(facts))


def _counted_from(zero: int | float, shares: dict[str, float], now: State) -> dict[str, float]:
    """The shares of the same function of x - zero, whose first layer has absorbed the shift.

    With u = x - zero the layer W x + b is W u + (b + W zero): what the input loses, <grad f, zero>, its bias gains.
    """
    moved = zero * now.gradient.sum().item()
    first = next(name for name, layer in _leaves(now.model) if isinstance(layer, _LINEAR))
    return {"input": shares.pop("input") - moved, first: shares.pop(first, 0.0) + moved, **shares}


def _folded_pairs(model: nn.Module) -> dict[str, str]:
    """Every batch norm that comes right after a linear map, with that map's name: the two can be written as one."""
    return {
        name: before
        for (before, linear), (name, norm) in itertools.pairwise(_leaves(model))
        if isinstance(linear, _LINEAR) and isinstance(norm, _NORMS)
    }


def _leaves(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers that compute something, in order."""
    silent = (nn.Sequential, nn.Identity, nn.Dropout)
    return [(name, layer) for name, layer in model.named_modules() if not isinstance(layer, silent)]


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
        "nothing_to_fold": " This network has no batch norm to fold.",
    },
    settings={"what_is_zero": [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], "batch_norm": [APART, FOLDED]},
    needs=_NEEDS,
)
FULLGRAD_MAP = View("fullgrad_map", "FullGrad map", _map, "fullgrad.map", phrases=MAP_PHRASES, needs=_NEEDS)
