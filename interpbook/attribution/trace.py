"""A model as a graph of core operations: functional, flat, with the module that each operation belongs to.

Tracing works on a twin of the model, and every mode that it enters belongs to the thread alone: no other thread that
uses the model, or any other model, notices.
"""

from collections import OrderedDict
from collections.abc import Iterable
from functools import partial
from types import MethodType
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch._ops import OpOverload
from torch._subclasses.fake_tensor import FakeTensorMode
from torch._subclasses.functional_tensor import FunctionalTensorMode, dispatch_functionalize
from torch.fx.experimental.proxy_tensor import (
    ProxyTorchDispatchMode,
    PythonKeyTracer,
    get_proxy_slot,
    track_tensor_tree,
)
from torch.nn.parameter import is_lazy
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from interpbook.checks import run

aten = torch.ops.aten


def trace(model: nn.Module, x: Tensor) -> tuple[fx.GraphModule, dict[str, str]]:
    """A graph of core operations without mutation, and for every node the name under which it is known.

    Tracing runs the forward pass with fake tensors, which have shapes and no values. The graph takes the tensors of
    `state(model)` and then the input; tensors that the model holds in other ways are its constants. The model is
    left as it was.

    Raises:
        ValueError: the model does not take an input of this shape.
        NotImplementedError: the forward pass looks at the values of its input, draws random numbers, takes gradients
            or leaves torch; the model is compiled, scripted or wrapped to run in parallel, or it is lazy and has not
            run yet.

    Example:
        >>> graph, names = trace(nn.Sequential(nn.Linear(2, 3), nn.ReLU(inplace=True)), torch.zeros(1, 2))
        >>> [names[node.name] for node in graph.graph.nodes if node.op == "call_function"]
        ['0', '0', '1']
    """
    _check_kind(model)
    try:
        module, owner, returned = _record(model, x)
    except _Refused as error:
        raise NotImplementedError(f"model: {error}") from error
    except Exception as error:
        run(model, x)
        raise NotImplementedError(
            f"model: {type(model).__name__} could not be traced into a graph of differentiable operations for an "
            f"input of shape {tuple(x.shape)}; expected a forward pass whose steps do not depend on the values of "
            f"its input ({type(error).__name__}: {error})"
        ) from error
    if not isinstance(returned, Tensor):
        raise TypeError(
            f"model output: expected a floating tensor of shape (B, K), got {type(returned).__name__}: wrap the "
            "model in a module that holds it as an attribute and returns the logits alone"
        )
    keys = {node.name: _key(model, owner.get(node.name, ""), node) for node in module.graph.nodes}
    _refuse_random(module.graph, keys)
    return module, keys


def state(model: nn.Module) -> dict[str, Tensor]:
    """Every parameter and buffer once for each module that holds it, however often that module is used."""
    return {f"{path}.{name}" if path else name: tensor.detach() for path, name, tensor in _held(model)}


