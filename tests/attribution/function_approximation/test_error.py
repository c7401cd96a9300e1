"""A surrogate's error in any neighborhood: zero for what is linear, least at home, and against the sum by hand."""

import jaxtyping
import pytest
import torch

from interpbook.attribution import (
    METHODS,
    AdditiveGaussian,
    BinaryExponential,
    BinaryShapley,
    MultiplicativeUniform,
    OneHot,
    lfa,
    surrogate_error,
)

PLACES = [AdditiveGaussian(0.3), MultiplicativeUniform(), BinaryExponential(0.25), BinaryShapley(), OneHot()]


def bent(x: torch.Tensor) -> torch.Tensor:
    return torch.sin(x).sum(1) + x[:, 0] * x[:, 1]


@pytest.fixture
def x() -> torch.Tensor:
    return torch.rand(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64) + 0.5


@pytest.mark.parametrize("place", PLACES, ids=repr)
def test_f_is_its_own_best_surrogate_and_a_shift_counts_in_full(place, x) -> None:
    assert surrogate_error(bent, bent, x, neighborhood=place).abs().max() == 0
    shifted = surrogate_error(bent, lambda z: bent(z) + 0.25, x, neighborhood=place)
    torch.testing.assert_close(shifted, torch.full((3,), 0.25, dtype=torch.float64))


def test_it_is_the_weighted_sum_over_all_masks(x) -> None:
    masks = torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.float64)] * 4)
    weight = torch.exp(-((1 - masks.mean(1).sqrt()) ** 2) / (2 * 0.25**2))
    g = torch.sum
    for k in range(3):
        points = masks * x[k]
        error = (weight @ (bent(points) - points.sum(1)).square() / weight.sum()).sqrt()
        found = surrogate_error(bent, lambda z: g(z, 1), x[k : k + 1], neighborhood=BinaryExponential(0.25))
        torch.testing.assert_close(found, error[None])


@pytest.mark.parametrize("name", ["C-LIME", "LIME"])
def test_a_fit_by_squared_error_has_the_least_error_at_home(name, x) -> None:
    point, home = x[:1], METHODS[name]["neighborhood"]
    fit = lfa(bent, point, **METHODS[name])

    def moved(by: torch.Tensor):
        scale, shift = (point, 0) if name == "LIME" else (1, -point)
        return lambda z: fit.intercept + ((z + shift) * (fit.weights + by) / scale).sum(1)

    least = surrogate_error(bent, moved(torch.zeros(1, 4)), point, neighborhood=home)
    for k in range(8):
        by = 0.01 * torch.randn(1, 4, generator=torch.Generator().manual_seed(k))
        assert surrogate_error(bent, moved(by), point, neighborhood=home) > least


def test_groups_and_baseline_reach_the_points(x) -> None:
    groups = torch.tensor([0, 0, 1, 1])
    found = surrogate_error(bent, lambda z: 0 * z[:, 0], x[:1], neighborhood=OneHot(), baseline=0.5, groups=groups)
    without = [torch.where(groups == k, 0.5, x[:1]) for k in range(2)]
    by_hand = torch.stack([bent(z).square() for z in without]).mean(0).sqrt()
    torch.testing.assert_close(found, by_hand)


def test_what_is_wrong_is_named(x, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(TypeError, match="neighborhood: expected"):
        surrogate_error(bent, bent, x, neighborhood="here")
    with pytest.raises(ValueError, match="finite"):
        surrogate_error(bent, lambda z: z.sum(1) * float("nan"), x, neighborhood=OneHot())
    with pytest.raises(ValueError, match="samples: expected"):
        surrogate_error(bent, bent, x, neighborhood=AdditiveGaussian(0.1), samples=1)
