"""A notebook's cell shows the same here as it did where it was saved: text exactly, measured numbers by interval.

A pytest plugin: nbval runs the cells, this compares. Every output carries in its metadata what it shows as numbers (see
`interpbook.page.numbers`). Three things are held against what this machine finds: the stored numbers, by their
interval; the stored text around them, letter by letter; and the digits in that text, by the same intervals, so that a
text cannot say another number than the one that is stored with it.
"""

import html
import json
import re
from collections.abc import Callable, Mapping, Sequence

import pytest
from nbval.plugin import IPyNbCell

from interpbook.page.numbers import MARKED, Number, differences, from_json, misprinted, numbers_in

Output = Mapping
Clean = Callable[[str], str]

# A measured number in a text or in HTML; the words of a picture, in HTML and in the data of its scripts.
SHOWN = re.compile(r"«[^«»]*»|<span class=\"measured\">[^<]*</span>")
WORDS = re.compile(r'(\balt=")([^"]*)"|("alt": ")((?:[^"\\]|\\.)*)"')
NUMERAL = re.compile(r"[-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?")
# Columns of plain text are as wide as the widest number in them.
PADDING = re.compile(r" {2,}")
NOT_COMPARED = {"image/png", "image/jpeg", "application/vnd.jupyter.widget-view+json"}


def compare(stored: Sequence[Output], fresh: Sequence[Output], clean: Clean) -> list[str]:
    """What differs between the outputs of one cell; `clean` takes out versions, pixels and addresses."""
    if len(stored) != len(fresh):
        return [f"{len(stored)} outputs are stored, here are {len(fresh)}"]
    return [found for old, new in zip(stored, fresh, strict=True) for found in _compare_output(old, new, clean)]


def _compare_output(old: Output, new: Output, clean: Clean) -> list[str]:
    if old["output_type"] != new["output_type"] or old.get("name") != new.get("name"):
        return [f"stored is a {old['output_type']}, here a {new['output_type']}"]
    if old["output_type"] == "stream":
        return _text("printed", clean(old["text"]), clean(new["text"]))
    before, after = (out.get("metadata", {}).get("interpbook", {}) for out in (old, new))
    found = _text("stored data", *(json.dumps(_without_numbers(stored)) for stored in (before, after)))
    if found:
        return found
    found = differences(numbers_in(before), numbers_in(after))
    data, here = (dict(out.get("data", {})) for out in (old, new))
    kinds = (set(data) | set(here)) - NOT_COMPARED
    for kind in sorted(kinds):
        if kind not in data or kind not in here:
            found.append(f"{kind} is there only once")
        elif isinstance(data[kind], str):
            found += _compare_text(kind, data[kind], here[kind], numbers_in(after), clean)
            found += _compare_words(data[kind], here[kind], after.get("words", []))
        elif data[kind] != here[kind]:
            found.append(f"{kind} differs")
    return found


def _without_numbers(stored: object) -> object:
    """The metadata with a sign in place of each number, and its keys in order."""
    if isinstance(stored, dict):
        if "n" in stored and ("mean" in stored or "bound" in stored):
            return "#"
        return {key: _without_numbers(stored[key]) for key in sorted(stored)}
    if isinstance(stored, list):
        return [_without_numbers(part) for part in stored]
    return MARKED.sub("«#»", stored) if isinstance(stored, str) else stored


def _compare_text(kind: str, old: str, new: str, numbers: Sequence[Number], clean: Clean) -> list[str]:
    """The text around the numbers letter by letter, and each printed number against the one found here."""
    around = [clean(WORDS.sub("WORDS", SHOWN.sub("«#»", text))) for text in (old, new)]
    if kind == "text/plain":
        around = [PADDING.sub("  ", text) for text in around]
    found = _text(kind, *around)
    if found:
        return found
    printed = [re.sub(r"[«»]|<[^>]*>", "", shown) for shown in SHOWN.findall(old)]
    remaining = iter(numbers)
    number = None
    for shown in printed:
        # "0.79 to 0.83" is the range of the number before it.
        number = number if " to " in shown else next(remaining, None)
        if number is None:
            return [f"{kind}: {shown!r} is printed, but no number is stored for it"]
        if misprinted(shown, number):
            found.append(f"{kind}: stored text says {shown!r}, here it is {number.shown()!r}")
    return found


def _compare_words(old: str, new: str, words: Sequence[Mapping]) -> list[str]:
    """The words of every picture in HTML: as they are stored with their numbers, or else as they are here."""
    before, after = (_words(text) for text in (old, new))
    if len(before) != len(after):
        return [f"{len(before)} pictures have words, here {len(after)}"]
    if words and before:
        # The first state of a figure with controls is there twice: as a picture for pages without scripts, too.
        expected = [*words[: len(before) - len(words)], *words]
        pairs = [(said["text"], [from_json(n) for n in said["numbers"]]) for said in expected]
    else:
        pairs = [_as_words(text) for text in after]
    return [
        f"words of a picture: stored {said!r}, here {text!r}"
        for said, (text, numbers) in zip(before, pairs, strict=True)
        if not _says(said, text, numbers)
    ]


def _words(text: str) -> list[str]:
    found = WORDS.findall(text)
    return [html.unescape(alt) if start else _json_text(data) for start, alt, _, data in found]


def _json_text(data: str) -> str:
    """What a string in JSON says."""
    return json.loads(f'"{data}"')


def _as_words(text: str) -> tuple[str, list[Number]]:
    """A text whose decimals and percentages are numbers without a stored spread; whole numbers are words."""
    numbers = []

    def mark(found: re.Match) -> str:
        if not re.search(r"[.e]", found[0]):
            return found[0]
        value = float(found[0].replace(",", ""))
        numbers.append(Number(value, 0.0, value, value, 1))
        return f"«{found[0]}»"

    return NUMERAL.sub(mark, text), numbers


def _says(said: str, text: str, numbers: Sequence[Number]) -> bool:
    """Whether `said` is `text` with its numbers (between marks) printed as they are or within their intervals."""
    parts = re.split(r"«[^«»]*»", text)
    match = re.fullmatch("(.+?)".join(map(re.escape, parts)), said, re.DOTALL)
    if not match or len(numbers) != len(parts) - 1:
        return False
    return not any(misprinted(shown, number) for shown, number in zip(match.groups(), numbers, strict=True))


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
