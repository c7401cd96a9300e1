"""The one form of an explorable figure in the page: style, a still picture, data and scripts in one output."""

import hashlib
import json
import os
from collections.abc import Sequence

from interpbook.output import blocks

LIMIT_KB = 400


def render_in_page() -> bool:
    """Whether figures are made for the page (INTERPBOOK_RENDER=page) or for the kernel of a reader.

    Raises:
        ValueError: INTERPBOOK_RENDER is something else.
    """
    render = os.environ.get("INTERPBOOK_RENDER", "")
    if render not in ("", "page"):
        raise ValueError(f"INTERPBOOK_RENDER is {render!r}, expected 'page' or nothing")
    return render == "page"


def document(
    kind: str,
    still: str,
    data: object,
    *,
    styles: Sequence[str],
    scripts: Sequence[str],
    smaller: str,
) -> str:
    """A figure as HTML that asks for nothing outside itself; one of its scripts defines `bringToLife(root, data)`.

    Its styles and scripts are blocks (see `interpbook.output.blocks`), which are written anew without making the
    figure again.

    Args:
        kind: the figure's class, as "ib-sweep".
        still: the picture that stands where scripts are off.
        data: what the scripts read, as JSON.
        styles: names of style sheets in `static`.
        scripts: names of scripts in `static`, or of a chapter's as `part/chapter/name.js`.
        smaller: what an author can do about a figure that is too heavy.

    Raises:
        ValueError: a style sheet or script that does not exist, or a figure of more than 400 kB.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")
    name = "ib-" + hashlib.sha256((still + text).encode()).hexdigest()[:12]
    page = (
        f'<div class="ib-explore {kind}" id="{name}">{blocks.style(*map(_file, styles))}'
        f"<noscript>{still}<p>This figure moves where scripts are allowed.</p></noscript>"
        f'<script type="application/json">{text}</script>'
        f"{blocks.script(name, *map(_file, [*scripts, 'start.js']))}</div>"
    )
    size = len(page.encode()) / 1000
    if size > LIMIT_KB:
        raise ValueError(f"the figure takes {size:.0f} kB in the page, at most {LIMIT_KB} kB are allowed: {smaller}")
    return page


def _file(name: str) -> str:
    """A style sheet's or script's path below the package."""
    return f"chapters/{name}" if "/" in name else f"explore/static/{name}"
