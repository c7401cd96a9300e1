"""The decomposition is complete whatever a forward pass does, and its shortcuts agree with differentiation."""

import sys
import threading

import pytest
import torch
import torch.nn.functional as F
import torchvision
from networks import randomize
from torch import Tensor, nn

from interpbook.attribution.closed_forms import AFFINE
from interpbook.attribution.linearize import Linearization
from interpbook.attribution.trace import trace


class Functional(nn.Module):
    """Everything that hooks on modules miss: functional calls, in-place steps, a reused layer, gates, sums."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 3, padding=1)
        self.norm = nn.BatchNorm2d(3, affine=False)
        self.gate = nn.Conv2d(3, 3, 1)
        self.head = nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(self.conv(x)).relu_()
        h = F.relu(self.conv(h), inplace=True)
        h += x
        h = h * torch.sigmoid(self.gate(h.mean((2, 3), keepdim=True)))
        h[:, 0] = F.gelu(h[:, 1])
        return self.head(F.layer_norm(h.mean((2, 3)), [3]) * 2 + 1)


class Fourier(nn.Module):
    """Complex intermediate values."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.fft2(x).abs().log1p() + torch.fft.fft2(x).exp().real.tanh()
        return self.head(spectrum.flatten(1)[:, :12])


class Complex(nn.Module):
    """Complex values whose real and imaginary parts both matter: their adjoints are complex too."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Tensor:
        z = (0.1 * torch.fft.fft2(x)).exp()
        return self.head((z.imag.tanh() + z.real.square()).flatten(1)[:, :12])


class Broadcast(nn.Module):
    """One channel copied into several."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(108, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = x.sigmoid()
        h[:, :2] = h[:, 2:] * x[:, :1]
        return self.head(h.flatten(1))


class Kernel(nn.Module):
    """A linear layer whose weights come from the image itself."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(4))
        self.weight = nn.Linear(108, 24)

    def forward(self, x: Tensor) -> Tensor:
        rows = [F.linear(row.mean((0, 1))[None], self.weight(row.flatten()).view(4, 6), self.bias) for row in x]
        return torch.cat(rows)


class Folded(nn.Module):
    """Examples and colours on one axis, where an affine layer takes them for one long batch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv2d(1, 2, 3), nn.Linear(96, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x.flatten(0, 1)[:, None]).reshape(len(x), -1))


class Swapped(nn.Module):
    """Colours on the first axis, which are as many as the examples."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv3d(1, 2, 1), nn.Linear(216, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x.transpose(0, 1)[:, None]).movedim(2, 0).flatten(1))


class Behind(nn.Module):
    """Examples on the second axis, behind an axis of length one."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(108, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.gelu(x.flatten(1)[None])[0])


class Loop(nn.Module):
    """One example after the other: the graph itself depends on the size of the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(108, 4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.stack([self.head(F.gelu(row.flatten())) for row in x])


class StraightThrough(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.square()

    @staticmethod
    def backward(ctx, g):
        return g


class Custom(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(108, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(StraightThrough.apply(x).flatten(1))


class Constant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.ones(4))

    def forward(self, x: Tensor) -> Tensor:
        return self.bias.expand(len(x), 4)


class Sequence(nn.Module):
    """Examples on the second axis, and a sequence that is as long as the batch."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(36, 2, 16, batch_first=False)
        self.encoder, self.head = nn.TransformerEncoder(layer, 2), nn.Linear(36, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x.flatten(2).transpose(0, 1)).mean(0))


def recurrent() -> nn.Module:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn, self.head = nn.GRU(36, 8, batch_first=True), nn.Linear(8, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.rnn(x.flatten(2))[0][:, -1])

    return Recurrent()


