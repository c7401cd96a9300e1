"""A live figure in a browser, opened from a file: a reader draws by mouse, keyboard or finger, and it answers."""

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import page_of
from live_in_browser import Live
from torch import Tensor

from interpbook import explore, models
from interpbook.explore import Picture, Shown, View
from interpbook.explore.network import rounded
from interpbook.explore.views import MAP_PHRASES, VIEWS
from interpbook.functions import input_gradient

LIGHT, DARK = "#fdfdfc", "#14181e"


def examples() -> dict[str, Tensor]:
    """A bar, and a ring: drawn here, so that the test needs no data."""
    bar, ring = torch.zeros(1, 28, 28), torch.zeros(1, 28, 28)
    bar[0, 5:23, 13:15] = 1
    ring[0, 6:22, 9:20] = 1
    ring[0, 8:20, 11:18] = 0
    return {"bar": bar, "a ring & more": ring}


def inverted(now) -> Shown:
    return Shown((Picture("image", 1 - now.x[0].numpy()),), (("exchanged", {}),))


def margins(now) -> Shown:
    values = (now.logits - now.logits[now.target]).numpy()
    return Shown((Picture("waterfall", values, now.labels, total="all"),), (("all", {"sum": float(values.sum())}),))


MARGINS = View(
    "margins",
    "every logit against that of the class",
    margins,
    """function (now) {
      var values = Array.from(now.logits, function (logit) { return logit - now.logits[now.target]; });
      return { pictures: [{ kind: "waterfall", values: values, labels: now.labels, total: "all" }],
        facts: [["all", { sum: sum(values) }]] };
    }""",
    phrases={"all": "Together {sum:z.2f}."},
)
OWN = View(
    "inverted",
    "the inverted input",
    inverted,
    """function (now) {
      var values = Array.from(now.x, function (value) { return 1 - value; });
      return { pictures: [{ kind: "image", values: values, shape: now.shape }], facts: [["exchanged", {}]] };
    }""",
    phrases={"exchanged": "Black and white exchanged."},
)
VIEWS_SHOWN = [*VIEWS, MARGINS, OWN]


@pytest.fixture(scope="module")
def model() -> torch.nn.Module:
    return models.load("mnist-cnn-bn")


@pytest.fixture(scope="module")
def html(model, tmp_path_factory) -> Path:
    """Two copies of one figure on a page that is longer than a screen."""
    figure = explore.live(model, start=examples(), views=VIEWS_SHOWN)
    path = tmp_path_factory.mktemp("live") / "page.html"
    path.write_text(page_of(figure.html(1), figure.html(2), '<p style="height:2000px">end'))
    return path


def check_answers(live: Live, model: torch.nn.Module) -> None:
    """What stands in the page is what torch computes for what is drawn."""
    x = torch.tensor(live.x)[None, None]
    same = rounded(model)
    target = live.get("now.target")
    np.testing.assert_allclose(live.logits, same(x)[0].detach(), rtol=1e-5, atol=1e-9)
    gradient = np.reshape(live.get("Array.from(now.gradient())"), (28, 28))
    expected = input_gradient(lambda z: same(z)[:, target], x)[0, 0].numpy()
    np.testing.assert_allclose(gradient, expected, rtol=1e-5, atol=1e-9)
    margins = (same(x)[0] - same(x)[0, target]).detach()
    shown = live.get(f"results[{len(VIEWS)}].pictures[0].values")
    np.testing.assert_allclose(shown, margins, rtol=1e-5, atol=1e-9)


def test_drawing_with_the_mouse_changes_the_answer_and_the_answer_is_torch_s(opened: Callable, model) -> None:
    live = Live(opened())
    assert np.array_equal(live.x, examples()["bar"][0])
    check_answers(live, model)
    before, said = live.x, live.said
    live.stroke((5, 6), (14, 6), (14, 22))
    after = live.x
    assert (after[5:14, 6] > 0.9).all()
    assert (after[14, 6:22] > 0.9).all()
    assert (after >= before).all()
    assert after[22:, :8].max() == 0
    assert all(old != new for old, new in zip(said[:-1], live.said[:-1], strict=True))
    check_answers(live, model)
    live.tab.mouse.move(*live.at(20, 20))  # the button is up: nothing more is drawn
    assert np.array_equal(live.x, after)


