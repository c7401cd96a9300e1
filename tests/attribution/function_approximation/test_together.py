"""Terms of several features: a linear fit to all coalitions takes nothing of them."""

from itertools import combinations

import pytest
import torch

from interpbook.attribution.function_approximation.coalitions import all_coalitions
from interpbook.attribution.function_approximation.least_squares import least_squares
from interpbook.attribution.function_approximation.together import products_of_three, products_of_two


def slopes(masks, weight, columns):
    return least_squares(masks.double(), (weight / weight.sum())[None], columns.T, intercept=True).slope


@pytest.mark.parametrize("d", [3, 4, 7])
@pytest.mark.parametrize("width", [0.1, 0.25, float("inf")])
def test_products_of_two_are_orthogonal_to_the_fit_of_lime(d, width):
    masks = all_coalitions(d)
    kernel = (-((1 - masks.double().mean(1).sqrt()) ** 2) / (2 * width**2)).exp()
    mass = torch.zeros(d + 1, dtype=torch.float64).index_add_(0, masks.sum(1), kernel / kernel.sum())
    terms = products_of_two(masks, mass)
    assert terms.shape == (2**d, d * (d - 1) // 2)
    assert slopes(masks, kernel, terms).abs().max() < 1e-10
    assert (kernel @ terms).abs().max() < 1e-10
    # Up to a linear function they are the products.
    products = torch.stack([(masks[:, i] & masks[:, j]).double() for i, j in combinations(range(d), 2)], 1)
    rest = products - terms
    fitted = slopes(masks, torch.ones(2**d, dtype=torch.float64), rest)
    flat = rest - masks.double() @ fitted.T
    torch.testing.assert_close(flat, flat[:1].expand_as(flat), atol=1e-10, rtol=0)


@pytest.mark.parametrize("d", [3, 4, 7])
def test_products_of_three_have_no_shapley_values(d):
    masks = all_coalitions(d)
    terms = products_of_three(masks)
    assert not terms[0].any()
    assert not terms[-1].any()
    torch.testing.assert_close(terms, -products_of_three(~masks))
    size = masks.sum(1)
    for k, triple in enumerate(combinations(range(d), 3)):
        z = 2 * masks[:, list(triple)].double() - 1
        torch.testing.assert_close(terms[:, k], 0.75 * (z.prod(1) - z.sum(1) / 3))
    for i in range(d):
        without = (~masks[:, i]).nonzero()[:, 0]
        order = size[without].double()
        chance = (torch.lgamma(order + 1) + torch.lgamma(d - order) - torch.lgamma(torch.tensor(d + 1.0))).exp()
        assert (chance @ (terms[without + 2**i] - terms[without])).abs().max() < 1e-10


def test_too_many_or_too_few_are_left_out():
    assert products_of_two(torch.zeros(2, 2, dtype=torch.bool), torch.ones(3).double() / 3) is None
    assert products_of_two(torch.zeros(2, 36, dtype=torch.bool), torch.ones(37).double() / 37) is None
    assert products_of_three(torch.zeros(2, 2, dtype=torch.bool)) is None
    assert products_of_three(torch.zeros(2, 17, dtype=torch.bool)) is None
    # All of the kernel on one size: there is no linear fit to take away.
    one_size = torch.tensor([0.0, 0, 0, 1, 0], dtype=torch.float64)
    assert products_of_two(torch.ones(2, 4, dtype=torch.bool), one_size) is None
