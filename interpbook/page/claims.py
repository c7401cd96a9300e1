"""Claims: measure a result that the book states, hold it against the registry, and show its sentence with a badge."""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from interpbook.output import numbers
from interpbook.output.cell import show
from interpbook.output.numbers import Number
from interpbook.page import claim_view, criterion, registry
from interpbook.page.claim_view import ClaimRecord


class ClaimError(AssertionError):
    """A measured result and the verdict in the registry have parted."""


_session: dict[str, ClaimRecord] = {}


def claim(id: str, measured: object) -> None:
    """Hold `measured` against the registered criterion, record it with the output, and show the claim.

    What is shown is the claim's sentence and a badge with the verdict and one number; it opens on everything else.

    Args:
        id: the claim's id in its chapter's claims.yml, "fullgrad.completeness".
        measured: a number, a sequence of numbers over seeds (list, array or 1-D tensor), or a dictionary from
            names to either; the criterion reads the names, "score matching" as `score_matching`, or `value` where
            there is no dictionary.

    Raises:
        ClaimError: the criterion fails though the verdict is "holds" or "reproduced", or passes though the
            verdict is "not reproduced".
        KeyError: no such claim.
        TypeError: something measured is not a number or a sequence of numbers.
        ValueError: something measured is empty, NaN or infinite, or the criterion cannot be evaluated on it.

    >>> claim("fullgrad.closed_form", 1e-16)  # doctest: +ELLIPSIS
    [holds, «below 1e-12»] The full-gradients of a two-layer network ... Measured: «below 1e-12». Scale quick.
    """
    from interpbook.page.setup import scale  # setup starts a fresh ledger, so it imports this module first

    entry = registry.find(id)
    values = _named_values(measured)
    passes = criterion.holds(entry.criterion, {identifier(name): value for name, value in values.items()})
    if passes != (entry.verdict != "not reproduced"):
        outcome = "passes" if passes else "fails"
        found = {name: numbers.summary(value) for name, value in values.items()}
        raise ClaimError(
            f"claim {id!r} is registered as {entry.verdict!r}, but its criterion `{entry.criterion}` now"
            f" {outcome} at scale {scale()}: {claim_view.measured_plain(found, entry)}"
        )
    stored = _as_stored(values, entry)
    record = ClaimRecord(id, _headline(values, stored, entry), stored, scale(), entry.verdict)
    _session[id] = record
    show(claim_view.plain(record), claim_view.badge_html(record), {"claim": _as_json(record)})


def forget() -> None:
    """Begin a fresh ledger; `page.start` calls it."""
    _session.clear()


def recorded_ids() -> list[str]:
    """The ids that this session recorded so far."""
    return list(_session)


def read_notebook(path: str | Path) -> list[ClaimRecord]:
    """The claims that a committed notebook recorded, in the order of its cells.

    Raises:
        ValueError: the file is not a notebook.
    """
    try:
        cells = json.loads(Path(path).read_text(encoding="utf-8"))["cells"]
    except (json.JSONDecodeError, KeyError, TypeError):
        raise ValueError(f"{path} is not a notebook") from None
    records = []
    for output in (output for cell in cells for output in cell.get("outputs", [])):
        stored = output.get("metadata", {}).get("interpbook", {}).get("claim")
        if stored:
            measured = {name: numbers.from_json(number) for name, number in stored["measured"]}
            label, number = stored["headline"]
            headline = (label, numbers.from_json(number))
            records.append(ClaimRecord(**{**stored, "headline": headline, "measured": measured, "notebook": str(path)}))
    return records


def unrecorded(notebooks: Iterable[str | Path]) -> list[str]:
    """Ids in the registry that none of these notebooks records.

    >>> unrecorded([]) == list(registry.load())
    True
    """
    seen = {record.id for path in notebooks for record in read_notebook(path)}
    return [id for id in registry.load() if id not in seen]


def _named_values(measured: object) -> dict[str, criterion.Value]:
    if not isinstance(measured, Mapping):
        return {"value": numbers.as_value(measured, "measured")}
    read = [identifier(name) for name in measured]
    for name, as_read in zip(measured, read, strict=True):
        if not as_read.isidentifier() or as_read in criterion.FUNCTIONS or read.count(as_read) > 1:
            raise ValueError(f"measured has the name {name!r}, expected one that a criterion can read as a name")
    if not measured:
        raise ValueError("measured is an empty dictionary, expected at least one number")
    return {name: numbers.as_value(value, f"measured[{name!r}]") for name, value in measured.items()}


def identifier(name: object) -> str:
    """How a criterion reads a name: what is no letter or digit becomes an underscore.

    >>> identifier("gradient × input")
    'gradient_input'
    """
    return re.sub(r"\W+", "_", name).strip("_") if isinstance(name, str) else ""


def _as_stored(values: dict[str, criterion.Value], entry: registry.Claim) -> dict[str, Number]:
    """Each with the tolerance that the registry states, or with the bound that its criterion sets to rounding noise."""
    unknown = set(entry.tolerance) - set(map(identifier, values))
    if unknown:
        raise ValueError(f"claim {entry.id!r} has a tolerance for {sorted(unknown)}, but measured was {sorted(values)}")
    bounds = criterion.bounds(entry.criterion) if entry.verdict != "not reproduced" else {}
    stored = {}
    for name, value in values.items():
        read = identifier(name)
        stored[name] = numbers.summary(value, tolerance=entry.tolerance.get(read, 0.0), bound=bounds.get(read))
    return stored


def _headline(
    values: dict[str, criterion.Value], stored: dict[str, Number], entry: registry.Claim
) -> tuple[str, Number]:
    """The one number of the badge with its name: what the registry says, or else the first that was measured."""
    if entry.headline is None:
        return next(iter(stored.items()))
    read = {identifier(name): value for name, value in values.items()}
    if entry.headline in read:
        return next((name, number) for name, number in stored.items() if identifier(name) == entry.headline)
    return entry.headline, numbers.summary(criterion.value(entry.headline, read))


def _as_json(record: ClaimRecord) -> dict[str, object]:
    # Pairs, because a notebook that is saved forgets the order of a dictionary; keys in the order in which it is saved.
    label, number = record.headline
    measured = [[name, number.as_json()] for name, number in record.measured.items()]
    return {
        "headline": [label, number.as_json()],
        "id": record.id,
        "measured": measured,
        "scale": record.scale,
        "verdict": record.verdict,
    }
