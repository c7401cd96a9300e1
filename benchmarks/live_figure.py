"""One stroke of the brush in a live figure, in Chromium: what the network and the views cost, against a forward pass.

The network is the chapter's, `models.load("mnist-cnn-bn")`, with all of the book's views and those of its chapter.
"""

import statistics
import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from browser import FLAGS, MISSING, find_browser
from javascript import figure_source
from versions import versions

from interpbook import models
from interpbook.chapters.attribution.fullgrad.views import FULLGRAD_MAP, FULLGRAD_TERMS
from interpbook.explore import live
from interpbook.explore.views import VIEWS

OWN = (FULLGRAD_TERMS, FULLGRAD_MAP)
STROKES = 100

LISTEN = """window.took = [];
document.addEventListener("ib-drawn", event => took.push([event.detail.milliseconds, event.detail.now]), true);"""

# What one drawing consists of, each part by itself on the state that was drawn last.
PARTS = f"""const now = took.at(-1)[1];
const median = run => {{
    const times = Array.from({{length: 81}}, () => {{
        const began = performance.now();
        run();
        return performance.now() - began;
    }});
    return times.sort((a, b) => a - b)[40];
}};
const network = now.network;
const data = {{network: {{input: now.shape}}, labels: now.labels}};
const fresh = () => stateOf(network, data, now.x, now.target, now.cursor, now.settings);
const result = {{"forward": median(() => forward(network, now.x)), "state": median(fresh)}};
{"".join(f"views.{view.name} = {view.script};" for view in OWN)}
for (const name of {[*VIEWS, *(view.name for view in OWN)]}) {{
    result[name] = median(() => views[name](fresh())) - result.state;
}}
return result;"""


def main() -> None:
    """Print the milliseconds of a stroke and of its parts."""
    from playwright.sync_api import sync_playwright

    if (path := find_browser()) is None:
        raise SystemExit(MISSING)
    x = torch.zeros(1, 28, 28)
    x[0, 5:23, 13:15] = 1
    figure = live(models.load("mnist-cnn-bn"), start=x, views=[*VIEWS, *OWN]).html()
    with sync_playwright() as play, tempfile.TemporaryDirectory() as folder:
        browser = play.chromium.launch(executable_path=path, args=FLAGS, chromium_sandbox=False)
        print(f"{versions('playwright')}, chromium {browser.version}")
        tab = browser.new_page()
        tab.add_init_script(LISTEN)
        file = Path(folder) / "page.html"
        file.write_text(f'<!doctype html><meta charset="utf-8">{figure}', encoding="utf-8")
        tab.goto(file.as_uri())
        box = tab.locator(".ib-surface").bounding_box()
        assert box is not None
        tab.mouse.move(box["x"] + 20, box["y"] + 20)
        tab.mouse.down()
        for k in range(STROKES):
            tab.mouse.move(box["x"] + 20 + k % 10 * box["width"] / 12, box["y"] + 20 + k // 10 * box["height"] / 12)
            tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        tab.mouse.up()
        took = tab.evaluate("took.map(([milliseconds]) => milliseconds)")[-STROKES:]
        parts = tab.evaluate(f"() => {{ {figure_source(FULLGRAD_TERMS.needs)}\n{PARTS} }}")
        browser.close()
    median, forward = statistics.median(took), parts["forward"]
    print(f"{len(took)} strokes: median {median:.1f} ms, largest {max(took):.1f} ms")
    print(f"  the median is {median / forward:.1f} forward passes; a part of it, without the state it stands on:")
    for name, milliseconds in parts.items():
        print(f"  {name:18} {milliseconds:6.2f} ms")


if __name__ == "__main__":
    main()
