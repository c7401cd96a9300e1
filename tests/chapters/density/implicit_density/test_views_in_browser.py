"""In a browser: the reader draws, the map of the logit follows, and the network's answer does not move."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import page_of
from live_in_browser import Live
from torch import Tensor

from interpbook import models
from interpbook.chapters.density.implicit_density.views import drawn_shift
from interpbook.explore import live
from interpbook.explore.network import rounded

AFTER, LOGIT, BEFORE, LOSS = range(4)  # the views, in their order
LABELS = [f"class {k}" for k in range(10)]


def inputs() -> dict[str, Tensor]:
    """Two things to wear, drawn here, so that the test needs no data."""
    shirt, trousers = torch.zeros(1, 28, 28), torch.zeros(1, 28, 28)
    shirt[0, 4:26, 8:20] = shirt[0, 4:10, 2:26] = 0.8
    trousers[0, 2:27, 8:12] = trousers[0, 2:27, 16:20] = trousers[0, 2:6, 8:20] = 0.7
    return {"a shirt": shirt, "trousers": trousers}


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    patch = torch.zeros(1, 28, 28)
    patch[0, 4:9, 4:9] = 1
    start = {"a patch": patch, "nothing": torch.zeros(1, 28, 28)}
    model = models.load("fashion-cnn")
    figure = live(model, start=start, inputs=inputs(), views=drawn_shift(), labels=LABELS).html()
    path = tmp_path_factory.mktemp("shift") / "page.html"
    path.write_text(page_of(figure))
    return path


def test_the_reader_draws_the_map_and_the_answer_stays(opened: Callable) -> None:
    live = Live(opened())
    answers, loss = [live.values(view, 1) for view in (BEFORE, AFTER)], live.values(LOSS, 1)
    model = rounded(models.load("fashion-cnn"))
    x = (inputs()["a shirt"].double() * 255).round() / 255
    np.testing.assert_allclose(answers[0], model(x[None])[0].softmax(0).detach(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(*answers, rtol=0, atol=1e-9)
    old, before = live.values(LOGIT, 0), live.values(LOGIT, 1)
    live.tab.mouse.click(*live.at(15, 20))
    drawn, after = np.array(live.get("Array.from(now.drawing)")), live.values(LOGIT, 1)
    assert drawn[15 * 28 + 20] > 0.9
    np.testing.assert_allclose(after, old + 2 * abs(old).max() * drawn, rtol=1e-9, atol=1e-9)
    assert abs(after - before).max() > abs(old).max()
    np.testing.assert_allclose(np.array(live.get("Array.from(now.x)")), x.flatten(), rtol=0, atol=0)
    np.testing.assert_allclose(live.values(AFTER, 1), answers[1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(live.values(LOSS, 1), loss, rtol=0, atol=1e-9)


def test_every_control_does_what_it_says(opened: Callable) -> None:
    live = Live(opened())
    old = live.values(LOGIT, 0)
    live.slider("strength").fill("0")
    np.testing.assert_allclose(live.values(LOGIT, 1), old, rtol=0, atol=0)
    live.menu("old map").select_option(label="taken away")
    assert not live.values(LOGIT, 1).any()
    assert live.get(f"results[{LOGIT}].text").endswith("The new map is empty.")
    live.menu("class").select_option(label="class 3")
    assert live.get("now.target") == 3
    assert not np.array_equal(live.values(LOGIT, 0), old)
    live.menu("input").select_option(label="trousers")
    np.testing.assert_allclose(live.values(AFTER, 0), (inputs()["trousers"] * 255).round().double().flatten() / 255)
    live.menu("drawing").select_option(label="nothing")
    assert not np.any(live.get("Array.from(now.drawing)"))


def test_what_is_spoken_is_the_answer_to_the_input_and_what_the_reader_s_control_changes(opened: Callable) -> None:
    live = Live(opened())
    spoken = live.root.locator("[aria-live=polite]")
    model = rounded(models.load("fashion-cnn"))
    for name, image in inputs().items():
        live.menu("input").select_option(label=name)
        best = int(model(image.double()[None]).argmax())
        assert spoken.text_content() == f"The network sees {LABELS[best]}. {live.get('results[0].text')}"
    live.press("clear")
    assert spoken.text_content().startswith(f"The network sees {LABELS[best]}. g adds 0.00 to every logit; ")
    live.press("reset")
    heard = [spoken.text_content()]
    live.slider("strength").fill("1")
    heard.append(spoken.text_content())
    for name, label in (("old map", "taken away"), ("class", "class 3")):
        live.menu(name).select_option(label=label)
        heard.append(spoken.text_content())
    assert len(set(heard)) == 4


@pytest.mark.parametrize("width", [320, 1400])
def test_maps_stand_side_by_side_and_nothing_scrolls_sideways(opened: Callable, width: int) -> None:
    tab = opened(viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    left, right = [box.bounding_box() for box in tab.locator(".ib-drawn-map").all()[:2]]
    assert left["y"] == right["y"]
    assert left["x"] + left["width"] < right["x"]
    assert left["width"] == pytest.approx(right["width"], abs=0.1)
    assert left["width"] > 120
