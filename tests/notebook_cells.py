"""The code cells of a notebook, and functions that measure them or return what breaks a rule."""

import ast
import io
import itertools
import statistics
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import notebook_rules as rules
from IPython.core.inputtransformer2 import TransformerManager

from interpbook.page.executed import evidence_of

TEMPLATES = sorted(rules.ROOT.glob("book/_template/notebooks/*/*.ipynb"))

COLUMNS = 88
COMPREHENSIONS = 3  # in 100 lines
# Lines of code in a cell that is shown, and in one that is folded away, where figures are drawn.
LONGEST_CELL = 15
LONGEST_FOLDED = 25
MEDIAN_CELL = 6
# Names of one letter that a reader knows from the formulas; others are reported, and break no rule.
MATHEMATICS = frozenset("_bcdfghijknuvwxyzWX")

LOOPS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Cell:
    """One code cell: its place in the notebook's list of cells, counted from zero, and its source as it is written."""

    number: int
    source: str
    metadata: dict = field(default_factory=dict)

    @cached_property
    def python(self) -> str:
        """The source with IPython's magics, as `%pip install`, made calls."""
        return TransformerManager().transform_cell(self.source)

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.python)

    @property
    def lines(self) -> list[str]:
        """Empty lines do not count."""
        return [line for line in self.source.splitlines() if line.strip()]

    @property
    def folded(self) -> bool:
        return rules.folded({"metadata": self.metadata})

    def __str__(self) -> str:
        return f"c{self.number} `{self.lines[0].strip()}`"


