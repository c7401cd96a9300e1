"""The one form of an explorable figure in the page: style, a still picture, data and scripts in one output."""

import hashlib
import json
from collections.abc import Sequence

from interpbook.output import blocks

LIMIT_KB = 400


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
        f'<div class="ib-explore {kind}" id="{name}">{blocks.style(*map(file_of, styles))}'
        f"<noscript>{still}<p>This figure moves where scripts are allowed.</p></noscript>"
        f'<script type="application/json">{text}</script>'
        f"{blocks.script(name, *map(file_of, [*scripts, 'start.js']))}</div>"
    )
    size = len(page.encode()) / 1000
    if size > LIMIT_KB:
        raise ValueError(f"the figure takes {size:.0f} kB in the page, at most {LIMIT_KB} kB are allowed: {smaller}")
    return page


def file_of(name: str) -> str:
    """A style sheet's or script's path below the package, as `blocks` takes it.

    >>> file_of("live.js"), file_of("attribution/fullgrad/views.js")
    ('explore/static/live.js', 'chapters/attribution/fullgrad/views.js')
    """
    return f"chapters/{name}" if "/" in name else f"explore/static/{name}"