def test_a_stroke_goes_on_outside_and_ends_when_the_button_is_up(opened: Callable) -> None:
    live = Live(opened())
    live.stroke((10, 24), (10, 60), (20, 60), (20, 24))
    assert live.x[10, 24:].min() > 0.9
    assert live.x[20, 24:].min() > 0.9
    assert live.x[13:17, 24:].max() == 0


def test_erase_clear_and_another_example(opened: Callable) -> None:
    live = Live(opened())
    live.press("erase")
    pressed = [live.root.get_by_role("button", name=name).get_attribute("aria-pressed") for name in ("draw", "erase")]
    assert pressed == ["false", "true"]
    live.stroke((10, 4), (10, 24))
    assert live.x[10].max() == 0
    assert live.x[15, 13] == 1
    live.press("clear")
    assert live.x.max() == 0
    assert live.get("results[2].text").endswith("; sum 0.")  # gradient × input
    live.press("draw")
    live.stroke((10, 4), (10, 24))
    assert live.x[10, 4:24].min() > 0.9
    live.menu("example").select_option(label="a ring & more")
    assert np.array_equal(live.x, examples()["a ring & more"][0])


def test_drawing_by_keyboard(opened: Callable) -> None:
    live = Live(opened())
    live.press("clear")
    live.surface.focus()
    start = live.get("now.cursor")
    keys = live.tab.keyboard
    keys.press("ArrowUp")
    keys.press("ArrowLeft")
    assert live.get("now.cursor") == {"row": start["row"] - 1, "column": start["column"] - 1}
    assert live.x.max() == 0
    keys.press("Space")
    row, column = start["row"] - 1, start["column"] - 1
    assert live.x.argmax() == row * 28 + column
    for _ in range(5):
        keys.press("Shift+ArrowDown")
    assert (live.x[row : row + 6, column] > 0.9).all()
    assert live.tab.evaluate("scrollY") == 0
    for _ in range(15):
        keys.press("ArrowRight")
    assert live.get("now.cursor")["column"] == 27
    outline = live.surface.evaluate("surface => getComputedStyle(surface).outlineStyle")
    assert outline == "solid"


def test_whoever_draws_by_keyboard_hears_where_the_cursor_is_and_what_is_there(opened: Callable) -> None:
    live = Live(opened())
    live.press("clear")
    live.surface.focus()
    heard = live.surface.get_by_role("status")
    live.tab.keyboard.press("ArrowUp")
    row, column = (live.get("now.cursor")[name] + 1 for name in ("row", "column"))
    assert heard.text_content() == f"Row {row} of 28, column {column} of 28, 0 % ink."
    live.tab.keyboard.press("Shift+ArrowLeft")
    assert heard.text_content() == f"Row {row} of 28, column {column - 1} of 28, 100 % ink."


def test_drawing_by_finger_does_not_move_the_page(opened: Callable) -> None:
    tab = opened(has_touch=True, viewport={"width": 390, "height": 700}, is_mobile=True)
    live = Live(tab)
    live.root.get_by_role("button", name="clear").tap()
    tab.touchscreen.tap(*live.at(6, 6))
    assert live.x.argmax() == 6 * 28 + 6
    finger = tab.context.new_cdp_session(tab)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        where = [dict(zip("xy", live.at(*point), strict=True), id=k) for k, point in enumerate(points)]
        finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": where})

    touch("touchStart", (4, 20))
    for row in range(6, 25, 2):
        touch("touchMove", (row, 20))
    assert (live.x[4:24, 20] > 0.9).all()
    # A second finger draws nothing of its own.
    touch("touchStart", (24, 20), (10, 3))
    touch("touchMove", (24, 20), (14, 3))
    assert live.get("now.cursor") == {"row": 24, "column": 20}
    touch("touchEnd")
    live.settle()
    assert live.x[9:16, 2:5].max() == 0
    assert live.x[10:22, 8:18].max() == 0
    assert tab.evaluate("scrollY") == 0


