"""Every operation of a network as `z = J u + b`: the implicit biases of any differentiable composition.

The model is traced into a graph of core operations without mutation. Running that graph on real inputs gives,
for every operation with inputs `u` and output `z`, the implicit bias `b = z - J u`; one backward pass gives the
adjoints `a = df/dz` of all of them. Each inner product `<a, z>` appears once from the operation that made `z` and
once from those that use it, so that everything but the input and the biases cancels:

    f(x) = <df/dx, x> + sum_k <a_k, b_k>.

A sum that misses the output of the model by more than rounding is refused, with the operation that spoils it.
"""

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch
from jaxtyping import Float, Inexact, Int
from torch import Tensor, fx, nn
from torch._ops import OpOverload
from torch.func import jvp
from torch.fx.node import map_arg
from torch.nn.modules.batchnorm import _BatchNorm
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
from interpbook.attribution.trace import state, trace
from interpbook.checks import check_finite, check_output


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


class Linearisation:
    """A model traced for inputs of one shape, to be linearised around any input of that shape.

    Where every operation keeps the examples on its first axis, the whole batch is taken at once; where examples are
    folded into other axes (attention windows, sequence-first layouts), one at a time.

    Args:
        model: a module in evaluation mode that returns logits `(B, K)`.
        x: an input `(B, *dims)`, of which only the shape, dtype and device are used.

    Raises:
        TypeError, ValueError: the model does not take `x`, or does not return logits `(B, K)`; an example's logits
            depend on the other examples.
        NotImplementedError: the model cannot be traced, for example because its control flow depends on the values
            of its input; an operation cannot be differentiated as this needs.

    Example:
        >>> model = nn.Sequential(nn.Linear(2, 3), nn.Softplus(), nn.Linear(3, 2)).eval()
        >>> x = torch.randn(4, 2)
        >>> linear = Linearisation(model, x)(x, torch.tensor([0, 0, 1, 1]))
        >>> list(linear.terms)
        ['0', '1', '2']
    """

    def __init__(self, model: nn.Module, x: Float[Tensor, "B *dims"]) -> None:
        self.model = model
        self.whole = self.graph = _Graph(model, x)
        self.batched = len(x) > 1
        self.classes = self.graph.classes()
        if self.batched and not self.graph.is_plain():
            one = _single(model, x)
            self.batched = _keeps_batch_first(self.graph, one)
            self.graph = self.graph if self.batched else one

    def __call__(self, x: Float[Tensor, "B *dims"], target: Int[Tensor, "B"] | None) -> Linear:
        """Linearise around `x` the logit of every example's class in `target`, or its largest logit (None)."""
        if self.batched:
            linear = self.graph.linearise(self.model, x, target)
            return self._complete(linear, x, target, linear.output)
        logits = self.whole.logits(self.model, x) if len(x) > 1 else None
        target = logits.argmax(1) if target is None and logits is not None else target
        rows = [slice(i, i + 1) for i in range(len(x))]
        parts = [self.graph.linearise(self.model, x[i], None if target is None else target[i]) for i in rows]
        terms = {key: _stack([part.terms[key] for part in parts]) for key in parts[0].terms}
        output = torch.cat([part.output for part in parts])
        linear = Linear(output, torch.cat([part.gradient for part in parts]), terms)
        if target is not None and logits is not None:
            output = logits.gather(1, target[:, None])[:, 0]
        return self._complete(linear, x, target, output)

    def _complete(self, linear: Linear, x: Tensor, target: Tensor | None, output: Tensor) -> Linear:
        """The same without the terms that are zero, if the rest sums to `output`, what the model returns for `x`.

        Rounding grows with the magnitudes that are summed, not with the sum.
        """
        dtype = torch.promote_types(x.dtype, torch.float32)
        values = {"": linear.gradient * x.detach()} | {key: term.value for key, term in linear.terms.items()}
        flat = {key: value.reshape(len(x), -1) for key, value in values.items()}
        sums = torch.stack([value.sum(1, dtype=dtype) for value in flat.values()])
        sizes = torch.stack([value.abs().sum(1, dtype=dtype) for value in flat.values()])
        check_finite(sizes, "gradient times input and bias")
        gap = (output - sums.sum(0)).abs()
        scale = (sizes.sum(0) + output.abs()).clamp(min=torch.finfo(dtype).tiny)
        relative, eps = float((gap / scale).max()), self.graph.eps()
        # Rounding is less than eps of what is summed, but for operations that cancel large numbers inside.
        if relative > min(16 * eps, eps**0.5):
            self._refuse(x, target, relative, beyond_rounding=relative > eps**0.5)
        zero = (sizes == 0).all(1).tolist()[1:]
        terms = {key: term for (key, term), none in zip(linear.terms.items(), zero, strict=True) if not none}
        return Linear(linear.output, linear.gradient, terms)

    def _refuse(self, x: Tensor, target: Tensor | None, gap: float, beyond_rounding: bool) -> None:
        """Say why the terms miss the output: an operation with a wrong derivative, or examples that are coupled.

        A gap for which there is no reason, and which may be one of rounding, is let pass.
        """
        rows = [slice(None)] if self.batched else [slice(i, i + 1) for i in range(len(x))]
        for i in rows:
            spoiling = self.graph.spoiling(self.model, x[i], None if target is None else target[i])
            if spoiling:
                raise NotImplementedError(f"model: {spoiling} has a derivative that going back does not agree with")
        if len(x) > 1:
            one = _single(self.model, x) if self.batched else self.graph
            coupling = _coupling(self.model, self.whole, one, x)
            if not coupling and not beyond_rounding:
                return
            raise ValueError(
                "model: expected examples that do not depend on each other, as the logits of one example differ when "
                f"it is alone; {coupling or 'the batch as a whole'} couples them: explain one example at a time"
            )
        if not beyond_rounding:
            return
        raise NotImplementedError(
            f"model: expected terms that sum to the output, got a gap of {gap:.1e} of their magnitudes, and no single "
            "operation that it comes from"
        )


