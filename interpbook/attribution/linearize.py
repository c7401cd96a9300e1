"""Every operation of a network as `z = J u + b`: the implicit biases of any differentiable composition.

The model is traced into a graph of core operations without mutation. Running that graph on real inputs gives,
for every operation with inputs `u` and output `z`, the implicit bias `b = z - J u`; one backward pass gives the
adjoints `a = df/dz` of all of them. Each inner product `<a, z>` appears once from the operation that made `z` and
once from those that use it, so that everything but the input and the biases cancels:

    f(x) = <df/dx, x> + sum_k <a_k, b_k>.

A sum that misses the output of the model by more than rounding is refused, with the operation that spoils it.
"""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, fx, nn
from torch._ops import OpOverload
from torch.nn.modules.batchnorm import _BatchNorm

from interpbook.attribution.graph import Graph, Linear, Term, differentiable
from interpbook.checks import check_finite

__all__ = ["Linear", "Linearization", "Term"]


class Linearization:
    """A model traced for inputs of one shape, to be linearized around any input of that shape.

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
        >>> linear = Linearization(model, x)(x, torch.tensor([0, 0, 1, 1]))
        >>> list(linear.terms)
        ['0', '1', '2']
    """

    def __init__(self, model: nn.Module, x: Float[Tensor, "B *dims"]) -> None:
        self.model = model
        self.whole = self.graph = Graph(model, x)
        self.batched = len(x) > 1
        self.classes = self.graph.classes()
        if self.batched and not self.graph.is_plain():
            one = _single(model, x)
            self.batched = _keeps_batch_first(self.graph, one)
            self.graph = self.graph if self.batched else one

    def __call__(self, x: Float[Tensor, "B *dims"], target: Int[Tensor, "B"] | None) -> Linear:
        """Linearize around `x` the logit of every example's class in `target`, or its largest logit (None)."""
        if self.batched:
            linear = self.graph.linearize(self.model, x, target)
            return self._complete(linear, x, target, linear.output)
        logits = self.whole.logits(self.model, x) if len(x) > 1 else None
        target = logits.argmax(1) if target is None and logits is not None else target
        rows = [slice(i, i + 1) for i in range(len(x))]
        parts = [self.graph.linearize(self.model, x[i], None if target is None else target[i]) for i in rows]
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


def _single(model: nn.Module, x: Tensor) -> "Graph":
    try:
        return Graph(model, x[:1])
    except ValueError as error:
        kept = (name for name, m in model.named_modules() if isinstance(m, _BatchNorm) and m.running_mean is None)
        norm = next(kept, None)
        where = f"batch norm '{norm}', which has no statistics of its own, couples them; " if norm is not None else ""
        raise ValueError(
            f"model: expected examples that do not depend on each other, got a model that takes x of shape "
            f"{tuple(x.shape)} and none of its examples alone; {where}{error}"
        ) from error


def _coupling(model: nn.Module, whole: Graph, one: Graph, x: Tensor) -> str | None:
    """The first operation whose values for a batch are not those of its examples, in whatever order."""
    if [node.target for node in whole.nodes] != [node.target for node in one.nodes]:
        return None
    with torch.inference_mode(False), torch.enable_grad():
        together = _last(whole.run(model, x.detach().clone().requires_grad_()))
        alone = [_last(one.run(model, x[i : i + 1].detach().clone().requires_grad_())) for i in range(len(x))]
    for node, single in zip(whole.nodes, one.nodes, strict=True):
        if isinstance(node.target, OpOverload) and node in whole.moving:
            for position, many in enumerate(differentiable(together[node])):
                few = torch.cat([differentiable(values[single])[position].flatten() for values in alone])
                if not _same_values(many.flatten(), few):
                    return whole.name(node)
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


def _keeps_batch_first(whole: Graph, one: Graph) -> bool:
    """Whether every operation that can have a bias has the examples on its first axis, and nowhere else.

    An axis that is as long as the batch by chance is told apart by the trace of a single example.
    """
    if [node.target for node in whole.nodes] != [node.target for node in one.nodes]:
        return False
    for node, single in zip(whole.nodes, one.nodes, strict=True):
        if whole.may_shift(node, whole.moving):
            for many, few in zip(differentiable(node.meta["val"]), differentiable(single.meta["val"]), strict=True):
                if many.shape != (whole.batch, *few.shape[1:]) or few.shape[:1] != (1,):
                    return False
    return True


def _stack(terms: list[Term]) -> Term:
    """The terms of single examples along a batch axis: their own leading axis of length 1, or else a new one."""
    join: Callable[..., Tensor] = torch.cat if terms[0].value.shape[:1] == (1,) else torch.stack
    first = terms[0].channels_first
    return Term(join([t.adjoint for t in terms]), join([t.value for t in terms]), first)
