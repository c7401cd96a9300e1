"""Every operation of a network as `z = J u + b`: the implicit biases of any differentiable composition.

The model is traced into a graph of core operations without mutation. Running that graph on real inputs gives,
for every operation with inputs `u` and output `z`, the implicit bias `b = z - J u`; one backward pass gives the
adjoints `a = df/dz` of all of them. Each inner product `<a, z>` appears once from the operation that made `z` and
once from those that use it, so that everything but the input and the biases cancels:

    f(x) = <df/dx, x> + sum_k <a_k, b_k>.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Inexact, Int
from torch import Tensor, fx, nn
from torch._ops import OpOverload
from torch.func import jvp, vjp
from torch.fx.node import map_arg
from torch.utils._pytree import tree_leaves

from interpbook.attribution.closed_forms import AFFINE, CONSTANT, HOMOGENEOUS, MEAN, ROWWISE, SUMS, VIEWS
from interpbook.attribution.trace import state, trace
from interpbook.checks import check_output


@dataclass(frozen=True)
class Term:
    """What one layer adds to the output: the elements of `value = adjoint * bias` sum to it.

    A layer that is used several times has one term, the sum over its uses. `channels_first` says that the layer is
    one whose output is known to be (B, C, ...): convolution and batch norm.
    """

    adjoint: Inexact[Tensor, "B ..."]
    value: Float[Tensor, "B ..."]
    channels_first: bool = False


@dataclass(frozen=True)
class Linear:
    """`output = <gradient, x> + sum over terms of their values`, example by example."""

    output: Float[Tensor, "B"]
    gradient: Float[Tensor, "B *dims"]
    terms: dict[str, Term]


class Linearisation:
    """A model traced for inputs of one shape, to be linearised around any input of that shape.

    Where every operation keeps the examples on its first axis, the whole batch is taken at once; where examples are
    folded into other axes (attention windows, sequence-first layouts), one at a time.

    Args:
        model: a module in evaluation mode that returns logits `(B, K)`.
        x: an input `(B, *dims)`, of which only the shape, dtype and device are used.

    Raises:
        TypeError, ValueError: the model does not take `x`, or does not return logits `(B, K)`.
        NotImplementedError: the model cannot be traced, for example because its control flow depends on the values
            of its input.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Softplus(), nn.Linear(3, 2)).eval()
        >>> x = torch.randn(4, 2)
        >>> linear = Linearisation(model, x)(x, torch.tensor([0, 0, 1, 1]))
        >>> list(linear.terms)
        ['0', '1', '2']
    """

    def __init__(self, model: nn.Module, x: Float[Tensor, "B *dims"]) -> None:
        self.model = model
        self.graph = _Graph(model, x)
        self.batched = len(x) > 1
        self.classes = self.graph.classes()
        if self.batched and not self.graph.is_plain():
            one = _Graph(model, x[:1])
            self.batched = _keeps_batch_first(self.graph, one)
            self.graph = self.graph if self.batched else one

    def __call__(self, x: Float[Tensor, "B *dims"], target: Int[Tensor, "B"] | None) -> Linear:
        """Linearise around `x` the logit of every example's class in `target`, or its largest logit (None)."""
        if self.batched:
            whole = self.graph.linearise(self.model, x, target)
            return Linear(whole.output, whole.gradient, _nonzero(whole.terms))
        rows = [slice(i, i + 1) for i in range(len(x))]
        parts = [self.graph.linearise(self.model, x[i], None if target is None else target[i]) for i in rows]
        terms = {key: _stack([part.terms[key] for part in parts]) for key in parts[0].terms}
        return Linear(
            torch.cat([part.output for part in parts]),
            torch.cat([part.gradient for part in parts]),
            _nonzero(terms),
        )


