"""In a browser: the reader draws above or below the ring, erases and swaps, and both networks say where they look."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browser import page_of
from chapters.attribution.leakage.evidence_figures import NAMES, SIZE, figure, images
from live_in_browser import Live

SHARES, SEEN, FIRST, SECOND = range(4)  # the views, in their order; the first network does not look below


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("evidence") / "page.html"
    path.write_text(page_of(figure().html()))
    return path


def test_a_digit_is_found_where_it_is_drawn(opened: Callable) -> None:
    live = Live(opened(), shape=SIZE)
    live.press("clear")
    assert live.said[SHARES] == "There is no digit: draw one, above or below."
    assert not live.values(SHARES).any()
    live.stroke((17, 4), (17, 9), (25, 6))
    assert live.said[SEEN] == "The digit is below, the empty block above."
    assert live.said[SHARES].startswith(f"{NAMES[0]} 0%, {NAMES[1]} ")
    live.press("clear")
    live.stroke((3, 4), (3, 9), (11, 6))
    assert live.said[SEEN] == "The digit is above, the empty block below."
    assert live.said[SHARES].startswith(f"{NAMES[0]} 100%, {NAMES[1]} ")
    live.tab.mouse.move(*live.at(20, 3))
    assert live.values(SHARES)[0] == 1


def test_the_other_block_is_erased_and_the_blocks_are_swapped(opened: Callable) -> None:
    live = Live(opened(), shape=SIZE)
    drawn = live.x
    seen = (images()["bar above"][0] * 255).round().double().numpy() / 255
    np.testing.assert_allclose(live.values(SEEN).reshape(SIZE), seen)
    live.menu("input").select_option(label="other block erased")
    np.testing.assert_allclose(live.values(SEEN).reshape(SIZE), np.vstack([seen[:14], 0 * seen[14:]]))
    assert "on the empty block." in live.said[SECOND]
    live.menu("input").select_option(label="blocks swapped")
    np.testing.assert_allclose(live.values(SEEN).reshape(SIZE), np.roll(seen, 14, 0))
    assert live.values(SHARES)[0] == 0
    np.testing.assert_array_equal(live.x, drawn)
    live.press("reset")
    assert live.values(SHARES)[0] == 1


def test_log_probabilities_have_other_gradients(opened: Callable) -> None:
    live = Live(opened(), shape=SIZE)
    before = live.values(SECOND)
    live.menu("gradient of").select_option(label="log-probability")
    assert not np.allclose(live.values(SECOND), before)
    assert live.said[SECOND].startswith(f"{NAMES[1]} says ")


def test_a_line_at_one_half_crosses_the_bars_of_the_shares(opened: Callable) -> None:
    tab = opened()
    views = tab.locator(".ib-view").all()
    for view, middle in [(views[SHARES], 0.5), (views[FIRST], 0.0)]:
        for row in view.locator(".ib-row").all():
            track, line = (row.locator(part).bounding_box() for part in (".ib-track", ".ib-zero"))
            assert line["x"] - track["x"] == pytest.approx(middle * track["width"], abs=1)
            assert line["height"] > track["height"]


@pytest.mark.parametrize("width", [320, 380, 1400])
def test_everything_fits_the_screen(opened: Callable, width: int) -> None:
    tab = opened(viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for box in tab.locator(".ib-drawn-map canvas").all():
        sides = box.bounding_box()
        assert sides["height"] == pytest.approx(2 * sides["width"], rel=0.02)
    for name in tab.locator(".ib-view").nth(SHARES).locator(".ib-track").all():
        assert name.bounding_box()["width"] > 20


def test_without_scripts_the_figure_is_said(opened: Callable) -> None:
    still = opened(java_script_enabled=False).locator(".ib-live img").first
    assert "what the networks see: The digit is above, the ring below." in still.get_attribute("alt")


def test_a_frame_is_drawn_in_time_to_draw(opened: Callable) -> None:
    live = Live(opened(), shape=SIZE)
    live.stroke((3, 3), (12, 10), (3, 10))
    live.settle()
    assert np.median(live.root.evaluate("figure => figure.took")) < 100