def test_the_pointer_moves_the_black_square(opened: Callable) -> None:
    live = Live(opened())
    occlusion = list(VIEWS).index("occlusion")
    live.tab.mouse.move(*live.at(10, 13))
    covered = np.reshape(live.get(f"results[{occlusion}].pictures[0].values"), (28, 28))
    assert covered[7:14, 10:17].max() == 0
    assert live.x[10, 13] == covered[14, 13] == 1
    before = live.said[occlusion]
    live.tab.mouse.move(*live.at(2, 2))
    assert live.said[occlusion] != before


def test_class_and_settings(opened: Callable, model) -> None:
    live = Live(opened())
    predicted = int(live.logits.argmax())
    assert live.get("now.target") == predicted
    other = (predicted + 1) % 10
    live.menu("class").select_option(label=str(other))
    assert live.get("now.target") == live.get("results[0].pictures[0].chosen") == other
    check_answers(live, model)
    live.slider("eps").fill("0")
    step = list(VIEWS).index("gradient_step")
    assert np.array_equal(live.get(f"results[{step}].pictures[0].values"), live.x.flatten())
    live.slider("eps").fill("9")
    assert abs(np.array(live.get(f"results[{step}].pictures[0].values")) - live.x.flatten()).max() == pytest.approx(0.3)


def test_a_kernel_says_the_same_of_the_same_state(opened: Callable, model) -> None:
    tab = opened()
    live = Live(tab)
    box = explore.live(model, start=examples(), views=VIEWS_SHOWN).widgets()

    def said_in_kernel() -> list[str]:
        return re.findall("</b>: (.*?)</li>", box.children[-1].value)

    assert live.said == said_in_kernel()
    _, target, eps = box.children[:3]
    draw = box.children[5].children[0]
    target.value, eps.value = 4, 7
    draw.click()
    live.menu("class").select_option(index=4)
    live.slider("eps").fill("7")
    live.tab.mouse.click(*live.at(14, 14))
    assert live.x[13, 15] > examples()["bar"][0, 13, 15]
    assert live.said == said_in_kernel()


def test_the_address_holds_the_controls_and_brings_them_back(opened: Callable) -> None:
    live = Live(opened(), 1)
    live.menu("example").select_option(label="a ring & more")
    live.slider("eps").fill("2")
    live.menu("class").select_option(label="7")
    live.tab.wait_for_function("location.hash.endsWith('class=7&eps=0.04&square=7')")
    address = live.tab.evaluate("location.hash")
    assert address.startswith("#figure-2?")
    tab = opened(address)
    first, second = Live(tab, 0), Live(tab, 1)
    assert (second.get("now.settings.eps"), second.get("now.target")) == (0.04, 7)
    assert np.array_equal(second.x, examples()["a ring & more"][0])
    assert first.get("now.settings.eps") == 0.1
    assert np.array_equal(first.x, examples()["bar"][0])
    assert second.said == live.said


def test_two_copies_are_drawn_on_apart(opened: Callable) -> None:
    tab = opened()
    first, second = Live(tab, 0), Live(tab, 1)
    first.press("clear")
    first.slider("eps").fill("0")
    assert first.x.max() == 0
    assert np.array_equal(second.x, examples()["bar"][0])
    assert second.get("now.settings.eps") == 0.1


def test_without_scripts_the_still_picture_is_there(opened: Callable) -> None:
    tab = opened(java_script_enabled=False)
    still = tab.locator(".ib-live img").first
    assert still.is_visible()
    assert "what the network sees: " in still.get_attribute("alt")
    assert not tab.locator(".ib-surface").count()


