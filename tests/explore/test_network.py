"""What is packed for the page, and which networks are refused."""

import base64
import json

import numpy as np
import pytest
import torch
from networks import randomize
from torch import nn
from torch.nn.utils.parametrizations import weight_norm

from interpbook.explore.network import pack, rounded
from interpbook.models import SmallCNN
from interpbook.models.small import ACTIVATIONS


def image_net(*layers: nn.Module) -> nn.Sequential:
    return nn.Sequential(*layers).eval()


class Doubled(nn.Sequential):
    def forward(self, x):
        return 2 * super().forward(x)


class OtherLinear(nn.Linear):
    pass


def test_every_floating_entry_of_the_state_is_rounded_to_half() -> None:
    model = randomize(SmallCNN(batch_norm=True, channels=(2, 3, 4)), dtype=torch.float32)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = rounded(model).state_dict()
    assert state.keys() == before.keys()
    for name, value in before.items():
        expected = value.half().double() if value.is_floating_point() else value
        torch.testing.assert_close(state[name], expected, rtol=0, atol=0)
        torch.testing.assert_close(model.state_dict()[name], value, rtol=0, atol=0)
    assert not all(torch.equal(state[name], before[name].double()) for name in before)
    assert not rounded(model).training


def test_a_parametrized_weight_is_what_it_is_now() -> None:
    model = randomize(nn.Sequential(weight_norm(nn.Linear(4, 3))), dtype=torch.float32)
    same = rounded(model)
    assert type(same[0]) is nn.Linear
    assert torch.equal(same[0].weight, model[0].weight.half().double())
    assert hasattr(model[0], "parametrizations")
    packed = pack(model, (4,))
    halves = np.frombuffer(base64.b64decode(packed.weights), "<f2")
    assert torch.equal(torch.tensor(halves[:12].astype(float)), same[0].weight.flatten())


def test_the_packed_network_is_plain_data() -> None:
    model = randomize(SmallCNN(batch_norm=True), dtype=torch.float32)
    packed = pack(model, (1, 28, 28))
    assert json.loads(json.dumps(packed.data, allow_nan=False)) == packed.data
    assert set(packed.data) == {"input", "layers", "weights"}
    assert packed.data["input"] == [1, 28, 28]
    assert packed.names == tuple(name for name, _ in model.named_children())
    floating = sum(value.numel() for value in model.state_dict().values() if value.is_floating_point())
    assert len(base64.b64decode(packed.weights)) == 2 * floating


def test_a_layer_that_is_used_twice_is_stored_once_under_its_first_name() -> None:
    again = nn.Linear(4, 4)
    packed = pack(image_net(again, nn.Sequential(nn.ReLU(), again)), (4,))
    assert packed.names == ("0", "1.0", "0")
    assert packed.layers[0] == packed.layers[2]
    assert len(base64.b64decode(packed.weights)) == 2 * 20


def test_what_computes_nothing_is_skipped() -> None:
    packed = pack(image_net(nn.Identity(), nn.Dropout(), nn.Sequential(nn.Linear(2, 2)), nn.Dropout()), (2,))
    assert packed.names == ("2.0",)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_every_activation_of_the_book_s_networks_is_known(activation: str) -> None:
    assert pack(SmallCNN(activation, channels=(1, 1, 1)).eval(), (1, 28, 28)).names[1] == "act1"