def code_cells(notebook: dict) -> list[Cell]:
    """The cells with code in them."""
    found = []
    for number, cell in enumerate(notebook["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.strip():
            found.append(Cell(number, source, cell.get("metadata", {})))
    return found


def written_here(cells: list[Cell]) -> list[Cell]:
    """Without the set-up, which `make release` writes into all pages."""
    return [cell for cell in cells if "page.start(" not in cell.source]


def held() -> list[Path]:
    """The notebooks that must keep these rules: a lesson with its evidence beside it, both, and the template's."""
    pairs = []
    for lesson in rules.NOTEBOOKS:
        evidence = evidence_of(lesson)
        if evidence in rules.NOTEBOOKS:
            pairs += [lesson, evidence]
    return pairs + TEMPLATES


# --- what one cell may not contain: each function returns the lines where it does ---


def nested_comprehensions(cell: Cell) -> list[str]:
    """Comprehensions with another one inside, or with a second `for`, which is the same to a reader.

    >>> nested_comprehensions(Cell(0, "[[x for x in row] for row in rows]"))
    ['[[x for x in row] for row in rows]']
    """
    loops = [node for node in ast.walk(cell.tree) if isinstance(node, LOOPS)]
    deep = [node for node in loops if len(node.generators) > 1 or _contains(node, LOOPS)]
    return _lines_of(cell, deep)


def one_line_functions(cell: Cell) -> list[str]:
    """Functions whose body begins on the line where their signature ends.

    >>> one_line_functions(Cell(0, "def f(x): return x"))
    ['def f(x): return x']
    """
    functions = [node for node in ast.walk(cell.tree) if isinstance(node, FUNCTIONS)]
    return _lines_of(cell, [node for node in functions if node.body[0].lineno <= _end_of_head(node)])


def named_lambdas(cell: Cell) -> list[str]:
    """Lambdas that are given a name, alone or in a tuple: a `def` says the same, and may have a docstring.

    >>> named_lambdas(Cell(0, "f = lambda x: x"))
    ['f = lambda x: x']
    """
    named = []
    for node in ast.walk(cell.tree):
        if isinstance(node, ast.Assign | ast.AnnAssign | ast.NamedExpr):
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            if any(isinstance(value, ast.Lambda) for value in values):
                named.append(node)
    return _lines_of(cell, named)


def shared_lines(cell: Cell) -> list[str]:
    """Statements that begin on a line where another one stands; the body of a function is `one_line_functions`.

    >>> shared_lines(Cell(0, "a = 1; b = 2"))
    ['a = 1; b = 2']
    >>> shared_lines(Cell(0, "if a: b = 2"))
    ['if a: b = 2']
    """
    second = []
    for node in ast.walk(cell.tree):
        for block in _blocks(node):
            pairs = itertools.pairwise(block)
            second += [after for before, after in pairs if after.lineno <= before.end_lineno]
        if isinstance(node, ast.stmt | ast.excepthandler) and not isinstance(node, FUNCTIONS):
            second += [block[0] for block in _blocks(node) if _shares_the_head(cell, block[0])]
    return _lines_of(cell, second)


def wide_lines(cell: Cell) -> list[str]:
    """Lines that a box of the page shows only after scrolling sideways."""
    return [line for line in cell.source.splitlines() if len(line) > COLUMNS]


RULES: dict[str, Callable[[Cell], list[str]]] = {
    "nested": nested_comprehensions,
    "wide": wide_lines,
    "one-line def": one_line_functions,
    "named lambda": named_lambdas,
    "shared line": shared_lines,
}


def broken(cells: list[Cell], rule: str) -> list[str]:
    """Where the cells of a notebook break one of `RULES`, as "c12: the line"."""
    return [f"c{cell.number}: {line}" for cell in cells for line in RULES[rule](cell)]


# --- what is measured over a whole notebook ---


def lines(cells: list[Cell]) -> int:
    return sum(len(cell.lines) for cell in cells)


def comprehensions(cells: list[Cell]) -> int:
    """How many comprehensions and generator expressions there are, those inside of others included."""
    return sum(isinstance(node, LOOPS) for cell in cells for node in ast.walk(cell.tree))


def comments(cells: list[Cell]) -> int:
    """How many comments there are. A `#` in a string is none."""
    tokens = (token for cell in cells for token in tokenize.generate_tokens(io.StringIO(cell.python).readline))
    return sum(token.type == tokenize.COMMENT for token in tokens)


def per_hundred(count: int, cells: list[Cell]) -> float:
    """A count in 100 lines of these cells."""
    return 100 * count / max(lines(cells), 1)


def letters(cells: list[Cell]) -> Counter[str]:
    """Names of one letter that are none of `MATHEMATICS`, and how often each is given to something."""
    given: Counter[str] = Counter()
    for node in (node for cell in cells for node in ast.walk(cell.tree)):
        name = ""
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            name = node.id
        elif isinstance(node, ast.arg):
            name = node.arg
        elif isinstance(node, FUNCTIONS):
            name = node.name
        if len(name) == 1 and name not in MATHEMATICS:
            given[name] += 1
    return given


def long_cells(cells: list[Cell]) -> list[str]:
    """Cells that are too long to be read at a glance, and a note where most are."""
    found = []
    for cell in cells:
        if len(cell.lines) > (LONGEST_FOLDED if cell.folded else LONGEST_CELL):
            found.append(str(cell))
    if cells and median_length(cells) > MEDIAN_CELL:
        found.append(f"the median cell has {median_length(cells):g} lines")
    return found


def median_length(cells: list[Cell]) -> float:
    return statistics.median(len(cell.lines) for cell in cells)


def _contains(node: ast.AST, kind: type) -> bool:
    return any(isinstance(inner, kind) for inner in ast.walk(node) if inner is not node)


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    """The lists of statements in a node: a body, what stands under `else` and `finally`."""
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, [])
        if isinstance(block, list) and block:
            yield block


def _shares_the_head(cell: Cell, first: ast.stmt) -> bool:
    """Whether something stands before a statement on its line, as in `if a: b`. A decorator's line is its own."""
    return bool(cell.python.splitlines()[first.lineno - 1].encode()[: first.col_offset].strip())


def _end_of_head(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The line on which the last argument, or what the function returns, ends."""
    parts = [part.end_lineno for part in ast.walk(function.args) if isinstance(part, ast.expr | ast.arg)]
    return max([function.lineno, *parts, getattr(function.returns, "end_lineno", 0)])


def _lines_of(cell: Cell, nodes: list) -> list[str]:
    """The line on which each node begins, every line once, in their order."""
    text = cell.python.splitlines()
    return [text[number - 1].strip() for number in sorted({node.lineno for node in nodes})]
