"""The crowd of forty: what the figure computes is what autograd, the definitions and brute force give."""

import math
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import page_of
from plane_figures import check_both_halves
from torch import nn

from interpbook.chapters.attribution.stability import crowd as scene
from interpbook.explore import Placed, plane
from interpbook.models import MLP

START = (0.6, -0.1)
POINTS = [START, (0.0, 0.0), (-1.6, 2.3), (3.0, -1.9), (2.1, 1.4)]


def network(decay: int, member: int) -> nn.Sequential:
    """One of the stored networks, in torch and in double precision."""
    w1, b1, w2, b2, odds, total, (odds_bias, total_bias) = (
        torch.tensor(part[member]) for part in scene.parts_of(scene.crowd()[decay])
    )
    softplus = nn.Softplus(beta=10, threshold=1e6)
    model = nn.Sequential(nn.Linear(2, 16), softplus, nn.Linear(16, 16), softplus, nn.Linear(16, 2)).double()
    rows = torch.stack([total - odds, total + odds]) / 2
    biases = torch.stack([total_bias - odds_bias, total_bias + odds_bias]) / 2
    for parameter, value in zip(model.parameters(), (w1, b1, w2, b2, rows, biases), strict=True):
        parameter.data = value
    return model


def placed(x: tuple[float, float] = START, **settings: object) -> Placed:
    first = plane(scene.draw_a_crowd()).first
    return Placed({"person": x}, {**first.settings, **settings})


def said(x: tuple[float, float] = START, **settings: object) -> str:
    return plane(scene.draw_a_crowd()).sentence(placed(x, **settings))


def at(x: tuple[float, float], decay: int = 0, explained: str = "odds") -> np.ndarray:
    return scene.gradients(scene.crowd()[decay], np.array(x), explained)


def between(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt(a @ a) / np.sqrt(b @ b))


def test_page_and_kernel_show_and_say_the_same() -> None:
    check_both_halves(scene.draw_a_crowd(), count=60)


@pytest.mark.parametrize(("decay", "x"), [*product((0, 1), POINTS)])
def test_gradients_are_those_of_autograd(decay: int, x: tuple[float, float]) -> None:
    odds, total = at(x, decay), at(x, decay, "sum")
    for member in range(40):
        leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        low, high = network(decay, member)(leaf)
        for value, ours in ((high - low, odds), (high + low, total)):
            (expected,) = torch.autograd.grad(value, leaf, retain_graph=True)
            np.testing.assert_allclose(ours[member], expected, rtol=1e-9, atol=1e-14)


def test_votes_are_what_the_networks_say_on_the_grid() -> None:
    (x0, x1), (y0, y1) = scene.LIMITS
    assert scene.votes().shape == (2, 25, 31)
    for decay, row, column in product((0, 1), (0, 11, 24), (0, 17, 30)):
        x = torch.tensor([x0 + (x1 - x0) * column / 30, y0 + (y1 - y0) * row / 24], dtype=torch.float64)
        logits = torch.stack([network(decay, member)(x) for member in range(40)])
        assert scene.votes()[decay, row, column] == (logits[:, 1] > logits[:, 0]).sum()


def test_the_mean_gradient_is_the_gradient_of_the_mean_log_odds() -> None:
    leaf = torch.tensor(START, dtype=torch.float64, requires_grad=True)
    members = scene.order(7)[:10]
    logits = torch.stack([network(0, member)(leaf) for member in members])
    (expected,) = torch.autograd.grad((logits[:, 1] - logits[:, 0]).mean(), leaf)
    np.testing.assert_allclose(at(START)[members].mean(0), expected, rtol=1e-9)


def test_every_draw_is_an_order_and_two_crowds_are_disjoint() -> None:
    for draw in range(1, 41):
        assert sorted(scene.order(draw)) == list(range(40))
    np.testing.assert_array_equal(np.sort(scene.ORDERS, 0), np.repeat(np.arange(40)[:, None], 40, 1))


@pytest.mark.parametrize("m", [1, 2, 5, 10])
def test_cosines_are_those_of_two_disjoint_crowds(m: int) -> None:
    g = at(START)
    expected = []
    for draw in range(1, 41):
        members = list(scene.order(draw))
        for start in range(m, 40 - m + 1):
            first, second = members[:m], members[start : start + m]
            assert not {*first} & {*second}
            expected.append(between(g[first].mean(0), g[second].mean(0)))
    np.testing.assert_allclose(scene.cosines(g, m).ravel(), expected, rtol=0, atol=1e-12)
    mean = math.degrees(math.acos(np.mean(expected)))
    assert scene.measured(g)[m - 1] == pytest.approx(mean, abs=1e-9)


