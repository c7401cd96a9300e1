"""For small noise the two shares are one number, wherever the reader drags; and the library says the same of both."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import page_of
from plane_figures import check_both_halves, in_page

from interpbook.chapters.robustness.off_manifold import plane as scene
from interpbook.explore import Drawn, Placed, plane
from interpbook.robustness import on_manifold_fraction, relative_off_manifold_robustness

GRADIENTS = [(0.3, 1.1), (-1.2, 0.4), (0.9, -0.2)]
ANGLES = [0.0, 20.0, 77.0, 135.0]


def unit(degrees: float) -> np.ndarray:
    return np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])


def placed(**changes: object) -> Placed:
    first = plane(scene.turning_plane()).first
    points = {**first.points, **{name: at for name, at in changes.items() if name in first.points}}
    return Placed(points, {**first.settings, **{name: at for name, at in changes.items() if name in first.settings}})


def facts(drawn: Drawn) -> dict:
    return dict(drawn.facts)


def test_page_and_kernel_show_and_say_the_same() -> None:
    check_both_halves(scene.turning_plane(), count=16)


def test_the_noise_has_no_direction_of_its_own() -> None:
    noise = scene.NOISE.astype(float)
    np.testing.assert_allclose(noise.T @ noise / len(noise), np.eye(2), atol=1e-6)
    np.testing.assert_allclose(noise.mean(0), 0, atol=1e-6)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_the_two_shares_part_with_the_square_of_the_noise(gradient: tuple[float, float], degrees: float) -> None:
    """tanh(t)^2 = t^2 - 2/3 t^4 + ..., so that they differ by (sigma |g|)^2 times a number, and by nothing else."""
    g, direction = np.array(gradient), unit(degrees)
    share = scene.by_gradient(g, direction)
    fourth = (scene.NOISE.astype(float) @ (g / np.linalg.norm(g))) ** 4
    expected = 2 / 3 * fourth.mean() * (g @ g) * share * (1 - share)
    for sigma in (1e-3, 1e-2):
        measured = (scene.by_noise(g, direction, sigma) - share) / sigma**2
        assert measured == pytest.approx(expected, rel=0.02, abs=0.02)


@pytest.mark.parametrize("degrees", ANGLES)
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_both_shares_are_those_of_the_library(gradient: tuple[float, float], degrees: float) -> None:
    g, direction = torch.tensor([gradient], dtype=torch.float64), torch.tensor(unit(degrees))
    projection = torch.outer(direction, direction)
    own = scene.by_gradient(g[0].numpy(), direction.numpy())
    assert own == pytest.approx(1 - float(on_manifold_fraction(g, projection)), abs=1e-12)
    x = torch.zeros(1, 2, dtype=torch.float64)
    theirs = relative_off_manifold_robustness(lambda x: torch.tanh(x @ g[0]), x, projection, 1e-3)
    assert scene.by_noise(g[0].numpy(), direction.numpy(), 1e-3) == pytest.approx(float(theirs), abs=1e-5)


@pytest.mark.parametrize("sigma", [0.05, 0.8])
@pytest.mark.parametrize(("turned", "share", "angle"), [(0, 0, 0), (180, 0, 0), (90, 1, 90)])
def test_along_and_across_the_manifold_noise_of_any_size_agrees(
    sigma: float, turned: int, share: int, angle: int
) -> None:
    drawn = scene.compute(placed(manifold=tuple(unit(30)), g=tuple(1.2 * unit(30 + turned)), noise=sigma))
    assert facts(drawn)["gradient"]["angle"] == angle
    np.testing.assert_allclose(drawn.pictures[0][1].values, share, atol=1e-9)
    assert "same" in facts(drawn)


def test_much_noise_reaches_where_f_bends() -> None:
    drawn = scene.compute(placed(manifold=tuple(unit(0)), g=tuple(1.2 * unit(45)), noise=0.8))
    assert facts(drawn)["gradient"] == {"angle": 45, "gradient": pytest.approx(0.5)}
    assert facts(drawn)["noise"]["noise"] > 0.5 + scene.SAME
    assert "parted" in facts(drawn)


def test_only_the_angle_of_the_manifold_counts() -> None:
    figure = plane(scene.turning_plane())
    near, far = (placed(manifold=tuple(length * unit(50))) for length in (0.01, 1.7))
    assert figure.sentence(near) == figure.sentence(far)
    np.testing.assert_allclose(scene.compute(near).places["manifold"], scene.HANDLE * unit(50))
    assert scene.compute(placed(manifold=(0.0, 0.0))).places["manifold"] == (scene.HANDLE, 0)


@pytest.mark.parametrize("gradient", [(0.0, 0.0), (0.02, -0.03)])
def test_no_gradient_is_said_and_not_divided_by(gradient: tuple[float, float]) -> None:
    now = placed(g=gradient)
    drawn = scene.compute(now)
    assert plane(scene.turning_plane()).sentence(now).startswith("The gradient is zero")
    assert not len(drawn.pictures[0][1].values)
    assert drawn.places["g"] == (0.0, 0.0)
    assert all(np.isfinite(mark.values).all() for mark in drawn.marks if mark.kind != "line")
    [page] = in_page(plane(scene.turning_plane()), [now])
    assert page["text"] == plane(scene.turning_plane()).sentence(now)
    assert page["places"]["g"] == [0, 0]
    assert page["pictures"] == [["share off the manifold", {"kind": "bars", "labels": [], "values": []}]]
    for theirs, ours in zip(page["marks"], drawn.marks, strict=True):
        if ours.kind != "line":
            np.testing.assert_allclose(theirs["values"], ours.values.ravel(), rtol=1e-9, atol=1e-9)


def test_the_pictures_of_a_kernel_hold_all_of_it() -> None:
    figure = plane(scene.turning_plane())
    for now in (figure.first, placed(g=(0.0, 0.0)), placed(noise=0.8)):
        fig = figure.picture(now)
        fig.canvas.draw()
        ends = [text.get_window_extent() for text in fig.legends[0].get_texts()]
        assert all(end.x0 >= 0 and end.x1 <= fig.bbox.width for end in ends)
        box = fig.axes[0].get_window_extent()
        (x0, x1), (y0, y1) = scene.LIMITS
        assert box.width / (x1 - x0) == pytest.approx(box.height / (y1 - y0))
        assert box.height > 0.4 * fig.bbox.height


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    figure = plane(scene.turning_plane()).html()
    assert len(figure) < 100_000
    path = tmp_path_factory.mktemp("plane") / "page.html"
    path.write_text(page_of(figure))
    return path


def test_in_the_page_a_gradient_dragged_onto_the_manifold_leaves_no_share_off_it(opened: Callable) -> None:
    tab = opened()
    said = tab.locator(".ib-plane > .ib-text")
    ring = "[role=slider][aria-label={}] .ib-ring"
    tip, line = (tab.locator(ring.format(name)).bounding_box() for name in ("g", "manifold"))
    tab.mouse.move(tip["x"] + 8, tip["y"] + 8)
    tab.mouse.down()
    tab.mouse.move(line["x"] + line["width"] / 2, line["y"] + line["height"] / 2, steps=4)
    tab.mouse.up()
    tab.wait_for_function("document.querySelector('.ib-plane > .ib-text').textContent.includes('lies 0 degrees')")
    assert said.inner_text() == (
        "The gradient lies 0 degrees off the manifold: its share off the manifold is 0.00."
        " Under noise of size 0.10 the share is 0.00. The two agree within 0.01."
    )
    assert tab.locator(".ib-view .ib-number").all_inner_texts() == ["0%", "0%"]
    assert tab.locator(".ib-plane").evaluate("figure => Math.min(...figure.took)") < 100


def test_in_the_page_keys_turn_the_manifold_and_bring_the_gradient_to_zero(opened: Callable) -> None:
    tab = opened()
    handle = tab.get_by_role("slider", name="manifold")
    before = handle.get_attribute("aria-valuetext")
    handle.focus()
    tab.keyboard.press("Shift+ArrowUp")
    where = "document.querySelector('[aria-label=manifold]').getAttribute('aria-valuetext')"
    tab.wait_for_function(f"{where} !== {before!r}")
    x, y = map(float, handle.get_attribute("aria-valuetext").split(","))
    assert np.hypot(x, y) == pytest.approx(scene.HANDLE, abs=0.01)
    (start_x, start_y), (low, high) = plane(scene.turning_plane()).first.points["manifold"], scene.LIMITS[1]
    assert y / x == pytest.approx((start_y + 0.1 * (high - low)) / start_x, abs=0.02)
    tab.get_by_role("slider", name="g", exact=True).focus()
    for _ in range(3):
        tab.keyboard.press("Shift+ArrowDown")
        tab.keyboard.press("ArrowLeft")
    tab.wait_for_function("document.querySelector('.ib-plane > .ib-text').textContent.includes('gradient is zero')")
    assert tab.locator(".ib-view .ib-row").count() == 0


@pytest.mark.parametrize("width", [1280, 390])
def test_angles_in_the_page_are_what_they_look_like_and_nothing_is_cut(opened: Callable, width: int) -> None:
    tab = opened(viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    name, tip = (tab.locator(f"[aria-label={name}] .ib-ring").bounding_box() for name in ("manifold", "g"))
    across, down = name["x"] - tip["x"], name["y"] - tip["y"]
    places = scene.compute(plane(scene.turning_plane()).first).places
    right, up = np.subtract(places["manifold"], places["g"])
    assert -down / across == pytest.approx(up / right, rel=0.02)
    frame = tab.locator(".ib-plane").bounding_box()
    for text in tab.locator(".ib-plane svg text, .ib-plane .ib-entry, .ib-plane .ib-name").all():
        box = text.bounding_box()
        assert frame["x"] <= box["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    cut = "names => names.filter(name => name.scrollWidth > name.clientWidth + 1).length"
    assert tab.locator(".ib-plane .ib-name").evaluate_all(cut) == 0
