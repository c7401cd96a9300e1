"""The decomposition is complete whatever a forward pass does, and its shortcuts agree with differentiation."""

import pytest
import torch
import torch.nn.functional as F
from networks import randomise
from torch import Tensor, nn

from interpbook.attribution.linearise import Linearisation
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


NETWORKS = {
    "constants": Constants,
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
    linear = Linearisation(model, x)(x, target)
    parts = [(linear.gradient * x).flatten(1).sum(1)]
    parts += [term.value.reshape(len(x), -1).sum(1) for term in linear.terms.values()]
    return linear.output, torch.stack(parts)


@pytest.mark.parametrize("name", NETWORKS)
def test_shares_sum_to_the_output(name: str) -> None:
    model = randomise(NETWORKS[name]())
    x, target = torch.randn(3, 3, 6, 6, dtype=torch.float64), torch.tensor([0, 3, 1])
    output, parts = shares(model, x, target)
    torch.testing.assert_close(output, model(x)[range(3), target].detach(), rtol=1e-12, atol=1e-12)
    assert float((parts.sum(0) - output).abs().max()) < 1e-12 * float(parts.abs().max())


@pytest.mark.parametrize("name", NETWORKS)
def test_an_example_has_the_same_shares_alone_and_in_a_batch(name: str) -> None:
    model = randomise(NETWORKS[name]())
    x, target = torch.randn(3, 3, 6, 6, dtype=torch.float64), torch.tensor([0, 3, 1])
    together = Linearisation(model, x)(x, target)
    for i in range(3):
        alone = Linearisation(model, x[i : i + 1])(x[i : i + 1], target[i : i + 1])
        assert set(alone.terms) <= set(together.terms)
        for key, term in alone.terms.items():
            torch.testing.assert_close(term.value[0], together.terms[key].value[i], rtol=1e-9, atol=1e-12)


def test_batches_are_taken_whole_only_where_examples_stay_on_the_first_axis() -> None:
    x = torch.randn(3, 3, 6, 6, dtype=torch.float64)
    assert Linearisation(randomise(NETWORKS["max"]()), x).batched
    for layout in (Sequence, Folded, Swapped, Behind, Loop):
        assert not Linearisation(randomise(layout()), x).batched, layout.__name__


def test_a_convolutional_network_is_traced_once(monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []

    def counted(model: nn.Module, x: Tensor):
        batches.append(len(x))
        return trace(model, x)

    monkeypatch.setattr("interpbook.attribution.linearise.trace", counted)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 4))
    Linearisation(randomise(model), torch.randn(2, 3, 6, 6, dtype=torch.float64))
    assert batches == [2]


def test_a_reused_layer_has_the_sum_of_its_adjoints() -> None:
    """For `f = w L(L(x))` with `L(u) = A u + b`, the adjoints at the two uses are `A^T w` and `w`."""
    layer, head = nn.Linear(3, 3), nn.Linear(3, 2, bias=False)
    model = randomise(nn.Sequential(layer, layer, head))
    x = torch.randn(1, 3, dtype=torch.float64)
    linear = Linearisation(model, x)(x, torch.tensor([1]))
    w, A, b = head.weight[1].detach(), layer.weight.detach(), layer.bias.detach()
    torch.testing.assert_close(linear.terms["0"].adjoint[0], w @ A + w)
    torch.testing.assert_close(linear.terms["0"].value[0], (w @ A + w) * b)


@pytest.mark.parametrize("affine", [True, False])
def test_closed_forms_agree_with_differentiation(monkeypatch: pytest.MonkeyPatch, affine: bool) -> None:
    model = randomise(
        nn.Sequential(
            nn.Conv2d(3, 4, 3, padding=1), nn.BatchNorm2d(4, affine=affine), nn.ReLU(), nn.Conv2d(4, 4, 1, bias=False),
            nn.LeakyReLU(), nn.MaxPool2d(2), nn.AvgPool2d(1), nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(16, 4),
        )
    )  # fmt: skip
    x, target = torch.randn(3, 3, 6, 6, dtype=torch.float64), torch.tensor([0, 3, 1])
    short = Linearisation(model, x)(x, target)
    monkeypatch.setattr("interpbook.attribution.linearise.AFFINE", {})
    monkeypatch.setattr("interpbook.attribution.linearise.HOMOGENEOUS", frozenset())
    long = Linearisation(model, x)(x, target)
    assert list(short.terms) == ["0", "1", "9"]
    for key, term in long.terms.items():
        expected = short.terms[key].value if key in short.terms else torch.zeros_like(term.value)
        torch.testing.assert_close(term.value, expected, rtol=1e-10, atol=1e-14)


def test_control_flow_on_values_is_refused() -> None:
    class Branching(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x.flatten(1) if x.sum() > 0 else -x.flatten(1)

    with pytest.raises(NotImplementedError, match=r"^model: Branching could not be traced"):
        Linearisation(Branching().eval(), torch.randn(2, 3))
