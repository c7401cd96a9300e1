"""A plane with points to drag: page and kernel agree, what cannot be shown is refused, and a hand or a key moves it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
from browser import page_of
from javascript import plane_source, run_node
from plane_figures import check_both_halves

from interpbook.explore import Drawn, Handle, Mark, Picture, Placed, Scene, plane
from interpbook.explore.tables import pack_tables

NOISE = np.float32([[0.5, -1.0], [0.25, 2.0]])
SCRIPT = """function (now, tables) {
  var a = now.points.a, x = now.points.x[0], s = now.settings.slope;
  var noise = tables.noise.values, dots = [];
  for (var k = 0; k < noise.length; k += 2) { dots.push(a[0] + s * noise[k], a[1] + s * noise[k + 1]); }
  return {
    marks: [
      { kind: "field", values: [0, 1, 2, 3, 4, 5 * s], shape: [2, 3], color: 1, label: "density" },
      { kind: "line", values: [-2, -2 * s, NaN, NaN, 2, 2 * s], color: 0, dashed: true },
      { kind: "dots", values: dots, color: 2, faint: true },
      { kind: "arrows", values: [0, 0, a[0], a[1]], color: 3, heavy: true }
    ],
    facts: [["height", { y: s * x }]],
    pictures: [
      ["share", { kind: "bars", values: [s / 2, 1 - s / 2], labels: ["one", "two"] }],
      ["course", { kind: "chart", values: [s, 2 * s, 3 * s, s, s, 4 * s], labels: ["1", "2", "3"], chosen: 1,
        ticks: [0, 1, 2], names: ["turn", "seen", "thought"] }]
    ],
    places: { x: [x, s * x] }
  };
}"""


def compute(now: Placed) -> Drawn:
    (ax, ay), (x, _), slope = now.points["a"], now.points["x"], now.settings["slope"]
    marks = (
        Mark("field", np.array([[0.0, 1, 2], [3, 4, 5 * slope]]), 1, "density"),
        Mark("line", np.array([[-2.0, -2 * slope], [np.nan, np.nan], [2, 2 * slope]]), 0, dashed=True),
        Mark("dots", np.array([ax, ay]) + slope * NOISE.astype(float), 2, faint=True),
        Mark("arrows", np.array([[0.0, 0.0, ax, ay]]), 3, heavy=True),
    )
    bars = Picture("bars", np.array([slope / 2, 1 - slope / 2]), ("one", "two"))
    course = slope * np.array([[1.0, 2, 3], [1, 1, 4]])
    names = ("turn", "seen", "thought")
    chart = Picture("chart", course, ("1", "2", "3"), chosen=1, ticks=(0, 1, 2), names=names)
    pictures = (("share", bars), ("course", chart))
    return Drawn(marks, (("height", {"y": slope * x}),), pictures, {"x": (x, slope * x)})


SCENE = Scene(
    "a line and a cloud",
    compute,
    SCRIPT,
    {"x": Handle(1, 0, "x"), "a": Handle(-1.0, 0.5, title="the cloud")},
    ((-2, 2), (-1, 1.5)),
    axes=("input", "output"),
    phrases={"height": "The point is {y:z.2f} high."},
    settings={"slope": [0.1, 0.2, 0.3, 0.4, 0.5], "way": ["one", "other"]},
    starts={"slope": 0.3},
    tables={"noise": NOISE},
)


def test_page_and_kernel_show_and_say_the_same() -> None:
    check_both_halves(SCENE)


def test_a_half_that_differs_is_found() -> None:
    for theirs, changed in (("heavy: true", "heavy: false"), ("[0, 1, 2]", "[0, 1, 3]"), ('"seen"', '"heard"')):
        with pytest.raises(AssertionError):
            check_both_halves(replace(SCENE, script=SCRIPT.replace(theirs, changed)))
    with pytest.raises(AssertionError):
        check_both_halves(replace(SCENE, script=SCRIPT.replace("s * noise[k]", "noise[k]")))
    with pytest.raises(AssertionError):
        check_both_halves(replace(SCENE, script=SCRIPT.replace("y: s * x", "y: x")))


def test_a_kernel_moves_it_by_sliders() -> None:
    box = plane(SCENE).widgets()
    sliders = {child.description: child for child in box.children if isinstance(child, ipywidgets.FloatSlider)}
    assert list(sliders) == ["x: x", "the cloud: x", "the cloud: y"]
    before = box.children[-1].value
    assert "The point is 0.30 high." in before
    sliders["x: x"].value = -1
    assert "The point is -0.30 high." in box.children[-1].value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limits": ((1, 1), (0, 1))}, "scene: limits are .* expected two intervals"),
        ({"handles": {}}, "no handles, expected at least one point"),
        ({"handles": {"x": Handle(0, 0, "y")}}, "handle 'x' moves along 'y', expected both or x"),
        ({"handles": {"x": Handle(3, 0)}}, r"handle 'x' begins at \(3, 0\), outside of"),
        ({"phrases": {"height": "{y:.1f}"}}, "phrase 'height' has"),
        ({"starts": {"slope": 7}}, "starts slope at 7, expected one of 0.1"),
    ],
)
def test_a_scene_that_cannot_be_shown_is_refused(change: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        plane(replace(SCENE, **change))


def test_marks_and_tables_that_cannot_be_drawn_are_refused(without_shape_checks) -> None:
    with pytest.raises(ValueError, match="kind: expected one of line, dots, arrows, field, got 'star'"):
        Mark("star", np.zeros((1, 2)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"values: expected the shape \(n, 4\) for arrows, got \(1, 2\)"):
        Mark("arrows", np.zeros((1, 2)))
    with pytest.raises(ValueError, match="color: expected a place in a palette of 6, got 6"):
        Mark("dots", np.zeros((1, 2)), 6)
    with pytest.raises(ValueError, match="'noise' has values beyond 32 bits"):
        pack_tables({"noise": np.array([0.1])})
    with pytest.raises(TypeError, match="scene is a int, expected a Scene"):
        plane(3)  # type: ignore[arg-type]


# --- in a browser ---


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("plane") / "page.html"
    path.write_text(page_of(plane(SCENE).html()))
    return path


def said(tab) -> str:
    tab.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return tab.locator(".ib-plane > .ib-text").inner_text()


def middle(tab, name: str) -> tuple[float, float]:
    ring = tab.get_by_role("slider", name=name).locator(".ib-ring").bounding_box()
    return ring["x"] + ring["width"] / 2, ring["y"] + ring["height"] / 2


def test_a_point_is_dragged_and_stays_on_its_curve(opened: Callable) -> None:
    tab = opened()
    assert said(tab) == "The point is 0.30 high."
    x, y = middle(tab, "x")
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 50, y - 120, steps=4)
    tab.mouse.up()
    height = float(said(tab).split()[3])
    now_x, now_y = middle(tab, "x")
    assert now_x == pytest.approx(x + 50, abs=1)
    assert now_y < y  # on the line, not where the pointer went
    assert now_y > y - 60
    assert height > 0.3


def test_arrow_keys_move_a_point_and_a_screen_reader_hears_it(opened: Callable) -> None:
    tab = opened()
    handle = tab.get_by_role("slider", name="the cloud")
    handle.focus()
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("Shift+ArrowUp")
    said(tab)
    assert handle.get_attribute("aria-valuetext") == "-0.92, 0.75"
    tab.keyboard.press("Shift+ArrowDown")
    for _ in range(20):
        tab.keyboard.press("Shift+ArrowLeft")
    said(tab)
    assert handle.get_attribute("aria-valuetext").startswith("-2.00, ")  # it stays in the plane
    assert tab.locator(".ib-plane [aria-live=polite]").inner_text() == "The point is 0.30 high."


def test_a_chart_has_its_dots_and_line_where_they_are_in_a_kernel(opened: Callable) -> None:
    chart = opened().locator(".ib-chart")
    heights = [float(dot.get_attribute("cy")) for dot in chart.locator("circle").all()]
    line = chart.locator(".ib-chart-line").get_attribute("d")
    drawn = [float(place.split()[1]) for place in line.removeprefix("M").split("L")]
    low, _, high = (float(tick.get_attribute("d").split()[1].split("H")[0]) for tick in _ticks_of(chart))
    seen = [2 * (low - at) / (low - high) for at in (*heights, *drawn)]
    [_, (_, course)] = compute(plane(SCENE).first).pictures
    assert seen == pytest.approx(course.values.ravel().tolist(), abs=0.01)
    assert [dot.get_attribute("class") for dot in chart.locator("circle").all()].index("ib-chart-chosen") == 1
    assert chart.locator("text").all_text_contents() == ["0", "1", "2", "1", "2", "3", "turn"]
    ax = plane(SCENE).picture(plane(SCENE).first).axes[2]
    np.testing.assert_allclose([line.get_ydata() for line in ax.lines[1::-1]], course.values)
    assert ax.get_ylim() == (0, 2)


def _ticks_of(chart) -> list:
    return chart.locator(".ib-chart-tick").all()


def test_what_is_heavy_is_drawn_thicker(opened: Callable) -> None:
    tab = opened()
    line, arrow = tab.locator(".ib-plane g[clip-path] > path").all()
    assert float(arrow.get_attribute("stroke-width")) == pytest.approx(2 * 1.8)
    assert float(line.get_attribute("stroke-width")) == pytest.approx(2.2)


def test_tables_of_16_bits_arrive_as_they_are() -> None:
    halves = np.float16([[0.1, -2.5, 1e-7], [65504, 0, -6e-5]])
    packed = pack_tables({"weights": halves})
    assert len(packed["weights"]["float16"]) == 16
    read = run_node(plane_source() + "return readTables(data).weights;", packed)
    assert read["shape"] == [2, 3]
    np.testing.assert_array_equal(read["values"], halves.astype(float).ravel())


def test_reset_brings_points_and_controls_back(opened: Callable) -> None:
    tab = opened()
    tab.get_by_label("slope").first.fill("0")
    tab.get_by_label("way").select_option(label="other")
    tab.get_by_role("slider", name="x", exact=True).focus()
    tab.keyboard.press("Shift+ArrowRight")
    assert said(tab) != "The point is 0.30 high."
    tab.get_by_role("button", name="reset").click()
    assert said(tab) == "The point is 0.30 high."
    assert tab.get_by_label("way").input_value() == "0"


@pytest.mark.parametrize("width", [390, 900])
def test_units_are_equal_where_a_scene_asks_for_it(visit: Callable, tmp_path: Path, width: int) -> None:
    equal = plane(replace(SCENE, equal=True))
    (tmp_path / "page.html").write_text(page_of(equal.html()))
    tab = visit(viewport={"width": width, "height": 800}).open((tmp_path / "page.html").as_uri())
    inside = tab.locator(".ib-plane clipPath rect")
    wide, high = (float(inside.get_attribute(side)) for side in ("width", "height"))
    (x0, x1), (y0, y1) = SCENE.limits
    assert wide / (x1 - x0) == pytest.approx(high / (y1 - y0))
    assert equal.picture(equal.first).axes[0].get_aspect() == 1
    assert plane(SCENE).picture(plane(SCENE).first).axes[0].get_aspect() == "auto"


def test_a_finger_finds_a_point_and_nothing_scrolls_sideways(opened: Callable) -> None:
    tab = opened(viewport={"width": 320, "height": 640}, has_touch=True)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320
    reach = tab.locator(".ib-reach").first.bounding_box()
    assert min(reach["width"], reach["height"]) >= 44
    share = tab.locator(".ib-view").first.bounding_box()
    assert share["y"] < tab.locator(".ib-surface svg").bounding_box()["y"]  # what follows stands first


def test_without_scripts_a_picture_is_there(opened: Callable) -> None:
    tab = opened(java_script_enabled=False)
    assert tab.locator(".ib-plane img").get_attribute("alt") == "The point is 0.30 high."
