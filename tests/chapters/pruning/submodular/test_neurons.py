"""The twelve neurons: what the figure solves, picks and says is what least squares and a search of all sets give."""

from collections.abc import Callable
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import page_of
from plane_figures import check_both_halves, in_page

from interpbook.chapters.pruning.submodular import neurons as scene
from interpbook.explore import Placed, plane

ALL = tuple(range(12))
SETS = [kept for count in range(13) for kept in combinations(ALL, count)]
TRIO = (6, 7, 8)


def solved(kept: tuple[int, ...]) -> tuple[torch.Tensor, float]:
    """What least squares gives on the kept neurons' columns, and the share of the squared output that it misses."""
    a, t = torch.tensor(scene.A)[:, list(kept)], torch.tensor(scene.T)
    outputs = torch.zeros_like(t)
    if kept:
        outputs = a @ torch.linalg.lstsq(a, t[:, None], rcond=1e-11, driver="gelsd").solution[:, 0]
    return outputs, float((t - outputs).square().sum() / t.square().sum())


@cache
def losses() -> dict[tuple[int, ...], float]:
    return {kept: solved(kept)[1] for kept in SETS}


def gain(kept: tuple[int, ...], i: int) -> float:
    return losses()[kept] - losses()[tuple(sorted((*kept, i)))]


def placed(keep: tuple[int, ...], x: float = 0.3) -> Placed:
    """Neurons by the numbers that the reader sees."""
    return Placed({"x": (x, 0.0)}, {"keep": keep})


def said(*keep: int) -> str:
    return plane(scene.twelve_neurons()).sentence(placed(keep))


