"""The registry of claims: each result the book states, where it comes from, and what would count against it.

Every chapter has a file of its own, `interpbook/chapters/<part>/<chapter>/claims.yml`, a list of entries with the keys

    id         chapter.name, unique
    sentence   what is claimed, one sentence, without measured digits; `code` between backticks
    source     ours, or {cite: key of references.bib, where: Theorem 2 | Table 1 | Figure 3 | ...}
    kind       identity (true by algebra) | theorem (proved) | table, figure (a published result) | ours (found here)
    paper      optional: the paper's own value as printed there, never from memory
    criterion  a comparison over the measured names: `value` for a number or a sequence, else the names given.
               + - * / **, and, or, not, < <= > >= == !=, abs all any diff len max mean median min std stderr sum.
               Sequences (one entry per seed) compare entry by entry: reduce them, `all(a < b)`, `mean(a - b) > 0`
    verdict    holds (identity, theorem, ours) | reproduced (table, figure) | not reproduced
    why        with `not reproduced` only: what came out instead, and the likely reason
    over       optional: what a measured sequence runs over when that is not seeds (images, models, ...)
    headline   optional: the badge's one number, an expression over the measured names, entry by entry, such as
               `gradient - FullGrad`; without it `value`, or the first measured name
    ordering_only  optional, true: the criterion orders means and does not ask for two standard errors between them
    evidence   for a claim of a lesson: the heading of the section of the evidence page that it links to
    objection  for a claim of a lesson: what an opponent would say, and what came out when that was tried
    tolerance  optional: what the mean may differ by on another machine, a number, or one for each measured name
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from interpbook.page import criterion

KINDS = ("identity", "theorem", "table", "figure", "ours")
VERDICTS = ("holds", "reproduced", "not reproduced")
_REQUIRED = ("id", "sentence", "source", "kind", "criterion", "verdict")
_OPTIONAL = ("paper", "why", "over", "tolerance", "headline", "ordering_only", "evidence", "objection")

CHAPTERS = Path(__file__).parents[1] / "chapters"


@dataclass(frozen=True)
class Claim:
    """One sentence of the book that states a result.

    source: citation key and where in it, or ("ours", "").
    paper: the paper's value as printed there, None where it gives none.
    over: what a measured sequence runs over.
    tolerance: by measured name, what its mean may differ by on another machine; see `page.measured`.
    headline, ordering_only, evidence, objection: as at the top of this module.
    """

    id: str
    sentence: str
    source: tuple[str, str]
    kind: str
    criterion: str
    verdict: str
    paper: str | None = None
    why: str | None = None
    over: str = "seeds"
    tolerance: dict[str, float] = field(default_factory=dict)
    headline: str | None = None
    ordering_only: bool = False
    evidence: str | None = None
    objection: str | None = None


def load(folder: Path | None = None) -> dict[str, Claim]:
    """The claims of all chapters by id, validated.

    Args:
        folder: what to look into for `<part>/<chapter>/claims.yml`, by default the package's own chapters.

    Raises:
        ValueError: a file is no list of claims, a claim is malformed, or its id does not begin with its chapter's
            name, or two chapters have one name; the message names file and claim.

    >>> load()["fullgrad.complete"].verdict
    'holds'
    """
    return _load(folder or CHAPTERS)


def of_chapter(chapter: str) -> dict[str, Claim]:
    """The claims of one chapter, named by its path.

    >>> "fullgrad.complete" in of_chapter("attribution/fullgrad")
    True
    """
    file = CHAPTERS / chapter / "claims.yml"
    return read(file) if file.exists() else {}


def find(id: str) -> Claim:
    """The claim with this id.

    Raises:
        KeyError: no such claim; the message names similar ids.
    """
    claims = load()
    if id not in claims:
        near = difflib.get_close_matches(id, claims, n=3, cutoff=0.4)
        hint = f"near it: {', '.join(near)}" if near else f"{len(claims)} claims are registered, none near it"
        raise KeyError(f"no claim {id!r} in any claims.yml; {hint}")
    return claims[id]


@lru_cache
def _load(folder: Path) -> dict[str, Claim]:
    claims: dict[str, Claim] = {}
    for file in sorted(folder.glob("*/*/claims.yml")):
        for id, claim in read(file).items():
            if id in claims:
                raise ValueError(f"{_where(file)}, claim {id!r}: another chapter has this id, too")
            claims[id] = claim
    return claims


@lru_cache
def read(file: Path) -> dict[str, Claim]:
    """The claims of one file by id, validated.

    Raises:
        ValueError: as `load`.
    """
    entries = yaml.safe_load(file.read_text(encoding="utf-8")) or []
    if not isinstance(entries, list):
        raise ValueError(f"{_where(file)} holds a {type(entries).__name__}, expected a list of claims")
    claims: dict[str, Claim] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{_where(file)}, claim {number}"
        if isinstance(entry, dict) and "id" in entry:
            where = f"{_where(file)}, claim {entry['id']!r}"
        try:
            claim = _claim(entry)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if claim.id in claims:
            raise ValueError(f"{where}: this id is there twice")
        if not claim.id.startswith(f"{file.parent.name}."):
            raise ValueError(f"{where}: expected an id that begins with {file.parent.name!r} and a dot")
        claims[claim.id] = claim
    return claims


def _where(file: Path) -> str:
    """A chapter's file as messages name it, `attribution/fullgrad/claims.yml`."""
    return "/".join(file.parts[-3:])


