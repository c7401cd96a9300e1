"""A notebook's cell shows the same here as it did where it was saved: text exactly, measured numbers by interval.

A pytest plugin: nbval runs the cells, this compares. Every output carries in its metadata what it shows as numbers (see
`interpbook.output.numbers`). The stored numbers are held against what this machine finds by their intervals, and the
text around them letter by letter. The digits in that text must be those of the number that is stored with it, in the
format of this machine's own text, but for one in the last digit. Scripts and style sheets of figures are not compared:
`make refresh` writes them into the stored outputs, and `tests/notebooks/test_stored_outputs.py` asks for it.
"""

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence

import pytest
from nbval.plugin import IPyNbCell

from interpbook.output import blocks
from interpbook.output.numbers import (
    MARKED,
    NUMERAL,
    Number,
    differences,
    from_json,
    misprinted,
    numbers_in,
    without_marks,
)
from interpbook.output.plotted import NUMBERS

Output = Mapping
# A number as it stands in words: "0.87 ± 0.02", "13%", "0.79 to 0.83", "below 1e-12".
SAID = rf"((?:below )?{NUMERAL.pattern}(?: (?:±|to) {NUMERAL.pattern})?)"
Clean = Callable[[str], str]

# A measured number in a text or in HTML; the words of a picture, in HTML and in the data of its scripts.
SHOWN = re.compile(r"«[^«»]*»|<span class=\"measured\">[^<]*</span>")
WORDS = re.compile(r'(\balt=")([^"]*)"|("alt": ")((?:[^"\\]|\\.)*)"')
CAPTION = re.compile(r'(<span class="ib-caption">)(.*?)</span>', re.DOTALL)
# Columns of plain text are as wide as the widest number in them.
PADDING = re.compile(r" {2,}")
NOT_COMPARED = {"image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json"}


def compare(stored: Sequence[Output], fresh: Sequence[Output], clean: Clean) -> list[str]:
    """What differs between the outputs of one cell; `clean` takes out versions, pixels and addresses."""
    if len(stored) != len(fresh):
        return [f"{len(stored)} outputs are stored, here are {len(fresh)}"]
    return [found for old, new in zip(stored, fresh, strict=True) for found in _compare_output(old, new, clean)]


def _compare_output(old: Output, new: Output, clean: Clean) -> list[str]:
    for key in ("output_type", "name", "ename", "evalue"):
        if old.get(key) != new.get(key):
            return [f"{key}: stored {old.get(key)!r}, here {new.get(key)!r}"]
    if old["output_type"] == "stream":
        return _text("printed", clean(old["text"]), clean(new["text"]))
    before, after = (_compared(out.get("metadata", {}).get("interpbook", {})) for out in (old, new))
    found = _text("stored data", *(json.dumps(_without_numbers(stored)) for stored in (before, after)))
    if found:
        return found
    try:
        numbers = list(zip(numbers_in(before), numbers_in(after), strict=True))
    except ValueError as error:
        return [f"stored data: {error}"]
    found = differences(*zip(*numbers, strict=True)) if numbers else []
    data, here = (dict(out.get("data", {})) for out in (old, new))
    if set(data) != set(here):
        return [*found, f"stored are {sorted(data)}, here {sorted(here)}"]
    for kind in sorted(set(data) - NOT_COMPARED):
        if isinstance(data[kind], str) and isinstance(here[kind], str):
            old_text, new_text = blocks.emptied(data[kind]), blocks.emptied(here[kind])
            found += _compare_text(kind, old_text, new_text, numbers, clean)
            found += _compare_words(old_text, new_text, before.get("words", []), after.get("words", []))
            found += _compare_caption(old_text, new_text, before, after)
        elif data[kind] != here[kind]:
            found.append(f"{kind} differs")
    return found


def _compared(stored: Mapping) -> dict:
    """All but the tables that were read off a figure, which are compared as little as its picture."""
    return {key: part for key, part in stored.items() if key != NUMBERS}


def _without_numbers(stored: object) -> object:
    """The metadata with a sign in place of each number, and its keys in order."""
    if isinstance(stored, dict):
        if "n" in stored and ("mean" in stored or "bound" in stored):
            return "#"
        return {key: _without_numbers(stored[key]) for key in sorted(stored)}
    if isinstance(stored, list):
        return [_without_numbers(part) for part in stored]
    return MARKED.sub("«#»", stored) if isinstance(stored, str) else stored


def _compare_text(kind: str, old: str, new: str, numbers: Sequence[tuple[Number, Number]], clean: Clean) -> list[str]:
    """The text around the numbers letter by letter, and each printed number against the one that is stored with it."""
    around = [clean(WORDS.sub("WORDS", CAPTION.sub("CAPTION", SHOWN.sub("«#»", text)))) for text in (old, new)]
    if kind == "text/plain":
        around = [PADDING.sub("  ", text) for text in around]
    found = _text(kind, *around)
    if found:
        return found
    printed = [[re.sub(r"[«»]|<[^>]*>", "", shown) for shown in SHOWN.findall(text)] for text in (old, new)]
    remaining = iter(numbers)
    pair = None
    for said, said_here in zip(*printed, strict=True):
        # "0.79 to 0.83" is the range of the number before it.
        pair = pair if " to " in said_here else next(remaining, None)
        if pair is None:
            return [f"{kind}: {said!r} is printed, but no number is stored for it"]
        if misprinted(said, pair[0], said_here, pair[1]):
            found.append(f"{kind}: the text says {said!r}, stored with it is {pair[0].shown()!r}")
    return found