class Products(nn.Module):
    """Matrix products whose first, second or only factor depends on the input, with and without scaled biases."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(108, 4), nn.Linear(108, 4)
        self.matrix = nn.Parameter(torch.randn(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        h = x.flatten(1)
        scaled = torch.addmm(self.first.bias, h, self.first.weight.T, beta=2.0, alpha=0.5)
        constant = torch.ones(len(x), 4, dtype=x.dtype)
        return torch.addmm(self.second(h), constant, self.matrix) + scaled


class Constants(nn.Module):
    """Values that have the input's shape, sign or order and none of its slope; a mask of minus infinity."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.table = nn.Linear(109, 4), nn.Embedding(108, 108)

    def forward(self, x: Tensor) -> Tensor:
        h = x.flatten(1)
        h = (
            h * (h > 0).to(h.dtype)
            + h.new_full(h.shape, 0.5)
            + self.table(h.argmax(1)) / h.norm(dim=1).detach()[:, None]
        )
        scores = (h * 3).masked_fill(h < 0, -torch.inf).softmax(1)
        return self.head(torch.cat([h * scores, torch.ones_like(h[:, :1])], 1))


class Causal(nn.Module):
    """Attention under a causal mask, on a sequence that is as long as the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.head = nn.Linear(36, 36), nn.Linear(36, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = x.flatten(2)
        return self.head(F.scaled_dot_product_attention(self.query(h), h, h, is_causal=True).mean(1))


class FoldedRows(nn.Module):
    """The batch folded into the last axis of a convolution, whose first axis is as long as the batch."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.head = nn.Conv1d(6, 5, 1), nn.Linear(5 * 18, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv(x.permute(1, 2, 0, 3).reshape(3, 6, -1)).relu()
        return self.head(h.view(3, 5, len(x), 6).permute(2, 0, 1, 3).flatten(1))


class Sampled(nn.Module):
    """An operation without a forward-mode derivative."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(48, 4)

    def forward(self, x: Tensor) -> Tensor:
        grid = torch.stack(torch.meshgrid(*[torch.linspace(-0.9, 0.8, 4, dtype=x.dtype)] * 2, indexing="ij"), -1)
        return self.head(F.grid_sample(x.tanh(), grid.expand(len(x), -1, -1, -1), align_corners=True).flatten(1))


class Written(nn.Module):
    """Complex values written into a part of others, as Fourier layers do."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(108, 4)

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(x)
        kept = torch.zeros_like(spectrum)
        kept[:, :, :3, :2] = spectrum[:, :, :3, :2].exp()
        kept[:, 1] = spectrum[:, 0] * 1j
        return self.head(torch.fft.irfft2(kept, s=x.shape[-2:]).tanh().flatten(1))


class Solved(nn.Module):
    """Linear systems: torch asks on the way whether they have a solution."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(36, 4)

    def forward(self, x: Tensor) -> Tensor:
        matrix = x[:, 0] + 9 * torch.eye(6, dtype=x.dtype)
        inverse = torch.linalg.inv(matrix) + torch.linalg.cholesky(matrix @ matrix.mT)
        return self.head((torch.linalg.solve(matrix, x[:, 1]) + inverse).flatten(1))


class NormedTokens(nn.Module):
    """Batch norm whose gradient comes back transposed, which torch gets wrong for a batch of one."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm, self.head = nn.Conv2d(3, 8, 1), nn.BatchNorm2d(8), nn.Linear(8, 4)
        self.weight = nn.Parameter(torch.randn(36, 8))

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.norm(self.conv(x)).flatten(2).transpose(1, 2)
        return self.head((tokens * self.weight).sum(1))


@torch.library.custom_op("interpbook_tests::square", mutates_args=())
def square(x: Tensor) -> Tensor:
    return x * x


@torch.library.custom_op("interpbook_tests::known_square", mutates_args=())
def known_square(x: Tensor) -> Tensor:
    return x * x


for operation in (square, known_square):
    operation.register_fake(torch.empty_like)
known_square.register_autograd(
    lambda ctx, g: 2 * ctx.saved_tensors[0] * g,
    setup_context=lambda ctx, inputs, output: ctx.save_for_backward(inputs[0]),
)