def numbers(kept: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(i + 1 for i in kept)


def test_page_and_kernel_show_and_say_the_same() -> None:
    check_both_halves(scene.twelve_neurons(), count=150)


def test_page_and_kernel_agree_where_one_choice_is_special() -> None:
    special = [(), ALL, TRIO, *((i,) for i in ALL), *(tuple(j for j in ALL if j != i) for i in ALL)]
    special += [scene.best_sets()[count] for count in ALL]
    special += [tuple(sorted(scene.greedy_order()[:count])) for count in ALL]
    figure = plane(scene.twelve_neurons())
    states = [placed(numbers(kept)) for kept in special]
    for state, page in zip(states, in_page(figure, states), strict=True):
        assert page["text"] == figure.sentence(state)
        [(_, bars)] = scene.compute(state).pictures
        np.testing.assert_allclose(page["pictures"][0][1]["values"], bars.values, rtol=1e-9, atol=1e-12)


def test_the_activations_are_those_of_the_network() -> None:
    x = torch.linspace(-1, 1, 64, dtype=torch.float64)
    a, b, w = torch.tensor(scene.NEURONS).T
    hidden = torch.relu(torch.nn.functional.linear(x[:, None], a[:, None], b))
    np.testing.assert_allclose(scene.A, hidden, rtol=0, atol=1e-14)
    np.testing.assert_allclose(scene.T, hidden @ w, rtol=0, atol=1e-14)


def test_the_repair_is_least_squares_for_every_set() -> None:
    for kept in SETS:
        weights = scene.repaired(kept)
        assert not weights[[i for i in ALL if i not in kept]].any()
        if set(TRIO) <= set(kept):
            assert weights[TRIO[2]] == 0  # the last of three dependent ones is skipped
        outputs, share = solved(kept)
        np.testing.assert_allclose(scene.A @ weights, outputs, rtol=0, atol=1e-9, err_msg=str(kept))
        assert scene.lost(weights) == pytest.approx(share, abs=1e-9)


def test_a_sweep_holds_the_gain_of_every_other_neuron() -> None:
    whole = scene.PRODUCTS[-1, -1]
    for kept in [(), (10,), (2, 4), (0, 5, 11)]:
        swept = scene.PRODUCTS
        for i in kept:
            swept = scene.sweep(swept, i)
        for i in set(ALL) - set(kept):
            assert swept[i, -1] ** 2 / swept[i, i] / whole == pytest.approx(gain(kept, i), abs=1e-10)


def test_best_is_the_least_error_of_all_sets_of_a_size() -> None:
    for count, best in enumerate(scene.best_sets()):
        assert len(best) == count
        least = min(losses()[kept] for kept in combinations(ALL, count))
        assert losses()[best] == pytest.approx(least, abs=2e-9)


def test_greedy_picks_the_largest_gain_each_time() -> None:
    order = scene.greedy_order()
    assert sorted(order) == list(ALL)
    for count, pick in enumerate(order):
        before = tuple(sorted(order[:count]))
        most = max(gain(before, i) for i in ALL if i not in before)
        assert gain(before, pick) == pytest.approx(most, abs=2e-9)


def test_a_column_depends_on_others_wholly_or_clearly_not() -> None:
    """So that rounding, on no processor, decides which neuron is skipped."""
    parts = []

    def visit(swept: np.ndarray, start: int) -> None:
        for i in range(start, 12):
            parts.append(swept[i, i] / scene.PRODUCTS[i, i])
            visit(scene.sweep(swept, i), i + 1)

    visit(scene.PRODUCTS, 0)
    small, large = ([p for p in parts if (p < scene.DEPENDENT) == side] for side in (True, False))
    assert max(map(abs, small)) < 1e-2 * scene.DEPENDENT
    assert min(large) > 1e2 * scene.DEPENDENT


def test_choices_are_no_matter_of_rounding() -> None:
    """Another set is as good up to rounding, or clearly worse."""
    for count, best in enumerate(scene.best_sets()):
        behind = np.array([losses()[kept] for kept in combinations(ALL, count)]) - losses()[best]
        assert not ((behind > 1e-12) & (behind < 1e-6)).any()
    order = scene.greedy_order()
    for count, pick in enumerate(order):
        before = tuple(sorted(order[:count]))
        behind = gain(before, pick) - np.array([gain(before, i) for i in ALL if i not in before])
        assert not ((behind > 1e-12) & (behind < 1e-6)).any()


def test_the_largest_weight_costs_nothing_as_two_others_replace_its_neuron() -> None:
    assert np.abs(scene.WEIGHTS).argmax() == TRIO[0]
    for i in TRIO:
        assert losses()[tuple(j for j in ALL if j != i)] < 1e-12
        assert min(losses()[tuple(j for j in ALL if j not in (i, k))] for k in TRIO if k != i) > 1e-6
    cut = np.where(np.arange(12) == TRIO[0], 0, scene.WEIGHTS)
    assert scene.lost(cut) > 1


def test_the_neuron_that_costs_most_has_one_of_the_smaller_weights() -> None:
    costs = [losses()[tuple(j for j in ALL if j != i)] for i in ALL]
    dearest = int(np.argmax(costs))
    assert dearest == 4
    assert np.sum(np.abs(scene.WEIGHTS) < abs(scene.WEIGHTS[dearest])) <= 3


def test_the_error_is_not_submodular_and_greedy_not_the_best() -> None:
    assert gain((10,), 8) > 10 * gain((), 8)
    behind = [losses()[tuple(sorted(scene.greedy_order()[:k]))] - losses()[scene.best_sets()[k]] for k in range(13)]
    assert [k for k in range(13) if behind[k] > 0.01] == [3, 4, 5, 6]
    assert max(behind) == behind[4] > 0.2


def test_a_reader_begins_with_the_largest_weights_and_behind_greedy() -> None:
    figure = plane(scene.twelve_neurons())
    largest = np.argsort(-np.abs(scene.WEIGHTS))[:4]
    assert figure.first.settings["keep"] == tuple(sorted(int(i) + 1 for i in largest))
    [(_, bars)] = scene.compute(figure.first).pictures
    assert list(bars.values) == sorted(bars.values, reverse=True)
    np.testing.assert_allclose(
        bars.values[1:],
        [losses()[tuple(sorted(map(int, largest)))], losses()[0, 5, 10, 11], losses()[2, 4, 8, 10]],
        rtol=1e-9,
    )
    assert figure.sentence(figure.first).startswith(
        "4 of 12 neurons are kept. The squared error is 101% of the squared output, after the repair 50%. Greedy keeps"
        " 1, 6, 11, 12 and comes to 26%; the best set, 3, 5, 9, 11, comes to 2.7%. At x = -0.63 the network gave -0.46;"
    )


@pytest.mark.parametrize(
    ("keep", "text"),
    [
        ((), "No neuron is kept, and all of the output is lost. At x"),
        (numbers(ALL), "All 12 neurons are kept, and nothing is lost. At x"),
        ((1,), "1 of 12 neurons is kept."),
        ((1,), "after the repair 73%, the least for so many neurons: this is greedy's set. At x"),
        ((2,), "Greedy keeps 1 and comes to 73%, the least for so many neurons. At x"),
        ((1, 6, 11, 12), "after the repair 26%: this is greedy's set; the best set, 3, 5, 9, 11, comes to 2.7%. At x"),
        (
            (3, 5, 9, 11),
            "after the repair 2.7%, the least for so many neurons. Greedy keeps 1, 6, 11, 12 and comes to 26%. At x",
        ),
        (numbers(ALL[:8] + ALL[9:]), "after the repair 0%, the least for so many neurons"),
    ],
)
def test_the_sentence_tells_whose_set_it_is(keep: tuple[int, ...], text: str) -> None:
    assert text in said(*keep)


@pytest.mark.parametrize("keep", [(), (7,), (6, 7, 8, 11), (7, 8, 9), numbers(ALL)])
@pytest.mark.parametrize("x", [-1.0, -0.63, 0.222, 1.0])
def test_what_is_read_at_a_point_is_what_three_networks_give_there(keep: tuple[int, ...], x: float) -> None:
    drawn = scene.compute(placed(keep, x))
    kept = [number - 1 for number in keep]
    a, b, w = torch.tensor(scene.NEURONS).T
    hidden = torch.relu(a * x + b)
    read = dict(drawn.facts)["read"]
    again = torch.tensor(scene.repaired(tuple(kept)))
    expected = [float(hidden @ w), float(hidden[kept] @ w[kept]), float(hidden @ again)]
    assert [read["full"], read["cut"], read["repaired"]] == pytest.approx(expected, abs=1e-12)
    assert drawn.places["x"] == pytest.approx((x, expected[2]), abs=1e-12)
    for mark, value in zip(drawn.marks[2:], (expected[1], expected[2], expected[0]), strict=True):
        assert np.interp(x, *mark.values.T) == pytest.approx(value, abs=1e-12)


def test_whatever_is_kept_the_repaired_function_and_the_handle_are_in_sight() -> None:
    (low, high) = scene.LIMITS[1]
    curves = scene.activations(np.array([-1.0, *scene.HINGES, 1.0])) @ np.stack(
        [scene.repaired(kept) for kept in SETS], 1
    )
    assert low + 0.3 < curves.min()
    assert curves.max() < high


def test_an_arrow_leads_from_the_hinge_to_where_the_neuron_is_active() -> None:
    kept, removed = scene.compute(placed((1, 4, 9))).marks[:2]
    assert (len(kept.values), len(removed.values)) == (3, 9)
    for i, (hinge, _, end, _) in zip((0, 3, 8), kept.values, strict=True):
        there, back = scene.activations(np.array([end, 2 * hinge - end]))[:, i]
        assert there > 0 == back
        assert scene.activations(np.array([hinge]))[0, i] == pytest.approx(0, abs=1e-12)


# --- in a browser ---


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    figure = plane(scene.twelve_neurons()).html()
    assert len(figure) < 100_000
    path = tmp_path_factory.mktemp("neurons") / "page.html"
    path.write_text(page_of(figure))
    return path


def test_in_the_page_a_better_set_than_greedy_s_is_found_by_hand(opened: Callable) -> None:
    tab = opened()
    sentence = tab.locator(".ib-plane > .ib-text")
    figure = plane(scene.twelve_neurons())
    assert sentence.inner_text() == figure.sentence(figure.first)
    for number in (6, 7, 8, 3, 5, 9):
        tab.get_by_role("button", name=str(number), exact=True).click()
    tab.wait_for_function("document.querySelector('.ib-plane > .ib-text').textContent.includes('the least for so')")
    assert sentence.inner_text() == figure.sentence(placed((3, 5, 9, 11), -0.63))
    assert tab.locator(".ib-plane").evaluate("figure => Math.min(...figure.took)") < 100


@pytest.mark.parametrize("width", [1280, 360])
def test_nothing_is_cut(opened: Callable, width: int) -> None:
    tab = opened(viewport={"width": width, "height": 800})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    cut = "names => names.filter(name => name.scrollWidth > name.clientWidth + 1).length"
    assert tab.locator(".ib-plane .ib-name").evaluate_all(cut) == 0
