"""A traced graph computes what the model computes, and the model does not notice."""

import pytest
import torch
from networks import randomise
from torch import Tensor, nn
from torch.fx import Interpreter

from interpbook.attribution.trace import state, trace


class Model(nn.Module):
    """In-place steps, a module used twice and under two names, a parameter tied to another, attention."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.again = self.first
        self.tied = nn.Linear(4, 4)
        self.tied.weight = self.first.weight
        self.attention = nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        h = self.again(self.first(x)).relu_()
        h += self.tied(x)
        h[:, 0] = 0
        return self.attention(h[:, None])[:, 0]


def test_the_graph_computes_what_the_model_computes() -> None:
    model, x = randomise(Model()), torch.randn(3, 4, dtype=torch.float64)
    graph, _ = trace(model, x)
    values = [*state(model).values(), x]
    with torch.no_grad():
        torch.testing.assert_close(Interpreter(graph).run(*values), model(x))


def test_the_graph_mutates_nothing() -> None:
    graph, _ = trace(randomise(Model()), torch.randn(3, 4, dtype=torch.float64))
    calls = [node.target for node in graph.graph.nodes if node.op == "call_function"]
    assert not [call for call in calls if getattr(call, "_schema", None) and call._schema.is_mutable]


def test_operations_are_known_by_the_module_that_runs_them() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Sequential(nn.BatchNorm2d(2), nn.GELU())).eval()
    graph, names = trace(model, torch.zeros(1, 1, 5, 5))
    known = [names[n.name] for n in graph.graph.nodes if n.op == "call_function" and "getitem" not in n.name]
    assert [name for name in known if "empty" not in name][:1] == ["0"]
    assert known[-1] == "1.1"
    assert "1.0" in known


def test_operations_between_layers_are_known_by_their_container() -> None:
    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.GELU()

        def forward(self, x: Tensor) -> Tensor:
            return self.inner(x.exp()).sigmoid()

    graph, names = trace(nn.Sequential(Block()), torch.zeros(1, 2))
    assert [names[n.name] for n in graph.graph.nodes if n.op == "call_function"] == ["0:exp", "0.inner", "0:sigmoid"]
    graph, names = trace(Block(), torch.zeros(1, 2))
    assert [names[n.name] for n in graph.graph.nodes if n.op == "call_function"] == ["exp", "inner", "sigmoid"]


@pytest.mark.parametrize("fails", [False, True])
def test_the_model_is_left_as_it_was(fails: bool) -> None:
    model = randomise(Model())
    parameters = dict(model.named_parameters())
    hooks = len(nn.modules.module._global_forward_hooks), len(nn.modules.module._global_forward_pre_hooks)
    if fails:
        with pytest.raises(ValueError, match=r"^x: .*\(3, 5\)"):
            trace(model, torch.randn(3, 5, dtype=torch.float64))
    else:
        trace(model, torch.randn(3, 4, dtype=torch.float64))
    assert all(parameter is parameters[name] for name, parameter in model.named_parameters())
    assert model.again.weight is model.first.weight is model.tied.weight
    assert torch.backends.mha.get_fastpath_enabled()
    now = len(nn.modules.module._global_forward_hooks), len(nn.modules.module._global_forward_pre_hooks)
    assert hooks == now


class Caching(nn.Module):
    """Keeps a mask that it makes at the first call, its last activation, and a list of them."""

    def __init__(self) -> None:
        super().__init__()
        self.linear, self.mask, self.seen = nn.Linear(4, 3), None, []

    def forward(self, x: Tensor) -> Tensor:
        if self.mask is None:
            self.mask = torch.linspace(0, 1, 4, dtype=x.dtype)
        self.last = x * self.mask
        self.seen.append(self.last)
        return self.linear(self.last)


def test_what_a_model_stores_is_put_back() -> None:
    model, x = randomise(Caching()), torch.randn(2, 4, dtype=torch.float64)
    trace(model, x)
    assert model.mask is None
    assert model.seen == []
    assert not hasattr(model, "last")
    expected = model(x)
    trace(model, x)
    assert len(model.seen) == 1
    torch.testing.assert_close(model(x), expected)


@pytest.mark.parametrize("wrap", [lambda y: {"out": y}, lambda y: (y,)])
def test_only_a_tensor_may_be_returned(wrap) -> None:
    class Wrapping(nn.Module):
        def forward(self, x: Tensor) -> object:
            return wrap(x)

    with pytest.raises(TypeError, match=r"^model output: .*(dict|tuple)"):
        trace(Wrapping().eval(), torch.randn(2, 4))
