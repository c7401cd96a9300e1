"""Chains in a mixture sample what the logit's slope says; a slope that both logits share moves no probability."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from browser import page_of
from plane_figures import check_both_halves

from interpbook.chapters.density.implicit_density import langevin as scene
from interpbook.explore import Placed, plane

MEANS = np.array([[-1.4, 0.6], [1.6, 0.9]])


def placed(**changes: object) -> Placed:
    first = plane(scene.langevin()).first
    points = {**first.points, **{name: at for name, at in changes.items() if name in first.points}}
    return Placed(points, {**first.settings, **{name: at for name, at in changes.items() if name in first.settings}})


def far(now: Placed) -> float:
    return scene.compute(now).facts[0][1]["far"]


def test_page_and_kernel_show_and_say_the_same() -> None:
    check_both_halves(scene.langevin(), count=12)


@pytest.mark.parametrize("slope", [(0.0, 0.0), (2.6, -1.8), (-40.0, 7.0)])
def test_a_slope_of_both_logits_moves_no_probability_and_every_gradient(slope: tuple[float, float]) -> None:
    x = np.array([-0.2, 0.4])
    plain = scene.probabilities(MEANS, np.zeros(2), x)
    np.testing.assert_allclose(scene.probabilities(MEANS, np.array(slope), x), plain, rtol=1e-12)
    step = 1e-6
    for axis in range(2):
        shift = step * np.eye(2)[axis]
        moved = scene.logits(MEANS, np.array(slope), x + shift) - scene.logits(MEANS, np.array(slope), x - shift)
        expected = (MEANS[:, axis] - x[axis]) / scene.DEVIATION**2 + slope[axis]
        np.testing.assert_allclose(moved / (2 * step), expected, rtol=1e-6)


def test_the_probabilities_are_bayes_rule() -> None:
    """At the middle between two equal classes both are as likely; at a mean the odds are exp(d^2 / 2 s^2)."""
    middle = MEANS.mean(0)
    np.testing.assert_allclose(scene.probabilities(MEANS, np.ones(2), middle), [0.5, 0.5])
    odds = np.exp(((MEANS[0] - MEANS[1]) ** 2).sum() / (2 * scene.DEVIATION**2))
    shares = scene.probabilities(MEANS, np.ones(2), MEANS[0])
    assert shares[0] / shares[1] == pytest.approx(odds)


def test_chains_settle_where_and_as_wide_as_their_closed_form(monkeypatch: pytest.MonkeyPatch) -> None:
    count, steps, slope = 4000, 80, np.array([1.0, -0.5])
    noise = np.random.default_rng(1).normal(size=(1 + steps, count, 2))
    monkeypatch.setattr(scene, "NOISE", noise)
    ends = scene.chains(MEANS[0], slope, steps)[-1]
    variance = scene.DEVIATION**2 / (1 - scene.STEP / (4 * scene.DEVIATION**2))
    center = MEANS[0] + scene.DEVIATION**2 * slope
    error = np.sqrt(variance / count)
    np.testing.assert_allclose(ends.mean(0), center, atol=4 * error)
    np.testing.assert_allclose(ends.var(0), variance, rtol=4 * np.sqrt(2 / count))


def test_with_score_matching_the_chains_find_the_class_wherever_it_is_dragged() -> None:
    for mean in ((-1.4, 0.6), (3.0, -2.0), (-3.0, 2.0)):
        for name in "AB":
            now = placed(**{name: mean, "class": name, "training": scene.TRAINED})
            assert far(now) == pytest.approx(np.sqrt(np.pi / 2), abs=0.45)  # 24 chains, not quite settled
            assert far(placed(**{name: mean, "class": name})) > 1.5


def test_the_density_drawn_is_highest_where_the_chains_settle() -> None:
    slope = np.array([2.0, -1.0])
    values = scene.density(MEANS[0], slope)
    row, column = np.unravel_index(values.argmax(), values.shape)
    top = np.array([np.linspace(-4, 4, 40)[column], np.linspace(-2.5, 2.5, 25)[row]])
    np.testing.assert_allclose(top, MEANS[0] + scene.DEVIATION**2 * slope, atol=0.11)


def test_chains_that_leave_the_plane_are_counted() -> None:
    now = placed(A=(4.0, 2.5), slope=(4.0, 2.5))
    assert dict(scene.compute(now).facts)["out"] == {"out": scene.CHAINS}
    assert f"{scene.CHAINS} of 24 have left the plane" in plane(scene.langevin()).sentence(now)


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    figure = plane(scene.langevin()).html()
    assert len(figure) < 150_000
    path = tmp_path_factory.mktemp("langevin") / "page.html"
    path.write_text(page_of(figure))
    return path


def test_in_the_page_the_chains_follow_a_class_that_is_dragged(opened: Callable) -> None:
    tab = opened()
    tab.get_by_label("training").select_option(label=scene.TRAINED)
    handle = tab.get_by_role("slider", name="class A")
    handle.focus()
    for _ in range(4):
        tab.keyboard.press("Shift+ArrowDown")
    said = tab.locator(".ib-plane > .ib-text")
    tab.wait_for_function("document.querySelector('.ib-plane > .ib-text').textContent.includes('deviations')")
    assert float(said.inner_text().split("are ")[1].split()[0]) < 1.7
    assert said.inner_text().endswith("no probability moves by as much as a billionth.")
    tab.get_by_role("button", name="reset").click()
    figure = plane(scene.langevin())
    expect = f"document.querySelector('.ib-plane > .ib-text').textContent === {figure.sentence(figure.first)!r}"
    tab.wait_for_function(expect)
    took = tab.locator(".ib-plane").evaluate("figure => Math.min(...figure.took)")
    assert took < 100