def _single(model: nn.Module, x: Tensor) -> "_Graph":
    try:
        return _Graph(model, x[:1])
    except ValueError as error:
        kept = (name for name, m in model.named_modules() if isinstance(m, _BatchNorm) and m.running_mean is None)
        norm = next(kept, None)
        where = f"batch norm '{norm}', which has no statistics of its own, couples them; " if norm is not None else ""
        raise ValueError(
            f"model: expected examples that do not depend on each other, got a model that takes x of shape "
            f"{tuple(x.shape)} and none of its examples alone; {where}{error}"
        ) from error


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
        moving = [n for n in node.all_input_nodes if n in self.moving]
        inputs = [_differentiable(n.meta["val"])[0] for n in moving]
        outputs = _differentiable(node.meta["val"])
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
        return max(torch.finfo(t.dtype).eps for node in self.moving for t in _differentiable(node.meta["val"]))

    def logits(self, model: nn.Module, x: Tensor) -> Tensor:
        """What the model returns for `x`."""
        with torch.inference_mode(False), torch.no_grad():
            returned = fx.Interpreter(self.module).run(*state(model).values(), x.detach().clone())
        return check_output(returned, len(x))

    def linearise(self, model: nn.Module, x: Tensor, target: Tensor | None) -> Linear:
        """Run the operations, collecting `b = z - J u` on the way, then go back once for all adjoints."""
        found: list[tuple[fx.Node, Tensor, Tensor]] = []
        with torch.inference_mode(False), torch.enable_grad():
            x = x.detach().clone().requires_grad_()
            for node, values, moving in self._run(model, x):
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

    def _run(self, model: nn.Module, x: Tensor) -> Iterator[tuple[fx.Node, dict[fx.Node, Any], set[fx.Node]]]:
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
            if any(t.requires_grad for t in _differentiable(values.get(node))):
                moving.add(node)
            elif moving.intersection(node.all_input_nodes) and _loses_derivative(node, values.get(node)):
                raise NotImplementedError(f"model: {self._name(node)} has no derivative: what it depends on is lost")
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
                f"{self._name(last)} alone"
            )

    def _chosen(self, values: dict[fx.Node, Any], target: Tensor | None, batch: int) -> Tensor:
        logits = check_output(values[self.nodes[-1].all_input_nodes[0]], batch)
        classes = logits.argmax(1) if target is None else target.clone()
        return logits.gather(1, classes[:, None])[:, 0]

    def spoiling(self, model: nn.Module, x: Tensor, target: Tensor | None) -> str | None:
        """The first operation with the adjoint a for which `<a, J u>`, from its bias, is not `<J' a, u>`."""
        with torch.inference_mode(False), torch.enable_grad():
            *_, (_, values, moving) = self._run(model, x.detach().clone().requires_grad_())
            output = self._chosen(values, target, len(x))
            for node in [n for n in self.nodes if n in moving and isinstance(n.target, OpOverload)]:
                outputs = [z for z in _differentiable(values[node]) if z.requires_grad]
                adjoints = torch.autograd.grad(
                    output.sum(), outputs, retain_graph=True, allow_unused=True, materialize_grads=True
                )
                shifts = self._biases(node, values, moving) if self.may_shift(node, moving) else []
                lost = {id(z): bias for z, bias in shifts}
                products = [z.detach() - lost.get(id(z), 0) for z in _differentiable(values[node])]
                inputs = [n for n in node.all_input_nodes if n in moving]
                if not _agree(self._operation(node, values, inputs), _point(values, inputs), products, adjoints):
                    return self._name(node)
        return None

    def _name(self, node: fx.Node) -> str:
        return f"operation {node.target} in {self.keys[node.name]!r}"

    def _operation(
        self, node: fx.Node, values: dict[fx.Node, Any], inputs: list[fx.Node]
    ) -> Callable[..., tuple[Tensor, ...]]:
        def operation(*u: Tensor) -> tuple[Tensor, ...]:
            return tuple(_differentiable(_call(node, {**values, **dict(zip(inputs, u, strict=True))})))

        return operation

    def _biases(self, node: fx.Node, values: dict[fx.Node, Any], moving: set[fx.Node]) -> list[tuple[Tensor, Tensor]]:
        """The differentiable outputs `z` of an operation, each with `b = z - J u`."""
        outputs = _differentiable(values[node])
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
            z, product = _push_forward(operation, point, tangent, outputs[0].shape if _is_pointwise(node) else None)
        except (RuntimeError, NotImplementedError) as error:
            raise NotImplementedError(f"model: {self._name(node)} cannot be differentiated twice: {error}") from error
        return [(out, torch.where(a.isfinite(), a - b, 0)) for out, a, b in zip(outputs, z, product, strict=True)]


