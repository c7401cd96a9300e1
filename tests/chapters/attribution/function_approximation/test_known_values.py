"""What the checks compare with: the library's values, and the best linear models by a linear program."""

import numpy as np
import pytest
import torch
from chapters.attribution.function_approximation.answers import shapley_share, shapley_weight
from scipy.optimize import linprog
from torch import Tensor

from interpbook.attribution import exact_banzhaf, exact_shapley
from interpbook.chapters.attribution.function_approximation.exercises import games, worst_case


def test_the_check_s_own_values_are_the_library_s() -> None:
    game = torch.randn(16, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.ones(1, 4, dtype=torch.float64)

    def f(points: Tensor) -> Tensor:
        return game[(points.round().long() * 2 ** torch.arange(4)).sum(1)]

    banzhaf = games.value(game, [0.125] * 4)
    shapley = games.value(game, [shapley_share(4, s) for s in range(4)])
    assert torch.allclose(banzhaf, exact_banzhaf(f, x)[0])
    assert torch.allclose(shapley, exact_shapley(f, x)[0])
    kernel = torch.tensor([shapley_weight(4, s) for s in (1, 2, 3)], dtype=torch.float64)
    assert torch.allclose(games.constrained_fit(game, kernel), shapley)


def test_the_known_game_has_the_known_values() -> None:
    worth = games.all_masks(3).double() @ torch.tensor([20.0, 50.0, 30.0]).double()
    game = (worth - 10).relu() + 3 * worth
    assert games.value(game, [0.25] * 3).tolist() == pytest.approx([77.5, 197.5, 117.5])
    assert games.value(game, [1 / 3, 1 / 6, 1 / 3]).tolist() == pytest.approx([230 / 3, 590 / 3, 350 / 3])


@pytest.mark.parametrize("case", worst_case._surrogates(), ids=lambda case: case[0])
def test_the_best_linear_model_errs_by_what_the_check_says(case: tuple) -> None:
    """min over linear g of max |f - g| on a grid, as a linear program."""
    _, f, weights, intercept, low, high, least = case
    grid = worst_case._grid(torch.tensor(low), torch.tensor(high))
    values, points = f(grid).numpy(), grid.numpy()
    design = np.c_[points, np.ones(len(points)), -np.ones(len(points))]  # a . x + b - t <= f, and the other side
    other = np.c_[-points, -np.ones(len(points)), -np.ones(len(points))]
    cost = np.r_[np.zeros(len(low) + 1), 1.0]
    program = linprog(cost, np.r_[design, other], np.r_[values, -values], bounds=[(None, None)] * len(cost))
    assert program.fun == pytest.approx(least, rel=2e-3)
    # The surrogate is good somewhere: a check that any point passes would say nothing.
    assert np.abs(values - points @ weights - intercept).min() < 0.2 * least
