"""Full-gradients: closed forms on small networks, completeness on large ones, and what is refused."""

import math
from dataclasses import replace
from itertools import pairwise

import jaxtyping
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import randomize, relative_gap
from torch import Tensor, nn

from interpbook.attribution.fullgrad import full_gradients, linearize


def double(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_two_layers_by_hand() -> None:
    """f = v . relu(W x + b) + c has the shares (W' D v) . x, (D v) * b and c, where D keeps the active units."""
    model = randomize(nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)))
    x = double(5, 3)
    parts = full_gradients(model, x, target=1)
    first, _, last = model
    slope = (first(x) > 0) * last.weight[1]
    torch.testing.assert_close(parts.input_term, x * (slope @ first.weight))
    assert list(parts.bias_terms) == ["0", "2"]
    torch.testing.assert_close(parts.bias_terms["0"], slope * first.bias)
    torch.testing.assert_close(parts.bias_terms["2"], torch.stack([torch.zeros(5), last.bias[1].expand(5)], 1).double())
    torch.testing.assert_close(parts.output, model(x)[:, 1].detach())


@pytest.mark.parametrize("activation", [nn.Softplus(beta=3), nn.GELU(), nn.SiLU(), nn.Tanh(), nn.Sigmoid()])
def test_smooth_activations_leave_their_curvature(activation: nn.Module) -> None:
    """The implicit bias of eta at z is eta(z) - eta'(z) z."""
    model = randomize(nn.Sequential(nn.Linear(3, 4, bias=False), activation, nn.Linear(4, 1, bias=False)))
    x = double(6, 3)
    z = model[0](x).detach().requires_grad_()
    (slope,) = torch.autograd.grad(activation(z).sum(), z)
    expected = model[2].weight[0] * (activation(z) - slope * z)
    torch.testing.assert_close(full_gradients(model, x, 0).bias_terms["1"], expected.detach())


@pytest.mark.parametrize("affine", [True, False])
def test_batch_norm_leaves_its_shift(affine: bool) -> None:
    norm = nn.BatchNorm2d(4, affine=affine)
    model = randomize(nn.Sequential(norm, nn.Flatten(), nn.Linear(100, 3)))
    x = double(2, 4, 5, 5)
    scale = 1 / (norm.running_var + norm.eps).sqrt() * (norm.weight if affine else 1)
    shift = (norm.bias if affine else 0) - norm.running_mean * scale
    expected = model[2].weight[2].view(1, 4, 5, 5) * shift.view(1, 4, 1, 1)
    torch.testing.assert_close(full_gradients(model, x, 2).bias_terms["0"], expected.expand(2, -1, -1, -1).detach())


def test_a_reused_layer_counts_each_use() -> None:
    """W (W x + b) + b, with the output's first component explained, has the bias share (W' e + e) * b."""
    layer = nn.Linear(3, 3)
    model = randomize(nn.Sequential(layer, layer))
    parts = full_gradients(model, double(4, 3), 0)
    first = torch.eye(3, dtype=torch.float64)[0]
    torch.testing.assert_close(parts.bias_terms["0"], ((layer.weight[0] + first) * layer.bias).expand(4, 3).detach())
    assert relative_gap(parts) < 1e-12


@pytest.mark.parametrize("inplace", [True, False])
def test_in_place_relu_changes_nothing(inplace: bool) -> None:
    def terms(inplace: bool) -> list[Tensor]:
        conv = nn.Conv2d(1, 4, 3)
        relu = nn.ReLU(inplace=inplace)
        torch.manual_seed(0)
        model = randomize(nn.Sequential(conv, nn.BatchNorm2d(4), relu, nn.Flatten(), nn.Linear(64, 2)))
        for parameter in model.parameters():
            parameter.data.copy_(torch.linspace(-1, 1.3, parameter.numel()).view_as(parameter))
        return list(full_gradients(model, double(3, 1, 6, 6), 1).bias_terms.values())

    for here, there in zip(terms(inplace), terms(not inplace), strict=True):
        torch.testing.assert_close(here, there)