def _push_forward(
    operation: Callable[..., tuple[Tensor, ...]],
    point: tuple[Tensor, ...],
    tangent: tuple[Tensor, ...],
    elements: torch.Size | None = None,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """The operation's value, and its Jacobian times `tangent`.

    Going back twice is the transpose of the transpose; where an output with these elements is made of one element of
    each input, going back once is enough. What cannot go back twice goes forward, which torch does for one thread at
    a time, and leaves out without a word what it has no rule for: then the product is compared with going back once.
    """
    if elements is not None and not any(t.is_complex() for t in point):
        return _scale(operation, point, tangent, elements)
    try:
        return _go_back_twice(operation, point, tangent)
    except (RuntimeError, NotImplementedError):
        z, product = _go_forward(operation, point, tangent)
        if not _agree(operation, point, product):
            raise
        return z, product


def _scale(
    operation: Callable[..., tuple[Tensor, ...]],
    point: tuple[Tensor, ...],
    tangent: tuple[Tensor, ...],
    elements: torch.Size,
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """An operation on elements has a diagonal Jacobian, once its inputs have the shape of its output."""
    point = tuple(t.expand(elements).clone().requires_grad_() for t in point)
    (z,) = operation(*point)
    if not z.requires_grad:
        return (z.detach(),), (torch.zeros_like(z),)
    diagonals = torch.autograd.grad(z, point, torch.ones_like(z), allow_unused=True, materialize_grads=True)
    return (z.detach(),), (reduce(torch.add, map(torch.mul, diagonals, tangent)).detach(),)


def _go_back_twice(
    operation: Callable[..., tuple[Tensor, ...]], point: tuple[Tensor, ...], tangent: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """`J' w` is linear in w, with the transpose J."""
    point = tuple(t.clone().requires_grad_() for t in point)
    outputs = operation(*point)
    moving = [z for z in outputs if z.requires_grad]
    w = [torch.zeros_like(z, requires_grad=True) for z in moving]
    back = torch.autograd.grad(moving, point, w, create_graph=True, allow_unused=True)
    if moving and all(g is None for g in back):
        raise NotImplementedError("it has no derivative")
    pairs = [(g, t) for g, t in zip(back, tangent, strict=True) if g is not None and g.requires_grad]
    products = iter(
        torch.autograd.grad([g for g, _ in pairs], w, [t for _, t in pairs], allow_unused=True, materialize_grads=True)
        if pairs
        else map(torch.zeros_like, moving)
    )
    product = tuple(next(products) if z.requires_grad else torch.zeros_like(z) for z in outputs)
    return tuple(z.detach() for z in outputs), tuple(p.detach() for p in product)


# Torch has one level of forward-mode differentiation for the whole process.
_FORWARD = threading.RLock()


def _go_forward(
    operation: Callable[..., tuple[Tensor, ...]], point: tuple[Tensor, ...], tangent: tuple[Tensor, ...]
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    with _FORWARD, torch.no_grad(), warnings.catch_warnings():
        # Torch compiles its own decompositions at the first forward-mode derivative, and warns about how.
        warnings.simplefilter("ignore", FutureWarning)
        z, product = jvp(operation, point, tangent)[:2]
    return z, product


def _agree(
    operation: Callable[..., tuple[Tensor, ...]],
    point: tuple[Tensor, ...],
    product: Sequence[Tensor],
    r: Sequence[Tensor] | None = None,
) -> bool:
    """Whether `<r, J u> = <J' r, u>` up to rounding, for the point u, a product `J u`, and these r or any."""
    point = tuple(t.clone().requires_grad_() for t in point)
    outputs = operation(*point)
    pairs = [(z, p) for z, p in zip(outputs, product, strict=True) if z.requires_grad]
    if not pairs:
        return True
    if r is None:
        r = [torch.arange(z.numel(), device=z.device, dtype=z.dtype).cos().view_as(z) for z, _ in pairs]
    back = torch.autograd.grad([z for z, _ in pairs], point, r, allow_unused=True)
    if all(g is None for g in back):
        return False
    forward = [(a.conj() * p).real for a, (_, p) in zip(r, pairs, strict=True)]
    backward = [(g.conj() * u).real for g, u in zip(back, point, strict=True) if g is not None]
    # Infinite values, as in an attention mask, have no share; half precision would round the sums.
    forward, backward = (
        [torch.where(t.isfinite(), t, 0).to(torch.promote_types(t.dtype, torch.float32)) for t in part]
        for part in (forward, backward)
    )
    # A product may cancel most of the value that it belongs to, as that of a saturated softmax does.
    whole = [torch.where(z.isfinite(), a * z.detach(), 0).abs() for a, (z, _) in zip(r, pairs, strict=True)]
    scale = sum(float(t.abs().sum()) for t in [*forward, *backward, *whole])
    gap = sum(float(t.sum()) for t in forward) - sum(float(t.sum()) for t in backward)
    return abs(gap) <= max(torch.finfo(t.dtype).eps for t in [*point, *outputs]) ** 0.5 * scale


def _coupling(model: nn.Module, whole: _Graph, one: _Graph, x: Tensor) -> str | None:
    """The first operation whose values for a batch are not those of its examples, in whatever order."""
    if [node.target for node in whole.nodes] != [node.target for node in one.nodes]:
        return None
    with torch.inference_mode(False), torch.enable_grad():
        together = _last(whole._run(model, x.detach().clone().requires_grad_()))
        alone = [_last(one._run(model, x[i : i + 1].detach().clone().requires_grad_())) for i in range(len(x))]
    for node, single in zip(whole.nodes, one.nodes, strict=True):
        if isinstance(node.target, OpOverload) and node in whole.moving:
            for position, many in enumerate(_differentiable(together[node])):
                few = torch.cat([_differentiable(values[single])[position].flatten() for values in alone])
                if not _same_values(many.flatten(), few):
                    return whole._name(node)
    return None


def _same_values(a: Tensor, b: Tensor) -> bool:
    if a.shape != b.shape:
        return False
    a, b = (torch.view_as_real(t).flatten() if t.is_complex() else t for t in (a.detach(), b.detach()))
    tolerance = torch.finfo(a.dtype).eps ** 0.5
    return torch.allclose(a.sort().values, b.sort().values, rtol=tolerance, atol=tolerance * float(b.abs().max()))


def _last(run: Iterator[tuple[fx.Node, dict[fx.Node, Any], set[fx.Node]]]) -> dict[fx.Node, Any]:
    *_, (_, values, _) = run
    return values


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
    quantised = any(t.is_quantized for t in tree_leaves(value) if isinstance(t, Tensor))
    if not isinstance(node.target, OpOverload) or node.target in CONSTANT:
        return False
    return quantised or bool(_differentiable(value))


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
