"""The small networks are what they claim: plain, biased, seeded sequences of layers."""

import functools
from collections.abc import Callable

import pytest
import torch
from torch import nn

from interpbook.models import MLP, SmallCNN
from interpbook.models.small import ACTIVATIONS

NETWORKS = pytest.mark.parametrize(
    "make",
    [SmallCNN, functools.partial(SmallCNN, batch_norm=True), MLP, functools.partial(MLP, hidden=())],
    ids=["cnn", "cnn-bn", "mlp", "linear"],
)


def images(count: int = 3) -> torch.Tensor:
    return torch.rand(count, 1, 28, 28, generator=torch.Generator().manual_seed(1))


def test_parameter_counts() -> None:
    def count(model: nn.Module) -> int:
        return sum(parameter.numel() for parameter in model.parameters())

    convolutions = (1 * 9 + 1) * 8 + (8 * 9 + 1) * 16 + (16 * 9 + 1) * 32
    assert count(SmallCNN()) == convolutions + (32 * 49 + 1) * 10
    assert count(SmallCNN(batch_norm=True)) == count(SmallCNN()) + 2 * (8 + 16 + 32)
    assert count(MLP(hidden=(7, 5), inputs=3, classes=2)) == 4 * 7 + 8 * 5 + 6 * 2


@pytest.mark.parametrize("size", [(28, 14), (5, 6), (1, 1)])
def test_a_convolutional_network_for_images_of_another_size(size: tuple[int, int]) -> None:
    assert SmallCNN(size=size).eval()(torch.rand(2, 1, *size)).shape == (2, 10)


@NETWORKS
def test_network_is_its_layers_one_after_the_other(make: Callable[..., nn.Sequential]) -> None:
    model = make().eval()
    x = images()
    expected = model(x)
    assert expected.shape == (3, 10)
    for layer in model.children():
        assert not list(layer.children())
        before = x.clone()
        after = layer(x)
        assert torch.equal(x, before), f"{layer} works in place"
        x = after
    assert torch.equal(x, expected)
    kept = [module for module in model.children() if isinstance(module, (nn.Conv2d, nn.Linear))]
    assert all(layer.bias is not None for layer in kept)


def test_slices_are_plain_sequences() -> None:
    model = SmallCNN().eval()
    features = model[:-1]
    assert type(features) is nn.Sequential
    assert [name for name, _ in features.named_children()][-1] == "flatten"
    assert torch.equal(model[-1](features(images())), model(images()))


@NETWORKS
def test_same_seed_same_weights(make: Callable[..., nn.Sequential]) -> None:
    state = torch.get_rng_state()
    one, same, other = make(seed=5), make(seed=5), make(seed=6)
    assert torch.equal(torch.get_rng_state(), state)
    for a, b in zip(one.parameters(), same.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(one.fc.weight, other.fc.weight)
    assert not torch.equal(one.fc.bias, other.fc.bias)


@NETWORKS
def test_initial_weights_are_distributed_as_in_torch(make: Callable[..., nn.Sequential]) -> None:
    layer = make().fc
    bound = layer.in_features**-0.5
    for ours, torchs in zip(layer.parameters(), nn.Linear(layer.in_features, 10).parameters(), strict=True):
        assert ours.abs().max() <= bound
        assert torchs.abs().max() <= bound
    spread = layer.weight.detach().std() * 3**0.5 / bound  # 1 for a uniform distribution on [-bound, bound]
    assert abs(float(spread) - 1) < 0.15


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_named_activations(name: str) -> None:
    for model, count in ((SmallCNN(name), 3), (MLP((4, 3), name), 2)):
        modules = [layer for key, layer in model.named_children() if key.startswith("act")]
        assert len({id(layer) for layer in modules}) == count
        assert {type(layer) for layer in modules} == {type(ACTIVATIONS[name]())}


def test_activation_by_factory() -> None:
    model = SmallCNN(functools.partial(nn.Softplus, beta=10))
    assert model.act2.beta == 10


@pytest.mark.parametrize("network", [SmallCNN, MLP])
def test_bad_arguments(network: Callable[..., nn.Module]) -> None:
    with pytest.raises(ValueError, match=r"activation: expected one of \['gelu'.*got 'relu7'"):
        network(activation="relu7")
    with pytest.raises(TypeError, match="activation: expected a name or a function that makes a module"):
        network(activation=nn.ReLU())  # one module would be used in several places
    with pytest.raises(ValueError, match="classes: expected an int of at least 1, got 0"):
        network(classes=0)
    with pytest.raises(ValueError, match="channels: expected an int of at least 1, got 0"):
        SmallCNN(channels=(8, 0, 8))
    with pytest.raises(ValueError, match="hidden: expected an int of at least 1, got -1"):
        MLP(hidden=(-1,))


def test_float64() -> None:
    model = SmallCNN("gelu", batch_norm=True).double().eval()
    assert model(images().double()).dtype == torch.float64
