"""A traced model as operations `z = J u + b`, run on real inputs: its terms, and which operation spoils their sum."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Inexact
from torch import Tensor, fx, nn
from torch._ops import OpOverload
from torch.fx.node import map_arg
from torch.utils._pytree import tree_leaves

from interpbook.attribution.closed_forms import (
    AFFINE,
    CONSTANT,
    DETACH,
    HOMOGENEOUS,
    MEAN,
    REPLACED,
    ROWWISE,
    SUMS,
    VIEWS,
    uses_batch_statistics,
)
from interpbook.attribution.push_forward import agree, push_forward
from interpbook.attribution.trace import state, trace
from interpbook.checks import check_output

__all__ = ["Graph", "Linear", "Term", "differentiable"]


@dataclass(frozen=True)
class Term:
    """What one layer adds to the output: the elements of `value = adjoint * bias` sum to it.

    A layer that is used several times has one term, the sum over its uses. The examples are on the first axis, once
    those that were taken one at a time are put together. `channels_first` says that the layer is
    one whose output is known to be (B, C, ...): convolution and batch norm.
    """

    adjoint: Inexact[Tensor, "..."]
    value: Float[Tensor, "..."]
    channels_first: bool = False


@dataclass(frozen=True)
class Linear:
    """`output = <gradient, x> + sum over terms of their values`, example by example."""

    output: Float[Tensor, "B"]
    gradient: Float[Tensor, "B *dims"]
    terms: dict[str, Term]


class Graph:
    """The operations of a model for one input shape, and the name under which each one's bias is collected."""

    def __init__(self, model: nn.Module, x: Tensor) -> None:
        self.module, self.keys = trace(model, x)
        self.nodes = list(self.module.graph.nodes)
        self.batch = len(x)
        # Nodes whose values change smoothly with the input; all others are constants.
        self.moving = {[node for node in self.nodes if node.op == "placeholder"][-1]}
        for node in self.nodes:
            changes = node.target not in CONSTANT and differentiable(node.meta.get("val"))
            if changes and self.moving.intersection(node.all_input_nodes):
                self.moving.add(node)

    def classes(self) -> int:
        """The number of logits of an example; refuses a model that returns something else than `(B, K)`."""
        returned = self.nodes[-1].args[0]
        if isinstance(returned, list | tuple) and len(returned) == 1:
            returned = returned[0]
        if isinstance(returned, fx.Node):
            # The values are not known yet; zeros stand in for them.
            returned = torch.zeros(returned.meta["val"].shape, dtype=returned.meta["val"].dtype)
        return check_output(returned, self.batch).shape[1]

    def may_shift(self, node: fx.Node, moving: set[fx.Node]) -> bool:
        """Whether this operation can have a bias, if `moving` are the nodes that change with the input."""
        if not isinstance(node.target, OpOverload) or node not in moving:
            return False
        operands = node.args[:2] if node.target in SUMS else node.all_input_nodes
        return node.target not in HOMOGENEOUS | SUMS or not moving.issuperset(operands)

    def is_plain(self) -> bool:
        """Whether every operation works row by row, so that the batch stays on the first axis from end to end.

        Most convolutional networks are of this kind, and are spared the trace of a single example.
        """
        return all(self._works_row_by_row(node) for node in self.nodes if isinstance(node.target, OpOverload))

    def _works_row_by_row(self, node: fx.Node) -> bool:
        if node not in self.moving:
            return True
        moving = [n for n in node.all_input_nodes if n in self.moving]
        inputs = [differentiable(n.meta["val"])[0] for n in moving]
        outputs = differentiable(node.meta["val"])
        if node.target == MEAN:
            rowwise = all(dim % inputs[0].dim() for dim in node.args[1])  # type: ignore[union-attr, operator]
        elif node.target in AFFINE:
            rowwise = moving == [node.args[AFFINE[node.target][0]]] and not uses_batch_statistics(node)
        elif node.target in SUMS:
            # With fewer axes than the output, an axis as long as the batch may stand for another one.
            rowwise = all(t.dim() == outputs[0].dim() for t in inputs)
        else:
            rowwise = node.target in ROWWISE | VIEWS
        return rowwise and all(t.shape[:1] == (self.batch,) for t in [*inputs, *outputs[:1]])

    def eps(self) -> float:
        """The relative precision of the coarsest values between input and output."""
        return max(torch.finfo(t.dtype).eps for node in self.moving for t in differentiable(node.meta["val"]))

    def logits(self, model: nn.Module, x: Tensor) -> Tensor:
        """What the model returns for `x`."""
        with torch.inference_mode(False), torch.no_grad():
            returned = fx.Interpreter(self.module).run(*state(model).values(), x.detach().clone())
        return check_output(returned, len(x))

    def linearize(self, model: nn.Module, x: Tensor, target: Tensor | None) -> Linear:
        """Run the operations, collecting `b = z - J u` on the way, then go back once for all adjoints."""
        found: list[tuple[fx.Node, Tensor, Tensor]] = []
        with torch.inference_mode(False), torch.enable_grad():
            x = x.detach().clone().requires_grad_()
            for node, values, moving in self.run(model, x):
                if self.may_shift(node, moving):
                    biases = self._biases(node, values, moving)
                    found += [(node, z, b) for z, b in biases if z.requires_grad]
            output = self._chosen(values, target, len(x))
            if not output.requires_grad:
                self._refuse_without_derivative(moving)
                return Linear(output, torch.zeros_like(x), {"constant": Term(torch.ones_like(output), output)})
            gradient, *adjoints = torch.autograd.grad(
                output.sum(), [x, *(z for _, z, _ in found)], allow_unused=True, materialize_grads=True
            )
        terms: dict[str, Term] = {}
        for (node, _, bias), adjoint in zip(found, adjoints, strict=True):
            adjoint = adjoint.detach()  # torch makes up zeros, for what nobody uses, that require a gradient
            value = torch.real(adjoint.conj() * bias)
            _add(terms, self.keys[node.name], Term(adjoint, value, node.target in AFFINE and value.dim() > 2))
        return Linear(output.detach(), gradient, terms)

    def run(self, model: nn.Module, x: Tensor) -> Iterator[tuple[fx.Node, dict[fx.Node, Any], set[fx.Node]]]:
        """Node by node, all values so far and the nodes among them that change smoothly with the input."""
        values: dict[fx.Node, Any] = {}
        moving: set[fx.Node] = set()
        inputs = iter([*state(model).values(), x])
        for node in self.nodes:
            if node.op == "placeholder":
                values[node] = next(inputs)
            elif node.op == "get_attr":
                # A tensor that the model holds without having registered it: a constant, whatever it is elsewhere.
                held = getattr(self.module, str(node.target))
                values[node] = held.detach() if isinstance(held, Tensor) else held
            elif node.op == "call_function":
                values[node] = _call(node, values)
            if any(t.requires_grad for t in differentiable(values.get(node))):
                moving.add(node)
            elif moving.intersection(node.all_input_nodes) and _loses_derivative(node, values.get(node)):
                raise NotImplementedError(f"model: {self.name(node)} has no derivative: what it depends on is lost")
            yield node, values, moving

    def _refuse_without_derivative(self, moving: set[fx.Node]) -> None:
        """Refuse an output that depends on the input, but not by any derivative."""
        depends, last = set(moving), None
        for node in self.nodes:
            if depends.intersection(node.all_input_nodes) and (node.target == DETACH or node.target not in CONSTANT):
                depends.add(node)
                last = node if last is None and node not in moving else last
        if self.nodes[-1] in depends and last is not None:
            raise NotImplementedError(
                "model: expected an output with a derivative, got one that depends on x through "
                f"{self.name(last)} alone"
            )

    def _chosen(self, values: dict[fx.Node, Any], target: Tensor | None, batch: int) -> Tensor:
        logits = check_output(values[self.nodes[-1].all_input_nodes[0]], batch)
        classes = logits.argmax(1) if target is None else target.clone()
        return logits.gather(1, classes[:, None])[:, 0]

    def spoiling(self, model: nn.Module, x: Tensor, target: Tensor | None) -> str | None:
        """The first operation with the adjoint a for which `<a, J u>`, from its bias, is not `<J' a, u>`."""
        with torch.inference_mode(False), torch.enable_grad():
            *_, (_, values, moving) = self.run(model, x.detach().clone().requires_grad_())
            output = self._chosen(values, target, len(x))
            for node in [n for n in self.nodes if n in moving and isinstance(n.target, OpOverload)]:
                outputs = [z for z in differentiable(values[node]) if z.requires_grad]
                adjoints = torch.autograd.grad(
                    output.sum(), outputs, retain_graph=True, allow_unused=True, materialize_grads=True
                )
                shifts = self._biases(node, values, moving) if self.may_shift(node, moving) else []
                lost = {id(z): bias for z, bias in shifts}
                products = [z.detach() - lost.get(id(z), 0) for z in differentiable(values[node])]
                inputs = [n for n in node.all_input_nodes if n in moving]
                if not agree(self._operation(node, values, inputs), _point(values, inputs), products, adjoints):
                    return self.name(node)
        return None

    def name(self, node: fx.Node) -> str:
        return f"operation {node.target} in {self.keys[node.name]!r}"

    def _operation(
        self, node: fx.Node, values: dict[fx.Node, Any], inputs: list[fx.Node]
    ) -> Callable[..., tuple[Tensor, ...]]:
        def operation(*u: Tensor) -> tuple[Tensor, ...]:
            return tuple(differentiable(_call(node, {**values, **dict(zip(inputs, u, strict=True))})))

        return operation

    def _biases(self, node: fx.Node, values: dict[fx.Node, Any], moving: set[fx.Node]) -> list[tuple[Tensor, Tensor]]:
        """The differentiable outputs `z` of an operation, each with `b = z - J u`."""
        outputs = differentiable(values[node])
        inputs = [n for n in node.all_input_nodes if n in moving]
        position, closed_form = AFFINE.get(node.target, (0, None))
        if closed_form and inputs == [node.args[position]] and not node.kwargs:
            bias = closed_form(outputs[0].detach(), *map_arg(node.args, values.__getitem__))
            if bias is not NotImplemented:
                return [] if bias is None else [(outputs[0], bias)]
        point, operation = _point(values, inputs), self._operation(node, values, inputs)
        # An infinite value, as in an attention mask, passes no derivative on; neither does its share.
        tangent = tuple(torch.where(u.isfinite(), u, 0) for u in point)
        try:
            z, product = push_forward(operation, point, tangent, outputs[0].shape if _is_pointwise(node) else None)
        except (RuntimeError, NotImplementedError) as error:
            raise NotImplementedError(f"model: {self.name(node)} cannot be differentiated twice: {error}") from error
        return [(out, torch.where(a.isfinite(), a - b, 0)) for out, a, b in zip(outputs, z, product, strict=True)]