@pytest.mark.parametrize(("decay", "explained", "x"), [*product((0, 1), ("odds", "sum"), POINTS)])
def test_the_prediction_is_that_of_all_pairs_of_networks(decay: int, explained: str, x: tuple[float, float]) -> None:
    g = at(x, decay, explained)
    r = np.mean([between(g[i], g[j]) for i in range(40) for j in range(40) if i != j])
    predicted = scene.predicted(g)
    for m in range(1, 11):
        cosine = m * r / (1 + (m - 1) * r)
        assert math.cos(math.radians(predicted[m - 1])) == pytest.approx(cosine, abs=1e-10)
    # Crowds of one are all pairs, so that the curve begins in the first dot.
    assert scene.measured(g)[0] == pytest.approx(predicted[0], abs=1e-6)


def test_the_prediction_holds_at_most_people() -> None:
    people = np.unique(scene.training_set()[0].double().numpy(), axis=0)
    gaps = np.stack([np.abs(scene.measured(g) - scene.predicted(g)).max() for g in map(at, map(tuple, people))])
    assert np.median(gaps) < 2
    assert np.mean(gaps < 5) > 0.75


@pytest.mark.parametrize("factor", [1e-6, 3.0])
def test_angles_do_not_depend_on_the_unit_of_a_gradient(factor: float) -> None:
    g = at(START)
    scaled = factor * g
    np.testing.assert_allclose(scene.measured(scaled), scene.measured(g), rtol=0, atol=1e-9)
    np.testing.assert_allclose(scene.predicted(scaled), scene.predicted(g), rtol=0, atol=1e-9)


def test_networks_that_agree_leave_no_angle() -> None:
    same = np.tile([0.3, -0.2], (40, 1))
    assert scene.measured(same).max() < 1e-5
    assert scene.predicted(same).max() < 1e-5


def test_training_never_moved_the_sum_and_decay_shrank_all_of_it_by_one_factor() -> None:
    steps, velocity, factor = 1200, 0.0, 1.0
    for step in range(steps):
        velocity = 0.9 * velocity + 1e-2 * factor
        factor -= 0.1 * (1 + math.cos(math.pi * step / steps)) / 2 * velocity
    assert 0.001 < factor < 0.01
    start = np.stack([MLP(hidden=(16, 16), inputs=2, classes=2, seed=seed).fc.weight.detach() for seed in range(40)])
    plain, decayed = (scene.parts_of(weights)[5] for weights in scene.crowd())
    np.testing.assert_allclose(plain, start.sum(1), rtol=1e-3, atol=2e-4)
    np.testing.assert_allclose(decayed, factor * start.sum(1), rtol=1e-2, atol=2e-6)
    difference = scene.parts_of(scene.crowd()[0])[4]
    assert np.abs(difference - (start[:, 1] - start[:, 0])).max() > 1


def test_the_networks_are_as_good_as_each_other() -> None:
    x, rich, _ = scene.training_set()
    right = np.stack([(scene.log_odds(w, x.double().numpy()) > 0) == rich.numpy() for w in scene.crowd()]).mean(2)
    assert right.min() > 0.8
    assert right.std(1).max() < 0.01
    assert right.min() > 1 - rich.double().mean()  # than always the more frequent answer


def test_another_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scene, "FILE", tmp_path / "crowd.npz")
    for wrong in (np.zeros((2, 40, 353), np.float16), np.zeros((2, 40, 354), np.float32)):
        np.savez(scene.FILE, weights=wrong)
        with pytest.raises(ValueError, match=r"crowd.npz: expected \(2, 40, 354\) numbers of 16 bits, got float"):
            scene.crowd.__wrapped__()


def test_a_reader_begins_where_two_networks_part_and_ten_hardly_do() -> None:
    assert 30 < math.degrees(math.acos(between(*at(START)[scene.order(36)[[0, 20]]]))) < 60
    assert said() == (
        "Age 47, education 10 of 16: these two networks point 38 degrees apart; over many draws it is 53 degrees, and"
        " from this number the curve is drawn. 26 of 40 networks say that a lower age would raise the odds of more than"
        " $50,000 most."
    )
    ten = said(networks_in_a_crowd=10)
    assert "these two crowds of 10 point 16 degrees apart; over many draws it is 18 degrees, and" in ten
    assert "from pairs of networks 20 were predicted. 26 of" in ten