class Squared(nn.Module):
    """An operation from outside torch."""

    def __init__(self, square) -> None:
        super().__init__()
        self.square, self.head = square, nn.Linear(108, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.square(x).flatten(1))


NETWORKS = {
    "constants": Constants,
    "written": Written,
    "solved": Solved,
    "normed_tokens": NormedTokens,
    "known_square": lambda: Squared(known_square),
    "causal": Causal,
    "folded_rows": FoldedRows,
    "sampled": Sampled,
    "products": Products,
    "functional": Functional,
    "fourier": Fourier,
    "complex": Complex,
    "custom": Custom,
    "constant": Constant,
    "broadcast": Broadcast,
    "kernel": Kernel,
    "sequence": Sequence,
    "folded": Folded,
    "swapped": Swapped,
    "behind": Behind,
    "loop": Loop,
    "recurrent": recurrent,
    "max": lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2), nn.Flatten(), nn.Softmax(1), nn.Linear(32, 4)),
    "norms": lambda: nn.Sequential(
        nn.Conv2d(3, 4, 1, bias=False), nn.GroupNorm(2, 4), nn.ELU(inplace=True), nn.InstanceNorm2d(4),
        nn.LocalResponseNorm(2), nn.PReLU(), nn.Hardswish(inplace=True), nn.Flatten(), nn.LayerNorm(144),
        nn.Linear(144, 4), nn.LogSoftmax(1),
    ),
}  # fmt: skip


def shares(model: nn.Module, x: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    linear = Linearization(model, x)(x, target)
    parts = [(linear.gradient * x).flatten(1).sum(1)]
    parts += [term.value.reshape(len(x), -1).sum(1) for term in linear.terms.values()]
    return linear.output, torch.stack(parts)


@pytest.mark.parametrize("name", NETWORKS)
def test_shares_sum_to_the_output(name: str) -> None:
    model = randomize(NETWORKS[name]())
    x, target = torch.randn(3, 3, 6, 6, dtype=torch.float64), torch.tensor([0, 3, 1])
    output, parts = shares(model, x, target)
    torch.testing.assert_close(output, model(x)[range(3), target].detach(), rtol=1e-12, atol=1e-12)
    assert float((parts.sum(0) - output).abs().max()) < 1e-12 * float(parts.abs().max())


@pytest.mark.parametrize("name", NETWORKS)
def test_shares_of_a_batch_of_one_sum_to_the_output(name: str) -> None:
    model, x = randomize(NETWORKS[name]()), torch.randn(1, 3, 6, 6, dtype=torch.float64)
    output, parts = shares(model, x, torch.tensor([3]))
    assert float((parts.sum(0) - output).abs().max()) < 1e-12 * float(parts.abs().max())


@pytest.mark.parametrize("name", NETWORKS)
def test_an_example_has_the_same_shares_alone_and_in_a_batch(name: str) -> None:
    model = randomize(NETWORKS[name]())
    x, target = torch.randn(3, 3, 6, 6, dtype=torch.float64), torch.tensor([0, 3, 1])
    together = Linearization(model, x)(x, target)
    for i in range(3):
        alone = Linearization(model, x[i : i + 1])(x[i : i + 1], target[i : i + 1])
        assert set(alone.terms) <= set(together.terms)
        for key, term in alone.terms.items():
            torch.testing.assert_close(term.value[0], together.terms[key].value[i], rtol=1e-9, atol=1e-12)


def test_terms_keep_no_graph() -> None:
    """Not even those of an operation whose value is cut off."""
    model, x = randomize(Constants()), torch.randn(2, 3, 6, 6, dtype=torch.float64)
    graph = Linearization(model, x).graph
    terms = graph.linearize(model, x[: graph.batch], torch.tensor([0, 3])[: graph.batch]).terms
    assert "linalg_vector_norm" in terms
    assert not [key for key, term in terms.items() if term.value.requires_grad or term.adjoint.requires_grad]


def test_batches_are_taken_whole_only_where_examples_stay_on_the_first_axis() -> None:
    x = torch.randn(3, 3, 6, 6, dtype=torch.float64)
    assert Linearization(randomize(NETWORKS["max"]()), x).batched
    for layout in (Sequence, Folded, Swapped, Behind, Loop):
        assert not Linearization(randomize(layout()), x).batched, layout.__name__


def test_a_convolutional_network_is_traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []

    def counted(model: nn.Module, x: Tensor):
        batches.append(len(x))
        return trace(model, x)

    monkeypatch.setattr("interpbook.attribution.graph.trace", counted)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 4))
    Linearization(randomize(model), torch.randn(2, 3, 6, 6, dtype=torch.float64))
    assert batches == [2]