def test_everything_has_a_name_and_pictures_say_what_they_show(opened: Callable) -> None:
    live = Live(opened())
    tab_stops = "button, input, select, [tabindex='0']"
    assert live.root.locator(tab_stops).count() == 10
    for name in ("draw", "erase", "clear"):
        assert live.root.get_by_role("button", name=name, exact=True).count() == 1
    for role, name in (("combobox", "example"), ("combobox", "class"), ("slider", "eps"), ("slider", "square")):
        assert live.root.get_by_role(role, name=name).count() == 1
    assert live.root.get_by_role("application", name="Drawing surface").count() == 1
    pictures = live.root.get_by_role("img")
    assert pictures.count() == len(VIEWS_SHOWN)
    labels = [picture.get_attribute("aria-label") for picture in pictures.all()]
    titles = [view.title for view in (*VIEWS.values(), MARGINS, OWN)]
    assert labels == [f"{title}. {said}" for title, said in zip(titles, live.said, strict=True)]
    live.press("clear")
    changed = [picture.get_attribute("aria-label") for picture in pictures.all()]
    assert all(old != new for old, new in zip(labels[:-1], changed[:-1], strict=True))


def test_a_screen_reader_hears_each_answer_once_and_not_within_a_stroke(opened: Callable) -> None:
    live = Live(opened())
    spoken = live.root.locator("[aria-live=polite]")
    live.root.evaluate("""figure => {
        figure.heard = [];
        const spoken = figure.querySelector("[aria-live=polite]");
        new MutationObserver(() => figure.heard.push(spoken.textContent)).observe(spoken, {childList: true});
    }""")
    live.press("clear")
    blank = spoken.text_content()
    live.press("clear")
    live.tab.mouse.move(*live.at(6, 8))
    live.tab.mouse.down()
    for row, column in ((6, 20), (14, 16), (22, 10), (22, 22)):
        live.tab.mouse.move(*live.at(row, column))
        live.settle()
        assert spoken.text_content() == blank
    live.tab.mouse.up()
    live.settle()
    best = int(live.logits.argmax())
    assert spoken.text_content() == f"The network sees {best}. {live.said[0]}"
    heard = live.root.evaluate("figure => figure.heard")
    assert all(one != other for one, other in pairwise(heard))
    live.slider("eps").fill("9")
    assert spoken.text_content() == f"The network sees {best}. {live.said[list(VIEWS).index('gradient_step')]}"


@pytest.mark.parametrize("scale", [1, 3])
def test_nothing_scrolls_sideways_on_a_phone(opened: Callable, scale: int) -> None:
    tab = opened(viewport={"width": 320, "height": 640}, device_scale_factor=scale)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    live = Live(tab)
    live.stroke((25, 3), (25, 8))
    assert live.x[25, 3:8].min() > 0.9


def test_drawing_is_where_the_pointer_is_after_the_window_has_changed(opened: Callable) -> None:
    live = Live(opened(viewport={"width": 1200, "height": 800}))
    live.tab.set_viewport_size({"width": 500, "height": 700})
    live.press("clear")
    live.stroke((20, 5), (20, 9))
    assert live.x[20, 5:10].min() > 0.9
    assert live.x[:17].max() == live.x[24:].max() == 0


def luminance(color: str) -> float:
    channels = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))


def contrast(one: str, other: str) -> float:
    low, high = sorted(luminance(color) for color in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("theme", "ground", "ink"), [("light", LIGHT, "#222222"), ("dark", DARK, "#e6e6e6")])
