"""Style sheets and scripts inside of an output, in blocks that name their files, so that they can be written anew.

A block is `<style data-files="page/static/table.css">` or `<script data-files="..." data-figure="ib-...">`, the files
by their paths below the package. What else an output holds, its data and pictures, is not touched.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parents[1]
_BLOCK = re.compile(r'<(style|script) data-files="([^"]*)"(?: data-figure="([^"]*)")?>.*?</\1>', re.DOTALL)
# Only comments that fill whole lines, since what looks like one may also be a part of a text.
_COMMENT = re.compile(r"^[ \t]*(?://[^\n]*|/\*.*?\*/[ \t]*)$", re.DOTALL | re.MULTILINE)

# A style sheet's white space that says nothing; what stands in quotes is left as it is.
_SPACE = re.compile(r'("[^"]*")|\s*([{};])\s*|([:,])\s+')


def style(*files: str) -> str:
    """Style sheets of the package, as a block for an output.

    >>> style("page/static/table.css").startswith('<style data-files="page/static/table.css">.ib-table{')
    True
    """
    rules = _SPACE.sub(r"\1\2\3", "".join(map(source, files))).replace(";}", "}")
    return f'<style data-files="{" ".join(files)}">{rules}</style>'


def script(figure: str, *files: str) -> str:
    """Scripts of the package, as a block for an output: one strict function of `name`, the id of the figure.

    >>> block = script("ib-0", "explore/static/start.js")
    >>> block.endswith('("ib-0");</script>')
    True
    """
    code = "".join(map(source, files))
    return (
        f'<script data-files="{" ".join(files)}" data-figure="{figure}">'
        f'(function (name) {{\n"use strict";\n{code}}})("{figure}");</script>'
    )


def source(file: str) -> str:
    """A style sheet or script without indentation and comments.

    Raises:
        ValueError: the package has no such file.

    >>> "//" in source("explore/static/sweep.js")
    False
    """
    path = PACKAGE / file
    if not path.is_file():
        raise ValueError(f"a figure names {file!r}, expected a style sheet or script below {PACKAGE.name}/")
    lines = _COMMENT.sub("", path.read_text(encoding="utf-8")).splitlines()
    return "".join(f"{line.strip()}\n" for line in lines if line.strip())


def renewed(html: str) -> str:
    """An output with the present text of the files that its blocks name.

    Raises:
        ValueError: the package has no such file any more.

    >>> old = '<style data-files="page/static/table.css">p { color: red }</style><p>1</p>'
    >>> renewed(old) == style("page/static/table.css") + "<p>1</p>"
    True
    """

    def block(match: re.Match[str]) -> str:
        tag, names, figure = match.groups()
        return style(*names.split()) if tag == "style" else script(figure, *names.split())

    return _BLOCK.sub(block, html)


def emptied(html: str) -> str:
    """An output as if its files were empty: what is left when they are edited.

    >>> emptied('<style data-files="page/static/table.css">p { color: red }</style><p>1</p>')
    '<style data-files="page/static/table.css"></style><p>1</p>'
    """
    return _BLOCK.sub(lambda match: f"{match[0].partition('>')[0]}></{match[1]}>", html)


def rewrite(notebook: Mapping[str, Any], change: Callable[[str], str]) -> bool:
    """Change the HTML of every stored output of a notebook, in place; whether anything is another than before.

    >>> output = {"data": {"text/html": ["<b>1</b>"], "text/plain": ["1"]}}
    >>> rewrite({"cells": [{"outputs": [output]}]}, lambda html: html.replace("b>", "i>"))
    True
    >>> output["data"]
    {'text/html': ['<i>1</i>'], 'text/plain': ['1']}
    """
    changed = False
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            stored = output.get("data", {}).get("text/html")
            html = "".join(stored or "")
            fresh = change(html)
            if fresh != html:
                output["data"]["text/html"] = fresh.splitlines(keepends=True)
                changed = True
    return changed
