"""How the code of the notebooks reads, in numbers.

`python tests/notebook_code.py` prints a table over all of them and the worst cells; with the paths of some, everything
that their code breaks. Cells are counted from zero, with the Markdown between them: c12 is `cells[12]` of the file.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import notebook_cells as code
import notebook_folds as folds
import notebook_rules as rules
from notebook_cells import Cell

TITLES = ["lines", "median", "longest", "compr. / 100", "comments / 100", *code.RULES, "folds", "needed"]


def measured(cells: list[Cell]) -> list[str]:
    """One row of the table, under `TITLES`."""
    own = code.written_here(cells)
    rates = [code.per_hundred(count(own), own) for count in (code.comprehensions, code.comments)]
    longest = max(len(cell.lines) for cell in cells)
    counts = [len(code.broken(cells, rule)) for rule in code.RULES]
    counts += [len(folds.unnamed(cells)), len(folds.needed(cells))]
    row = [str(code.lines(cells)), f"{code.median_length(own):g}", str(longest), *(f"{rate:.1f}" for rate in rates)]
    return row + [str(count) for count in counts]


def worst(cells: list[Cell], most: int = 3) -> list[str]:
    """The cells that take longest to read: by their comprehensions, then by what else they break."""
    weights = {}
    for cell in cells:
        other = sum(len(rule(cell)) for rule in code.RULES.values())
        weights[str(cell)] = (code.comprehensions([cell]), other, len(cell.lines))
    heavy = [name for name, (loops, other, _) in weights.items() if loops > 1 or other]
    return sorted(heavy, key=weights.__getitem__, reverse=True)[:most]


def everything(cells: list[Cell]) -> list[str]:
    """All that breaks a rule for chapters."""
    found = [f"{rule}: {where}" for rule in code.RULES for where in code.broken(cells, rule)]
    found += [f"long: {where}" for where in code.long_cells(code.written_here(cells))]
    return [*found, *folds.unnamed(cells), *folds.needed(cells)]


def report(notebooks: Sequence[Path], notes_on: Callable[[list[Cell]], list[str]] = worst) -> str:
    """A table over notebooks, one row each, and below it notes on each of them, and its letters."""
    table, notes = [["", *TITLES]], []
    for path in notebooks:
        cells = code.code_cells(rules.read(path))
        table.append([path.stem, *measured(cells)])
        notes += [f"{path.stem}: {note}" for note in notes_on(cells)]
        seen = ", ".join(f"{name} ({count})" for name, count in code.letters(cells).most_common())
        notes += [f"{path.stem}: letters that are no mathematics: {seen}"] if seen else []
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    aligned = ["  ".join(text.rjust(width) for text, width in zip(row, widths, strict=True)) for row in table]
    return "\n".join([*aligned, "", *notes])


if __name__ == "__main__":
    chosen = [Path(path) for path in sys.argv[1:]]
    print(report(chosen, everything) if chosen else report([*rules.NOTEBOOKS, *code.TEMPLATES]))