def _held(model: nn.Module) -> list[tuple[str, str, Tensor]]:
    return [
        (path, name, tensor)
        for path, module in model.named_modules()
        for name, tensor in [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
    ]


class _Refused(Exception):
    """Why a forward pass cannot be traced, where that can be said better than torch does."""


_UNWRAP = {
    "OptimizedModule": "the module that was compiled, its `_orig_mod`",
    "DataParallel": "the module that it wraps, its `.module`",
    "DistributedDataParallel": "the module that it wraps, its `.module`",
    "FullyShardedDataParallel": "the module that it wraps, its `.module`",
}


def _check_kind(model: nn.Module) -> None:
    """Refuse what has no forward pass in Python, or none yet, and say what to do instead."""
    for path, module in model.named_modules():
        kind = type(module).__name__
        where = f"sub-module '{path}', a {kind}" if path else f"a {kind}"
        if kind in _UNWRAP:
            raise NotImplementedError(f"model: expected {_UNWRAP[kind]}, got {where}")
        if isinstance(module, torch.jit.ScriptModule):
            raise NotImplementedError(f"model: expected the module from which it was scripted or traced, got {where}")
    for path, name, tensor in _held(model):
        if is_lazy(tensor):
            where = f"{path}.{name}" if path else name
            raise NotImplementedError(
                f"model: expected parameters that have a shape, got '{where}' of a lazy module: run the model once"
            )


def _record(model: nn.Module, x: Tensor) -> tuple[fx.GraphModule, dict[str, str], object]:
    """The graph, the name of the module that was running when each node was made, and what the model returned."""
    tracer = PythonKeyTracer()
    tracer.root, tracer.graph, tracer.tensor_attrs = nn.Module(), fx.Graph(tracer_cls=PythonKeyTracer), {}
    owner: dict[str, str] = {}
    returned: list[object] = []

    def forward(*values: Tensor) -> object:
        twin = _twin(model, values[:-1])
        _follow(twin, tracer.graph, owner)
        returned.append(twin(values[-1]))
        return returned[-1]

    functional = dispatch_functionalize(forward, FunctionalTensorMode())
    with (
        torch.inference_mode(False),
        torch.no_grad(),
        FakeTensorMode(allow_fallback_kernels=True, allow_non_fake_inputs=True) as fake,
    ):
        inputs = [fake.from_tensor(tensor) for tensor in [*state(model).values(), x.detach().clone()]]
        proxies = [tracer.create_proxy("placeholder", f"input_{i}", (), {}) for i in range(len(inputs))]
        track_tensor_tree(inputs, proxies, constant=None, tracer=tracer)
        with ProxyTorchDispatchMode(tracer, "fake"), _Plain(), _NoGradients():
            out = functional(*inputs)
        out = get_proxy_slot(out, tracer, out, lambda slot: slot.proxy) if isinstance(out, Tensor) else None
        tracer.create_node("output", "output", (tracer.create_arg(out),), {})
    return fx.GraphModule(tracer.root, tracer.graph), owner, returned[-1]


def _twin(model: nn.Module, values: Iterable[Tensor]) -> nn.Module:
    """The same tree of modules with other tensors in it, so that a trace leaves nothing behind in the model.

    Containers and bound methods that a module stores are followed; everything else is shared.
    """
    known: dict[int, Any] = {id(tensor): value for (_, _, tensor), value in zip(_held(model), values, strict=True)}

    def twin(held: Any) -> Any:
        if id(held) in known:
            return known[id(held)]
        if isinstance(held, nn.Module):
            known[id(held)] = other = held.__new__(type(held))
            vars(other).update({name: twin(value) for name, value in vars(held).items()})
            # What `Module.compile` left would run the compiled forward pass of the model itself.
            vars(other)["_compiled_call_impl"] = None
            return other
        if type(held) in (dict, OrderedDict):
            known[id(held)] = other = type(held)()
            other.update((key, twin(value)) for key, value in held.items())
            return other
        if type(held) is list:
            known[id(held)] = twins = list[Any]()
            twins.extend(map(twin, held))
            return twins
        if type(held) is tuple:
            return tuple(map(twin, held))
        if type(held) is set:
            return held.copy()
        if isinstance(held, MethodType) and isinstance(held.__self__, nn.Module):
            return MethodType(held.__func__, twin(held.__self__))
        if type(held) is partial:
            return partial(twin(held.func), *map(twin, held.args), **twin(held.keywords))
        return held

    return twin(model)


def _follow(twin: nn.Module, graph: fx.Graph, owner: dict[str, str]) -> None:
    """From now on, note for every new node the innermost module of the twin that is running."""
    running = [""]

    def note() -> None:
        for node in reversed(graph.nodes):
            if node.name in owner:
                break
            owner[node.name] = running[-1]

    def enter(name: str, module: nn.Module, args: Any) -> None:
        note()
        running.append(name)

    def leave(module: nn.Module, args: Any, output: Any) -> None:
        note()
        running.pop()

    for name, module in twin.named_modules():
        module.register_forward_pre_hook(partial(enter, name), prepend=True)
        module.register_forward_hook(leave, prepend=True)
        # Nested tensors belong to the fast path of attention, which cannot be differentiated twice.
        if isinstance(module, nn.TransformerEncoder):
            module.use_nested_tensor = False


_FUSED = {
    getattr(aten, name).default
    for name in (
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_cudnn_attention",
    )
}


class _Plain(TorchDispatchMode):
    """Writes fused attention out, which has neither a forward-mode derivative nor a second one.

    Forward passes also ask whether a matrix could be factorised, which has no answer without values.
    """

    def __torch_dispatch__(self, op: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if op is aten._linalg_check_errors.default:
            return None
        if op not in _FUSED:
            return op(*args, **kwargs)
        given = dict(zip([argument.name for argument in op._schema.arguments], args, strict=False)) | kwargs
        attention, _ = aten._scaled_dot_product_attention_math.default(
            *(given[name] for name in ("query", "key", "value")),
            given.get("attn_mask", given.get("attn_bias")),
            is_causal=given.get("is_causal", False),
            scale=given.get("scale"),
        )
        # What a fused operation returns besides belongs to its backward pass.
        rest = [attention.new_empty(0) if "Tensor" in str(out.type) else 0 for out in op._schema.returns[1:]]
        return attention, *rest


class _NoGradients(TorchFunctionMode):
    """Refuses a gradient that a forward pass takes by going back: the graph would hold it for a constant."""

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        backward = function in (torch.autograd.grad, torch.autograd.backward, Tensor.backward)
        if backward and not torch._C._are_functorch_transforms_active():
            raise _Refused(
                f"expected a forward pass without {function.__module__}.{function.__name__}, whose result has no "
                "derivative here: use `torch.func.grad`"
            )
        return function(*args, **(kwargs or {}))


def _refuse_random(graph: fx.Graph, keys: dict[str, str]) -> None:
    for node in graph.nodes:
        if isinstance(node.target, OpOverload) and torch.Tag.nondeterministic_seeded in node.target.tags and node.users:
            names = [argument.name for argument in node.target._schema.arguments]
            given = dict(zip(names, node.args, strict=False)) | node.kwargs
            if given.get("train", given.get("training", True)):
                raise NotImplementedError(
                    f"model: expected a forward pass without random numbers, got {node.target} in {keys[node.name]!r}"
                )


def _key(model: nn.Module, owner: str, node: fx.Node) -> str:
    """A layer's own name; for an operation written out in the forward pass of a container, `container:operation`."""
    operation = getattr(node.target, "__name__", node.name).split(".")[0]
    has_children = next(model.get_submodule(owner).children(), None) is not None
    return ":".join(part for part in (owner, operation) if part) if has_children or not owner else owner
