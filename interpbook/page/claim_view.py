"""How a claim looks: a sentence with a badge on its page, a row in the ledger, a line in a terminal.

Measured numbers stand in the order in which they are stored, the badge's first, so that another machine can compare.
"""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from interpbook.output import blocks
from interpbook.output.cell import inline
from interpbook.output.numbers import Number
from interpbook.page import registry

_HTML = ('<span class="measured">', "</span>")
_PLAIN = ("«", "»")


@dataclass(frozen=True)
class ClaimRecord:
    """One claim as a notebook recorded it.

    headline: the number of the badge, with its name.
    measured: by name; a claim with one quantity calls it "value". Where the criterion says no more than that rounding
        noise stays below a bound, the bound stands for the number.
    scale: "quick" or "full", the size at which it was measured.
    notebook: the file's path, "" for the running session.
    """

    id: str
    headline: tuple[str, Number]
    measured: dict[str, Number]
    scale: str
    verdict: str
    notebook: str = ""


def anchor(id: str) -> str:
    """The name under which a claim is found in a page and in the ledger.

    >>> anchor("fullgrad.by_hand")
    'claim-fullgrad-by_hand'
    """
    return "claim-" + re.sub(r"\W+", "-", id)


def badge_html(record: ClaimRecord) -> str:
    """The sentence and its badge, which open on everything else: browsers and screen readers know what <details> is."""
    entry = registry.find(record.id)
    opened = "".join(f"<dt>{term}</dt><dd>{text}</dd>" for term, text in _details(record, entry))
    return (
        f'{blocks.style("page/static/claims.css")}<div class="ib-claim {_slug(entry)}" id="{anchor(record.id)}"'
        f' data-claim="{html.escape(record.id)}"><details><summary><span class="ib-sentence">{inline(entry.sentence)}'
        f'</span> <span class="ib-badge">{_verdict(entry)} · {_headline(record, entry, *_HTML)}</span></summary>'
        f"<dl>{opened}</dl></details></div>"
    )


def row_html(record: ClaimRecord, machines: Iterable[str] = (), page: str = "") -> str:
    """One `<tr>` of the ledger: the sentence and its source, what was measured and the criterion, the verdict.

    machines: on which kinds of machine the verdict was confirmed, where that is known.
    page: the address of the page that records the claim.
    """
    entry = registry.find(record.id)
    seen = html.escape(", ".join(machines))
    notes = f"<small>{inline(entry.why)}</small>" if entry.why else ""
    notes += f'<small class="ib-seen">confirmed with {seen}</small>' if seen else ""
    sentence = inline(entry.sentence)
    if page:
        sentence += f' <a href="{html.escape(page)}#{anchor(record.id)}">On its page</a>'
    return (
        f'<tr class="{_slug(entry)}" id="{anchor(record.id)}" data-claim="{html.escape(record.id)}">'
        f'<td class="ib-sentence">{sentence}<small class="ib-source">{_source(entry)}{_paper(entry)}</small></td>'
        f'<td class="ib-numbers">{_measured_html(record.measured, entry)}'
        f"<small>criterion <code>{html.escape(entry.criterion)}</code>, scale {html.escape(record.scale)}</small></td>"
        f'<td><span class="ib-verdict">{_verdict(entry)}</span>{notes}</td></tr>'
    )


def plain(record: ClaimRecord) -> str:
    """The same for a terminal; measured numbers stand between « and »."""
    entry = registry.find(record.id)
    head = f"{_words(entry)}, {_headline(record, entry, *_PLAIN)}"
    return f"[{head}] {entry.sentence} Measured: {measured_plain(record.measured, entry)}. Scale {record.scale}."


def measured_plain(measured: Mapping[str, Number], entry: registry.Claim) -> str:
    """All numbers of a claim, in one line."""
    if list(measured) == ["value"]:
        return _with_range(measured["value"], entry.over, *_PLAIN)
    named = "; ".join(f"{name} «{number.shown()}»" for name, number in measured.items())
    spread = _spread_over(measured, entry)
    return f"{named} ({spread})" if spread else named