def test_decay_shortens_the_arrows_and_makes_one_answer_of_three() -> None:
    plain, decayed = (np.hypot(*at(START, decay).T) for decay in (0, 1))
    assert decayed.mean() < 0.7 * plain.mean()
    assert "over many draws it is 7 degrees" in said(weight_decay=1)
    assert "40 of 40 networks say that more education" in said(weight_decay=1)


def test_of_the_sum_the_arrows_are_a_star_and_said_to_be_chance() -> None:
    for decay, word in ((0, "never moves"), (1, "only shrinks")):
        assert 80 < scene.measured(at(START, decay, "sum"))[0] < 100
        assert word in said(explain="sum", weight_decay=decay)
        assert said(explain="sum", weight_decay=decay).count("chance alone gives 90 degrees.") == 1


def test_arrows_that_are_nearly_zero_are_said_to_be() -> None:
    assert said(explain="sum", weight_decay=1).endswith("too short to see: give them the same length.")
    assert said(explain="sum", weight_decay=1, arrows="same").endswith("all these arrows are nearly zero.")
    assert "nearly zero" not in said()


@pytest.mark.parametrize(
    ("g", "words"),
    [
        ((2.0, -1.0), "a higher age"),
        ((-2.0, 1.0), "a lower age"),
        ((1.0, 1.5), "more education"),
        ((1.0, -1.5), "less education"),
    ],
)
def test_a_gradient_is_put_into_words(g: tuple[float, float], words: str) -> None:
    assert scene.REASONS[scene.reason(np.array(g))] == words


@pytest.mark.parametrize("m", [1, 4, 10])
def test_every_network_has_one_arrow_and_the_thick_ones_are_means(m: int) -> None:
    for kind in ("true", "same"):
        *_, rest, first, second, mean, other = scene.compute(placed(networks_in_a_crowd=m, arrows=kind)).marks
        assert [len(mark.values) for mark in (rest, first, second, mean, other)] == [40 - 2 * m, m, m, 1, 1]
        assert [mark.heavy for mark in (rest, first, second, mean, other)] == [False, False, False, True, True]
        thin = np.concatenate([mark.values for mark in (rest, first, second)])
        np.testing.assert_allclose(thin[:, :2], np.tile(START, (40, 1)))
        moves = thin[:, 2:] - thin[:, :2]
        if kind == "same":
            np.testing.assert_allclose(np.hypot(*moves.T), scene.SAME)
        else:
            expected = scene.SCALE * at(START)
            by_age = [arrows[arrows[:, 0].argsort()] for arrows in (moves, expected)]
            np.testing.assert_allclose(*by_age, rtol=0, atol=1e-12)
            mean_of_first = (first.values[:, 2:] - first.values[:, :2]).mean(0)
            np.testing.assert_allclose(mean.values[0, 2:] - mean.values[0, :2], mean_of_first)


# --- in a browser ---


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    figure = plane(scene.draw_a_crowd()).html()
    assert len(figure) < 200_000
    path = tmp_path_factory.mktemp("crowd") / "page.html"
    path.write_text(page_of(figure))
    return path


def test_in_the_page_a_larger_crowd_agrees_better(opened: Callable) -> None:
    tab = opened()
    sentence = tab.locator(".ib-plane > .ib-text")
    assert sentence.inner_text() == said()
    tab.locator("label", has_text="networks in a crowd").locator("input").fill("9")
    tab.wait_for_function("document.querySelector('.ib-plane > .ib-text').textContent.includes('crowds of 10')")
    assert sentence.inner_text() == said(networks_in_a_crowd=10)
    assert tab.locator(".ib-chart circle").count() == 10
    assert tab.locator(".ib-plane").evaluate("figure => Math.min(...figure.took)") < 100


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_is_cut(opened: Callable, width: int) -> None:
    tab = opened(viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    chart = tab.locator(".ib-chart").bounding_box()
    for text in tab.locator(".ib-chart text").all():
        box = text.bounding_box()
        assert chart["x"] - 1 <= box["x"]
        assert box["x"] + box["width"] <= chart["x"] + chart["width"] + 1
