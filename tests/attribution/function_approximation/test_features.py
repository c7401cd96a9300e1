"""Features, groups and grids."""

import jaxtyping
import pytest
import torch

from interpbook.attribution.function_approximation.features import features_of, superpixel_grid

REFUSED = (TypeError, ValueError, jaxtyping.TypeCheckError)


def test_without_groups_each_value_is_a_feature():
    features = features_of(torch.zeros(2, 3, 4))
    xi = torch.arange(24.0).view(2, 12)
    assert features.count == 12
    assert torch.equal(features.spread(xi)[:, 0], xi.view(2, 3, 4))
    assert torch.equal(features.collect(xi.view(2, 3, 4)), xi)
    assert features.arrange(xi).shape == (2, 3, 4)


def test_groups_spread_and_collect_are_transposes():
    groups = torch.tensor([[0, 0, 1], [2, 1, 0]])
    features = features_of(torch.zeros(1, 5, 2, 3), groups)
    xi, values = torch.randn(4, 3), torch.randn(4, 5, 2, 3)
    spread = features.spread(xi)[:, 0]
    assert torch.equal(spread, xi[:, groups][:, None].expand(4, 5, 2, 3))
    torch.testing.assert_close((spread * values).flatten(1).sum(1), (xi * features.collect(values)).sum(1))
    assert features.arrange(xi) is xi


def test_a_grid_of_squares():
    grid = superpixel_grid((5, 7), 3)
    assert grid.tolist() == [[0, 0, 0, 1, 1, 1, 2]] * 3 + [[3, 3, 3, 4, 4, 4, 5]] * 2
    assert superpixel_grid((2, 3), 1).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert superpixel_grid((2, 3), 9).tolist() == [[0, 0, 0]] * 2


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        (torch.zeros(2, 3), "groups: expected an integer tensor"),
        (torch.zeros(2, 3, dtype=torch.bool), "groups: expected an integer tensor"),
        ([[0, 1]], "groups: expected an integer tensor"),
        (torch.zeros(4, dtype=torch.int64), "groups: expected a shape that broadcasts"),
        (torch.tensor([0, 1, 3]), "groups: expected labels 0, 1, .* got 3 labels from 0 to 3"),
        (torch.tensor([1, 2, 3]), "groups: expected labels 0, 1"),
        (torch.tensor([-1, 0, 1]), "groups: expected labels 0, 1"),
    ],
)
def test_wrong_groups(groups, said):
    with pytest.raises((TypeError, ValueError), match=said):
        features_of(torch.zeros(1, 2, 3), groups)


@pytest.mark.parametrize(("size", "side"), [((4,), 2), (4, 2), ((4, 0), 2), ((4, 4), 0), ((4.5, 4), 2), ((4, 4), 1.5)])
def test_wrong_grids(size, side):
    with pytest.raises(REFUSED):
        superpixel_grid(size, side)