def _compare_words(old: str, new: str, stored: Sequence[Mapping], fresh: Sequence[Mapping]) -> list[str]:
    """The words of every picture in HTML: as they are stored with their numbers, or else nearly as they are here."""
    before, after = (_words(text) for text in (old, new))
    if len(before) != len(after):
        return [f"{len(before)} pictures have words, here {len(after)}"]
    if not (stored and before):
        return [
            f"words: {said!r}, here {here!r}" for said, here in zip(before, after, strict=True) if not _near(said, here)
        ]
    # The first state of a figure with controls is there twice: as a picture for pages without scripts, too.
    twice = len(before) - len(stored)
    if twice not in (0, 1):
        return [f"{len(before)} pictures have words, {len(stored)} are stored"]
    found = []
    for said, words, here in zip(before, [*stored[:twice], *stored], [*fresh[:twice], *fresh], strict=True):
        found += _compare_said(said, words, here)
    return found


def _compare_caption(old: str, new: str, before: Mapping, after: Mapping) -> list[str]:
    """The caption of a figure in HTML, as it is stored with its numbers."""
    said, said_here = (
        [html.unescape(re.sub("<[^>]*>", "", text)) for _, text in CAPTION.findall(t)] for t in (old, new)
    )
    stored, fresh = (part.get("words_below", {"text": "", "numbers": []}) for part in (before, after))
    if len(said) != len(said_here):
        return [f"{len(said)} captions, here {len(said_here)}"]
    return [found for text in said for found in _compare_said(text, _as_read(stored), _as_read(fresh))]


def _as_read(words: Mapping) -> Mapping:
    """Words as they stand in a page, where what is between backticks is code."""
    return {**words, "text": re.sub("`([^`]+)`", r"\1", words["text"])}


def _compare_said(said: str, words: Mapping, here: Mapping) -> list[str]:
    """A text in a page and the one that is stored, both against this machine's."""
    numbers = [[from_json(number) for number in part["numbers"]] for part in (words, here)]
    shown_here = re.findall("«([^«»]*)»", here["text"])
    found = []
    for text in (said, without_marks(words["text"])):
        shown = _numbers_said(text, here["text"])
        wrong = shown is None or any(map(misprinted, shown, numbers[0], shown_here, numbers[1]))
        found += [f"words: {text!r}, here {here['text']!r}"] if wrong else []
    return found


def _words(text: str) -> list[str]:
    found = WORDS.findall(text)
    return [html.unescape(alt) if start else _json_text(data) for start, alt, _, data in found]


def _json_text(data: str) -> str:
    """What a string in JSON says."""
    return json.loads(f'"{data}"')


def _numbers_said(said: str, text: str) -> list[str] | None:
    """What `said` has in place of the marked numbers of `text`; None where its words are others."""
    words = map(re.escape, re.split(r"«[^«»]*»", text))
    match = re.fullmatch(SAID.join(words), said, re.DOTALL)
    return list(match.groups()) if match else None


def _near(said: str, here: str) -> bool:
    """Whether two texts have the same words, and numbers that are 5 % apart at most: none is stored of their spread.

    Small whole numbers are words.
    """
    if NUMERAL.sub("#", said) != NUMERAL.sub("#", here):
        return False
    for old, new in zip(NUMERAL.findall(said), NUMERAL.findall(here), strict=True):
        a, b = (float(numeral.replace(",", "").replace("−", "-").rstrip("%")) for numeral in (old, new))
        counted = all(numeral.isdigit() and len(numeral) < 3 for numeral in (old, new))
        if old != new and (counted or abs(a - b) > max(0.05 * abs(b), 0.01)):
            return False
    return True


def _text(kind: str, old: str, new: str) -> list[str]:
    if old == new:
        return []
    at = next((k for k, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    part = slice(max(at - 40, 0), at + 40)
    return [f"{kind}: stored ...{old[part]!r}..., here ...{new[part]!r}..."]


def compare_cell(cell: IPyNbCell, fresh: Sequence[Output], stored: Sequence[Output], skip: object = None) -> bool:
    """In place of nbval's own comparison, which knows letters only."""
    cell.comparison_traceback = compare(stored, fresh, cell.sanitize)
    return not cell.comparison_traceback


def pytest_itemcollected(item: pytest.Item) -> None:
    """Every cell that nbval collects is compared this way."""
    if isinstance(item, IPyNbCell):
        item.compare_outputs = compare_cell.__get__(item)
