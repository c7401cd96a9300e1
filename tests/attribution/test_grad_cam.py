"""Grad-CAM against its closed form, and the networks that trip hooks: in-place, reused, frozen, branched."""

import threading

import jaxtyping
import pytest
import torch
from torch import nn
from traces import leaves_no_trace

from interpbook.attribution.grad_cam import grad_cam


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def network(inplace=False):
    """conv - relu - global mean - linear: the network for which the maps are known."""
    torch.manual_seed(0)
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 5)]
    return nn.Sequential(nn.Conv2d(2, 6, 3), nn.ReLU(inplace), *head).double().eval()


def test_before_global_pooling_the_map_is_class_activation_mapping():
    """z_y = w_y . mean(A) + b_y, so alpha = w_y / (h w), and the map adds up to the logit less its bias."""
    model, x, target = network(), normal(4, 2, 8, 7), torch.tensor([0, 4, 2, 2])
    maps = model[:2](x)
    weight = model[4].weight[target]
    found = grad_cam(model, x, target, model[1])
    torch.testing.assert_close(found, torch.einsum("bc,bchw->bhw", weight, maps) / 30)
    torch.testing.assert_close(found.sum((1, 2)), model(x)[range(4), target] - model[4].bias[target])


@pytest.mark.parametrize("layer", ["0", "1"])
def test_the_map_is_its_definition_by_autograd(layer):
    torch.manual_seed(1)
    trunk = [nn.Conv2d(2, 6, 3), nn.Tanh()]
    head = [nn.Conv2d(6, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(36, 5)]
    model, x = nn.Sequential(*trunk, *head).double().eval(), normal(3, 2, 8, 7)
    split = int(layer) + 1
    maps = model[:split](x).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model[split:](maps)[:, 3].sum(), maps)
    expected = (gradient.mean((2, 3), keepdim=True) * maps).sum(1).detach()
    torch.testing.assert_close(grad_cam(model, x, 3, layer), expected)
    assert (expected < 0).any()


def test_an_in_place_relu_behind_the_layer_changes_nothing():
    x = normal(3, 2, 8, 7)
    for layer in ("0", "1"):
        torch.testing.assert_close(grad_cam(network(True), x, 1, layer), grad_cam(network(), x, 1, layer))


def test_predicted_is_the_largest_logit():
    model, x = network(), normal(6, 2, 8, 7)
    torch.testing.assert_close(grad_cam(model, x, "predicted", "1"), grad_cam(model, x, model(x).argmax(1), "1"))


def test_examples_do_not_see_each_other():
    model, x = network(), normal(4, 2, 8, 7)
    each = torch.cat([grad_cam(model, x[i : i + 1], 2, "1") for i in range(4)])
    torch.testing.assert_close(grad_cam(model, x, 2, "1"), each)


class Residual(nn.Module):
    """A block whose input also goes around it."""

    def __init__(self):
        super().__init__()
        self.block = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        return x + self.block(x).tanh()


def test_only_what_passes_through_the_layer_counts():
    torch.manual_seed(0)
    model = nn.Sequential(Residual(), nn.Flatten(), nn.Linear(32, 3)).double().eval()
    x = normal(2, 2, 4, 4)
    maps = model[0].block(x).detach().requires_grad_()
    (gradient,) = torch.autograd.grad(model[1:](x + maps.tanh())[:, 0].sum(), maps)
    expected = (gradient.mean((2, 3), keepdim=True) * maps).sum(1).detach()
    torch.testing.assert_close(grad_cam(model, x, 0, model[0].block), expected)


def test_no_trace_is_left():
    for inplace in (False, True):
        model, x = network(inplace), normal(3, 2, 8, 7).requires_grad_()
        with leaves_no_trace(model, x):
            found = grad_cam(model, x, "predicted", "0")
        assert not found.requires_grad
    overwriting = nn.Sequential(nn.ReLU(inplace=True), model).eval()
    with leaves_no_trace(overwriting, x):
        grad_cam(overwriting, x, 0, "1.0")
    model[3].forward = lambda x: 1 / 0
    with leaves_no_trace(model, x), pytest.raises(ZeroDivisionError):
        grad_cam(model, x, 0, "0")
    with leaves_no_trace(model, x), pytest.raises(ValueError, match="layer"):
        grad_cam(model, x, 0, "2.0")


def test_gradient_mode_and_flags_of_the_caller_do_not_matter():
    model, x = network(), normal(3, 2, 8, 7)
    expected = grad_cam(model, x, 1, "0")
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            torch.testing.assert_close(grad_cam(model, x.clone(), 1, "0"), expected, rtol=0, atol=0)
    model.requires_grad_(False)
    torch.testing.assert_close(grad_cam(model, x, 1, "0"), expected, rtol=0, atol=0)


def test_only_the_head_is_differentiated():
    """The trunk sees no gradient mode, so that it keeps no graph."""
    model, modes = network(), {}
    for name, module in model.named_children():
        module.register_forward_pre_hook(lambda *_, name=name: modes.update({name: torch.is_grad_enabled()}))
    grad_cam(model, normal(1, 2, 8, 7), 0, "1")
    assert modes == {"0": False, "1": False, "2": True, "3": True, "4": True}


