"""A sweep in a real browser: opened from a file, moved by keyboard, and still a picture without scripts."""

from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from browser import page_of

from interpbook.explore import sweep

HEIGHTS = [1, 2, 3, 4, 5]
STYLES = {"solid": "-", "dashed": "--"}


def draw(height, style):
    fig, ax = plt.subplots(figsize=(3, 1))
    ax.plot([0, height], style)
    return fig, f"a {style} line that rises to {height}"


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    """Two copies of one sweep on a page."""
    figure = sweep(draw, height=HEIGHTS, style=STYLES)
    path = tmp_path_factory.mktemp("sweep") / "page.html"
    path.write_text(page_of(figure.html(1), figure.html(2)))
    return path


def test_it_begins_at_the_first_values_and_moves_by_keyboard(opened: Callable) -> None:
    tab = opened()
    image, slider = tab.locator(".ib-sweep img").first, tab.get_by_label("height").first
    assert image.get_attribute("alt") == "a - line that rises to 1"
    first = image.get_attribute("src")
    tab.keyboard.press("Tab")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    assert image.get_attribute("alt") == "a - line that rises to 3"
    assert image.get_attribute("src") != first
    assert tab.locator(".ib-sweep [aria-live=polite]").first.inner_text() == "a - line that rises to 3"
    assert slider.get_attribute("aria-valuetext") == "3"
    tab.keyboard.press("Tab")  # the play button
    tab.keyboard.press("Tab")
    tab.keyboard.press("ArrowDown")
    assert image.get_attribute("alt") == "a -- line that rises to 3"


def test_the_end_of_a_play_is_spoken_and_not_its_steps(opened: Callable) -> None:
    tab = opened()
    spoken = tab.locator(".ib-sweep [aria-live=polite]").first
    spoken.evaluate("""spoken => {
        spoken.heard = [];
        new MutationObserver(() => spoken.heard.push(spoken.textContent)).observe(spoken, {childList: true});
    }""")
    tab.get_by_label("height").first.fill("2")
    tab.get_by_role("button", name="play height").first.press("Enter")
    tab.wait_for_function("document.querySelector('.ib-sweep [aria-live]').textContent.endsWith('rises to 5')")
    assert spoken.evaluate("spoken => spoken.heard") == ["a - line that rises to 3", "a - line that rises to 5"]


def test_every_state_shows_its_own_picture(opened: Callable) -> None:
    tab = opened()
    seen = set()
    for height in range(5):
        for style in range(2):
            tab.get_by_label("height").first.fill(str(height))
            tab.get_by_label("style").first.select_option(index=style)
            image = tab.locator(".ib-sweep img").first
            assert image.get_attribute("alt") == draw(HEIGHTS[height], list(STYLES.values())[style])[1]
            assert image.evaluate("async picture => { await picture.decode(); return picture.naturalWidth }") == 330
            seen.add(image.get_attribute("src"))
    assert len(seen) == 10


def test_two_copies_move_on_their_own(opened: Callable) -> None:
    tab = opened()
    assert tab.locator(".ib-sweep img").count() == 2
    tab.get_by_label("height").nth(1).fill("4")
    alts = [tab.locator(".ib-sweep img").nth(k).get_attribute("alt") for k in range(2)]
    assert alts == ["a - line that rises to 1", "a - line that rises to 5"]


def test_without_scripts_the_first_picture_is_there(opened: Callable) -> None:
    tab = opened(java_script_enabled=False)
    image = tab.locator(".ib-sweep img").first
    assert image.is_visible()
    assert image.get_attribute("alt") == "a - line that rises to 1"


def test_a_control_without_effect_says_so(chromium, tmp_path: Path) -> None:
    def by(method, layer):
        return draw(3 if method == "gradient" else layer, "-")

    path = tmp_path / "page.html"
    path.write_text(page_of(sweep(by, method=["gradient", "Grad-CAM"], layer=[1, 2]).html()))
    tab = chromium.new_page()
    tab.goto(path.as_uri())
    layer, reason = tab.get_by_label("layer"), tab.get_by_text("(changes nothing here)")
    assert layer.is_disabled()
    assert reason.is_visible()
    tab.get_by_label("method").select_option(label="Grad-CAM")
    assert layer.is_enabled()
    assert not reason.count()
    tab.close()


def test_nothing_scrolls_sideways_on_a_phone(opened: Callable) -> None:
    tab = opened(viewport={"width": 320, "height": 640})
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_play_moves_the_slider_to_its_end_and_a_hand_on_it_stops_it(opened: Callable) -> None:
    tab = opened()
    slider, play = tab.get_by_label("height").first, tab.get_by_role("button", name="play height").first
    slider.fill("3")
    play.click()
    tab.wait_for_function("document.querySelector('.ib-sweep img').alt === 'a - line that rises to 5'")
    tab.get_by_role("button", name="play height").nth(1).wait_for()
    play.click()  # from the end it starts over
    assert tab.locator(".ib-sweep img").first.get_attribute("alt") == "a - line that rises to 1"
    slider.fill("2")
    tab.wait_for_timeout(700)
    assert slider.input_value() == "2"


def test_the_address_holds_the_state_and_brings_it_back(opened: Callable) -> None:
    tab = opened()
    tab.get_by_label("height").nth(1).fill("3")
    tab.get_by_label("style").nth(1).select_option(label="dashed")
    tab.wait_for_function("location.hash === '#figure-2?height=4&style=dashed'")
    address = tab.url
    other = opened()
    other.goto(address)
    other.reload()
    alts = [other.locator(".ib-sweep img").nth(k).get_attribute("alt") for k in range(2)]
    assert alts == ["a - line that rises to 1", "a -- line that rises to 4"]
    other.evaluate("location.hash = '#figure-1?height=2&style=unknown'")
    other.wait_for_function("document.querySelector('.ib-sweep img').alt === 'a - line that rises to 2'")
    assert other.get_by_label("height").first.get_attribute("aria-valuetext") == "2"
