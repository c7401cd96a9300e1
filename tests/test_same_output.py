"""The comparison of notebooks is sharp: every stored number and every word, moved, is found; a last digit is not.

The mutations are made in the outputs of the committed notebooks, and held against these outputs themselves.
"""

import copy
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import notebook_rules as rules
import pytest
from same_output import SHOWN, compare

from interpbook.output import blocks

each_notebook = pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)


PIXELS = re.compile(r"data:image/png;base64,[A-Za-z0-9+/]+=*")


def joined(output: dict) -> dict:
    """An output as nbval compares it: texts in one piece, and no pixels."""
    output = copy.deepcopy(output)
    for kind, text in output.get("data", {}).items():
        output["data"][kind] = PIXELS.sub("PICTURE", "".join(text)) if isinstance(text, list | str) else text
    if "text" in output:
        output["text"] = "".join(output["text"])
    return output


def outputs(path: Path) -> list[dict]:
    """Every output of a notebook that shows a number."""
    cells = [cell for cell in rules.read(path)["cells"] if cell["cell_type"] == "code"]
    return [joined(out) for cell in cells for out in cell["outputs"] if '"n": ' in json.dumps(out.get("metadata"))]


def stored_numbers(part: object) -> Iterator[dict]:
    """The dictionaries in an output's metadata that stand for a number, to be changed in place."""
    if isinstance(part, dict):
        if "n" in part and ("mean" in part or "bound" in part):
            yield part
        else:
            part = list(part.values())
    if isinstance(part, list):
        for inner in part:
            yield from stored_numbers(inner)


def move(number: dict) -> None:
    """By five spreads, or, without a spread, to twice the number."""
    if "bound" in number:
        number["bound"] *= 2
    else:
        by = 5 * number["std"] or number["mean"] or 1.0
        number |= {key: number[key] + by for key in ("mean", "low", "high")}


def last_digit(number: dict) -> None:
    """By one in the third digit, which is the last that is shown, or by a spread where that is smaller."""
    if "mean" in number:
        by = min(1e-3 * abs(number["mean"]), number["std"] or 1.0)
        alone = ("mean",) if number["std"] else ("mean", "low", "high")
        number |= {key: number[key] + by for key in alone}


def mutants(output: dict, change: Callable[[dict], None]) -> Iterator[dict]:
    """The output with one of its stored numbers changed, for each of them."""
    for at in range(len(list(stored_numbers(output["metadata"])))):
        mutant = copy.deepcopy(output)
        change(list(stored_numbers(mutant["metadata"]))[at])
        yield mutant


@each_notebook
def test_an_output_is_the_same_as_itself(path):
    for output in outputs(path):
        assert compare([output], [output], str) == []


@each_notebook
def test_scripts_and_styles_of_another_day_make_no_difference(path):
    for output in outputs(path):
        data = {kind: blocks.emptied(text) for kind, text in output["data"].items()}
        assert compare([output | {"data": data}], [output], str) == []


@each_notebook
def test_every_stored_number_that_is_moved_is_found(path):
    for output in outputs(path):
        for mutant in mutants(output, move):
            assert compare([mutant], [output], str) != [], list(stored_numbers(mutant["metadata"]))


@each_notebook
def test_a_last_digit_is_not_found(path):
    for output in outputs(path):
        for mutant in mutants(output, last_digit):
            assert compare([mutant], [output], str) == []


@each_notebook
def test_every_printed_number_that_is_moved_is_found(path):
    """In plain text and in HTML: a text that says another number than the one stored with it."""
    for output in outputs(path):
        for kind, text in output["data"].items():
            for shown in SHOWN.finditer(text) if kind.startswith("text/") else ():
                digits = re.search(r"\d[\d.]*", shown[0])
                other = text[: shown.start()] + shown[0].replace(digits[0], "7" + digits[0], 1) + text[shown.end() :]
                mutant = output | {"data": output["data"] | {kind: other}}
                assert compare([mutant], [output], str) != [], shown[0]


@each_notebook
def test_every_changed_word_is_found(path):
    """One letter in a word of the plain text, of what HTML shows, or of what is said of pictures."""
    for output in outputs(path):
        for kind, text in output["data"].items():
            # Scripts and style sheets are not compared.
            text = blocks.emptied(text)
            words = list(re.finditer(r'(?<=[>" ])[A-Za-z]{4,}(?=[<" .,;:])', text)) if kind.startswith("text/") else []
            # Of a long text a sample.
            for word in words[:: 1 + len(words) // 50]:
                other = text[: word.start()] + "X" + text[word.start() + 1 :]
                mutant = output | {"data": output["data"] | {kind: other}}
                assert compare([mutant], [output], str) != [], word[0]
