"""A model as a graph of core operations: functional, flat, with the module that each operation belongs to."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._subclasses.functional_tensor import FunctionalTensorMode, dispatch_functionalize
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import get_proxy_mode, make_fx
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.modules.module import register_module_forward_hook, register_module_forward_pre_hook

from interpbook.checks import check_output, run


def trace(model: nn.Module, x: Tensor) -> tuple[fx.GraphModule, dict[str, str]]:
    """A graph of core operations without mutation, and for every node the name under which it is known.

    Tracing runs the forward pass with fake tensors, which have shapes and no values. The graph takes the tensors of
    `state(model)` and then the input. The model is left as it was.

    Raises:
        ValueError: the model does not take an input of this shape.
        NotImplementedError: the forward pass looks at the values of its input, or leaves torch.

    Example:
        >>> graph, names = trace(nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True)), torch.zeros(1, 2))
        >>> [names[node.name] for node in graph.graph.nodes if node.op == "call_function"]
        ['0', '0', '1']
    """
    owner: dict[str, str] = {}

    returned: list[object] = []

    def forward(values: dict[str, Tensor], x: Tensor) -> object:
        with _following_modules(model, owner):
            returned.append(functional_call(model, values, (x,), tie_weights=False))
        return returned[-1]

    tracer = make_fx(
        dispatch_functionalize(forward, FunctionalTensorMode()),
        decomposition_table={torch.ops.aten.copy.default: _copy},
        tracing_mode="fake",
        _allow_non_fake_inputs=True,
    )
    fastpath = torch.backends.mha.get_fastpath_enabled()
    try:
        # Fused attention has neither a forward-mode derivative nor a second one: trace the plain formula.
        torch.backends.mha.set_fastpath_enabled(False)
        with torch.inference_mode(False), torch.no_grad(), sdpa_kernel(SDPBackend.MATH), _restoring(model):
            module = tracer(state(model), x.detach().clone())
    except Exception as error:
        run(model, x)
        raise NotImplementedError(
            f"model: {type(model).__name__} could not be traced into a graph of differentiable operations for an "
            f"input of shape {tuple(x.shape)}; expected a forward pass whose steps do not depend on the values of "
            f"its input ({type(error).__name__}: {error})"
        ) from error
    finally:
        torch.backends.mha.set_fastpath_enabled(fastpath)
    if not isinstance(returned[-1], Tensor):
        check_output(returned[-1], len(x))
    keys = {node.name: _key(model, owner.get(node.name, ""), node) for node in module.graph.nodes}
    return module, keys


@contextmanager
def _restoring(model: nn.Module) -> Iterator[None]:
    """Put back what a forward pass stores on its modules: after a trace that would be a tensor without values."""
    before = [(module, dict(vars(module))) for module in model.modules()]
    inside = [(held, held.copy()) for _, stored in before for held in stored.values() if type(held) in (dict, list)]
    try:
        yield
    finally:
        for module, stored in before:
            vars(module).clear()
            vars(module).update(stored)
        for held, copy in inside:
            held.clear()
            held.update(copy) if isinstance(held, dict) else held.extend(copy)


@contextmanager
def _following_modules(model: nn.Module, owner: dict[str, str]) -> Iterator[None]:
    """While a trace runs, note for every new node the innermost module that is running."""
    names = {module: name for name, module in model.named_modules()}
    running = [""]

    def note() -> None:
        mode = get_proxy_mode()
        assert mode is not None
        for node in reversed(mode.tracer.graph.nodes):
            if node.name in owner:
                break
            owner[node.name] = running[-1]

    def enter(module: nn.Module, args: Any) -> None:
        if module in names:
            note()
            running.append(names[module])

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        if module in names:
            note()
            running.pop()

    hooks = [register_module_forward_pre_hook(enter), register_module_forward_hook(leave)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def _key(model: nn.Module, owner: str, node: fx.Node) -> str:
    """A layer's own name; for an operation written out in the forward pass of a container, `container:operation`."""
    operation = getattr(node.target, "__name__", node.name).split(".")[0]
    has_children = next(model.get_submodule(owner).children(), None) is not None
    return ":".join(part for part in (owner, operation) if part) if has_children or not owner else owner


def _copy(destination: Tensor, source: Tensor, non_blocking: bool = False) -> Tensor:
    """Copying into a tensor has no forward-mode derivative; the conversion and expansion that it stands for have."""
    return source.to(destination).expand_as(destination).clone()


def state(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer once for each module that holds it, however often that module is used."""
    return {
        f"{path}.{name}" if path else name: tensor.detach()
        for path, module in model.named_modules()
        for name, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    }