def test_bars_and_words_stand_out_on_the_book_s_pages(opened: Callable, theme: str, ground: str, ink: str) -> None:
    tab = opened()
    tab.evaluate(
        """([theme, ground, ink]) => {
            document.documentElement.dataset.theme = theme;
            document.body.style.background = ground;
            document.body.style.color = ink;
        }""",
        [theme, ground, ink],
    )
    colors = tab.evaluate("""() => {
        const hex = text => "#" + text.match(/\\d+/g).slice(0, 3)
            .map(n => Number(n).toString(16).padStart(2, 0)).join("");
        const look = (where, what) => [...document.querySelectorAll(".ib-live " + where)].map(e => [
            where, hex(getComputedStyle(e)[what])]);
        return [...look(".ib-bar", "backgroundColor"), ...look(".ib-name", "color"), ...look(".ib-number", "color"),
            ...look(".ib-text", "color"), ...look("figcaption", "color"), ...look("button", "color"),
            ...look("select", "color"), ...look("label", "color")];
    }""")
    faint = {(where, color) for where, color in colors if contrast(color, ground) < 3}
    assert not faint
    assert len({color for where, color in colors if where == ".ib-bar"}) == 3


def test_a_stroke_of_the_chapter_s_network_is_drawn_within_a_frame_or_so(opened: Callable) -> None:
    live = Live(opened())
    live.tab.mouse.move(*live.at(4, 4))
    live.tab.mouse.down()
    for k in range(50):
        live.tab.mouse.move(*live.at(4 + k // 5 * 2, 4 + k % 5 * 4))
        live.settle()
    live.tab.mouse.up()
    took = live.root.evaluate("figure => figure.took")
    assert len(took) > 50
    assert np.median(took) < 20


def test_a_view_that_fails_says_why_and_the_others_go_on(chromium, model) -> None:
    script = "function (now) { if (now.x[0] > 0) { throw new Error('too bright'); } return views.input_gradient(now); }"
    fussy = View("fussy", "a fussy view", VIEWS["input_gradient"].compute, script, MAP_PHRASES)
    start = {"dark": torch.zeros(1, 28, 28), "bright": torch.ones(1, 28, 28)}
    figure = explore.live(model, start=start, views=[fussy, "probabilities"]).html()
    tab = chromium.new_page()
    tab.set_content(figure)
    first, second = tab.locator(".ib-pictures").all()
    assert first.locator("canvas").count() == 1
    before = second.get_attribute("aria-label")
    tab.get_by_label("example").select_option(label="bright")
    assert first.get_attribute("aria-label") == "a fussy view. Error: too bright"
    assert "too bright" in first.inner_text()
    assert second.get_attribute("aria-label") != before
    tab.get_by_label("example").select_option(label="dark")
    assert first.locator("canvas").count() == 1
    tab.close()


def test_a_script_that_cannot_be_read_leaves_the_others_alone(chromium, model) -> None:
    broken = View("broken", "a broken view", VIEWS["input_gradient"].compute, "function (now) {{", MAP_PHRASES)
    tab = chromium.new_page()
    tab.set_content(explore.live(model, start=examples(), views=[broken, "probabilities"]).html())
    first, second = tab.locator(".ib-pictures").all()
    assert "SyntaxError" in first.inner_text()
    assert second.locator(".ib-row").count() == 10
    tab.close()


def test_equal_probabilities_have_bars_of_equal_length(chromium, model) -> None:
    names = ["T-shirt", "I", *map(str, range(2, 9)), "an ankle boot"]
    tab = chromium.new_page()
    tab.set_content(explore.live(model, start=examples(), views=["probabilities"], labels=names).html())
    boxes = [track.bounding_box() for track in tab.locator(".ib-track").all()]
    assert len({(round(box["x"], 1), round(box["width"], 1)) for box in boxes}) == 1
    tab.close()


def test_centre_moves_the_ink_and_reset_brings_the_example_back(opened: Callable) -> None:
    live = Live(opened())
    live.press("clear")
    live.tab.mouse.click(*live.at(4, 20))
    live.press("centre")
    rows, columns = live.x.sum(1), live.x.sum(0)
    assert abs((rows @ range(28)) / rows.sum() - 13.5) <= 0.51
    assert abs((columns @ range(28)) / columns.sum() - 13.5) <= 0.51
    live.press("reset")
    assert np.array_equal(live.x, examples()["bar"][0])


@pytest.mark.parametrize("change", ["draw", "erase", "clear", "centre", "keyboard"])
def test_a_drawing_of_the_reader_s_own_is_no_example(opened: Callable, change: str) -> None:
    live = Live(opened())
    menu = live.menu("example")
    shown = "menu => menu.selectedOptions[0].label"
    ring = examples()["a ring & more"][0]
    menu.select_option(label="a ring & more")
    live.tab.wait_for_function("location.hash.includes('example=a+ring')")
    live.tab.mouse.move(*live.at(2, 2))
    live.surface.focus()
    live.tab.keyboard.press("ArrowUp")
    assert menu.evaluate(shown) == "a ring & more"  # the cursor alone changes nothing
    if change in ("draw", "erase"):
        live.press(change)
        live.stroke((6, 4), (6, 24))
    elif change == "keyboard":
        live.surface.focus()
        live.tab.keyboard.press("Space")
    else:
        live.press(change)
    own = live.x
    live.tab.wait_for_function("location.hash.startsWith('#figure-1?class=')")
    live.menu("class").select_option(label="7")
    live.tab.wait_for_function("location.hash.startsWith('#figure-1?class=7')")
    assert menu.evaluate(shown) == "(yours)"
    assert menu.evaluate("menu => menu.selectedOptions[0].hidden")
    assert np.array_equal(live.x, own)
    live.tab.evaluate("location.hash = location.hash.replace('class=7', 'class=3')")
    live.tab.wait_for_function("document.querySelector('.ib-live').drawn.now.target === 3")
    assert np.array_equal(live.x, own)  # an address without an example leaves the drawing alone
    menu.select_option(label="a ring & more")
    assert np.array_equal(live.x, ring)
    live.press("clear")
    menu.select_option(label="a ring & more")
    assert np.array_equal(live.x, ring)
    assert "(yours)" not in menu.inner_text()
    live.tab.wait_for_function("location.hash.includes('example=a+ring')")


def test_reset_resets_everything(opened: Callable) -> None:
    live = Live(opened())
    first = live.said
    live.menu("example").select_option(label="a ring & more")
    live.menu("class").select_option(label="7")
    live.slider("eps").fill("2")
    live.press("erase")
    live.stroke((6, 4), (6, 24))
    live.tab.wait_for_function("location.hash.includes('eps=')")
    live.press("reset")
    assert live.said == first
    assert np.array_equal(live.x, examples()["bar"][0])
    assert live.get("[now.settings.eps, now.settings.example]") == [0.1, 0]
    assert live.root.get_by_role("button", name="draw", exact=True).get_attribute("aria-pressed") == "true"
    live.tab.wait_for_timeout(300)
    assert live.tab.evaluate("location.hash") == ""


def test_a_step_with_nothing_to_take_says_so(opened: Callable) -> None:
    live = Live(opened())
    step = list(VIEWS).index("gradient_step")
    assert "no probability to take" not in live.said[step]
    unlikely = int(live.logits.argmin())
    live.menu("class").select_option(label=str(unlikely))
    assert f"The network does not see {unlikely} here" in live.said[step]


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (900, 800), (375, 700)])
def test_the_first_view_stands_beside_the_drawing_or_right_below(opened: Callable, width: int, height: int) -> None:
    live = Live(opened(viewport={"width": width, "height": height}))
    drawing, view, tools = (
        live.root.locator(part).first.bounding_box() for part in (".ib-surface", ".ib-view", ".ib-desk .ib-controls")
    )
    assert view["y"] + view["height"] <= height
    if width >= 900:
        assert view["x"] >= drawing["x"] + drawing["width"]
        assert view["y"] < drawing["y"] + drawing["height"]
    else:
        assert drawing["y"] + drawing["height"] <= view["y"] < tools["y"]


def test_what_a_finger_touches_is_44_pixels_high(opened: Callable) -> None:
    live = Live(opened(viewport={"width": 375, "height": 700}, has_touch=True, is_mobile=True))
    for target in live.root.locator("button, select, input").all():
        assert target.bounding_box()["height"] > 43.9