def test_a_reused_layer_has_the_sum_of_its_adjoints() -> None:
    """For `f = w L(L(x))` with `L(u) = A u + b`, the adjoints at the two uses are `A^T w` and `w`."""
    layer, head = nn.Linear(3, 3), nn.Linear(3, 2, bias=False)
    model = randomize(nn.Sequential(layer, layer, head))
    x = torch.randn(1, 3, dtype=torch.float64)
    linear = Linearization(model, x)(x, torch.tensor([1]))
    w, A, b = head.weight[1].detach(), layer.weight.detach(), layer.bias.detach()
    torch.testing.assert_close(linear.terms["0"].adjoint[0], w @ A + w)
    torch.testing.assert_close(linear.terms["0"].value[0], (w @ A + w) * b)


@pytest.mark.parametrize("affine", [True, False])
def test_closed_forms_agree_with_differentiation(monkeypatch: pytest.MonkeyPatch, affine: bool) -> None:
    model = randomize(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, affine=affine), nn.ReLU(), nn.Conv2d(4, 4, 1, bias=False),
            nn.LeakyReLU(), nn.MaxPool2d(2), nn.AvgPool2d(1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 4),
        )
    )  # fmt: skip
    x, target = torch.randn(3, 3, 6, 6, dtype=torch.float64), torch.tensor([0, 3, 1])
    short = Linearization(model, x)(x, target)
    monkeypatch.setattr("interpbook.attribution.graph.AFFINE", {})
    monkeypatch.setattr("interpbook.attribution.graph.HOMOGENEOUS", frozenset())
    long = Linearization(model, x)(x, target)
    assert list(short.terms) == ["0", "1", "9"]
    for key, term in long.terms.items():
        expected = short.terms[key].value if key in short.terms else torch.zeros_like(term.value)
        torch.testing.assert_close(term.value, expected, rtol=1e-10, atol=1e-14)


def test_control_flow_on_values_is_refused() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1) if x.sum() > 0 else -x.flatten(1)

    with pytest.raises(NotImplementedError, match=r"^model: Branching could not be traced"):
        Linearization(Branching().eval(), torch.randn(2, 3))