@given(bias=st.booleans(), seed=st.integers(0, 1000), widths=st.lists(st.integers(1, 6), min_size=1, max_size=4))
@settings(max_examples=25, deadline=None)
def test_without_biases_only_gradient_times_input_is_left(bias: bool, seed: int, widths: list[int]) -> None:
    torch.manual_seed(seed)
    sizes = [3, *widths, 2]
    layers = [m for a, b in pairwise(sizes) for m in (nn.Linear(a, b, bias=bias), nn.ReLU())]
    model = randomize(nn.Sequential(*layers[:-1]), seed)
    parts = full_gradients(model, double(4, 3, seed=seed))
    assert bool(parts.bias_terms) == bias
    total = parts.input_term.sum(1) + sum(t.sum(1) for t in parts.bias_terms.values())
    torch.testing.assert_close(total, parts.output, rtol=1e-10, atol=1e-12)


# One or two of each family; benchmarks/fullgrad_completeness.py runs every classification model of torchvision.
FAMILIES = {
    "alexnet": 64, "densenet121": 64, "efficientnet_b0": 64, "googlenet": 64, "inception_v3": 96, "mnasnet0_5": 64,
    "mobilenet_v2": 64, "mobilenet_v3_small": 64, "regnet_y_400mf": 64, "resnet18": 64, "resnet50": 64,
    "shufflenet_v2_x0_5": 64, "squeezenet1_1": 64, "vgg11_bn": 32, "convnext_tiny": 64, "swin_t": 64,
    "swin_v2_t": 64, "vit_b_16": 224, "maxvit_t": 224,
}  # fmt: skip


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.slow
def test_complete_for_torchvision(name: str) -> None:
    torch.manual_seed(0)
    model = randomize(torchvision.models.get_model(name, weights=None, num_classes=20))
    size = FAMILIES[name]
    batch = 1 if size == 224 else 2
    parts = full_gradients(model, double(batch, 3, size, size), target=3)
    assert relative_gap(parts) < 1e-12
    assert parts.per_layer().keys() - {"input"}
    assert all(term.shape[0] == batch for term in parts.bias_terms.values())
    torch.testing.assert_close(parts.output, model(double(batch, 3, size, size))[:, 3].detach())


def test_target_is_one_class_or_one_each_or_the_predicted() -> None:
    model, x = randomize(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3))), double(6, 3)
    predicted = model(x).argmax(1)
    for target in ("predicted", predicted):
        torch.testing.assert_close(full_gradients(model, x, target).output, model(x).amax(1).detach())
    each = full_gradients(model, x, torch.tensor([0, 1, 2, 0, 1, 2]))
    for i in range(6):
        alone = full_gradients(model, x[i : i + 1], i % 3)
        torch.testing.assert_close(each.input_term[i], alone.input_term[0])


def test_the_gap_is_what_the_sum_misses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide one layer's term: the gap is its share, with its sign."""
    model = randomize(nn.Sequential(nn.Linear(3, 4), nn.Softplus(), nn.Linear(4, 2)))
    x = torch.randn(5, 3, dtype=torch.float64)
    whole = full_gradients(model, x, 1).per_layer()

    def without_activation(*arguments):
        linear = linearize(*arguments)
        return replace(linear, terms={name: term for name, term in linear.terms.items() if name != "1"})

    monkeypatch.setattr("interpbook.attribution.fullgrad.linearize", without_activation)
    parts = full_gradients(model, x, 1)
    torch.testing.assert_close(parts.gap, whole["1"])
    torch.testing.assert_close(parts.output, sum(whole.values()))


def test_leaves_no_trace() -> None:
    model, x = (
        randomize(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(32, 2))),
        double(2, 1, 6, 6),
    )
    x.requires_grad_()
    before = {k: v.clone() for k, v in model.state_dict().items()}
    state, hooks = torch.get_rng_state(), len(nn.modules.module._global_forward_hooks)
    parts = full_gradients(model, x)
    with pytest.raises(ValueError, match="target"):
        full_gradients(model, x, 7)
    assert x.grad is None
    assert all(p.grad is None and p.requires_grad for p in model.parameters())
    assert torch.equal(state, torch.get_rng_state())
    assert hooks == len(nn.modules.module._global_forward_hooks)
    assert not any(m._forward_hooks or m._forward_pre_hooks or m._backward_hooks for m in model.modules())
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert not parts.input_term.requires_grad
    assert not any(t.requires_grad for t in parts.bias_terms.values())


