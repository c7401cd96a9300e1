"""In a browser: the reader paints noise on the image, and the network that looks there answers otherwise."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import page_of
from chapters.robustness.off_manifold.painted_figures import SIZE, deaf, figure, images
from live_in_browser import Live

from interpbook.explore.network import rounded

MOVED, FIRST, SECOND = range(3)  # the views, in their order; the first network does not look above, the second below

# Pixels are read from a copy, for the browser grumbles about a surface that is read again and again.
COPIED = """canvas => {
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(canvas, 0, 0);
    return Array.from(copy.getImageData(0, 0, canvas.width, canvas.height).data);
}"""


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("painted") / "page.html"
    path.write_text(page_of(figure().html()))
    return path


def on_surface(live: Live) -> np.ndarray:
    """The pixels that stand on the surface, 0 to 255."""
    live.settle()
    pixels = live.root.locator(".ib-surface canvas").evaluate(COPIED)
    return np.reshape(pixels, (*SIZE, 4))[..., 0]


def moved(live: Live) -> np.ndarray:
    return live.values(MOVED, 2)


def test_each_network_minds_the_noise_where_it_looks(opened: Callable) -> None:
    live = Live(opened(), shape=SIZE)
    live.press("clear")
    assert moved(live).max() < 1e-12
    np.testing.assert_allclose(on_surface(live), 255 * images()["ring above"][0], atol=1)
    live.stroke((3, 3), (3, 10), (6, 3))
    drawn = np.array(live.get("Array.from(now.drawing)")).reshape(SIZE)
    assert drawn[3, 3:11].min() > 0.9
    assert not drawn[12:].any()
    assert moved(live)[0] < 1e-12
    assert moved(live)[1] > 0.01
    assert live.said[MOVED].startswith("Noise of length ")
    assert " and 0.00 beside it. " in live.said[MOVED]
    # The noise appears under the brush, and the input of the network stays.
    changed = on_surface(live) != np.round(255 * images()["ring above"][0].numpy())
    assert changed[:8].any()
    assert not changed[12:].any()
    np.testing.assert_allclose(live.x, (images()["ring above"][0] * 255).round().double() / 255)
    live.press("clear")
    live.stroke((24, 3), (24, 10))
    assert moved(live)[0] > 0.01
    assert moved(live)[1] < 1e-12
    assert "Noise of length 0.00 on the digit" in live.said[MOVED]


def test_answers_before_are_those_of_the_two_networks(opened: Callable) -> None:
    live = Live(opened(), shape=SIZE)
    live.menu("input").select_option(label="ring below")
    x = (images()["ring below"].double() * 255).round() / 255
    best = []
    for view, network in ((FIRST, deaf(above=True, seed=1)), (SECOND, deaf(above=False, seed=2))):
        p = rounded(network)(x[None])[0].softmax(0).detach()
        np.testing.assert_allclose(live.values(view, 1), p, rtol=0, atol=1e-9)
        best.append(int(p.argmax()))
    spoken = live.root.locator("[aria-live=polite]").text_content()
    answers = f"Deaf above sees {best[0]}. Deaf below sees {best[1]}. "
    assert spoken == answers + live.get("results[0].text")


def test_painting_with_the_keyboard_and_the_other_controls(opened: Callable) -> None:
    live = Live(opened(), shape=SIZE)
    assert live.root.get_by_role("combobox", name="class").count() == 0
    live.press("clear")
    live.surface.focus()
    for key in ("ArrowUp", "ArrowUp", "Space", "Shift+ArrowUp"):
        live.tab.keyboard.press(key)
    drawn = np.array(live.get("Array.from(now.drawing)")).reshape(SIZE)
    assert drawn[11:13, 7].min() > 0.9
    first = moved(live)
    live.slider("strength").fill("8")
    assert moved(live)[1] > first[1]
    live.slider("strength").fill("0")
    assert moved(live).max() < 1e-12
    live.press("reset")
    assert live.slider("strength").input_value() == "4"


def test_the_first_state_comes_from_the_address(opened: Callable) -> None:
    live = Live(opened("#figure-1?input=ring+below&strength=1&example=nothing"), shape=SIZE)
    assert live.get("[now.settings.input, now.settings.strength]") == [1, 1]
    assert moved(live).max() < 1e-12


@pytest.mark.parametrize("width", [320, 390, 1400])
def test_a_tall_image_keeps_its_shape_and_fits_the_screen(opened: Callable, width: int) -> None:
    tab = opened(viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    surface = tab.locator(".ib-surface").bounding_box()
    assert surface["height"] == pytest.approx(2 * surface["width"], rel=0.01)
    assert 250 < surface["height"] < 400
    for kind in ("image", "map"):
        for box in tab.locator(f".ib-drawn-{kind} canvas").all():
            sides = box.bounding_box()
            assert sides["height"] == pytest.approx(2 * sides["width"], rel=0.02)
            assert 60 < sides["width"] < 130


def test_without_scripts_the_figure_is_said(opened: Callable) -> None:
    still = opened(java_script_enabled=False).locator(".ib-live img").first
    assert "how much probability moves" in still.get_attribute("alt")


def test_a_frame_is_drawn_in_time_to_paint(opened: Callable) -> None:
    live = Live(opened(), shape=SIZE)
    live.stroke((3, 3), (20, 10), (3, 10))
    live.settle()
    times = live.root.evaluate("figure => figure.took")
    assert float(torch.tensor(times).median()) < 200