class Through(nn.Module):
    """A forward pass written as a function of a linear head and the input."""

    def __init__(self, forward, width: int = 108, **layers: nn.Module) -> None:
        super().__init__()
        self.run, self.layers, self.head = forward, nn.ModuleDict(layers), nn.Linear(width, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def pooled(operation, channels: int):
    def forward(model: nn.Module, x: Tensor) -> Tensor:
        boxes = [torch.tensor([[0.0, 0, 4, 4]], dtype=x.dtype) for _ in x]
        return model.head(operation(model.layers["conv"](x).tanh(), boxes, output_size=2).flatten(1))

    return Through(forward, 12 if channels == 3 else channels, conv=nn.Conv2d(3, channels, 1))


def deformed(model: nn.Module, x: Tensor) -> Tensor:
    offsets = model.layers["conv"](x)
    return model.head(torchvision.ops.deform_conv2d(x, offsets, torch.ones(3, 3, 3, 3, dtype=x.dtype), padding=1)[:, 0]
                      .flatten(1))  # fmt: skip


UNKNOWN = {
    "roi_align": lambda: pooled(torchvision.ops.roi_align, 3),
    "roi_pool": lambda: pooled(torchvision.ops.roi_pool, 3),
    "ps_roi_align": lambda: pooled(torchvision.ops.ps_roi_align, 8),
    "deform_conv2d": lambda: Through(deformed, 36, conv=nn.Conv2d(3, 18, 3, padding=1)),
    "square": lambda: Squared(square),
    "linear_dynamic": lambda: torch.ao.quantization.quantize_dynamic(
        nn.Sequential(nn.Flatten(), nn.Linear(108, 4)), {nn.Linear}
    ),
    "detach": lambda: Through(lambda model, x: model.head(x.detach().flatten(1))),
    "argmax": lambda: Through(lambda model, x: model.head(F.one_hot(x.flatten(1).argmax(1), 108).to(x))),
}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
@pytest.mark.parametrize("name", UNKNOWN)
def test_an_operation_whose_share_is_unknown_is_named(name: str) -> None:
    dtype = torch.float32 if name == "linear_dynamic" else torch.float64
    model = UNKNOWN[name]().eval().to(dtype)
    x = torch.randn(2, 3, 6, 6, dtype=dtype)
    with pytest.raises(NotImplementedError, match=rf"^model: .*{name}"):
        Linearization(model, x)(x, torch.tensor([0, 3]))


@pytest.mark.parametrize("batch", [1, 3])
def test_a_gap_beyond_rounding_is_refused_and_its_operation_named(monkeypatch, batch: int) -> None:
    """With the wrong bias of a convolution, by a tenth of it, in a network of single precision."""
    forms = {**AFFINE, torch.ops.aten.convolution.default: (0, lambda z, x, w, b, *_: 1.1 * b.view(-1, 1, 1) + 0 * z)}
    with torch.random.fork_rng(devices=[]):
        # In single precision some weights hide which operation the gap comes from.
        torch.manual_seed(0)
        net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GELU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(16, 4))
    model = randomize(net, dtype=torch.float32)
    x = torch.randn(batch, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    target = torch.zeros(batch, dtype=torch.int64)
    Linearization(model, x)(x, target)
    monkeypatch.setattr("interpbook.attribution.graph.AFFINE", forms)
    with pytest.raises(NotImplementedError, match=r"^model: operation aten\.convolution\.default in '[02]'"):
        Linearization(model, x)(x, target)


def test_large_numbers_that_cancel_inside_an_operation_are_not_a_gap() -> None:
    """A layer norm of numbers near 10,000, in single precision: its rounding is a thousand times that of a sum."""
    model = randomize(nn.Sequential(nn.Flatten(), nn.LayerNorm(108), nn.Linear(108, 4)), dtype=torch.float32)
    x = torch.randn(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)) + 1e4
    linear = Linearization(model, x)(x, torch.tensor([0, 1]))
    torch.testing.assert_close(linear.output, model(x)[range(2), range(2)].detach())


