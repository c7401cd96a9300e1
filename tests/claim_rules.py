"""What the claims of a chapter must say, as functions that return those that do not. See CONTRIBUTING.md."""

import re
from collections.abc import Iterable, Mapping

from interpbook.page import criterion
from interpbook.page.registry import Claim

# "Figure 3, CIFAR-100": a number and, after a comma, the data. Runs may also stand in the authors' repository, and
# results without numbers in the abstract; what the claim's `paper` says is then in words.
PLACE = re.compile(r"(?:(?:Table|Figure) [A-Z]?\d+[a-z]?(?:\([a-z]\))?|the authors' repository|the abstract), \S.*")


def chance_unsaid(claims: Iterable[Claim]) -> list[str]:
    """Claims that tell means apart without two standard errors, and do not say that they only order them.

    >>> common = {"sentence": "A is less.", "source": ("ours", ""), "kind": "ours", "verdict": "holds"}
    >>> chance_unsaid([Claim(id="a.b", criterion="mean(a) < mean(b)", **common)])
    ['a.b']
    """
    return [claim.id for claim in claims if criterion.compares_means(claim.criterion) and not claim.ordering_only]


def place_unsaid(claims: Iterable[Claim]) -> list[str]:
    """Published tables and figures whose number or data set is not named.

    >>> common = {"id": "a.b", "sentence": "A.", "kind": "figure", "verdict": "reproduced", "criterion": "value > 1"}
    >>> place_unsaid([Claim(source=("someone2019", "Figure 3"), **common)])
    ['a.b: Figure 3']
    >>> place_unsaid([Claim(source=("someone2019", "Figure 3, CIFAR-100"), **common)])
    []
    """
    published = [claim for claim in claims if claim.kind in ("table", "figure")]
    return [f"{claim.id}: {claim.source[1]}" for claim in published if not PLACE.fullmatch(claim.source[1])]


def undefended(recorded: Iterable[str], claims: Mapping[str, Claim], headings: Iterable[str]) -> list[str]:
    """What a lesson's claims lack: an objection, and a section of the evidence page, one of its `headings`."""
    found = []
    known = set(headings)
    for id in recorded:
        if claims[id].objection is None:
            found.append(f"{id} has no objection")
        if claims[id].evidence not in known:
            found.append(f"{id}: its evidence is {claims[id].evidence!r}, expected a heading of the evidence page")
    return found
