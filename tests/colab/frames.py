"""The outputs of a page as Colab shows them: each in a frame of its own, and what a reader sees there."""

import html
from collections import Counter
from collections.abc import Iterable

from browser import Visit, page_of

# Of each frame: how many elements of every kind a reader sees, pictures counted only where there are pixels.
SEEN = """frames => frames.map(frame => {
    const inner = frame.contentDocument;
    const visible = e => e.getBoundingClientRect().height > 0 && e.getBoundingClientRect().width > 0;
    const count = selector => [...inner.querySelectorAll(selector)].filter(visible).length;
    return {
        claims: count(".ib-claim"),
        tables: count("table.ib-table, .ib-table table"),
        figures: count(".ib-figure"),
        widgets: count(".widgets"),
        controls: count(".control"),
        pictures: [...inner.images].filter(e => visible(e) && e.complete && e.naturalWidth > 0).length,
        broken: [...inner.images].filter(e => !e.naturalWidth).length,
        empty: inner.body.getBoundingClientRect().height > 10 ? 0 : 1,
    };
})"""


def seen_in_frames(here: Visit, outputs: Iterable[str]) -> list[Counter]:
    """What a reader sees of each output; the tab stays open."""
    frames = [f'<iframe style="width:100%;height:500px" srcdoc="{html.escape(output)}"></iframe>' for output in outputs]
    here.page.set_content(page_of(*frames), wait_until="load")
    return [Counter(found) for found in here.page.locator("iframe").evaluate_all(SEEN)]


def stored_counts(notebook: dict) -> Counter:
    """What the page's stored outputs say that there is to see, by what the kit noted beside them."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    noted = [kind for output in outputs for kind in output.get("metadata", {}).get("interpbook", {})]
    names = {"claim": "claims", "table": "tables", "words_below": "all figures"}
    counted = Counter(names[kind] for kind in noted if kind in names)
    markup = ["".join(output.get("data", {}).get("text/html", "")) for output in outputs]
    return counted + Counter(widgets=sum('class="ib-explore' in text for text in markup))