def _details(record: ClaimRecord, entry: registry.Claim) -> list[tuple[str, str]]:
    """What opens under a badge, what did not come out first."""
    scale = html.escape(record.scale)
    parts = [("What came out instead", inline(entry.why))] if entry.why else []
    parts.append(("Measured", f"{_measured_html(record.measured, entry)}<small>scale {scale}</small>"))
    criterion = f"<code>{html.escape(entry.criterion)}</code>"
    if entry.ordering_only:
        criterion += " <small>an ordering of means only: not that they are two standard errors apart</small>"
    parts.append(("Criterion", criterion))
    parts.append(("Source", f"{_source(entry)}{_paper(entry)}"))
    if entry.objection:
        parts.append(("An opponent would say", inline(entry.objection)))
    links = f'<span class="ib-ledger" data-claim="{html.escape(record.id)}"></span>'
    if entry.evidence:
        chapter = record.id.partition(".")[0]
        heading = html.escape(entry.evidence)
        links = f'<a class="ib-evidence" href="{chapter}_evidence.ipynb" data-heading="{heading}">{heading}</a>{links}'
    parts.append(("Evidence", links))
    return parts


def _words(entry: registry.Claim) -> str:
    """The verdict, and whether it is of an ordering only."""
    return f"{entry.verdict}, ordering only" if entry.ordering_only else entry.verdict


def _verdict(entry: registry.Claim) -> str:
    return f"{'✗' if entry.verdict == 'not reproduced' else '✓'} {_words(entry)}"


def _slug(entry: registry.Claim) -> str:
    return f"ib-{entry.verdict.replace(' ', '-')}"


def _headline(record: ClaimRecord, entry: registry.Claim, left: str, right: str) -> str:
    """As "gradient - FullGrad 0.12 ± 0.03 (5 seeds)"."""
    label, number = record.headline
    label = label.replace("_", " ")  # a name as it was measured, not as a criterion spells it
    named = "" if label == "value" else f"{html.escape(label) if left == _HTML[0] else label} "
    count = f" ({number.n} {html.escape(entry.over)})" if number.n > 1 and number.bound is None else ""
    return f"{named}{left}{number.shown()}{right}{count}"


def _paper(entry: registry.Claim) -> str:
    return f" The paper: {html.escape(entry.paper)}." if entry.paper is not None else ""


def _source(entry: registry.Claim) -> str:
    key, where = entry.source
    if key == "ours":
        return f"{entry.kind}, ours" if entry.kind != "ours" else "ours"
    label = re.sub(r"^([a-z-]+)(\d{4}).*$", lambda found: f"{found[1].title()} {found[2]}", key)
    return f'{entry.kind}, <cite data-cite="{html.escape(key)}">{html.escape(label)}</cite>, {html.escape(where)}.'


def _measured_html(measured: Mapping[str, Number], entry: registry.Claim) -> str:
    left, right = _HTML
    if list(measured) == ["value"]:
        return f"<div>{_with_range(measured['value'], entry.over, left, right)}</div>"
    rows = [f"<div>{html.escape(name)} {left}{number.shown()}{right}</div>" for name, number in measured.items()]
    return "".join(rows) + f"<small>{_spread_over(measured, entry)}</small>"


def _with_range(number: Number, over: str, left: str, right: str) -> str:
    """As "0.81 ± 0.01 (5 seeds, 0.79 to 0.83)", every measured part between `left` and `right`."""
    center = f"{left}{number.shown()}{right}"
    if number.n == 1:
        return center
    extent = "" if number.bound is not None else f", {left}{number.low:.3g} to {number.high:.3g}{right}"
    return f"{center} ({number.n} {html.escape(over)}{extent})"


def _spread_over(measured: Mapping[str, Number], entry: registry.Claim) -> str:
    """What the spread of several named quantities is over, said once for all of them."""
    counts = sorted({number.n for number in measured.values() if number.bound is None} - {1})
    return f"± over {' or '.join(map(str, counts))} {html.escape(entry.over)}" if counts else ""
