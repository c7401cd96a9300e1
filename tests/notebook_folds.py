"""What the notebooks fold away: that each fold has a name, and that a reader who opens none can follow the rest."""

import ast
import re
import symtable
from collections import Counter
from collections.abc import Iterable

from notebook_cells import Cell

PROMPT = re.compile(r"(Show|Hide): (\S.*)")
ASSIGNMENTS = ast.Assign | ast.AnnAssign | ast.AugAssign


def unnamed(cells: list[Cell]) -> list[str]:
    """Folded cells that do not say what they hold: "Show: the drawing", "Hide: the drawing", once on a page."""
    found, seen = [], set()
    for cell in cells:
        if cell.folded:
            stated = cell.metadata.get("mystnb", {})
            show = PROMPT.fullmatch(stated.get("code_prompt_show", ""))
            hide = PROMPT.fullmatch(stated.get("code_prompt_hide", ""))
            if not show or not hide or (show[1], hide[1]) != ("Show", "Hide"):
                found.append(f"{cell} has no name")
            elif show[2] != hide[2]:
                found.append(f"{cell} shows {show[2]!r} and hides {hide[2]!r}")
            elif show[2] in seen:
                found.append(f"{cell} is a second {show[2]!r}")
            else:
                seen.add(show[2])
    return found


def needed(cells: list[Cell]) -> list[str]:
    """Names that a visible cell needs and a reader has not seen defined: only a folded cell before it does.

    What is imported there does not count, nor does the first cell, which sets the page up.

    >>> folded = Cell(1, "limit = 3", {"tags": ["hide-input"]})
    >>> needed([Cell(0, "from interpbook import page"), folded, Cell(2, "print(limit)")])
    ['c2 `print(limit)` needs limit of c1 `limit = 3`']
    """
    visible: set[str] = set()
    hidden: dict[str, Cell] = {}
    found = []
    for cell in cells[1:]:
        needs, defines = names(cell)
        if cell.folded:
            hidden |= dict.fromkeys(defines, cell)
        else:
            found += [f"{cell} needs {name} of {hidden[name]}" for name in sorted(needs & {*hidden} - visible)]
            visible |= defines
    return found


def names(cell: Cell) -> tuple[set[str], set[str]]:
    """What a cell reads that it did not define before, and what it defines, apart from imports.

    >>> needs, defines = names(Cell(0, "total = total + sum(x for x in row)"))
    >>> sorted(needs), sorted(defines)
    (['row', 'sum', 'total'], ['total'])
    """
    needs: set[str] = set()
    bound: set[str] = set()
    imported: set[str] = set()
    for statement in cell.tree.body:
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
        passing = _loop_variables(statement)
        assigned = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_assigned()} - passing
        # `for x in xs: print(x)` sets what it reads; `x = x + 1` reads what it then sets.
        own = passing if isinstance(statement, ASSIGNMENTS) else passing | assigned
        needs |= ((_read(table) - own) | _augmented(statement)) - bound - imported
        bound |= assigned
        imported |= {symbol.get_name() for symbol in table.get_symbols() if symbol.is_imported()}
    return needs, bound - imported


def _read(table: symtable.SymbolTable) -> set[str]:
    """The names that a statement takes from the page: its own, and those that its functions do not define."""
    here = table.get_type() == "module"
    read = {symbol.get_name() for symbol in table.get_symbols() if symbol.is_referenced() if here or symbol.is_global()}
    return read.union(*map(_read, table.get_children()))


def _loop_variables(statement: ast.stmt) -> set[str]:
    """Names that comprehensions alone give to something: from Python 3.12 on, its tables count them to the page."""
    loops = [node.target for node in ast.walk(statement) if isinstance(node, ast.comprehension)]
    passing, everywhere = Counter(_stored(loops)), Counter(_stored([statement]))
    return {name for name, count in passing.items() if count == everywhere[name]}


def _augmented(statement: ast.stmt) -> set[str]:
    """What `x += 1` adds to, which it reads, unless the same statement, a loop, sets it first."""
    plain, added = [], []
    for node in ast.walk(statement):
        if isinstance(node, ast.AugAssign):
            added.append(node.target)
        elif isinstance(node, ast.Assign):
            plain += node.targets
    return {*_stored(added)} - {*_stored(plain)}


def _stored(nodes: Iterable[ast.AST]) -> list[str]:
    """The names that are given a value in some pieces of code, as often as they are."""
    inner = [part for node in nodes for part in ast.walk(node)]
    return [part.id for part in inner if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)]
