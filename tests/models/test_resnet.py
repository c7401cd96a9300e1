"""The network of the full scale: smooth and seeded. Its training is tested with its recipes, in density."""

import pytest
import torch
from torch import nn

from interpbook.attribution import select
from interpbook.density import hutchinson_trace
from interpbook.models import small_image_resnet18


def images(count):
    return torch.rand(count, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def test_layers():
    model = small_image_resnet18(classes=100)
    kinds = {type(module) for module in model.modules()}
    assert not kinds & {nn.ReLU, nn.MaxPool2d}
    assert sum(isinstance(module, nn.Softplus) and module.beta == 10 for module in model.modules()) == 9
    assert sum(parameter.numel() for parameter in model.parameters()) == 11_220_132
    assert model.conv1.weight.shape == (64, 3, 3, 3)
    assert model.layer1(torch.zeros(1, 64, 32, 32)).shape[2:] == (32, 32)


def test_seed_decides_and_global_state_is_left_alone():
    state = torch.get_rng_state()
    one, same, other = (small_image_resnet18(seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    for layer in ("conv1", "fc"):
        assert not torch.equal(getattr(one, layer).weight, getattr(other, layer).weight)


def test_it_has_a_second_derivative_and_with_relu_it_has_none():
    smooth, kinked = small_image_resnet18().eval(), small_image_resnet18(activation="relu").eval()
    assert hutchinson_trace(select(smooth, 3), images(1), sigma=0.05).isfinite().all()
    with pytest.raises(ValueError, match=r"layer 'relu' \(ReLU\)"):
        hutchinson_trace(select(kinked, 3), images(1))


def test_wrong_arguments():
    with pytest.raises(ValueError, match="classes: expected an int of at least 1, got 0"):
        small_image_resnet18(0)
    with pytest.raises(ValueError, match="activation: expected one of"):
        small_image_resnet18(activation="relu7")
