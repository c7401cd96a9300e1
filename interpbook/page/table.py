"""Tables of measured numbers: for the page, for a terminal, and stored with the spread of each number."""

import html
from collections.abc import Mapping, Sequence

from torch import Tensor

from interpbook.output import blocks
from interpbook.output.cell import inline, show
from interpbook.output.numbers import Number, as_value, summary

Cell = object
Column = Mapping[str, Cell]
EMPTY = "—"


def table(
    columns: Mapping[str, Column | Sequence[Cell] | Tensor],
    *,
    rows: Sequence[str] = (),
    caption: str = "",
    over: str = "seeds",
) -> None:
    """Show a table, its columns by their titles, each a dictionary from rows to cells, as `pandas.DataFrame` takes it.

    Args:
        columns: what stands in a cell is a number, numbers over seeds (shown as mean ± standard deviation), a
            `page.measured(...)` where a tolerance or a bound has to be stated, or a text. An `int` is a count, which
            is the same on every machine. Rows that a column lacks stay empty there.
        rows: which rows to show, in this order; all of them, where nothing is said. With it a column may also be a
            list of cells, or a tensor whose first axis runs over the rows.
        caption: what the table shows, in one line.
        over: what the sequences run over.

    Raises:
        TypeError: a cell is neither a number, nor numbers, nor text.
        ValueError: no column, or no row; numbers that are NaN or infinite; a list or tensor that has not one cell for
            each of `rows`.

    >>> table({"accuracy": {"plain": [0.8, 0.9], "trained again": 0.95}, "seeds": {"plain": 2, "trained again": 1}})
                   accuracy        seeds
    plain          «0.85 ± 0.071»  2
    trained again  «0.95»          1
    ± is the standard deviation over 2 seeds.
    >>> table({"length": [3.0, 4.5], "units": [2, 8]}, rows=["short", "long"])
           length  units
    short  «3»     2
    long   «4.5»   8
    """
    titles = list(columns)
    by_row = {title: _by_row(column, rows, title) for title, column in columns.items()}
    named = list(rows) or list(dict.fromkeys(row for column in by_row.values() for row in column))
    if not named or not titles:
        raise ValueError(f"columns is {columns!r}, expected at least one column with one row")
    cells = {row: [_cell(by_row[title], row, title) for title in titles] for row in named}
    spread = _spread_over([cell for row in cells.values() for cell in row], over)
    # A list, because a notebook that is saved forgets the order of a dictionary.
    stored = [{"row": row, "cells": [_stored(cell) for cell in line]} for row, line in cells.items()]
    show(
        _plain(titles, cells, caption, spread),
        _html(titles, cells, caption, spread),
        {"table": {"columns": titles, "rows": stored}},
    )


def _by_row(column: Column | Sequence[Cell] | Tensor, rows: Sequence[str], title: str) -> Column:
    """A column as a dictionary from rows to cells."""
    if isinstance(column, Mapping):
        return column
    if len(column) != len(rows):
        expected = f"{len(rows)}, one for each of rows" if rows else "a dictionary, or rows that name them"
        raise ValueError(f"columns[{title!r}] has {len(column)} cells, expected {expected}")
    return dict(zip(rows, column, strict=True))


def _cell(column: Column, row: str, title: str) -> Number | str:
    cell = column.get(row, EMPTY)
    if isinstance(cell, Number | str):
        return cell
    if isinstance(cell, int) and not isinstance(cell, bool):
        return str(cell)
    return summary(as_value(cell, f"columns[{title!r}][{row!r}]"))


def _stored(cell: Number | str) -> object:
    return cell.as_json() if isinstance(cell, Number) else cell


def _spread_over(cells: list[Number | str], over: str) -> str:
    """What the spreads are over, said once below the table."""
    counts = sorted({cell.n for cell in cells if isinstance(cell, Number) and cell.bound is None} - {1})
    return f"± is the standard deviation over {' or '.join(map(str, counts))} {over}." if counts else ""


def _plain(titles: list[str], cells: dict[str, list[Number | str]], caption: str, spread: str) -> str:
    lines = [["", *titles]]
    lines += [[row, *(f"«{c.shown()}»" if isinstance(c, Number) else c for c in line)] for row, line in cells.items()]
    widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
    aligned = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
    return "\n".join(text.rstrip() for text in [caption, *aligned, spread] if text)


def _html(titles: list[str], cells: dict[str, list[Number | str]], caption: str, spread: str) -> str:
    head = "".join(f'<th scope="col">{inline(title)}</th>' for title in titles)
    body = "".join(
        f'<tr><th scope="row">{inline(row)}</th>{"".join(map(_html_cell, line))}</tr>' for row, line in cells.items()
    )
    above = f"<caption>{inline(caption)}</caption>" if caption else ""
    below = f"<p><small>{html.escape(spread)}</small></p>" if spread else ""
    style = blocks.style("page/static/table.css")
    return (
        f'{style}<div class="ib-scroll"><table class="ib-table">{above}<thead><tr><td></td>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>{below}</div>"
    )


def _html_cell(cell: Number | str) -> str:
    if isinstance(cell, Number):
        return f'<td class="ib-number"><span class="measured">{cell.shown()}</span></td>'
    return f"<td>{inline(cell)}</td>"