@pytest.mark.parametrize("hidden_in", [lambda net: lambda self, x: net(x), lambda net: [net], lambda net: net.forward])
def test_a_network_held_outside_the_modules_is_a_constant(hidden_in) -> None:
    net = randomize(nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.GELU(), nn.Flatten(), nn.Linear(64, 4)))
    held = hidden_in(net)

    class Outside(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.held = held

        def forward(self, x: Tensor) -> Tensor:
            if isinstance(self.held, list):
                return self.held[0](x)
            return self.held(x) if hasattr(self.held, "__self__") else self.held(self, x)

    x, target = torch.randn(3, 3, 6, 6, dtype=torch.float64), torch.tensor([0, 3, 1])
    output, parts = shares(Outside().eval(), x, target)
    inside, expected = shares(net, x, target)
    torch.testing.assert_close(output, inside)
    torch.testing.assert_close(parts, expected)


def own_mean(model: nn.Module, x: Tensor) -> Tensor:
    h = model.head(x.flatten(1))
    return h - h.mean(1)


COUPLED = {
    "_native_batch_norm_legit.no_stats": lambda: nn.Sequential(
        nn.BatchNorm2d(3, track_running_stats=False), nn.Flatten(), nn.Linear(108, 4)
    ),
    "_native_batch_norm_legit_functional": lambda: Through(
        lambda model, x: model.head(F.batch_norm(x, x.new_zeros(3), x.new_ones(3), training=True).flatten(1))
    ),
    "mean": lambda: Through(lambda model, x: model.head((x - x.mean(0)).flatten(1))),
    "_softmax": lambda: Through(lambda model, x: model.head(x.softmax(0).flatten(1))),
    "max": lambda: Through(lambda model, x: model.head((x / x.max()).flatten(1))),
    "flip": lambda: Through(lambda model, x: model.head((x + x.flip(0)).flatten(1))),
    "sub": lambda: Through(own_mean),
}


@pytest.mark.parametrize("name", COUPLED)
def test_examples_that_see_each_other_are_refused_and_the_coupling_named(name: str) -> None:
    model, x = randomize(COUPLED[name]()), torch.randn(4, 3, 6, 6, dtype=torch.float64)
    found = "add" if name == "flip" else name
    with pytest.raises(ValueError, match=rf"^model: expected examples .*operation aten\.{found}.* couples them"):
        Linearization(model, x)(x, torch.tensor([0, 3, 1, 2]))


def test_examples_that_see_each_other_are_explained_alone() -> None:
    model, x = randomize(COUPLED["mean"]()), torch.randn(1, 3, 6, 6, dtype=torch.float64)
    output, parts = shares(model, x, torch.tensor([2]))
    torch.testing.assert_close(output, model(x)[:, 2].detach())
    torch.testing.assert_close(parts.sum(0), output)


def test_batch_norm_that_takes_no_single_example_is_named() -> None:
    model = randomize(nn.Sequential(nn.Flatten(), nn.BatchNorm1d(108, track_running_stats=False), nn.Linear(108, 4)))
    with pytest.raises(ValueError, match=r"^model: expected examples .*batch norm '1'.* couples them"):
        Linearization(model, torch.randn(3, 3, 6, 6, dtype=torch.float64))


@pytest.mark.parametrize(
    "forward", [lambda model, x: model.head(x.flatten(1) / x.max().item()),
                lambda model, x: model.head(x.flatten(1) * x[x > 0].mean())],
)  # fmt: skip
def test_shapes_and_numbers_that_depend_on_values_are_refused(forward) -> None:
    with pytest.raises(NotImplementedError, match=r"^model: Through could not be traced"):
        Linearization(randomize(Through(forward)), torch.randn(2, 3, 6, 6, dtype=torch.float64))


def test_threads_that_explain_one_model_do_not_meet() -> None:
    """Smooth operations, attention, and one that goes forward, which torch does for one thread at a time."""

    def forward(model: nn.Module, x: Tensor) -> Tensor:
        h = model.layers["encoder"](F.gelu(model.layers["norm"](x)).flatten(2))
        return model.head(F.hardsigmoid(h).flatten(1))

    encoder = nn.TransformerEncoderLayer(36, 2, 8, batch_first=True)
    model = randomize(Through(forward, norm=nn.BatchNorm2d(3), encoder=encoder))
    x, target = torch.randn(2, 3, 6, 6, dtype=torch.float64), torch.tensor([0, 3])
    expected, logits = Linearization(model, x)(x, target), model(x).detach()
    problems = []

    def explain() -> None:
        try:
            for _ in range(6):
                found = Linearization(model, x)(x, target)
                assert list(found.terms) == list(expected.terms)
                for key, term in expected.terms.items():
                    torch.testing.assert_close(found.terms[key].value, term.value)
                torch.testing.assert_close(model(x).detach(), logits)
        except BaseException as error:
            problems.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=explain) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not problems
    torch.testing.assert_close(model(x).detach(), logits)
