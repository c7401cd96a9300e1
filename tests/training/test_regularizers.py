"""What `fit` adds to its loss: a function of each example's class, of the network at rest."""

from typing import get_args

import pytest
import torch
from torch import nn

from interpbook.functions import Of, input_gradient, select
from interpbook.models import MLP
from interpbook.training import as_regularizer, gradient_norm_penalty
from interpbook.training.regularizers import evaluation


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def network(seed=1):
    return MLP((12, 8), "softplus", inputs=6, classes=3, seed=seed).double().eval()


def coupled():
    """A network whose examples depend on each other in training mode, and on chance."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layers = [nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Softplus(), nn.Dropout(0.5), nn.Linear(8, 3)]
        return nn.Sequential(*layers).double()


def test_gradient_norm_penalty_of_a_linear_model():
    model = nn.Linear(6, 3).double().eval()
    y = torch.tensor([0, 2, 2, 1])
    penalty = gradient_norm_penalty(select(model, y), normal(4, 2, 3).flatten(1))
    torch.testing.assert_close(penalty, model.weight[y].square().sum(1).mean() / 2)
    (slope,) = torch.autograd.grad(penalty, model.weight)
    counts = torch.tensor([1.0, 1.0, 2.0]).double()[:, None]
    torch.testing.assert_close(slope, model.weight.detach() * counts / 4)


@pytest.mark.parametrize("of", get_args(Of))
def test_a_regularizer_is_of_the_class_of_each_example(of):
    """In evaluation mode, where the batch does not matter: half the squared gradient, each example's own."""
    model, x, y = coupled(), normal(4, 6), torch.tensor([0, 2, 1, 1])
    found = as_regularizer(gradient_norm_penalty, 0.3, of=of)(model, x, y, seeded())
    slope = input_gradient(select(model.eval(), y, of), x)
    torch.testing.assert_close(found.detach(), 0.3 * slope.square().sum(1).mean() / 2)


def test_modes_come_back_after_an_error():
    model = coupled()
    model[1].eval()
    modes = [module.training for module in model.modules()]

    def fails(f, x):
        assert not any(module.training for module in model.modules())
        raise RuntimeError("out of order")

    with pytest.raises(RuntimeError, match="out of order"):
        as_regularizer(fails, 1.0)(model, normal(2, 6), torch.tensor([0, 1]), seeded())
    assert [module.training for module in model.modules()] == modes


def test_evaluation_mode_is_of_all_modules_and_ends():
    model = coupled()
    model[1].eval()
    modes = [module.training for module in model.modules()]
    with evaluation(model):
        assert not any(module.training for module in model.modules())
    assert [module.training for module in model.modules()] == modes


def test_strength_zero_costs_nothing():
    def never(f, x):
        raise AssertionError

    assert as_regularizer(never, 0.0)(network(), normal(2, 6), torch.tensor([0, 1]), seeded()) == 0