REFUSED = {
    "another layer": (
        image_net(nn.Sequential(nn.Conv2d(1, 2, 3), nn.PReLU())),
        r"layer '0\.1' \(PReLU\): expected a layer .* Sequential, Conv2d, Linear, .*, Flatten",
    ),
    "a subclass": (image_net(nn.Flatten(), OtherLinear(64, 2)), r"layer '1' \(OtherLinear\): expected a layer"),
    "no sequence": (SmallCNN().eval()[0], "model: expected an nn.Sequential, got Conv2d"),
    "a forward pass of its own": (Doubled().eval(), "model: expected an nn.Sequential, got Doubled"),
    "one inside": (image_net(Doubled(nn.ReLU())), r"layer '0' \(Doubled\): expected a layer"),
    "padding mode": (
        image_net(nn.Conv2d(1, 2, 3, padding=1, padding_mode="reflect")),
        r"layer '0' \(Conv2d\): expected padding_mode='zeros', got 'reflect'",
    ),
    "ceil mode": (image_net(nn.AvgPool2d(3, ceil_mode=True)), r"\(AvgPool2d\): expected ceil_mode=False, got True"),
    "ceil mode, max": (image_net(nn.MaxPool2d(3, ceil_mode=True)), r"\(MaxPool2d\): expected ceil_mode=False"),
    "dilation, max": (image_net(nn.MaxPool2d(2, dilation=(1, 2))), r"\(MaxPool2d\): expected dilation=1, got \(1, 2\)"),
    "indices": (image_net(nn.MaxPool2d(2, return_indices=True)), r"\(MaxPool2d\): expected return_indices=False"),
    "uneven average": (
        image_net(nn.AdaptiveAvgPool2d(3)),
        r"layer '0' \(AdaptiveAvgPool2d\): expected an output size that divides \(8, 8\), got \(3, 3\)",
    ),
    "statistics of the batch": (
        image_net(nn.BatchNorm2d(1, track_running_stats=False)),
        r"layer '0' \(BatchNorm2d\): expected track_running_stats=True, got False",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_page_does_not_compute_is_refused_by_name(case: str) -> None:
    model, message = REFUSED[case]
    with pytest.raises(NotImplementedError, match=message):
        pack(model, (1, 8, 8))


MISFITS = {
    "channels": (image_net(nn.Conv2d(3, 2, 3)), r"layer '0' \(Conv2d\): .* takes, got \(B, 1, 8, 8\): .*3 channels"),
    "features": (image_net(nn.Flatten(), nn.Linear(9, 2)), r"layer '1' \(Linear\): .* takes, got \(B, 64\)"),
    "a linear layer on images": (
        image_net(nn.Linear(8, 2)),
        r"layer '0' \(Linear\): expected an input of 2 axes, batch included, got \(B, 1, 8, 8\)",
    ),
    "a convolution on vectors": (
        image_net(nn.Flatten(), nn.Conv2d(2, 1, 1)),
        r"layer '1' \(Conv2d\): expected an input of 4 axes, batch included, got \(B, 64\)",
    ),
    "a batch flattened": (image_net(nn.Flatten(0)), r"layer '0' \(Flatten\): expected an output with the batch first"),
    "channels taken for examples": (
        image_net(nn.Conv2d(1, 3, 3), nn.Flatten(0, 1), nn.Flatten(), nn.Linear(36, 2)),
        r"layer '1' \(Flatten\): expected an output with the batch first, got \(6, 6, 6\) for a batch of 2",
    ),
    "no logits": (image_net(nn.Conv2d(1, 2, 3)), r"model: expected logits of shape \(B, K\), got \(B, 2, 6, 6\)"),
}


@pytest.mark.parametrize("case", MISFITS)
def test_layers_that_do_not_fit_are_named(case: str) -> None:
    model, message = MISFITS[case]
    with pytest.raises(ValueError, match=message):
        pack(model, (1, 8, 8))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (float("nan"), r"fc\.bias: expected finite values, got 1 NaN or infinite of 10"),
        (float("-inf"), r"fc\.bias: expected finite values"),
        (-65505.0, r"fc\.bias: expected values of at most 65504, the largest 16-bit float, got 65505"),
    ],
)
@pytest.mark.parametrize("function", [rounded, lambda model: pack(model, (1, 28, 28))], ids=["rounded", "pack"])
def test_weights_that_no_half_holds_are_refused(function, value: float, message: str) -> None:
    model = SmallCNN().eval()
    with torch.no_grad():
        model.fc.bias[3] = 65504
        function(model)
        model.fc.bias[3] = value
    with pytest.raises(ValueError, match=message):
        function(model)


def test_statistics_are_checked_as_parameters_are() -> None:
    model = SmallCNN(batch_norm=True).eval()
    model.bn2.running_var[0] = 1e6
    with pytest.raises(ValueError, match=r"bn2\.running_var: expected values of at most 65504"):
        pack(model, (1, 28, 28))


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize("function", [rounded, lambda model: pack(model, (1, 28, 28))], ids=["rounded", "pack"])
def test_training_mode_and_other_things_are_refused(function) -> None:
    with pytest.raises(ValueError, match=r"model: expected evaluation mode"):
        function(SmallCNN())
    with pytest.raises(TypeError, match=r"model: expected a torch\.nn\.Module, got function"):
        function(lambda x: x)


@pytest.mark.parametrize("register", ["register_forward_hook", "register_forward_pre_hook"])
def test_a_hook_is_refused(register: str) -> None:
    model = SmallCNN().eval()
    handle = getattr(model.act1, register)(lambda *_: None)
    with pytest.raises(ValueError, match=r"layer 'act1' \(ReLU\): expected no forward hook"):
        pack(model, (1, 28, 28))
    handle.remove()
    pack(model, (1, 28, 28))


@pytest.mark.parametrize(("shape", "error"), [((0, 28), ValueError), ((1.5,), TypeError), ((), ValueError)])
def test_shapes_are_sizes(shape: tuple, error: type[Exception]) -> None:
    with pytest.raises(error, match="shape"):
        pack(nn.Sequential(nn.Flatten(), nn.Linear(28, 2)).eval(), shape)
