"""Full-gradients: the output of a network as its input's share plus the share of every bias."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interpbook.attribution.linearise import Linearisation
from interpbook.checks import check_input, check_model, check_output, check_target

__all__ = ["FullGradients", "full_gradients"]


@dataclass(frozen=True)
class FullGradients:
    """The shares of one logit, `output = sum(input_term) + sum over layers of sum(bias_terms[layer]) + gap`.

    Attributes:
        input_term: gradient times input.
        bias_terms: for each layer, by its name in the model, the gradient at its output times its bias, explicit
            or implicit. An operation in the forward pass of a container is named `container:operation`; a second
            term of another shape gets `#2`. Layers that add nothing are left out.
        output: the logit.
        gap: what the sum misses: rounding error.
    """

    input_term: Float[Tensor, B * dims]
    bias_terms: dict[str, Float[Tensor, "B ..."]]
    output: Float[Tensor, B]
    gap: Float[Tensor, B]

    def per_layer(self) -> dict[str, Float[Tensor, B]]:
        """What the input and each layer add to the output: `{"input": ..., layer: ...}`, summing to it.

        Example:
            >>> model = nn.Sequential(nn.Linear(3, 2)).eval()
            >>> parts = full_gradients(model, torch.ones(4, 3), target=1).per_layer()
            >>> {name: tuple(part.shape) for name, part in parts.items()}
            {'input': (4,), '0': (4,)}
        """
        terms = {"input": self.input_term, **self.bias_terms}
        return {name: term.reshape(len(term), -1).sum(1) for name, term in terms.items()}


def full_gradients(
    model: nn.Module, x: Float[Tensor, B * dims], target: int | Int[Tensor, B] | str = "predicted"
) -> FullGradients:
    """Decompose a logit into the share of the input and the share of every layer's bias.

        f(x) = <df/dx, x> + sum_k <df/dz_k, b_k>,        b_k = z_k - J_k u_k

    where operation k maps its inputs u_k to z_k with Jacobian J_k. For a convolution or a linear layer b_k is its
    bias, for batch norm its shift `beta - mean * gamma / s`, for a smooth activation `eta(u) - eta'(u) u`. Nothing
    depends on the kinds of layers: the sum is complete for every network that torch can differentiate.

    Args:
        model: a module in evaluation mode that maps `x` to logits `(B, K)`.
        x: a floating batch, any units; what counts as zero in it decides the input's share.
        target: the class explained: one for all, one per example, or "predicted".

    Returns:
        The terms, with the completeness gap of every example.

    Raises:
        TypeError: `model` is not a module, or `x` is not a floating tensor.
        ValueError: the model is in training mode; `x` is empty, NaN or infinite; a target is out of range; the
            output is not `(B, K)`.
        NotImplementedError: the model cannot be traced, as when its control flow depends on the values in `x`.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double().eval()
        >>> parts = full_gradients(model, torch.randn(5, 3).double(), target=1)
        >>> bool(parts.gap.abs().max() < 1e-12)
        True

    Source: [srinivas2019full]; for other operations than the published ones, the chapter's own derivation.
    """
    classes = resolve_target(model, x, target)
    linear = Linearisation(model, x)(x, classes.index)
    terms = {name: term.value for name, term in linear.terms.items()}
    parts = FullGradients(linear.gradient * x.detach(), terms, classes.logit, classes.logit)
    return replace(parts, gap=classes.logit - torch.stack(list(parts.per_layer().values())).sum(0))


@dataclass(frozen=True)
class Classes:
    """The class explained for every example, and its logit."""

    index: Int[Tensor, B]
    logit: Float[Tensor, B]


def resolve_target(model: nn.Module, x: Float[Tensor, B * dims], target: int | Int[Tensor, B] | str) -> Classes:
    """Run the model once: check what goes in and out, and turn `target` into one class per example.

    Raises:
        TypeError, ValueError: as `full_gradients`.

    Example:
        >>> resolve_target(nn.Linear(3, 2).eval(), torch.zeros(4, 3), 1).index
        tensor([1, 1, 1, 1])
    """
    check_input(x)
    check_model(model, x)
    with torch.no_grad():
        try:
            logits = model(x.detach().clone())
        except (RuntimeError, ValueError) as error:
            message = f"x: expected a shape that the model accepts, got {tuple(x.shape)}: {error}"
            raise ValueError(message) from error
    check_output(logits, len(x))
    if isinstance(target, str):
        if target != "predicted":
            raise ValueError(f'target: expected a class, one class per example or "predicted", got {target!r}')
        index = logits.argmax(1)
    else:
        checked = check_target(target, *logits.shape)
        index = torch.as_tensor(checked, device=x.device).expand(len(x))
    return Classes(index, logits.gather(1, index[:, None])[:, 0])
