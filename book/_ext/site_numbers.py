"""Behind each plot the numbers that it shows, in a table that unfolds: for readers who do not see the picture."""

import csv
import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

from interpbook.output.plotted import NUMBERS
from interpbook.page import executed

FIGURE = re.compile(r'<figure class="ib-figure" id="figure-(\d+)"')


class FigureNumbers(nodes.General, nodes.Element):
    """The tables of a figure, as `attributes["html"]`: no text, so that the search does not list all these numbers."""


def tables_of(notebook: Mapping[str, Any]) -> dict[int, list[dict[str, str]]]:
    """The tables stored in a notebook, by the number of their figure.

    >>> output = {"data": {"text/html": ['<figure class="ib-figure" id="figure-2">']}}
    >>> tables_of({"cells": [{"outputs": [output | {"metadata": {"interpbook": {"numbers": [{"title": "t"}]}}}]}]})
    {2: [{'title': 't'}]}
    """
    found = {}
    for output in (output for cell in notebook["cells"] for output in cell.get("outputs", [])):
        tables = output.get("metadata", {}).get("interpbook", {}).get(NUMBERS)
        figure = FIGURE.search("".join(output.get("data", {}).get("text/html", "")))
        if tables and figure:
            found[int(figure[1])] = tables
    return found


def unfolding(number: int, tables: list[dict[str, str]]) -> str:
    """HTML of the tables of a figure.

    >>> unfolding(3, [{"title": "loss", "rows": "step,value\\n1,0.5"}])[:69]
    '<details class="ib-numbers"><summary>Numbers of Figure 3</summary><di'
    """
    inside = "".join(map(_table, tables))
    return f'<details class="ib-numbers"><summary>Numbers of Figure {number}</summary>{inside}</details>'


def _table(table: Mapping[str, str]) -> str:
    head, *rows = csv.reader(table["rows"].splitlines())
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = "".join(
        f'<tr><th scope="row">{escape(first)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in rest)}</tr>'
        for first, *rest in rows
    )
    title = escape(table["title"])
    return (
        f'<div class="ib-scroll"><table><caption>{title}</caption>'
        f"<thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def put_behind_figures(app: Sphinx, doctree: nodes.document) -> None:
    """Behind the output that shows a figure, its numbers."""
    notebook = Path(app.srcdir, f"{app.env.docname}.ipynb")
    tables = tables_of(executed.read(notebook)) if notebook.exists() else {}
    for shown in [node for node in doctree.findall(nodes.container) if node.get("mime_type") == "text/html"]:
        figure = FIGURE.search("".join(raw.astext() for raw in shown.findall(nodes.raw)))
        if figure and int(figure[1]) in tables:
            number = int(figure[1])
            bundle = shown.parent
            bundle.parent.insert(bundle.parent.index(bundle) + 1, FigureNumbers(html=unfolding(number, tables[number])))


def _visit(translator: HTML5Translator, node: FigureNumbers) -> None:
    translator.body.append(node["html"])
    raise nodes.SkipNode


def _leave_out(translator: nodes.NodeVisitor, node: FigureNumbers) -> None:
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the tables to the pages in HTML; other builders go without."""
    app.add_node(FigureNumbers, html=(_visit, None), latex=(_leave_out, None), text=(_leave_out, None))
    app.connect("doctree-read", put_behind_figures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