class Odd(nn.Module):
    """A layer that runs twice, one that never runs, and one whose output goes nowhere."""

    def __init__(self):
        super().__init__()
        self.once, self.twice, self.never, self.nowhere = (nn.Conv2d(2, 2, 1) for _ in range(4))
        self.flat, self.head = nn.Flatten(), nn.Linear(2 * 8 * 7, 5)

    def forward(self, x):
        self.nowhere(x)
        return self.head(self.flat(self.twice(self.twice(self.once(x)))))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"layer": "twice"}, ValueError, "^layer: expected one that runs once, got 'twice'"),
        ({"layer": "never"}, ValueError, "^layer: expected one that runs in the forward pass, got 'never'"),
        ({"layer": "nowhere"}, ValueError, "^layer: expected one that the logits depend on, got 'nowhere'"),
        ({"layer": "flat"}, ValueError, r"^layer: .*\(2, C, h, w\), got \(2, 112\)"),
        ({"layer": "missing"}, ValueError, "^layer: .*got 'missing'"),
        ({"layer": nn.Conv2d(2, 2, 1)}, ValueError, "^layer: .*got another Conv2d"),
        ({"reshape": 4}, TypeError, "^reshape: expected a function .*got int"),
        ({"layer": 3}, TypeError, "^layer: .*got int"),
        ({"target": 5}, ValueError, "^target: .*from 0 to 4, got 5"),
        ({"target": torch.tensor([1])}, ValueError, r"^target: .*\(2,\), got \(1,\)"),
        ({"target": "best"}, ValueError, "^target: .*got 'best'"),
        ({"x": torch.zeros(2, 2, 8, 7).long()}, TypeError, "^x: .*int64"),
        ({"x": torch.zeros(2, 2, 8, 7)}, ValueError, "^x: expected dtype torch.float64"),
        ({"model": Odd().double()}, ValueError, "^model: .*training mode"),
        ({"model": lambda x: x}, TypeError, "^model: .*got function"),
        (
            {"model": nn.Sequential(nn.Conv2d(2, 2, 1).double()).eval(), "layer": "0"},
            ValueError,
            "^model output: ",
        ),
    ],
)
def test_bad_input_is_named(arguments, error, says, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    good = {"model": Odd().double().eval(), "x": normal(2, 2, 8, 7), "target": 0, "layer": "once"}
    with pytest.raises(error, match=says):
        grad_cam(**good | arguments)


class Tokens(nn.Module):
    """Patches in a row behind a class token, as in a vision transformer: the layer's output is (B, 1 + h w, C)."""

    def __init__(self):
        super().__init__()
        self.patches, self.row, self.head = nn.Conv2d(2, 6, 2, stride=2), nn.Tanh(), nn.Linear(6, 5)
        self.first = nn.Parameter(torch.ones(1, 1, 6))

    def forward(self, x):
        patches = self.patches(x).flatten(2).transpose(1, 2)
        tokens = self.row(torch.cat([self.first.expand(len(x), -1, -1), patches], 1))
        return self.head(tokens.square().mean(1))


def grid(tokens):
    return tokens[:, 1:].transpose(1, 2).unflatten(2, (4, 3))


def test_tokens_laid_out_as_maps_are_explained_as_maps():
    """By hand: z = W mean(t^2), so that dz/dt = 2 W t / n for the n tokens, the class token among them."""
    torch.manual_seed(2)
    model, x, target = Tokens().double().eval(), normal(3, 2, 8, 6), torch.tensor([4, 0, 1])
    maps = model.patches(x).tanh().detach()
    weights = (2 * model.head.weight[target][:, :, None, None] * maps / 13).mean((2, 3), keepdim=True)
    found = grad_cam(model, x, target, "row", reshape=grid)
    torch.testing.assert_close(found, (weights * maps).sum(1).detach())
    with pytest.raises(ValueError, match=r"^layer: expected an output of shape .*got \(3, 13, 6\)"):
        grad_cam(model, x, target, "row")
    with pytest.raises(ValueError, match=r"^reshape: expected a result of shape .*got \(3, 12, 6\)"):
        grad_cam(model, x, target, "row", reshape=lambda tokens: tokens[:, 1:])


def test_a_layout_of_maps_as_they_are_changes_nothing():
    model, x = network(), normal(3, 2, 8, 7)
    torch.testing.assert_close(grad_cam(model, x, 1, "0", reshape=lambda maps: maps), grad_cam(model, x, 1, "0"))


def test_other_threads_do_not_notice():
    """In the middle of an explanation another thread explains, and runs the model, without meeting its hook."""
    model, x = network(), normal(3, 2, 8, 7)
    expected, logits = grad_cam(model, x, 1, "0"), model(x).detach()
    found = {}

    def other():
        with torch.no_grad():
            found["logits"] = model(x)
            found["gradients"] = torch.is_grad_enabled()
        found["map"] = grad_cam(model, x, 1, "0")

    def meanwhile(module, args, output):
        if threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=other)
            thread.start()
            thread.join()

    handle = model[1].register_forward_hook(meanwhile)
    try:
        torch.testing.assert_close(grad_cam(model, x, 1, "0"), expected)
    finally:
        handle.remove()
    torch.testing.assert_close(found["map"], expected)
    torch.testing.assert_close(found["logits"], logits)
    assert not found["logits"].requires_grad
    assert not found["gradients"]
