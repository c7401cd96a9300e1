"""The registry of claims, book/claims.yml: each result the book states, and what would count against it."""

import difflib
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import yaml

from interpbook.page import criterion

KINDS = ("identity", "theorem", "table", "figure", "ours")
VERDICTS = ("holds", "reproduced", "not reproduced")
_REQUIRED = ("id", "sentence", "source", "kind", "criterion", "verdict")
_OPTIONAL = ("paper", "why", "over", "tolerance")

# A wheel carries the registry beside this module; a checkout has it in book/.
_PACKAGED = Path(__file__).with_name("claims.yml")
PATH = _PACKAGED if _PACKAGED.exists() else Path(__file__).parents[2] / "book" / "claims.yml"


@dataclass(frozen=True)
class Claim:
    """One sentence of the book that states a result.

    source: citation key and where in it, or ("ours", "").
    paper: the paper's value as printed there, None where it gives none.
    over: what a measured sequence runs over.
    tolerance: by measured name, what its mean may differ by on another machine; see `page.measured`.
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


def load(path: Path | None = None) -> dict[str, Claim]:
    """All claims by id, validated.

    Raises:
        ValueError: the file is not a list of claims, or a claim is malformed; the message names the claim.

    >>> isinstance(load(), dict)
    True
    """
    return _load(path or PATH)


def find(id: str) -> Claim:
    """The claim with this id.

    Raises:
        KeyError: no such claim; the message names similar ids.
    """
    claims = load()
    if id not in claims:
        near = difflib.get_close_matches(id, claims, n=3, cutoff=0.4)
        hint = f"near it: {', '.join(near)}" if near else f"{len(claims)} claims are registered, none near it"
        raise KeyError(f"no claim {id!r} in {PATH.name}; {hint}")
    return claims[id]


@lru_cache
def _load(path: Path) -> dict[str, Claim]:
    entries = yaml.safe_load(path.read_text(encoding="utf-8")) or []
    if not isinstance(entries, list):
        raise ValueError(f"{path.name} holds a {type(entries).__name__}, expected a list of claims")
    claims: dict[str, Claim] = {}
    for number, entry in enumerate(entries, 1):
        where = f"{path.name}, claim {number}"
        if isinstance(entry, dict) and "id" in entry:
            where = f"{path.name}, claim {entry['id']!r}"
        try:
            claim = _read(entry)
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        if claim.id in claims:
            raise ValueError(f"{where}: this id is there twice")
        claims[claim.id] = claim
    return claims


def _read(entry: object) -> Claim:
    if not isinstance(entry, dict):
        raise ValueError(f"expected keys and values, got {entry!r}")
    missing = [key for key in _REQUIRED if key not in entry]
    unknown = [str(key) for key in entry if key not in _REQUIRED + _OPTIONAL]
    if missing or unknown:
        raise ValueError(f"missing keys: {', '.join(missing) or 'none'}; unknown: {', '.join(unknown) or 'none'}")
    for key in ("id", "sentence", "kind", "criterion", "verdict", "why", "over"):
        if key in entry and not (isinstance(entry[key], str) and entry[key].strip()):
            raise ValueError(f"{key} is {entry[key]!r}, expected text")
    fields = {key: value for key, value in entry.items() if key not in ("source", "paper", "tolerance")}
    paper = entry.get("paper")
    claim = Claim(
        **fields,
        source=_source(entry["source"]),
        paper=None if paper is None else str(paper),
        tolerance=_tolerance(entry.get("tolerance", {})),
    )
    criterion.parse(claim.criterion)
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
    if (claim.verdict == "not reproduced") != (claim.why is not None):
        raise ValueError("why is required with the verdict 'not reproduced', and only there")
