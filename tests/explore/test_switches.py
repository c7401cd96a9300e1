"""Switches, of which any number is on: read, refused, moved in a kernel, and pressed in the page."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from browser import page_of
from plane_figures import check_both_halves

from interpbook import models
from interpbook.explore import Drawn, Handle, Mark, Placed, Scene, Shown, Switches, View, live, plane, sweep
from interpbook.explore.controls import read_controls

SCRIPT = """function (now) {
  var on = now.settings.keep;
  return {
    marks: [{ kind: "dots", values: on.map(function (x) { return [x, 0]; }).flat(), color: 5 }],
    facts: [["on", { which: on.join("+"), way: now.settings.way }]]
  };
}"""


def compute(now: Placed) -> Drawn:
    on = now.settings["keep"]
    dots = np.array([(x, 0.0) for x in on]).reshape(-1, 2)
    return Drawn((Mark("dots", dots),), (("on", {"which": "+".join(map(str, on)), "way": now.settings["way"]}),))


SCENE = Scene(
    "dots that are on",
    compute,
    SCRIPT,
    {"x": Handle(0, 0.5)},
    ((-1, 10), (-1, 1)),
    phrases={"on": "On are {which}, {way}."},
    settings={"keep": Switches({"one": 1, "two": 2, "three": 3, "nine": 9}), "way": ["up", "down"]},
    starts={"keep": [3, 1]},
)


def test_page_and_kernel_show_and_say_the_same() -> None:
    check_both_halves(SCENE, count=20)


@pytest.mark.parametrize(
    ("values", "labels", "own"),
    [
        ([1, 2, 3], ("1", "2", "3"), (1, 2, 3)),
        (np.array([0.5, 2.0]), ("0.5", "2"), (0.5, 2.0)),
        ({"a": "x", "b": "y"}, ("a", "b"), ("x", "y")),
    ],
)
def test_switches_hold_the_values_that_are_on(values, labels: tuple[str, ...], own: tuple) -> None:
    [control] = read_controls({"on": Switches(values)})
    assert (control.kind, control.labels, control.start) == ("switches", labels, ())
    assert control.value_at(()) == ()
    assert control.value_at((0, len(own) - 1)) == (own[0], own[-1])
    assert control.position_of(list(own)) == tuple(range(len(own)))
    assert control.position_of(own[0]) is control.position_of([own[0], "else"]) is None


def test_where_nothing_is_said_of_the_start_all_are_off() -> None:
    assert plane(replace(SCENE, starts={})).first.settings["keep"] == ()
    assert plane(SCENE).first.settings["keep"] == (1, 3)  # in the order of the switches


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"starts": {"keep": [4]}}, r"starts keep at \[4\], expected a list of some of one, two, three, nine"),
        ({"starts": {"keep": 1}}, "starts keep at 1, expected a list of some of one"),
        ({"settings": {"keep": Switches({"a b": 1})}}, "keep has a switch 'a b', expected labels without spaces"),
        ({"settings": {"keep": Switches([])}}, "keep shows nothing"),
        ({"settings": {"keep": Switches("abc")}}, "keep is a str, expected a list"),
    ],
)
def test_switches_that_cannot_be_shown_are_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plane(replace(SCENE, **{"starts": {}, **change}))


@pytest.mark.usefixtures("without_shape_checks")
def test_a_sweep_has_a_picture_for_each_value_and_no_switches() -> None:
    with pytest.raises(TypeError, match="height is a Switches, expected a list of values"):
        sweep(lambda height: plt.figure(), alt="nothing", height=Switches([1, 2]))  # type: ignore[arg-type]


def test_a_kernel_has_a_row_of_buttons() -> None:
    box = plane(SCENE).widgets()
    [row] = [child for child in box.children if isinstance(child, ipywidgets.HBox)]
    title, *buttons = row.children
    assert (title.value, [button.description for button in buttons]) == ("keep", ["one", "two", "three", "nine"])
    assert [button.value for button in buttons] == [True, False, True, False]
    view, seen = box.children[-1], []
    view.observe(lambda change: seen.append(change["new"]), names="value")
    buttons[3].value = True
    assert "On are 1+3+9, up." in view.value
    row.value = (1,)
    assert [button.value for button in buttons] == [False, True, False, False]
    assert "On are 2, up." in view.value
    assert len(seen) == 2  # nothing was drawn in between
    row.value = ()
    assert "On are , up." in view.value


# --- in a browser ---


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    """A plane and a network with switches; in both they are named alike."""
    view = View(
        "own",
        "its own",
        lambda now: Shown((), (("on", {"which": "+".join(map(str, now.settings["keep"]))}),)),
        "function (now) { return { pictures: [], facts: [['on', { which: now.settings.keep.join('+') }]] }; }",
        {"on": "On are {which}."},
        settings={"keep": Switches([1, 2, 3])},
        starts={"keep": [2]},
    )
    network = live(models.MLP(hidden=(4,)).eval(), start=torch.zeros(1, 28, 28), views=[view])
    path = tmp_path_factory.mktemp("switches") / "page.html"
    path.write_text(page_of(plane(SCENE).html(), network.html(2)))
    return path


def said(tab) -> str:
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return tab.locator(".ib-plane > .ib-text").inner_text()


def test_a_switch_is_pressed_by_pointer_or_key_and_says_so(opened: Callable) -> None:
    tab = opened()
    row = tab.get_by_role("group", name="keep").first
    assert said(tab) == "On are 1+3, up."
    assert row.get_by_role("button", pressed=True).all_inner_texts() == ["one", "three"]
    row.get_by_role("button", name="nine").click()
    row.get_by_role("button", name="one").focus()
    tab.keyboard.press("Space")
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    assert said(tab) == "On are 2+3+9, up."
    assert row.get_by_role("button", pressed=True).all_inner_texts() == ["two", "three", "nine"]
    assert tab.locator(".ib-plane [aria-live=polite]").inner_text() == "On are 2+3+9, up."
    tab.wait_for_function("location.hash === '#figure-1?keep=two+three+nine&way=up'")
    tab.get_by_role("button", name="reset").first.click()
    assert said(tab) == "On are 1+3, up."
    assert tab.evaluate("location.hash") == ""


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("#figure-1?keep=nine+two&way=down", "On are 2+9, down."),
        ("#figure-1?keep=&way=down", "On are , down."),
        ("#figure-1?way=down", "On are 1+3, down."),
        ("#figure-1?keep=one+ten", "On are 1+3, up."),
    ],
)
def test_an_address_says_which_are_on(opened: Callable, address: str, text: str) -> None:
    assert said(opened(address)) == text


def test_a_view_of_a_network_may_have_switches(opened: Callable) -> None:
    tab = opened()
    text = tab.locator(".ib-live .ib-view .ib-text")
    assert text.text_content() == "On are 2."
    tab.locator(".ib-live").get_by_role("button", name="3", exact=True).click()
    assert text.text_content() == "On are 2+3."


@pytest.mark.parametrize("width", [1000, 320])
def test_a_finger_finds_each_and_nothing_scrolls_sideways(opened: Callable, width: int) -> None:
    tab = opened(viewport={"width": width, "height": 640}, has_touch=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for switch in tab.locator(".ib-switches button").all():
        box = switch.bounding_box()
        assert min(box["width"], box["height"]) >= 44
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
