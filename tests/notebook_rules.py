"""How the notebooks of this book are written, as functions that return what breaks a rule."""

import json
import re
import statistics
from pathlib import Path

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*/*.ipynb"))

LONGEST_CELL = 15
MEDIAN_CELL = 6
WORDS = (1200, 3500)

# Where numbers may stand: code, mathematics, addresses, tags, headings.
NOT_PROSE = re.compile(
    r"```.*?```|~~~.*?~~~|`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$|(?<=\])\([^)\n]*\)|https?://\S+|<[^>]+>|^#{1,6} .*?$",
    re.DOTALL | re.MULTILINE,
)
MEASURED = re.compile(
    r"\d[\d,]*\.\d+|\d+(?:\.\d+)?\s?(?:%|per ?cent)|\d+(?:\.\d+)?[eE][-+−]?\d+|\d\s?[×x]\s?10\b|±\s?\d"
)
MYST = re.compile(r"\{[\w:.-]+\}`|^\s*(?:`{3,}|~{3,}|:{3,})\s*\{[\w:.-]+\}|^\([\w-]+\)=\s*$", re.MULTILINE)


def read(notebook: Path) -> dict:
    """The notebook as it is stored."""
    return json.loads(notebook.read_text(encoding="utf-8"))


def cells(notebook: dict, kind: str) -> list[str]:
    """The sources of the cells of one kind, "markdown" or "code"."""
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def prose(markdown: str) -> str:
    """What is left to read when code, mathematics, addresses, tags and headings are taken out."""
    return NOT_PROSE.sub(" ", markdown)


def typed_numbers(notebook: dict) -> list[str]:
    """Decimals, percentages and powers of ten in prose: results, which only a cell may state.

    >>> typed_numbers({"cells": [{"cell_type": "markdown", "source": "The gap is 0.03, in `x = 0.5` and $0.1$ not."}]})
    ['0.03']
    """
    return [found for text in cells(notebook, "markdown") for found in MEASURED.findall(prose(text))]


def directives(notebook: dict) -> list[str]:
    """MyST's roles, directives and labels, which Colab and JupyterLab show as raw text."""
    return [found for text in cells(notebook, "markdown") for found in MYST.findall(text)]


def words(notebook: dict) -> int:
    """How much there is to read."""
    return sum(len(re.findall(r"[^\W\d_]{2,}", prose(text))) for text in cells(notebook, "markdown"))


def long_cells(notebook: dict) -> list[str]:
    """Code cells that are too long to be read at a glance, and a note where most are."""
    lengths = [text.count("\n") + 1 for text in cells(notebook, "code") if text.strip()]
    found = [text.partition("\n")[0] for text in cells(notebook, "code") if text.count("\n") >= LONGEST_CELL]
    if lengths and statistics.median(lengths) > MEDIAN_CELL:
        found.append(f"the median cell has {statistics.median(lengths):g} lines")
    return found