@pytest.mark.parametrize("context", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_works_in_any_gradient_mode(context) -> None:
    model, x = randomize(nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2))), double(2, 3)
    expected = full_gradients(model, x)
    with context():
        inside = full_gradients(model, double(2, 3))
    torch.testing.assert_close(inside.input_term, expected.input_term)


def test_frozen_parameters_are_explained_all_the_same() -> None:
    model, x = randomize(nn.Sequential(nn.Linear(3, 4), nn.GELU(), nn.Linear(4, 2))), double(2, 3)
    expected = full_gradients(model, x).bias_terms
    got = full_gradients(model.requires_grad_(False), x).bias_terms
    for name, term in expected.items():
        torch.testing.assert_close(got[name], term)


def test_a_gap_is_measured_where_all_terms_are_zero() -> None:
    model = nn.Sequential(nn.Linear(3, 2), nn.ReLU()).double().eval()
    with torch.no_grad():
        model[0].bias.fill_(-100)
    assert relative_gap(full_gradients(model, double(2, 3), 1)) == 0


def test_the_terms_of_a_mixed_precision_model_sum_to_its_output() -> None:
    model, x = randomize(nn.Sequential(nn.Linear(3, 8), nn.GELU(), nn.Linear(8, 2)), dtype=torch.float32), double(4, 3)
    with torch.autocast("cpu", torch.bfloat16):
        parts, expected = full_gradients(model, x.float(), 1), model(x.float())[:, 1].detach()
    torch.testing.assert_close(parts.output, expected)
    torch.testing.assert_close(sum(parts.per_layer().values()), expected.float(), rtol=0.05, atol=0.05)


LINEAR = nn.Linear(3, 2).double().eval()


class Pair(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return x, x


class Log(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return (x - x.amax(1, keepdim=True)).log()


@pytest.mark.parametrize(
    ("model", "x", "target", "error", "message"),
    [
        (LINEAR, torch.ones(2, 3, dtype=torch.int64), 0, TypeError, r"^x: .*floating.*int64.*embeddings"),
        (LINEAR, [[1.0, 2.0, 3.0]], 0, TypeError, r"^x: .*list"),
        (LINEAR, torch.full((2, 3), math.nan).double(), 0, ValueError, r"^x: .*finite"),
        (LINEAR, torch.full((2, 3), math.inf).double(), 0, ValueError, r"^x: .*finite"),
        (LINEAR, double(2, 4), 0, ValueError, r"^x: .*\(2, 4\)"),
        (LINEAR, double(2, 3), 2, ValueError, r"^target: .*0 to 1.*2"),
        (LINEAR, double(2, 3), -1, ValueError, r"^target: .*-1"),
        (LINEAR, double(2, 3), "best", ValueError, r"^target: .*predicted.*best"),
        (LINEAR, double(2, 3), torch.tensor([0, 1, 1]), ValueError, r"^target: .*\(2,\).*\(3,\)"),
        (LINEAR, double(2, 3), 0.5, TypeError, r"^target: "),
        (nn.Sequential(nn.Linear(3, 2)).double(), double(2, 3), 0, ValueError, r"^model: .*training"),
        (nn.Sequential(LINEAR, nn.Unflatten(1, (1, 2))), double(2, 3), 0, ValueError, r"^model output: .*1, 2\)"),
        (Pair(), double(2, 3), 0, TypeError, r"^model output: .*tensor"),
        (nn.Sequential(LINEAR, Log()), -double(2, 3).abs(), 0, ValueError, r"^model output: .*finite"),
        (lambda x: x, double(2, 3), 0, TypeError, r"^model: .*Module"),
    ],
)  # fmt: skip
def test_bad_input_is_refused_by_name(monkeypatch, model, x, target, error, message) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    if isinstance(model, nn.Module) and "training" not in message:
        model.eval()
    with pytest.raises(error, match=message):
        full_gradients(model, x, target)
