"""What reaches a layer, as rows: times the weights they are what the layer computes, and their moments add up."""

import pytest
import torch
from torch import nn
from traces import leaves_no_trace

from interpbook.pruning import Coupling, activations
from interpbook.pruning.activations import input_of, moments, rows_of, weights_of


def normal(*shape, seed=0, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def filled(layer, seed=0):
    """Random weights and biases, in float64 and evaluation mode."""
    for place, parameter in enumerate(layer.double().eval().parameters()):
        nn.init.normal_(parameter, generator=torch.Generator().manual_seed(seed + place))
    return layer


CONVOLUTIONS = {
    "plain": {"kernel_size": 3},
    "one by one": {"kernel_size": 1},
    "stride": {"kernel_size": 3, "stride": 2},
    "strides": {"kernel_size": 2, "stride": (1, 3)},
    "padding": {"kernel_size": 3, "padding": 2},
    "paddings": {"kernel_size": (3, 2), "padding": (0, 2)},
    "dilation": {"kernel_size": 2, "dilation": (3, 1)},
    "valid": {"kernel_size": 3, "padding": "valid"},
    "same": {"kernel_size": 3, "padding": "same"},
    "same, even": {"kernel_size": (2, 4), "padding": "same", "dilation": (1, 2)},
    "reflect": {"kernel_size": 3, "padding": (1, 2), "padding_mode": "reflect"},
    "replicate": {"kernel_size": (3, 5), "padding": (1, 2), "padding_mode": "replicate"},
    "circular": {"kernel_size": 3, "padding": 2, "padding_mode": "circular", "stride": 2},
    "reflect, same": {"kernel_size": (2, 3), "padding": "same", "padding_mode": "reflect"},
    "no bias": {"kernel_size": 3, "bias": False},
    "all": {"kernel_size": (2, 3), "stride": (2, 1), "padding": (2, 1), "dilation": (2, 1)},
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_rows_times_weights_are_what_a_convolution_computes(name):
    layer = filled(nn.Conv2d(3, 4, **CONVOLUTIONS[name]))
    x = normal(2, 3, 8, 9)
    out = layer(x).detach()
    if layer.bias is not None:
        out = out - layer.bias.detach()[:, None, None]
    rows = rows_of(layer, x)
    assert torch.allclose(rows @ weights_of(layer), out.permute(0, 2, 3, 1).flatten(0, 2), rtol=0, atol=1e-13)


@pytest.mark.parametrize("shape", [(5, 4), (5, 3, 4), (2, 2, 3, 4)])
@pytest.mark.parametrize("bias", [False, True])
def test_rows_times_weights_are_what_a_linear_layer_computes(shape, bias):
    layer = filled(nn.Linear(4, 6, bias=bias))
    x = normal(*shape)
    out = layer(x).detach() - (layer.bias.detach() if bias else 0)
    assert torch.allclose(rows_of(layer, x) @ weights_of(layer), out.flatten(0, -2), rtol=0, atol=1e-14)


def test_columns_of_one_channel_stand_together():
    layer = filled(nn.Conv2d(3, 4, (2, 3), padding=1))
    for channel in range(3):
        x = normal(2, 3, 4, 5)
        x[:, channel] = 0
        empty = rows_of(layer, x).abs().sum(0) == 0
        assert torch.equal(empty.nonzero()[:, 0], torch.arange(6) + 6 * channel)


def test_float32_is_read_as_it_is_and_summed_in_float64():
    layer = filled(nn.Linear(4, 2)).float()
    x = normal(5, 4).float()
    assert rows_of(layer, x).dtype == weights_of(layer).dtype == torch.float64
    assert torch.equal(rows_of(layer, x).float(), x)
    assert not weights_of(layer).requires_grad


def network(bias=True):
    layers = [nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 4, 3, stride=2, bias=bias)]
    return filled(nn.Sequential(*layers))


COUPLING = Coupling("0", "3", 9, ("1",))


@pytest.mark.parametrize("size", [1, 2, 5, 7])
def test_moments_are_those_of_all_rows_whatever_the_batches(size):
    model, original = network(), network()
    filled(model[0], seed=9)
    x = normal(7, 2, 6, 6)
    for other in (None, original):
        B = rows_of(model[3], model[:3](x)).detach()
        T = rows_of(original[3], original[:3](x)).detach() if other else B
        T = T @ weights_of(model[3])
        found = moments(model, COUPLING, x.split(size), other)
        assert found.rows == len(B) == 7 * 4
        assert torch.allclose(found.gram, B.mT @ B, rtol=1e-13, atol=1e-13)
        assert torch.allclose(found.cross, B.mT @ T, rtol=1e-13, atol=1e-12)
        assert found.energy == pytest.approx(float(T.square().sum()), rel=1e-13)


def test_the_bias_of_the_reader_is_no_part_of_the_target():
    model = network()
    plain = network(bias=False)
    x = normal(3, 2, 6, 6)
    plain.load_state_dict({name: value for name, value in model.state_dict().items() if name != "3.bias"})
    for other in (None, model):
        assert moments(model, COUPLING, [x], other).energy == moments(plain, COUPLING, [x], other and plain).energy


def test_what_reaches_a_module_is_what_the_modules_before_it_make():
    model = network()
    x = normal(3, 2, 6, 6)
    with leaves_no_trace(model, x):
        for place in range(4):
            reaching = input_of(model, str(place), x)
            assert torch.equal(reaching, model[:place](x))
            assert not reaching.requires_grad


def test_a_first_layer_that_works_in_place_leaves_the_inputs_alone():
    model = filled(nn.Sequential(nn.Hardtanh(-0.1, 0.1, inplace=True), nn.Linear(4, 3), nn.ReLU(True), nn.Linear(3, 2)))
    x = normal(6, 4)
    with leaves_no_trace(model, x):
        moments(model, Coupling("1", "3"), x.split(2), model)


class Often(nn.Module):
    def __init__(self, times, named=False):
        super().__init__()
        self.inner, self.times, self.named = filled(nn.Linear(3, 3)), times, named

    def forward(self, x):
        for _ in range(self.times):
            x = self.inner(input=x) if self.named else self.inner(x)
        return x


@pytest.mark.parametrize("model", [Often(0), Often(2), Often(1, named=True)])
def test_a_module_that_is_not_called_just_once_is_refused(model):
    with leaves_no_trace(model), pytest.raises(ValueError, match=r"couplings: expected .* computes once, got 'inner'"):
        input_of(model, "inner", normal(2, 3))


def test_activations_that_are_not_finite_are_refused_by_the_name_of_the_reader():
    model = network()
    with torch.no_grad():
        model[0].weight[1] = 1e200
    with leaves_no_trace(model), pytest.raises(ValueError, match=r"activations that reach 3: expected finite"):
        moments(model, COUPLING, [normal(2, 2, 6, 6)])


@pytest.mark.parametrize("numbers", [1, 200, 700])
def test_moments_of_a_few_examples_at_a_time_are_those_of_all(numbers, monkeypatch):
    model, original = network(), network()
    filled(model[0], seed=9)
    x = normal(7, 2, 6, 6)
    whole = moments(model, COUPLING, [x], original)
    monkeypatch.setattr(activations, "AT_A_TIME", numbers)
    parts = activations.pieces_of(model[3], input_of(model, COUPLING.consumer, x))
    assert len(parts) > 1
    assert all(len(rows_of(model[3], part)) * len(whole.gram) <= max(numbers, 4 * len(whole.gram)) for part in parts)
    found = moments(model, COUPLING, [x], original)
    assert found.rows == whole.rows
    assert torch.allclose(found.gram, whole.gram, rtol=1e-13, atol=1e-13)
    assert torch.allclose(found.cross, whole.cross, rtol=1e-13, atol=1e-12)
    assert found.energy == pytest.approx(whole.energy, rel=1e-13)
