"""The one form of an explorable figure in the page: style, a still picture, data and scripts in one output."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

LIMIT_KB = 400
_STATIC = Path(__file__).with_name("static")
_CHAPTERS = Path(__file__).parents[1] / "chapters"


def document(
    kind: str,
    still: str,
    data: object,
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    smaller: str,
) -> str:
    """A figure as HTML that asks for nothing outside itself; its last script defines `bringToLife(root)`.

    The output names its styles and scripts, so that they can be written anew without making the figure again.

    Args:
        kind: the figure's class, as "ib-sweep".
        still: the picture that stands where scripts are off.
        data: what the scripts read, as JSON.
        styles: names of style sheets in `static`.
        scripts: names of scripts in `static`.
        smaller: what an author can do about a figure that is too heavy.

    Raises:
        ValueError: the figure takes more than 400 kB.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    name = "ib-" + hashlib.sha256((still + text).encode()).hexdigest()[:12]
    style = "".join(static(file) for file in styles)
    script = "".join(static(file) for file in scripts)
    page = (
        f'<div class="ib-explore {kind}" id="{name}" data-styles="{" ".join(styles)}"'
        f' data-scripts="{" ".join(scripts)}"><style>{style}</style>'
        f"<noscript>{still}<p>This figure moves where scripts are allowed.</p></noscript>"
        f'<script type="application/json">{text}</script>'
        f'<script>(function (name) {{\n"use strict";\n{script}\nbringAllToLife(name, bringToLife);\n}})("{name}");'
        "</script></div>"
    )
    size = len(page.encode()) / 1000
    if size > LIMIT_KB:
        raise ValueError(f"the figure takes {size:.0f} kB in the page, at most {LIMIT_KB} kB are allowed: {smaller}")
    return page


def static(file: str) -> str:
    """A style sheet or script, `name.js` or a chapter's `part/chapter/name.js`, without indentation and comments.

    >>> "//" in static("sweep.js")
    False
    """
    folder = _CHAPTERS if "/" in file else _STATIC
    lines = [line.strip() for line in (folder / file).read_text(encoding="utf-8").splitlines()]
    return "\n".join(line for line in lines if line and not line.startswith(("//", "/*"))) + "\n"
