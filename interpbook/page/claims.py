"""Claims: measure a result that the book states, hold it against the registry, and show one row."""

import html
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from interpbook.output import blocks, numbers
from interpbook.output.cell import inline, show
from interpbook.output.numbers import Number
from interpbook.page import criterion, registry


class ClaimError(AssertionError):
    """A measured result and the verdict in the registry have parted."""


@dataclass(frozen=True)
class ClaimRecord:
    """One claim as a notebook recorded it.

    measured: by name; a claim with one quantity calls it "value". Where the criterion says no more than that rounding
        noise stays below a bound, the bound stands for the number.
    scale: "quick" or "full", the size at which it was measured.
    notebook: the file's path, "" for the running session.
    """

    id: str
    measured: dict[str, Number]
    scale: str
    verdict: str
    notebook: str = ""


_session: dict[str, ClaimRecord] = {}


def claim(id: str, measured: object) -> None:
    """Hold `measured` against the registered criterion, record it with the output, and show one row.

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

    >>> claim("fullgrad.by_hand", 1e-16)  # doctest: +ELLIPSIS
    [holds] The full-gradients of a two-layer network ... Measured: «below 1e-12». Scale quick.
    """
    from interpbook.page.setup import scale  # setup starts a fresh ledger, so it imports this module first

    entry = registry.find(id)
    values = _named_values(measured)
    passes = criterion.holds(entry.criterion, {identifier(name): value for name, value in values.items()})
    if passes != (entry.verdict != "not reproduced"):
        outcome = "passes" if passes else "fails"
        found = ClaimRecord(id, {name: numbers.summary(v) for name, v in values.items()}, scale(), entry.verdict)
        raise ClaimError(
            f"claim {id!r} is registered as {entry.verdict!r}, but its criterion `{entry.criterion}` now"
            f" {outcome} at scale {found.scale}: {_measured_plain(found, entry)}"
        )
    record = ClaimRecord(id, _as_stored(values, entry), scale(), entry.verdict)
    _session[id] = record
    show(claim_row_plain(record), _table([record]), {"claim": _as_json(record)})


def claims_table() -> None:
    """Show every claim that this notebook recorded since `page.start`, as one table.

    >>> forget()
    >>> claim("fullgrad.by_hand", 1e-16)  # doctest: +ELLIPSIS
    [holds] ...
    >>> claims_table()  # doctest: +ELLIPSIS
    What this page measured
    [holds] The full-gradients of a two-layer network ... Measured: «below 1e-12». Scale quick.
    """
    records = list(_session.values())
    title = "What this page measured"
    plain = "\n".join([title, *map(claim_row_plain, records)])
    show(plain, _table(records, title), {"claims": [_as_json(record) for record in records]})


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
            records.append(ClaimRecord(**{**stored, "measured": measured, "notebook": str(path)}))
    return records


def unrecorded(notebooks: Iterable[str | Path]) -> list[str]:
    """Ids in the registry that none of these notebooks records.

    >>> unrecorded([]) == list(registry.load())
    True
    """
    seen = {record.id for path in notebooks for record in read_notebook(path)}
    return [id for id in registry.load() if id not in seen]


def claim_row_html(record: ClaimRecord, machines: Iterable[str] = ()) -> str:
    """One `<tr>`: the sentence and its source, what was measured and the criterion, the verdict.

    machines: on which kinds of machine the verdict was confirmed, where that is known.
    """
    entry = registry.find(record.id)
    verdict = f"{'✗' if entry.verdict == 'not reproduced' else '✓'} {entry.verdict}"
    paper = f" The paper: {html.escape(entry.paper)}." if entry.paper is not None else ""
    why = f"<small>{inline(entry.why)}</small>" if entry.why else ""
    seen = html.escape(", ".join(machines))
    why += f'<small class="ib-seen">confirmed with {seen}</small>' if seen else ""
    slug = entry.verdict.replace(" ", "-")
    return (
        f'<tr class="ib-claim ib-{slug}" data-claim="{html.escape(record.id)}">'
        f'<td class="ib-sentence">{inline(entry.sentence)}'
        f'<small class="ib-source">{_source(entry)}{paper}</small></td>'
        f'<td class="ib-numbers">{_measured_html(record, entry)}'
        f"<small>criterion <code>{html.escape(entry.criterion)}</code>, scale {html.escape(record.scale)}</small></td>"
        f'<td><span class="ib-verdict">{verdict}</span>{why}</td></tr>'
    )


def claim_row_plain(record: ClaimRecord) -> str:
    """The same row for a terminal; measured numbers stand between « and »."""
    entry = registry.find(record.id)
    numbers = _measured_plain(record, entry)
    return f"[{entry.verdict}] {entry.sentence} Measured: {numbers}. Scale {record.scale}."


def _table(records: list[ClaimRecord], caption: str | None = None) -> str:
    head = ""
    if caption is not None:
        cells = "".join(f'<th scope="col">{name}</th>' for name in ("Claim", "Measured", "Verdict"))
        head = f"<caption>{caption}</caption><thead><tr>{cells}</tr></thead>"
    rows = "".join(map(claim_row_html, records))
    style = blocks.style("page/static/claims.css")
    return f'{style}<div class="ib-scroll"><table class="ib-claims">{head}<tbody>{rows}</tbody></table></div>'


def _source(entry: registry.Claim) -> str:
    key, where = entry.source
    if key == "ours":
        return f"{entry.kind}, ours" if entry.kind != "ours" else "ours"
    label = re.sub(r"^([a-z-]+)(\d{4}).*$", lambda found: f"{found[1].title()} {found[2]}", key)
    return f'{entry.kind}, <cite data-cite="{html.escape(key)}">{html.escape(label)}</cite>, {html.escape(where)}.'


def _measured_html(record: ClaimRecord, entry: registry.Claim) -> str:
    left, right = '<span class="measured">', "</span>"
    if list(record.measured) == ["value"]:
        return f"<div>{_with_range(record.measured['value'], entry.over, left, right)}</div>"
    rows = [f"<div>{html.escape(name)} {left}{m.shown()}{right}</div>" for name, m in record.measured.items()]
    return "".join(rows) + f"<small>{_spread_over(record, entry)}</small>"


def _measured_plain(record: ClaimRecord, entry: registry.Claim) -> str:
    if list(record.measured) == ["value"]:
        return _with_range(record.measured["value"], entry.over, "«", "»")
    named = "; ".join(f"{name} «{m.shown()}»" for name, m in record.measured.items())
    spread = _spread_over(record, entry)
    return f"{named} ({spread})" if spread else named


def _with_range(number: Number, over: str, left: str, right: str) -> str:
    """As "0.81 ± 0.01 (5 seeds, 0.79 to 0.83)", every measured part between `left` and `right`."""
    center = f"{left}{number.shown()}{right}"
    if number.n == 1:
        return center
    extent = "" if number.bound is not None else f", {left}{number.low:.3g} to {number.high:.3g}{right}"
    return f"{center} ({number.n} {html.escape(over)}{extent})"


def _spread_over(record: ClaimRecord, entry: registry.Claim) -> str:
    """What the spread of several named quantities is over, said once for all of them."""
    counts = sorted({number.n for number in record.measured.values() if number.bound is None} - {1})
    return f"± over {' or '.join(map(str, counts))} {html.escape(entry.over)}" if counts else ""


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


def _as_json(record: ClaimRecord) -> dict[str, object]:
    # Pairs, because a notebook that is saved forgets the order of a dictionary.
    measured = [[name, number.as_json()] for name, number in record.measured.items()]
    return {"id": record.id, "measured": measured, "scale": record.scale, "verdict": record.verdict}
