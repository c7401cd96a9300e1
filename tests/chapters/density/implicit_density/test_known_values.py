"""What the checks compare with: the library's chains and estimates, and densities whose parameters are known."""

import pytest
import torch
from chapters.density.implicit_density.answers import langevin, penalty, replace, slope_of, solved

from interpbook import density
from interpbook.chapters.density.implicit_density.exercises import chain, features, shift
from interpbook.page.exercises import WrongAnswer, check


@pytest.mark.parametrize("seed", range(20))
def test_a_right_chain_passes_whatever_the_noise(seed: int) -> None:
    def chain_of_seed(score, x, steps, eps, generator):
        return langevin(score, x, steps, eps, generator.manual_seed(1000 * seed + generator.initial_seed()))

    check.implicit_density.langevin_chain(chain_of_seed)


@pytest.mark.parametrize("antithetic", [False, True])
def test_the_penalty_is_what_the_library_s_estimates_have(antithetic: bool) -> None:
    g, H = torch.tensor([1.0, -2.0]).double(), torch.tensor([[1.0, 0.5], [0.5, -0.4]]).double()
    rows = density.trace_estimates(
        lambda v: v @ g + torch.einsum("ni,ij,nj->n", v, H, v) / 2,
        torch.zeros(1, 2).double(),
        samples=40_000,
        sigma=0.3,
        antithetic=antithetic,
    )
    squares = rows.square()
    error = float(squares.std()) / len(squares) ** 0.5
    assert float(squares.mean()) == pytest.approx(float(penalty(g, H, 1, 0.3, antithetic)), abs=5 * error)


def test_a_gaussian_s_parameters_come_back_from_its_moments() -> None:
    """Features x and x x': theta holds the precision of the sample and the precision times its mean."""
    x = torch.randn((50, 2), generator=torch.Generator().manual_seed(0), dtype=torch.float64) @ torch.tensor(
        [[1.0, 0.3], [0.0, 0.6]], dtype=torch.float64
    )
    zero, one = torch.zeros(50).double(), torch.ones(50).double()
    a, b = x.T
    rows = [(one, zero), (zero, one), (-a, zero), (zero, -b), (-b, -a)]
    jacobian = torch.stack([torch.stack(row, 1) for row in rows], 1)
    laplacian = torch.tensor([0.0, 0, -1, -1, 0]).double().expand(50, 5)
    precision = torch.linalg.inv(torch.cov(x.T, correction=0))
    want = torch.cat([precision @ x.mean(0), precision[[0, 1, 0], [0, 1, 1]]])
    assert torch.allclose(solved(jacobian, laplacian), want)


def test_the_points_of_the_von_mises_density_have_its_moments() -> None:
    angle, theta = features._von_mises()
    kappa = theta.norm()
    ratio = torch.special.i1(kappa) / torch.special.i0(kappa)
    mean = torch.stack([angle.cos().mean(), angle.sin().mean()])
    assert torch.allclose(mean, ratio * theta / kappa, atol=1e-6)


def test_the_chains_law_is_that_of_the_library_s_chains() -> None:
    x, mean, variance = torch.tensor([[3.0, -1.0], [0.0, 0.5], [0.4, 2.0]], dtype=torch.float64)
    ends = density.langevin(
        lambda z: -((z - mean).square() / variance).sum(1) / 2, x.expand(chain.CHAINS, 2), steps=4, step_size=0.1
    )
    chain._check_law(ends, x, mean, variance, 4, 0.1)
    with pytest.raises(WrongAnswer) as wrong:
        chain._check_law(ends, x, mean, variance, 5, 0.1)
    assert "a step too few" in wrong.value.hints[1]


def test_the_networks_of_the_check_have_no_picture_of_their_own() -> None:
    """Gradients of all classes differ, and the shifted classifier is the library's."""
    model = shift._Network((3,), torch.Generator().manual_seed(0))
    x, picture = torch.tensor([[0.3, -0.4, 1.0], [2.0, 0.5, -1.0]]).double().split(1)
    shifted = density.Shifted(model, replace(model, x, 2, picture[0])).eval()
    assert torch.allclose(slope_of(shifted, x, 2), picture)
    points = torch.randn((5, 3), dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(shifted(points).softmax(1), model(points).softmax(1))