class _Graph:
    """The operations of a model for one input shape, and the name under which each one's bias is collected."""

    def __init__(self, model: nn.Module, x: Tensor) -> None:
        self.module, self.keys = trace(model, x)
        self.nodes = list(self.module.graph.nodes)
        self.batch = len(x)
        # Nodes whose values change smoothly with the input; all others are constants.
        self.moving = {[node for node in self.nodes if node.op == "placeholder"][-1]}
        for node in self.nodes:
            changes = node.target not in CONSTANT and _differentiable(node.meta.get("val"))
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
        inputs = [_differentiable(n.meta["val"])[0] for n in node.all_input_nodes if n in self.moving]
        outputs = _differentiable(node.meta["val"])
        if node.target == MEAN:
            rowwise = all(dim % inputs[0].dim() for dim in node.args[1])  # type: ignore[union-attr, operator]
        else:
            rowwise = node.target in ROWWISE | VIEWS or node.target in AFFINE
        return rowwise and all(t.shape[:1] == (self.batch,) for t in [*inputs, *outputs[:1]])

    def linearise(self, model: nn.Module, x: Tensor, target: Tensor | None) -> Linear:
        """Run the operations, collecting `b = z - J u` on the way, then go back once for all adjoints."""
        values: dict[fx.Node, Any] = {}
        found: list[tuple[fx.Node, Tensor, Tensor]] = []
        moving: set[fx.Node] = set()
        with torch.inference_mode(False), torch.enable_grad():
            x = x.detach().clone().requires_grad_()
            inputs = iter([*state(model).values(), x])
            for node in self.nodes:
                if node.op == "placeholder":
                    values[node] = next(inputs)
                elif node.op == "get_attr":
                    values[node] = getattr(self.module, str(node.target))
                elif node.op == "call_function":
                    values[node] = _call(node, values)
                if any(t.requires_grad for t in _differentiable(values.get(node))):
                    moving.add(node)
                if self.may_shift(node, moving):
                    biases = self._biases(node, values, moving)
                    found += [(node, z, b) for z, b in biases if z.requires_grad]
            logits = check_output(values[self.nodes[-1].all_input_nodes[0]], len(x))
            classes = logits.argmax(1) if target is None else target.clone()
            output = logits.gather(1, classes[:, None])[:, 0]
            if not output.requires_grad:
                return Linear(output, torch.zeros_like(x), {"constant": Term(torch.ones_like(output), output)})
            gradient, *adjoints = torch.autograd.grad(
                output.sum(), [x, *(z for _, z, _ in found)], allow_unused=True, materialize_grads=True
            )
        terms: dict[str, Term] = {}
        for (node, _, bias), adjoint in zip(found, adjoints, strict=True):
            value = torch.real(adjoint.conj() * bias)
            _add(terms, self.keys[node.name], Term(adjoint, value, node.target in AFFINE and value.dim() > 2))
        return Linear(output.detach(), gradient, terms)

    def _biases(self, node: fx.Node, values: dict[fx.Node, Any], moving: set[fx.Node]) -> list[tuple[Tensor, Tensor]]:
        """The differentiable outputs `z` of an operation, each with `b = z - J u`."""
        outputs = _differentiable(values[node])
        inputs = [n for n in node.all_input_nodes if n in moving]
        position, closed_form = AFFINE.get(node.target, (0, None))
        if closed_form and inputs == [node.args[position]] and not node.kwargs:
            bias = closed_form(outputs[0].detach(), *map_arg(node.args, values.__getitem__))
            if bias is not NotImplemented:
                return [] if bias is None else [(outputs[0], bias)]
        # An infinite value, as in an attention mask, passes no derivative on; neither does its share.
        # Forward mode wants memory of its own for every element, which an expanded tensor has not.
        point = tuple(values[n].detach().contiguous() for n in inputs)
        tangent = tuple(torch.where(u.isfinite(), u, 0) for u in point)

        def operation(*u: Tensor) -> tuple[Tensor, ...]:
            return tuple(_differentiable(_call(node, {**values, **dict(zip(inputs, u, strict=True))})))

        try:
            z, product = _push_forward(operation, point, tangent)
        except (RuntimeError, NotImplementedError) as error:
            where = f"operation {node.target} in {self.keys[node.name]!r}"
            raise NotImplementedError(f"model: {where} cannot be differentiated twice: {error}") from error
        return [(out, torch.where(a.isfinite(), a - b, 0)) for out, a, b in zip(outputs, z, product, strict=True)]


def _push_forward(
    operation: Callable[..., tuple[Tensor, ...]], point: tuple[Tensor, ...], tangent: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The operation's value, and its Jacobian times `tangent`: forward mode, or else the transpose of the transpose."""
    with torch.no_grad(), warnings.catch_warnings():
        # Torch compiles its own decompositions at the first forward-mode derivative, and warns about how.
        warnings.simplefilter("ignore", FutureWarning)
        try:
            z, product = jvp(operation, point, tangent)[:2]
        except NotImplementedError:
            z, pull_back = vjp(operation, *point)[:2]
            twice = vjp(pull_back, tuple(torch.zeros_like(out) for out in z))[1]
            (product,) = twice(tangent)
    return z, product


def _keeps_batch_first(whole: _Graph, one: _Graph) -> bool:
    """Whether every operation that can have a bias has the examples on its first axis, and nowhere else.

    An axis that is as long as the batch by chance is told apart by the trace of a single example.
    """
    if [node.target for node in whole.nodes] != [node.target for node in one.nodes]:
        return False
    for node, single in zip(whole.nodes, one.nodes, strict=True):
        if whole.may_shift(node, whole.moving):
            for many, few in zip(_differentiable(node.meta["val"]), _differentiable(single.meta["val"]), strict=True):
                if many.shape != (whole.batch, *few.shape[1:]) or few.shape[:1] != (1,):
                    return False
    return True


def _call(node: fx.Node, values: dict[fx.Node, Any]) -> Any:
    assert callable(node.target)
    return node.target(*map_arg(node.args, values.__getitem__), **map_arg(node.kwargs, values.__getitem__))


def _differentiable(output: Any) -> list[Tensor]:
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


def _stack(terms: list[Term]) -> Term:
    """The terms of single examples along a batch axis: their own leading axis of length 1, or else a new one."""
    join: Callable[..., Tensor] = torch.cat if terms[0].value.shape[:1] == (1,) else torch.stack
    first = terms[0].channels_first
    return Term(join([t.adjoint for t in terms]), join([t.value for t in terms]), first)


def _nonzero(terms: dict[str, Term]) -> dict[str, Term]:
    """Without the operations that add nothing: linear and homogeneous ones, and outputs that nobody uses."""
    if not terms:
        return terms
    sizes = torch.stack([term.value.abs().amax() for term in terms.values()]).tolist()
    return {key: term for (key, term), size in zip(terms.items(), sizes, strict=True) if size != 0}
