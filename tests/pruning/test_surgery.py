"""A smaller network computes what the larger one does when the next layer's weights for the other channels are zero."""

import copy

import pytest
import torch
from networks import randomize
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

from interpbook.models import MLP, SmallCNN, small_image_resnet18
from interpbook.pruning import find_couplings
from interpbook.pruning.surgery import remove_channels


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def sequence(*layers):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(*[make() for make in layers])


def conv(wide_in, wide_out, **options):
    return lambda: nn.Conv2d(wide_in, wide_out, **{"kernel_size": 3, **options})


def linear(wide_in, wide_out, **options):
    return lambda: nn.Linear(wide_in, wide_out, **options)


def residual(block):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return ResNet(block, [1, 1, 1, 1], num_classes=3)


class Inside(nn.Module):
    """A convolution inside of a sum, and a head."""

    def __init__(self):
        super().__init__()
        self.block = sequence(conv(3, 5, padding=1), nn.ReLU, conv(5, 3, padding=1))
        self.head = sequence(nn.Flatten, linear(48, 4), lambda: nn.BatchNorm1d(4), nn.ReLU, linear(4, 2))

    def forward(self, x):
        return self.head(x + self.block(x))


IMAGES = (4, 3, 8, 8)
NETWORKS = {
    "linear": (lambda: sequence(linear(6, 5), nn.ReLU, linear(5, 4, bias=False), nn.Tanh, linear(4, 3)), (4, 6)),
    "tokens": (lambda: sequence(linear(6, 5), nn.GELU, linear(5, 4)), (2, 3, 6)),
    "mlp": (lambda: MLP(hidden=(9, 8, 7), inputs=6, classes=3), (4, 2, 3)),
    "conv": (lambda: sequence(conv(3, 5, bias=False), nn.ReLU, conv(5, 4, kernel_size=(1, 2))), IMAGES),
    "stride": (lambda: sequence(conv(3, 5, stride=2), nn.ReLU, conv(5, 4, stride=(1, 2), padding=1)), IMAGES),
    "dilation": (lambda: sequence(conv(3, 5, dilation=2), nn.ReLU, conv(5, 4, dilation=(2, 1), padding=1)), IMAGES),
    "same": (lambda: sequence(conv(3, 5, padding="same"), nn.ReLU, conv(5, 4, padding="same")), IMAGES),
    "reflect": (
        lambda: sequence(conv(3, 5), nn.SiLU, conv(5, 4, padding=1, padding_mode="reflect"), nn.ReLU, conv(4, 2)),
        IMAGES,
    ),
    "pool": (
        lambda: sequence(
            conv(3, 5), nn.ReLU, lambda: nn.MaxPool2d(2), nn.Flatten, linear(45, 4), nn.ReLU, linear(4, 2)
        ),
        IMAGES,
    ),
    "average": (
        lambda: sequence(conv(3, 5), nn.ReLU, lambda: nn.AdaptiveAvgPool2d(1), nn.Flatten, linear(5, 2)),
        IMAGES,
    ),
    "norm first": (lambda: sequence(conv(3, 5), lambda: nn.BatchNorm2d(5), nn.ReLU, conv(5, 4)), IMAGES),
    "norm after": (
        lambda: sequence(conv(3, 5), nn.ReLU, lambda: nn.BatchNorm2d(5, affine=False), conv(5, 4)),
        IMAGES,
    ),
    "norm of batches": (
        lambda: sequence(conv(3, 5), nn.ReLU, lambda: nn.BatchNorm2d(5, track_running_stats=False), conv(5, 4)),
        IMAGES,
    ),
    "norm of features": (
        lambda: sequence(conv(3, 5), nn.ReLU, nn.Flatten, lambda: nn.BatchNorm1d(180), nn.Tanh, linear(180, 2)),
        IMAGES,
    ),
    "two norms": (
        lambda: sequence(linear(6, 5), lambda: nn.BatchNorm1d(5), nn.ReLU, lambda: nn.BatchNorm1d(5), linear(5, 2)),
        (4, 6),
    ),
    "cnn": (lambda: SmallCNN(batch_norm=True, channels=(4, 5, 6)), (2, 1, 28, 28)),
    "inside a sum": (Inside, (4, 3, 4, 4)),
    "blocks": (lambda: residual(BasicBlock), (2, 3, 32, 32)),
    "bottlenecks": (lambda: residual(Bottleneck), (2, 3, 32, 32)),
}


