"""A traced graph computes what the model computes, and the model does not notice."""

import threading

import pytest
import torch
from networks import randomize
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
    model, x = randomize(Model()), torch.randn(3, 4, dtype=torch.float64)
    graph, _ = trace(model, x)
    values = [*state(model).values(), x]
    with torch.no_grad():
        torch.testing.assert_close(Interpreter(graph).run(*values), model(x))


def test_the_graph_mutates_nothing() -> None:
    graph, _ = trace(randomize(Model()), torch.randn(3, 4, dtype=torch.float64))
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
    model = randomize(Model())
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
    model, x = randomize(Caching()), torch.randn(2, 4, dtype=torch.float64)
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

    with pytest.raises(TypeError, match=r"^model output: .*(dict|tuple): wrap the model in a module"):
        trace(Wrapping().eval(), torch.randn(2, 4))


class Meanwhile(nn.Module):
    """Lets another thread use the model in the middle of the forward pass, while the main thread traces it."""

    def __init__(self, inner: nn.Module, other) -> None:
        super().__init__()
        self.inner, self.other = inner, other

    def forward(self, x: Tensor) -> Tensor:
        h = self.inner(x)
        if threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=self.other)
            thread.start()
            thread.join()
        return self.inner(h)


@pytest.mark.parametrize("fails", [False, True])
def test_other_threads_do_not_notice(fails: bool) -> None:
    """While one thread traces, another runs the same layers, goes back through them, and traces them itself."""
    inner, x = randomize(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)), torch.randn(3, 2, 4).double()
    expected, seen = inner(x).detach(), {}
    hooks = nn.modules.module._global_forward_hooks, nn.modules.module._global_forward_pre_hooks

    def other() -> None:
        seen["global"] = [len(hook) for hook in hooks], torch.backends.mha.get_fastpath_enabled()
        seen["attention"] = torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled()
        seen["call"] = nn.Module.__call__
        values = inner(x)
        seen["gradient"] = torch.autograd.grad(values.sum(), list(inner.parameters()))
        seen["values"] = values.detach()
        seen["graph"] = trace(inner, x)[0]

    before = [len(hook) for hook in hooks], torch.backends.mha.get_fastpath_enabled()
    attention = torch.backends.cuda.flash_sdp_enabled(), torch.backends.cuda.mem_efficient_sdp_enabled()
    call = nn.Module.__call__
    model = nn.Sequential(Meanwhile(inner, other), *[Stop()] * fails).eval()
    if fails:
        with pytest.raises(KeyboardInterrupt):
            trace(model, x)
    else:
        trace(model, x)
    assert seen["global"] == before == ([0, 0], True)
    assert seen["attention"] == attention
    assert seen["call"] is call
    torch.testing.assert_close(seen["values"], expected)
    with torch.no_grad():
        torch.testing.assert_close(Interpreter(seen["graph"]).run(*state(inner).values(), x), expected)
    torch.testing.assert_close(inner(x).detach(), expected)


class Stop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        raise KeyboardInterrupt


def test_containers_and_bound_methods_lead_to_the_twin() -> None:
    """Layers that the forward pass reaches through what the model stores are known by their own names."""

    class Stored(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.Linear(4, 4), nn.Linear(4, 4)
            self.steps, self.last = [self.first, (self.second,)], {"call": self.second.forward}

        def forward(self, x: Tensor) -> Tensor:
            return self.last["call"](self.steps[1][0](self.steps[0](x)))

    model, x = randomize(Stored()), torch.randn(2, 4, dtype=torch.float64)
    graph, names = trace(model, x)
    used = [names[node.name] for node in graph.graph.nodes if "addmm" in node.name]
    assert used == ["first", "second", "addmm"]
    assert not [node for node in graph.graph.nodes if node.op == "get_attr"]


def test_fused_attention_is_written_out() -> None:
    class Attention(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return nn.functional.scaled_dot_product_attention(x, x, x, is_causal=True)

    x = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    graph, _ = trace(Attention().eval(), x)
    calls = [str(node.target) for node in graph.graph.nodes if node.op == "call_function"]
    assert calls.count("aten.bmm.default") == 2
    assert not [call for call in calls if "scaled_dot_product" in call]
    torch.testing.assert_close(Interpreter(graph).run(x), Attention()(x))


class Energy(nn.Module):
    """A forward pass that is itself a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            return torch.autograd.grad(self.linear(x).tanh().sum(), x)[0]


def scripted() -> nn.Module:
    return torch.jit.script(nn.Linear(4, 3))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize(
    ("build", "says"),
    [
        (lambda: torch.compile(nn.Linear(4, 3)), "^model: expected the module that was compiled, its `_orig_mod`"),
        (lambda: nn.Sequential(torch.compile(nn.Linear(4, 3))), "^model: .*`_orig_mod`, got sub-module '0'"),
        (scripted, "^model: expected the module from which it was scripted"),
        (lambda: nn.DataParallel(nn.Linear(4, 3)), r"^model: expected the module that it wraps, its `\.module`"),
        (lambda: nn.Sequential(nn.LazyLinear(3)), r"^model: .*'0\.weight' of a lazy module: run the model once"),
        (Energy, r"^model: .*without torch\.autograd\.grad.*`torch\.func\.grad`"),
    ],
)
def test_a_refusal_says_what_to_do(build, says: str) -> None:
    with pytest.raises(NotImplementedError, match=says):
        trace(build().eval(), torch.randn(2, 4))


def test_a_model_that_was_compiled_in_place_is_traced() -> None:
    model, x = randomize(nn.Sequential(nn.Linear(4, 3))), torch.randn(2, 4, dtype=torch.float64)
    expected = model(x).detach()
    model.compile()
    torch.testing.assert_close(Interpreter(trace(model, x)[0]).run(*state(model).values(), x), expected)


@pytest.mark.parametrize(
    "forward", [lambda x: nn.functional.dropout(x, 0.5, True), lambda x: x + torch.randn(4), torch.rand_like]
)
def test_random_numbers_are_refused(forward) -> None:
    class Random(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return forward(x)

    before = torch.get_rng_state()
    with pytest.raises(NotImplementedError, match=r"^model: expected a forward pass without random numbers, got aten"):
        trace(Random().eval(), torch.randn(2, 4, generator=torch.Generator()))
    assert torch.equal(before, torch.get_rng_state())
