"""LIME and KernelSHAP on a drawing: page and torch agree, what is known comes out, errors say how far it is off."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from live_figures import check_same, figure_of, in_page, states_of
from torch import nn

from interpbook.attribution import exact_shapley, lime, superpixel_grid
from interpbook.chapters.attribution.function_approximation import own_digit
from interpbook.chapters.attribution.function_approximation.own_digit import perturbed_digit
from interpbook.datasets import load_mnist
from interpbook.explore import State, live
from interpbook.functions import select

VIEW = perturbed_digit()
SEVEN = load_mnist("test", size=8)[0][7:].double()


def digit(model: nn.Module | None = None, target: int = 7, **settings: object) -> State:
    model = figure_of("mnist-mlp", [VIEW]).model if model is None else model
    chosen = {"method": "KernelSHAP", "squares": 16, "samples": 256, **settings}
    return State(model, SEVEN, target, tuple("0123456789"), (0, 0), chosen)


def found(now: State) -> tuple[np.ndarray, dict[str, float]]:
    """The weight of every square, and what the sentence says."""
    painted, _ = VIEW.compute(now).pictures
    side = round(now.settings["squares"] ** 0.5)
    step = own_digit.SIZE // side
    facts: dict[str, float] = {}
    for _, values in VIEW.compute(now).facts:
        facts |= values
    return painted.values[::step, ::step].ravel(), facts


def test_torch_and_the_page_show_and_say_the_same() -> None:
    figure = figure_of("mnist-mlp", [VIEW])
    states = [*states_of(figure, 6), *(replace(figure.first, settings={**figure.first.settings, **extra}) for extra in (
        {"method": method, "squares": squares, "samples": 128} for method in own_digit.METHODS for squares in (4, 49)
    ))]  # fmt: skip
    for k, (page, state) in enumerate(zip(in_page(figure, states), states, strict=True)):
        check_same(page["shown"][0], VIEW, state, f"state {k}, {state.settings}")


@pytest.mark.parametrize("squares", own_digit.COUNTS)
@pytest.mark.parametrize("method", own_digit.METHODS)
def test_of_a_linear_network_the_squares_are_exact_and_have_no_error(method: str, squares: int) -> None:
    linear = nn.Sequential(nn.Flatten(), nn.Linear(784, 10)).double().eval()
    now = digit(linear, squares=squares, method=method)
    weights, facts = found(now)
    groups = superpixel_grid((28, 28), 28 // round(squares**0.5)).flatten()
    products = linear[1].weight[7].detach() * SEVEN.flatten()
    expected = torch.zeros(squares, dtype=torch.float64).index_add(0, groups, products)
    np.testing.assert_allclose(weights, expected, rtol=1e-8, atol=1e-9)
    assert facts["mean"] == 0
    assert facts["sum"] == pytest.approx(facts["total"])


@pytest.mark.parametrize("squares", [4, 16])
def test_kernel_shap_is_within_its_errors_of_the_exact_shapley_values(squares: int) -> None:
    now = digit(squares=squares, samples=1024)
    weights, facts = found(now)
    groups = superpixel_grid((28, 28), 28 // round(squares**0.5))
    exact = exact_shapley(select(now.model, 7), SEVEN, groups=groups)[0].numpy()
    assert np.sqrt(((weights - exact) ** 2).mean()) < 2 * facts["mean"]
    assert facts["sum"] == pytest.approx(float(exact.sum()))


def test_lime_comes_to_the_library_s_lime_with_all_coalitions() -> None:
    """The library looks at all 2^4 coalitions; the view draws them evenly, and gives the same where all come alike."""
    now = digit(method="LIME", squares=4, samples=1024)
    weights, facts = found(now)
    groups = superpixel_grid((28, 28), 14)
    everything = lime(select(now.model, 7), SEVEN, width=own_digit.WIDTH, groups=groups, samples=16)
    assert np.abs(weights - everything.weights[0].numpy()).max() < 4 * facts["mean"]


def test_errors_shrink_as_the_root_of_the_samples() -> None:
    for method in own_digit.METHODS:
        few, many = (found(digit(method=method, samples=samples))[1]["mean"] for samples in (128, 1024))
        assert few / many == pytest.approx(np.sqrt(8), rel=0.25)


def test_errors_are_those_of_drawing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The spread over fresh coalitions, in place of those drawn once."""
    for method, draw in (("KernelSHAP", own_digit.shapley_coalitions), ("LIME", own_digit.even_coalitions)):
        runs, said = [], []
        for seed in range(40):
            fresh = draw(16, 256, np.random.default_rng(seed))
            monkeypatch.setitem(own_digit.COALITIONS, (method, 16), fresh)
            weights, facts = found(digit(method=method))
            runs.append(weights)
            said.append(facts["mean"])
        assert np.std(runs, axis=0, ddof=1).mean() == pytest.approx(np.mean(said), rel=0.2)


def test_coalitions_come_as_often_as_the_shapley_kernel_says() -> None:
    masks = own_digit.shapley_coalitions(5, 40_000, np.random.default_rng(0))
    counts = np.bincount(masks.sum(1), minlength=6)[1:5]
    share = np.array([1 / (s * (5 - s)) for s in range(1, 5)])
    expected = 40_000 * share / share.sum()
    assert ((counts - expected) ** 2 / expected).sum() < 16.3  # one in a thousand, with three degrees of freedom
    assert np.abs(masks.mean(0) - 0.5).max() < 0.02


def test_a_blank_page_is_explained_by_nothing() -> None:
    now = replace(digit(), x=torch.zeros(1, 1, 28, 28, dtype=torch.float64))
    weights, facts = found(now)
    assert np.abs(weights).max() < 1e-12
    assert facts["clear"] == 0
    assert facts["mean"] == 0


def test_the_figure_is_light_enough_for_a_page() -> None:
    from interpbook import models

    assert len(live(models.load("mnist-mlp"), start=SEVEN[0].float(), views=["probabilities", VIEW]).html()) < 400_000
