"""Derivatives of f at a batch, and the refusal of functions whose second derivative says nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks import check_finite, check_function, check_input, check_values
from interpbook.functions.evaluation import Function

__all__ = ["check_smooth", "differentiable", "gradient", "gradients_at", "input_gradient", "second_derivatives"]

# What autograd calls the operations whose second derivative is zero wherever it exists, and the layers that use them.
KINKED_OPERATIONS = frozenset(
    {"Relu", "LeakyRelu", "PreluKernel", "RreluWithNoise", "Hardtanh", "Threshold", "Hardsigmoid"}
    | {"Softshrink", "Hardshrink"}
    | {"MaxPool2DWithIndices", "MaxPool3DWithIndices", "AdaptiveMaxPool2D", "AdaptiveMaxPool3D"}
)
KINKED_LAYERS = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.PReLU, nn.RReLU, nn.Hardtanh, nn.Threshold, nn.Hardsigmoid),
    *(nn.Softshrink, nn.Hardshrink),
    *(nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d, nn.AdaptiveMaxPool3d),
)


@contextmanager
def differentiable() -> Iterator[None]:
    """Record a graph inside, whatever gradient mode the caller is in.

    >>> with torch.no_grad(), differentiable():
    ...     torch.is_grad_enabled()
    True
    """
    with torch.inference_mode(False), torch.enable_grad():
        yield


def gradient(
    values: Float[Tensor, "B"], leaf: Float[Tensor, "B *dims"], *, graph: bool = True
) -> Float[Tensor, "B *dims"]:
    """The gradient of each value at its own example, by default with a graph for further derivatives.

    Raises:
        ValueError: the values do not depend on `leaf` by operations that can be differentiated.

    >>> leaf = torch.tensor([[1.0, 2.0]], requires_grad=True)
    >>> gradient((leaf**2).sum(1), leaf).tolist()
    [[2.0, 4.0]]
    """
    first = None
    if values.requires_grad:
        (first,) = torch.autograd.grad(values.sum(), leaf, create_graph=graph, allow_unused=True)
    if first is None:
        raise ValueError("f: expected an output that is differentiable in x, got one without a gradient path to x")
    return first


def input_gradient(f: Function, x: Float[Tensor, "B *dims"]) -> Float[Tensor, "B *dims"]:
    """The gradient at the input, grad f(x), in units of f per unit of x [simonyan2014deep].

    Returns:
        A tensor like x. Where f has a kink, the subgradient that torch picks.

    Raises:
        TypeError, ValueError: a wrong `x`; an f(x) that is not (B,), not finite or not differentiable in x.

    >>> input_gradient(lambda x: (x**2).sum(1), torch.tensor([[1.0, 2.0]]))
    tensor([[2., 4.]])
    """
    check_input(x)
    check_function(f, x)
    slope = gradients_at(f, [x.detach()])
    check_finite(slope, "gradient of f")
    return slope


def gradients_at(f: Function, batches: list[Tensor]) -> Tensor:
    """The gradient of f at each example of some batches, stacked, whatever gradient mode the caller is in.

    >>> gradients_at(lambda x: x.square().sum(1), [torch.ones(1, 2), 2 * torch.ones(1, 2)])
    tensor([[2., 2.],
            [4., 4.]])
    """
    with differentiable():
        leaf = torch.cat(batches).requires_grad_()
        del batches
        # f gets a copy that it may overwrite: a leaf may not be changed in place.
        values = check_values(f(leaf.clone()), len(leaf))
        return gradient(values, leaf, graph=False)


def second_derivatives(
    first: Float[Tensor, "B *dims"], leaf: Float[Tensor, "B *dims"], *, graph: bool
) -> Float[Tensor, "B"]:
    """The sum over i of d2 f / dx_i^2 of each example, one backward pass for each i, from the gradient of f.

    With `graph` the sum can be differentiated once more, in the weights of f.

    >>> leaf = torch.tensor([[1.0, 2.0]], requires_grad=True)
    >>> second_derivatives(gradient((leaf**3).sum(1), leaf), leaf, graph=False)
    tensor([18.])
    """
    total = torch.zeros_like(first.flatten(1)[:, 0])
    if not first.requires_grad:
        return total
    for i, column in enumerate(first.flatten(1).unbind(1)):
        (row,) = torch.autograd.grad(column.sum(), leaf, create_graph=graph, retain_graph=True, allow_unused=True)
        if row is not None:
            total = total + row.flatten(1)[:, i]
    return total


def check_smooth(f: Function, values: Tensor, leaf: Tensor) -> None:
    """Refuse an f whose second derivative says nothing: one of coarse numbers, or one with its curvature in kinks.

    In half precision a second difference is all rounding error, up to eps |f| / sigma^2, which is 10 |f| for float16
    and sigma = 0.01; the sums of exact second derivatives keep two or three digits. So x and f(x) have 32 bits or more.

    Between its kinks a network of ReLU and its kin, or of max pooling, is linear: the trace of its Hessian is zero
    almost everywhere, whatever the function looks like. Asked of the graph from `values = f(leaf)` back to `leaf`, so
    that f may be any function; a layer is named if f is a module, or was made from one by `select`.

    Raises:
        ValueError: `leaf` or `values` has fewer than 32 bits, or there is such an operation between them.

    >>> leaf = torch.ones(1, 3, requires_grad=True)
    >>> model = nn.Sequential(nn.Linear(3, 1), nn.ReLU(), nn.Flatten(0))
    >>> check_smooth(model, model(leaf), leaf)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    ValueError: f: expected a smooth function, got one with layer '1' (ReLU), whose second derivative is zero ...
    """
    for name, tensor in (("x", leaf), ("output of f", values)):
        if torch.finfo(tensor.dtype).bits < 32:
            raise ValueError(
                f"{name}: expected float32 or float64, got {tensor.dtype}, in which second derivatives are lost in "
                "rounding: convert the model and x with `.float()`"
            )
    names = {type(node).__name__.split("Backward")[0] for node in _between(values, leaf)}
    kinks = sorted(names & KINKED_OPERATIONS)
    if not kinks:
        return
    model = f if isinstance(f, nn.Module) else getattr(f, "model", None)
    layers = model.named_modules() if isinstance(model, nn.Module) else ()
    found = [f"layer '{path}' ({type(layer).__name__})" for path, layer in layers if isinstance(layer, KINKED_LAYERS)]
    raise ValueError(
        f"f: expected a smooth function, got one with {found[0] if found else f'the operation {kinks[0]}'}, whose "
        "second derivative is zero almost everywhere: the trace of the Hessian does not see the curvature in its "
        "kinks. Build the network with a smooth activation, such as torch.nn.Softplus(beta=10), and average pooling"
    )


def _between(values: Tensor, leaf: Tensor) -> set[torch.autograd.graph.Node]:
    """The operations on a path from `leaf` to `values`; those on weights alone are left out."""
    users: dict[torch.autograd.graph.Node, set[torch.autograd.graph.Node]] = {}
    waiting = [values.grad_fn] if values.grad_fn is not None else []
    seen, ends = set(waiting), []
    while waiting:
        node = waiting.pop()
        if getattr(node, "variable", None) is leaf:
            ends.append(node)
        for child, _ in node.next_functions:
            if child is None:
                continue
            users.setdefault(child, set()).add(node)
            if child not in seen:
                seen.add(child)
                waiting.append(child)
    found: set[torch.autograd.graph.Node] = set()
    while ends:
        node = ends.pop()
        new = users.get(node, set()) - found
        found |= new
        ends.extend(new)
    return found
