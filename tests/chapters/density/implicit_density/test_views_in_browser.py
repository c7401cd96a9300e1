"""In a browser: the reader draws, the map of the logit follows, and the network's answer does not move."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from interpbook import models
from interpbook.chapters.density.implicit_density.views import drawn_shift
from interpbook.explore import live
from interpbook.explore.network import rounded

LISTEN = 'document.addEventListener("ib-drawn", event => { event.target.drawn = event.detail; }, true);'
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
    path.write_text(f'<!doctype html><html lang="en"><meta charset="utf-8"><title>shift</title><body>{figure}')
    return path


@pytest.fixture
def opened(chromium, html: Path) -> Iterator[Callable]:
    """Opens the page, and fails on any error or request."""
    complaints: list[str] = []
    contexts = []

    def open_page(**options):
        contexts.append(chromium.new_context(**options))
        contexts[-1].add_init_script(LISTEN)
        tab = contexts[-1].new_page()
        tab.on("pageerror", lambda error: complaints.append(str(error)))
        tab.on("console", lambda message: complaints.append(message.text))
        tab.on("request", lambda r: None if r.url[:5] in ("file:", "data:") else complaints.append(r.url))
        tab.goto(html.as_uri())
        return tab

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def get(tab, expression: str):
    """A value made of what the figure has drawn last."""
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    script = f"figure => {{ const {{results, now}} = figure.drawn; return {expression}; }}"
    return tab.locator(".ib-live").evaluate(script)


def values(tab, view: int, picture: int) -> np.ndarray:
    return np.array(get(tab, f"Array.from(results[{view}].pictures[{picture}].values)"))


def test_the_reader_draws_the_map_and_the_answer_stays(opened: Callable) -> None:
    tab = opened()
    answers, loss = [values(tab, view, 1) for view in (2, 3)], values(tab, 1, 1)
    model = rounded(models.load("fashion-cnn"))
    x = (inputs()["a shirt"].double() * 255).round() / 255
    np.testing.assert_allclose(answers[0], model(x[None])[0].softmax(0).detach(), rtol=0, atol=1e-6)
    np.testing.assert_allclose(*answers, rtol=0, atol=1e-9)
    old, before = values(tab, 0, 0), values(tab, 0, 1)
    box = tab.locator(".ib-surface").bounding_box()
    tab.mouse.click(box["x"] + 20.5 / 28 * box["width"], box["y"] + 15.5 / 28 * box["height"])
    drawn, after = np.array(get(tab, "Array.from(now.drawing)")), values(tab, 0, 1)
    assert drawn[15 * 28 + 20] > 0.9
    np.testing.assert_allclose(after, old + 2 * abs(old).max() * drawn, rtol=1e-9, atol=1e-9)
    assert abs(after - before).max() > abs(old).max()
    np.testing.assert_allclose(np.array(get(tab, "Array.from(now.x)")), x.flatten(), rtol=0, atol=0)
    np.testing.assert_allclose(values(tab, 3, 1), answers[1], rtol=0, atol=1e-9)
    np.testing.assert_allclose(values(tab, 1, 1), loss, rtol=0, atol=1e-9)


def test_every_control_does_what_it_says(opened: Callable) -> None:
    tab = opened()
    old = values(tab, 0, 0)
    tab.get_by_role("slider", name="strength").fill("0")
    np.testing.assert_allclose(values(tab, 0, 1), old, rtol=0, atol=0)
    tab.get_by_role("combobox", name="old map").select_option(label="taken away")
    assert not values(tab, 0, 1).any()
    assert get(tab, "results[0].text").endswith("The new map is empty.")
    tab.get_by_role("combobox", name="class").select_option(label="class 3")
    assert get(tab, "now.target") == 3
    assert not np.array_equal(values(tab, 0, 0), old)
    tab.get_by_role("combobox", name="input").select_option(label="trousers")
    np.testing.assert_allclose(values(tab, 3, 0), (inputs()["trousers"] * 255).round().double().flatten() / 255)
    tab.get_by_role("combobox", name="drawing").select_option(label="nothing")
    assert not np.any(get(tab, "Array.from(now.drawing)"))


def test_what_is_spoken_is_the_answer_to_the_input_and_what_the_reader_s_control_changes(opened: Callable) -> None:
    tab = opened()
    spoken = tab.locator("[aria-live=polite]")
    model = rounded(models.load("fashion-cnn"))
    for name, image in inputs().items():
        tab.get_by_role("combobox", name="input").select_option(label=name)
        best = int(model(image.double()[None]).argmax())
        assert spoken.text_content() == f"The network sees {LABELS[best]}. {get(tab, 'results[0].text')}"
    tab.get_by_role("button", name="clear").click()
    assert spoken.text_content().startswith(f"The network sees {LABELS[best]}. Nothing is added. ")
    tab.get_by_role("button", name="reset").click()
    heard = [spoken.text_content()]
    tab.get_by_role("slider", name="strength").fill("1")
    heard.append(spoken.text_content())
    for name, label in (("old map", "taken away"), ("class", "class 3")):
        tab.get_by_role("combobox", name=name).select_option(label=label)
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