def choose(model, couplings):
    """About half of the channels of each coupling, at random."""
    generator = torch.Generator().manual_seed(1)
    kept = {}
    for coupling in couplings:
        channels = len(model.get_submodule(coupling.producer).weight)
        kept[coupling.producer] = torch.randperm(channels, generator=generator)[: (channels + 1) // 2].sort().values
    return kept


def masked(model, couplings, kept):
    """The larger network with zeros for what reaches the consumers from removed channels."""
    model = copy.deepcopy(model)
    for coupling in couplings:
        weight = model.get_submodule(coupling.consumer).weight
        channels = len(model.get_submodule(coupling.producer).weight)
        stays = [channel in kept[coupling.producer] for channel in range(channels)]
        for column, part in enumerate(weight.data.flatten(1).unbind(1)):
            if not stays[column // coupling.group]:
                part.zero_()
    return model


def cut(model, couplings, kept):
    model = copy.deepcopy(model)
    for coupling in couplings:
        remove_channels(model, coupling, kept[coupling.producer])
    return model


def largest_difference(first, second):
    return float((first - second).abs().max() / second.abs().max())


@torch.no_grad()
@pytest.mark.parametrize("name", NETWORKS)
def test_the_smaller_network_is_the_masked_one(name):
    make, shape = NETWORKS[name]
    model = randomize(make())
    couplings = find_couplings(model)
    kept = choose(model, couplings)
    reference, small = masked(model, couplings, kept), cut(model, couplings, kept)
    x = normal(*shape)
    expected = reference(x)
    assert largest_difference(model(x), expected) > 1e-3, "the mask changes nothing"
    assert largest_difference(small(x), expected) < 1e-12
    assert largest_difference(small.float()(x.float()), reference.float()(x.float())) < 1e-6


@torch.no_grad()
def test_the_inner_convolutions_of_the_books_residual_network():
    model = small_image_resnet18(activation="relu").eval()
    couplings = find_couplings(model)
    kept = choose(model, couplings)
    x = normal(2, 3, 8, 8, dtype=torch.float32)
    small = cut(model, couplings, kept)
    assert largest_difference(small(x), masked(model, couplings, kept)(x)) < 1e-6
    inputs, widths = (64, 64, 64, 128, 128, 256, 256, 512), (64, 64, 128, 128, 256, 256, 512, 512)
    saved = sum(wide // 2 * (9 * wide_in + 2 + 9 * wide) for wide_in, wide in zip(inputs, widths, strict=True))
    assert count(small) == count(model) - saved


def count(model):
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("channels", [(1, 1, 1), (2, 5, 3), (4, 5, 6)])
def test_parameters_of_a_convolutional_network(batch_norm, channels):
    first, second, third = channels
    model = SmallCNN(batch_norm=batch_norm, channels=(4, 5, 6))
    couplings = find_couplings(model)
    kept = {f"conv{place}": torch.arange(size) for place, size in enumerate(channels, start=1)}
    weights = 9 * (first + first * second + second * third) + 49 * 10 * third
    assert count(cut(model, couplings, kept)) == weights + (3 if batch_norm else 1) * sum(channels) + 10


@torch.no_grad()
@pytest.mark.parametrize("batch_norm", [False, True])
def test_the_state_dict_is_that_of_a_fresh_network_of_the_smaller_sizes(batch_norm):
    model = randomize(SmallCNN(batch_norm=batch_norm, channels=(4, 6, 8)), dtype=torch.float32)
    couplings = find_couplings(model)
    kept = {"conv1": torch.tensor([1, 3]), "conv2": torch.tensor([0, 4, 5]), "conv3": torch.tensor([0, 1, 6, 7])}
    small = cut(model, couplings, kept)
    fresh = SmallCNN(batch_norm=batch_norm, channels=(2, 3, 4), seed=5).eval()
    assert repr(small) == repr(fresh)
    fresh.load_state_dict(small.state_dict())
    assert all(parameter.is_contiguous() for parameter in small.parameters())
    x = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    assert torch.equal(fresh(x), small(x))


def test_sizes_that_modules_say_of_themselves_are_the_new_ones():
    model = sequence(conv(3, 6), lambda: nn.BatchNorm2d(6), nn.Flatten, linear(96, 4), nn.ReLU, linear(4, 2))
    couplings = find_couplings(model)
    small = cut(model, couplings, {"0": torch.tensor([0, 2, 5]), "3": torch.tensor([1])})
    assert (small[0].in_channels, small[0].out_channels, small[1].num_features) == (3, 3, 3)
    assert (small[3].in_features, small[3].out_features) == (48, 1)
    assert (small[5].in_features, small[5].out_features) == (1, 2)


def test_new_weights_are_put_in_by_columns():
    model = sequence(conv(2, 4), nn.ReLU, conv(4, 3, kernel_size=(1, 2)))
    (coupling,) = find_couplings(model)
    weights = normal(4, 3)
    remove_channels(model, coupling, torch.tensor([1, 2]), weights)
    expected = torch.stack([weights[:2], weights[2:]]).permute(2, 0, 1)[:, :, None]
    assert torch.equal(model[2].weight, expected.float())


def test_what_learns_and_what_does_not_stays_so_and_shares_no_memory():
    model = randomize(sequence(conv(3, 5), lambda: nn.BatchNorm2d(5), nn.ReLU, conv(5, 4)))
    model[0].weight.requires_grad_(False)
    model[3].weight.requires_grad_(False)
    (coupling,) = find_couplings(model)
    small = copy.copy(model)
    small._modules = {name: copy.copy(module) for name, module in model._modules.items()}
    for module in small._modules.values():
        module._parameters, module._buffers = dict(module._parameters), dict(module._buffers)
    remove_channels(small, coupling, torch.arange(5))
    learns = {name: parameter.requires_grad for name, parameter in model.named_parameters()}
    assert {name: parameter.requires_grad for name, parameter in small.named_parameters()} == learns
    before = {name: value.clone() for name, value in model.state_dict().items()}
    for name, value in small.state_dict().items():
        assert torch.equal(value, before[name])
        if name != "3.bias" and "num_batches" not in name:
            value.add_(1)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_the_smaller_network_learns():
    model = sequence(conv(3, 6), lambda: nn.BatchNorm2d(6), nn.ReLU, nn.Flatten, linear(216, 2))
    (coupling,) = find_couplings(model)
    remove_channels(model, coupling, torch.tensor([0, 5]))
    model.train()(normal(4, *IMAGES[1:], dtype=torch.float32)).square().sum().backward()
    assert all(parameter.grad.shape == parameter.shape for parameter in model.parameters())
    assert len(model[1].running_mean) == 2