def check_keys(entry: Mapping[object, object], required: Sequence[str], optional: Sequence[str] = ()) -> None:
    """Check that an entry of a chapter's file has all keys that it must have, and none that nobody reads.

    >>> check_keys({"id": "sum", "why": ""}, ["id", "sentence"], ["why"])
    Traceback (most recent call last):
        ...
    ValueError: missing keys: sentence; unknown: none
    """
    missing = [key for key in required if key not in entry]
    unknown = [str(key) for key in entry if key not in (*required, *optional)]
    if missing or unknown:
        raise ValueError(f"missing keys: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}")


def _claim(entry: object) -> Claim:
    if not isinstance(entry, dict):
        raise ValueError(f"expected keys and values, got {entry!r}")
    check_keys(entry, _REQUIRED, _OPTIONAL)
    for key in ("id", "sentence", "kind", "criterion", "verdict", "why", "over", "headline", "evidence", "objection"):
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            raise ValueError(f"{key} is {entry[key]!r}, expected text")
    if entry.get("ordering_only", True) is not True:
        raise ValueError(f"ordering_only is {entry['ordering_only']!r}, expected true, or no such key")
    fields = {key: value for key, value in entry.items() if key not in ("source", "paper", "tolerance")}
    paper = entry.get("paper")
    claim = Claim(
        **fields,
        source=_source(entry["source"]),
        paper=None if paper is None else str(paper),
        tolerance=_tolerance(entry.get("tolerance", {})),
    )
    criterion.parse(claim.criterion)
    if claim.headline is not None:
        criterion.parse(claim.headline, compares=False)
    _agree(claim)
    return claim


def _source(source: object) -> tuple[str, str]:
    if source == "ours":
        return ("ours", "")
    if isinstance(source, dict) and set(source) == {"cite", "where"}:
        return (str(source["cite"]), str(source["where"]))
    raise ValueError(f"source is {source!r}, expected ours, or cite: a citation key and where: the place in it")


def _tolerance(stated: object) -> dict[str, float]:
    """By name; one number is for a claim with one quantity."""
    by_name = stated if isinstance(stated, dict) else {"value": stated}
    tolerance: dict[str, float] = {}
    for name, most in by_name.items():
        if isinstance(most, bool) or not isinstance(most, int | float) or not most > 0:
            raise ValueError(f"tolerance of {name} is {most!r}, expected a positive number")
        tolerance[str(name)] = float(most)
    return tolerance


def _agree(claim: Claim) -> None:
    """The keys of one claim must agree with each other."""
    if claim.kind not in KINDS:
        raise ValueError(f"kind is {claim.kind!r}, expected one of {', '.join(KINDS)}")
    if claim.verdict not in VERDICTS:
        raise ValueError(f"verdict is {claim.verdict!r}, expected one of {', '.join(VERDICTS)}")
    published = claim.kind in ("table", "figure")
    if claim.verdict == ("holds" if published else "reproduced"):
        raise ValueError(f"verdict {claim.verdict!r} does not go with kind {claim.kind!r}")
    if published and claim.source[0] == "ours":
        raise ValueError(f"a {claim.kind} needs the citation that it is in")
    if claim.kind == "ours" and claim.source[0] != "ours":
        raise ValueError(f"kind is ours, but source is {claim.source[0]}")
    if claim.ordering_only and not criterion.compares_means(claim.criterion):
        raise ValueError("ordering_only goes with a criterion that compares means, and has no stderr")
    if (claim.verdict == "not reproduced") != (claim.why is not None):
        raise ValueError("why is required with the verdict 'not reproduced', and only there")