def _call(node: fx.Node, values: dict[fx.Node, Any]) -> Any:
    operation = REPLACED.get(node.target, node.target)
    assert callable(operation)
    return operation(*map_arg(node.args, values.__getitem__), **map_arg(node.kwargs, values.__getitem__))


def _point(values: dict[fx.Node, Any], inputs: list[fx.Node]) -> tuple[Tensor, ...]:
    # Differentiation wants memory of its own for every element, which an expanded tensor has not.
    return tuple(values[n].detach().contiguous() for n in inputs)


def _is_pointwise(node: fx.Node) -> bool:
    return isinstance(node.target, OpOverload) and torch.Tag.pointwise in node.target.tags


def _loses_derivative(node: fx.Node, value: Any) -> bool:
    """Whether values of an operation that would have a derivative have none: integers have none, nor constants."""
    quantized = any(t.is_quantized for t in tree_leaves(value) if isinstance(t, Tensor))
    if not isinstance(node.target, OpOverload) or node.target in CONSTANT:
        return False
    return quantized or bool(differentiable(value))


def differentiable(output: Any) -> list[Tensor]:
    tensors = [t for t in tree_leaves(output) if isinstance(t, Tensor) and t.numel()]
    return [t for t in tensors if t.is_floating_point() or t.is_complex()]


def _add(terms: dict[str, Term], key: str, term: Term) -> None:
    """Add to the term of the same layer; where shapes differ (softmax and products of attention), number them."""
    name, number = key, 1
    while name in terms and terms[name].value.shape != term.value.shape:
        number += 1
        name = f"{key}#{number}"
    if name in terms:
        same = terms[name]
        both = same.channels_first and term.channels_first
        term = Term(same.adjoint + term.adjoint, same.value + term.value, both)
    terms[name] = term
