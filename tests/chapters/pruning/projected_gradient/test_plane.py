"""The plane of two weights runs the library's method, and says of a zero weight that it is trapped where it is."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import page_of
from plane_figures import check_both_halves, in_page

from interpbook.chapters.pruning.projected_gradient import plane as scene
from interpbook.explore import Drawn, Placed, plane
from interpbook.pruning import SparsitySchedule, project_sparsity, train_projected

A = np.array([[1.0, scene.C], [scene.C, 1.0]])
MINIMA = [(0.28, 1.36), (-0.9, 1.15), (1.3, -0.5), (0.0, 1.1), (-1.4, 0.0)]
RATES = [0.05, 0.4, 1.0]
STARTS = [(1.8, 0.0), (0.0, -1.2), (0.4, 0.9)]


def placed(**changes: object) -> Placed:
    first = plane(scene.two_weights()).first
    points = {**first.points, **{name: at for name, at in changes.items() if name in first.points}}
    return Placed(points, {**first.settings, **{name: at for name, at in changes.items() if name in first.settings}})


def facts(drawn: Drawn) -> dict:
    return dict(drawn.facts)


def said(**changes: object) -> str:
    return plane(scene.two_weights()).sentence(placed(**changes))


def trapped(b: tuple[float, float], axis: int) -> tuple[float, float]:
    """Where the loss is least on an axis, by minimizing it there among many points."""
    along = np.linspace(-3, 3, 600_001)
    points = np.zeros((len(along), 2))
    points[:, axis] = along
    moves = points - np.array(b)
    return tuple(map(float, points[np.einsum("ni,ij,nj->n", moves, A, moves).argmin()]))


def test_page_and_kernel_show_and_say_the_same() -> None:
    check_both_halves(scene.two_weights(), count=40)


@pytest.mark.parametrize("b", MINIMA)
def test_gradient_and_loss_are_those_of_the_quadratic(b: tuple[float, float]) -> None:
    minimum = torch.tensor(b, dtype=torch.float64)
    for start in STARTS:
        w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
        loss = (w - minimum) @ torch.tensor(A) @ (w - minimum) / 2
        [gradient] = torch.autograd.grad(loss, w)
        assert scene.loss(start, b) == pytest.approx(loss.item(), abs=1e-12)
        assert scene.gradient(start, b) == pytest.approx(tuple(gradient.tolist()), abs=1e-12)


@pytest.mark.parametrize("w", [(1.0, -2.0), (-2.0, 1.0), (0.3, 0.3), (-0.3, 0.3), (0.0, 0.1)])
def test_the_projection_is_the_nearest_point_on_an_axis_and_the_one_of_the_library(w: tuple[float, float]) -> None:
    own = scene.project(w)
    assert math.dist(w, own) == min(abs(w[0]), abs(w[1]))
    theirs = torch.tensor(w, dtype=torch.float64)
    project_sparsity(theirs, 0.5)
    assert own == tuple(theirs.tolist())


@pytest.mark.parametrize("opened", [0, 1, 5])
@pytest.mark.parametrize("lr", RATES)
@pytest.mark.parametrize("b", MINIMA)
def test_the_run_is_what_a_plain_loop_of_steps_and_projections_gives(
    b: tuple[float, float], lr: float, opened: int
) -> None:
    for start in STARTS:
        w = np.array(start)
        w[np.abs(w).argmin()] = 0
        expected = [w]
        for k in [1] * scene.STEPS + [2] * opened + [1] * scene.STEPS:
            w = w - lr * A @ (w - np.array(b))
            if k == 1:
                w[np.abs(w).argmin()] = 0
            expected.append(w)
        np.testing.assert_allclose(scene.run(start, b, lr, opened), expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("opened", [0, 1, 5])
@pytest.mark.parametrize("b", MINIMA)
def test_the_run_ends_where_training_with_the_same_schedule_ends(b: tuple[float, float], opened: int) -> None:
    """With inputs R, R^T R = A, and targets R b, half the squares of a linear layer sum to the loss of the plane."""
    root = torch.linalg.cholesky(torch.tensor(A)).T
    model = torch.nn.Linear(2, 1, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.8, 0.0]]))
    first, last = scene.STEPS, scene.STEPS + opened
    schedule = SparsitySchedule("open once", last + first, 0.5, lambda t: 0.0 if first < t <= last else 0.5)
    train_projected(
        model,
        (root, root @ torch.tensor(b, dtype=torch.float64)[:, None]),
        schedule,
        loss=lambda out, target: (out - target).square().sum() / 2,
        lr=0.4,
        momentum=0,
        progress=False,
    )
    end = scene.run((1.8, 0.0), b, 0.4, opened)[-1]
    np.testing.assert_allclose(model.weight.detach()[0], end, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("b", MINIMA)
def test_one_axis_has_its_least_loss_where_the_closed_form_says(b: tuple[float, float], axis: int) -> None:
    other = b[1 - axis]
    w = trapped(b, axis)
    assert w[axis] == pytest.approx(b[axis] + scene.C * other, abs=1e-5)
    assert scene.loss(w, b) == pytest.approx((1 - scene.C**2) * other**2 / 2, abs=1e-9)


@pytest.mark.parametrize("b", MINIMA)
def test_the_weight_to_keep_is_the_one_whose_coordinate_of_the_minimum_is_larger(b: tuple[float, float]) -> None:
    candidates = [trapped(b, axis) for axis in (0, 1)]
    losses = [scene.loss(w, b) for w in candidates]
    where, least = scene.best(b)
    assert least == pytest.approx(min(losses), abs=1e-9)
    assert where == pytest.approx(candidates[int(np.argmin(losses))], abs=1e-5)
    assert facts(scene.compute(placed(b=b)))["best"] == {"best": 1 + int(abs(b[1]) > abs(b[0]))}


@pytest.mark.parametrize("lr", [0.1, 0.4, 0.6, 0.8, 1.0])
@pytest.mark.parametrize("b", MINIMA)
def test_a_zero_weight_is_trapped_as_long_as_its_step_is_smaller_than_the_other_weight(
    b: tuple[float, float], lr: float
) -> None:
    """w* = (b_1 + c b_2, 0) stays where it is if lr (1 - c^2) |b_2| <= |b_1 + c b_2|, and otherwise w_2 comes back."""
    first = (b[0] + scene.C * b[1], 0.0)
    stays = lr * (1 - scene.C**2) * abs(b[1]) <= abs(first[0])
    after = scene.run(first, b, lr, 0)[1]
    assert after == (pytest.approx(first, abs=1e-12) if stays else (0.0, pytest.approx(lr * 0.75 * b[1])))
    if stays:
        assert scene.run(first, b, lr, 0)[-1] == pytest.approx(first, abs=1e-9)


def test_the_figure_shows_the_two_sizes_that_decide() -> None:
    b, lr = (0.28, 1.36), 0.4
    drawn = scene.compute(placed(b=b, lr=lr))
    sizes = np.array([b[0] + scene.C * b[1], lr * (1 - scene.C**2) * b[1]])
    np.testing.assert_allclose(drawn.pictures[0][1].values, sizes / sizes[0], atol=1e-6)
    assert drawn.pictures[0][1].chosen == 0
    seen = facts(drawn)["ahead"]
    assert (seen["zero"], seen["kept"]) == (2, 1)
    assert (seen["size"], seen["reach"]) == pytest.approx(tuple(sizes), abs=1e-6)


@pytest.mark.parametrize(("opened", "kept"), [(0, 1), (1, 1), (3, 2), (12, 2)])
def test_where_a_reader_begins_the_weight_is_trapped_until_the_opening_is_long_enough(opened: int, kept: int) -> None:
    drawn = facts(scene.compute(placed(open_steps=opened)))
    assert "stays" in drawn
    assert drawn["once" if opened == 1 else "opened" if opened else "closed"]["kept"] == kept
    losses = drawn["losses"]
    assert losses["before"] == pytest.approx((1 - scene.C**2) * 1.36**2 / 2, abs=1e-6)
    if kept == 2:
        assert losses["after"] == pytest.approx(losses["least"], abs=1e-6)
    else:
        assert losses["after"] == pytest.approx(losses["before"], abs=1e-6)


def test_a_large_learning_rate_needs_no_opening() -> None:
    text = said(lr=1.0)
    assert text.startswith("On the way w2 took the place of w1 by itself. After 30 steps w1 is zero.")
    losses = facts(scene.compute(placed(lr=1.0)))["losses"]
    assert losses["before"] == pytest.approx(losses["least"], abs=1e-9)


def test_where_no_axis_holds_the_weights_change_places_at_every_step() -> None:
    """For b = (1, -1) the best points, (1/2, 0) and (0, -1/2), are closer to zero than a step of length 3/4."""
    path = scene.run((0.5, 0.0), (1.0, -1.0), 1.0, 0)
    assert [scene.kept(w) for w in path] == [k % 2 for k in range(len(path))]
    changes = {"b": (0.5, -0.5), "w": (0.5, 0.0), "lr": 1.0}
    text, [(_, bars)] = said(**changes), scene.compute(placed(**changes)).pictures
    assert bars.chosen == bars.values.argmax() == 1
    assert "it takes the other's place." in text
    assert text.endswith("with either.")


def test_both_weights_at_zero_are_said_and_the_first_of_two_as_large_is_kept() -> None:
    assert said(w=(0.0, 0.0)).startswith("Both weights start at zero, and the larger gradient decides. After 30")
    assert scene.run((0.0, 0.0), (0.3, 1.1), 0.2, 0)[1] == (0.0, pytest.approx(0.2 * (1.1 + 0.15)))
    assert scene.run((0.0, 0.0), (0.7, 0.7), 0.2, 0)[1] == (pytest.approx(0.2 * 1.5 * 0.7), 0.0)


@pytest.mark.parametrize("b", [(0.0, 0.0), (0.03, -0.04)])
def test_a_minimum_without_any_weight_is_said_and_not_divided_by(b: tuple[float, float]) -> None:
    now = placed(b=b, lr=1.0)
    drawn, figure = scene.compute(now), plane(scene.two_weights())
    assert figure.sentence(now).startswith("The minimum of the loss is where both weights are zero")
    assert not len(drawn.pictures[0][1].values)
    assert drawn.places["b"] == (0, 0)
    [page] = in_page(figure, [now])
    assert (page["text"], page["places"]["b"]) == (figure.sentence(now), [0, 0])
    assert page["pictures"] == [[drawn.pictures[0][0], {"kind": "bars", "labels": [], "values": []}]]


@pytest.mark.parametrize("changes", [{"b": (0.0, 1.2)}, {"b": (1.2, 0.0)}, {"b": (0.03, 1.0)}, {"w": (0.0, 0.0)}])
@pytest.mark.parametrize("opened", [0, 1, 4])
def test_page_and_kernel_agree_also_on_the_axes(changes: dict, opened: int) -> None:
    now = placed(**changes, open_steps=opened)
    figure, drawn = plane(scene.two_weights()), scene.compute(now)
    [page] = in_page(figure, [now])
    assert page["text"] == figure.sentence(now)
    assert page["places"]["b"] == pytest.approx(list(drawn.places["b"]))
    np.testing.assert_allclose(page["pictures"][0][1]["values"], drawn.pictures[0][1].values)


def test_wherever_the_minimum_is_dragged_the_best_points_of_both_axes_are_in_sight() -> None:
    (x0, x1), (y0, y1) = scene.LIMITS
    for x in (x0, 0.0, x1):
        for y in (y0, 0.0, y1):
            b = scene.compute(placed(b=(float(x), float(y)))).places["b"]
            assert x0 <= b[0] + scene.C * b[1] <= x1
            assert y0 <= b[1] + scene.C * b[0] <= y1


def test_the_start_stands_on_its_nearest_axis() -> None:
    for w in [(1.0, 0.4), (-0.4, 1.0)]:
        assert scene.compute(placed(w=w)).places["w"] == scene.project(w)
        assert said(w=w) == said(w=scene.project(w))


@pytest.mark.parametrize("opened", [0, 4])
def test_what_is_drawn_is_the_run_its_next_step_and_the_best_point(opened: int) -> None:
    b, lr = (0.28, 1.36), 0.4
    path = np.array(scene.run((1.8, 0.0), b, lr, opened))
    drawn = scene.compute(placed(b=b, lr=lr, open_steps=opened)).marks
    named = {mark.label: mark.values for mark in drawn if mark.label}
    first = path[: scene.STEPS + 1] if opened else path
    np.testing.assert_array_equal(named["steps with one weight"], first)
    assert ("steps with both weights" in named) == ("one weight again" in named) == bool(opened)
    if opened:
        np.testing.assert_array_equal(named["steps with both weights"], path[scene.STEPS : scene.STEPS + opened + 1])
        np.testing.assert_array_equal(named["one weight again"], path[scene.STEPS + opened + 1 :])
        [free] = [mark.values for mark in drawn if mark.color == 1 and mark.kind == "line"]
        [closing] = [mark.values for mark in drawn if mark.color == 3 and mark.dashed]
        np.testing.assert_allclose(free[-1], path[-scene.STEPS - 1] - lr * A @ (path[-scene.STEPS - 1] - b))
        np.testing.assert_array_equal(closing, [free[-1], path[-scene.STEPS]])
    there = path[scene.STEPS]
    [step], bow = named["the gradient step after 30 steps"], named["its projection"]
    np.testing.assert_allclose(step, [*there, *(there - lr * A @ (there - b))])
    np.testing.assert_array_equal(bow[0], step[2:])
    np.testing.assert_allclose(bow[-1], scene.project((float(step[2]), float(step[3]))), atol=1e-12)
    np.testing.assert_allclose(np.nanmean(named["least loss with one weight"], 0), scene.best(b)[0], atol=1e-12)
    np.testing.assert_array_equal(named["end"], path[-1:])


def test_level_lines_lie_where_the_loss_is_the_same() -> None:
    b = (0.28, 1.36)
    lines = scene.compute(placed(b=b)).marks[0].values
    rings = np.split(lines, np.flatnonzero(np.isnan(lines[:, 0])))
    losses = [np.array([scene.loss(tuple(p), b) for p in ring if np.isfinite(p).all()]) for ring in rings]
    for level, values in enumerate(losses[: scene.LEVELS], start=1):
        np.testing.assert_allclose(values, (0.4 * level) ** 2 / 2, rtol=1e-9)


def test_the_pictures_of_a_kernel_hold_all_of_it() -> None:
    figure = plane(scene.two_weights())
    for now in (figure.first, placed(b=(0.0, 0.0)), placed(open_steps=5)):
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
    figure = plane(scene.two_weights()).html()
    assert len(figure) < 100_000
    path = tmp_path_factory.mktemp("plane") / "page.html"
    path.write_text(page_of(figure))
    return path


def test_in_the_page_an_opening_frees_the_trapped_weight(opened: Callable) -> None:
    tab = opened()
    said = tab.locator(".ib-plane > .ib-text")
    assert said.inner_text() == plane(scene.two_weights()).sentence(placed())
    assert tab.locator(".ib-view .ib-name").all_inner_texts() == ["w1", "w2"]
    tab.locator(".ib-plane input[type=range]").nth(1).focus()
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    tab.wait_for_function("document.querySelector('.ib-plane > .ib-text').textContent.includes('After 3 open steps')")
    assert said.inner_text() == plane(scene.two_weights()).sentence(placed(open_steps=3))
    assert re.search(r"the run ends with w2 = 1\.50", said.inner_text())
    assert tab.locator(".ib-entry", has_text="steps with both weights").count() == 1
    assert tab.locator(".ib-plane").evaluate("figure => Math.min(...figure.took)") < 100


def test_in_the_page_the_start_dragged_to_the_other_axis_is_no_trap(opened: Callable) -> None:
    tab = opened()
    ring = "[role=slider][aria-label={}] .ib-ring"
    start, minimum = (tab.locator(ring.format(name)).bounding_box() for name in ("start", "minimum"))
    tab.mouse.move(start["x"] + 8, start["y"] + 8)
    tab.mouse.down()
    tab.mouse.move(minimum["x"] + 8, minimum["y"] + 8, steps=4)
    tab.mouse.up()
    tab.wait_for_function("document.querySelector('.ib-plane > .ib-text').textContent.includes('w1 is zero')")
    x, y = map(float, tab.get_by_role("slider", name="start").get_attribute("aria-valuetext").split(","))
    assert (x, y) == (0, pytest.approx(1.36, abs=0.02))
    assert "the run ends with w2 = 1.50" in tab.locator(".ib-plane > .ib-text").inner_text()


@pytest.mark.parametrize("width", [1280, 390])
def test_a_unit_is_as_long_on_both_axes_in_the_page_and_nothing_is_cut(opened: Callable, width: int) -> None:
    tab = opened(viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    start, minimum = (tab.locator(f"[aria-label={name}] .ib-ring").bounding_box() for name in ("start", "minimum"))
    across, down = minimum["x"] - start["x"], minimum["y"] - start["y"]
    places = scene.compute(plane(scene.two_weights()).first).places
    right, up = np.subtract(places["b"], places["w"])
    assert -down / across == pytest.approx(up / right, rel=0.02)
    frame = tab.locator(".ib-plane").bounding_box()
    for text in tab.locator(".ib-plane svg text, .ib-plane .ib-entry, .ib-plane .ib-name").all():
        box = text.bounding_box()
        assert frame["x"] <= box["x"]
        assert box["x"] + box["width"] <= frame["x"] + frame["width"]
    cut = "names => names.filter(name => name.scrollWidth > name.clientWidth + 1).length"
    assert tab.locator(".ib-plane .ib-name").evaluate_all(cut) == 0
