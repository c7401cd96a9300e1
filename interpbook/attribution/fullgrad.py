"""Full-gradients: the output of a network as its input's share plus the share of every bias."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interpbook.attribution.linearize import Linear, Linearization
from interpbook.checks import check_input, check_model, check_target
from interpbook.equality import EqualByValue
from interpbook.functions import Target

__all__ = ["FullGradients", "full_gradients"]


@dataclass(frozen=True, eq=False)
class FullGradients(EqualByValue):
    """The shares of one logit, `output = sum(input_term) + sum over layers of sum(bias_terms[layer]) + gap`.

    Attributes:
        input_term: gradient times input.
        bias_terms: for each layer, by its name in the model, the gradient at its output times its bias, explicit
            or implicit. An operation in the forward pass of a container is named `container:operation`; a second
            term of another shape gets `#2`. Layers that add nothing are left out.
        output: the logit.
        gap: what the sum misses: rounding error. More than that is refused.
    """

    input_term: Float[Tensor, "B *dims"]
    bias_terms: dict[str, Float[Tensor, "B ..."]]
    output: Float[Tensor, "B"]
    gap: Float[Tensor, "B"]

    def per_layer(self) -> dict[str, Float[Tensor, "B"]]:
        """What the input and each layer add to the output: `{"input": ..., layer: ...}`, summing to it.

        Example:
            >>> model = nn.Sequential(nn.Linear(3, 2)).eval()
            >>> parts = full_gradients(model, torch.ones(4, 3), target=1).per_layer()
            >>> {name: tuple(part.shape) for name, part in parts.items()}
            {'input': (4,), '0': (4,)}
        """
        terms = {"input": self.input_term, **self.bias_terms}
        return {name: term.reshape(len(term), -1).sum(1) for name, term in terms.items()}


def full_gradients(model: nn.Module, x: Float[Tensor, "B *dims"], target: Target | str = "predicted") -> FullGradients:
    """Decompose a logit into the share of the input and the share of every layer's bias.

        f(x) = <df/dx, x> + sum_k <df/dz_k, b_k>,        b_k = z_k - J_k u_k

    where operation k maps its inputs u_k to z_k with Jacobian J_k. For a convolution or a linear layer b_k is its
    bias, for batch norm its shift `beta - mean * gamma / s`, for a smooth activation `eta(u) - eta'(u) u`. Nothing
    depends on the kinds of layers: the sum is complete for every network that torch can differentiate.

    Operations are differentiated by what they compute: a custom backward pass, or `no_grad` inside the model, is
    not followed. Tensors that the model uses without having registered them count as constants. The model is not run
    itself, and other threads may use it meanwhile.

    Args:
        model: a module in evaluation mode that maps `x` to logits `(B, K)`. One that returns a dict or a tuple, or
            takes token ids, is wrapped in a module that holds it as an attribute (see the second example).
        x: a floating batch, any units; what counts as zero in it decides the input's share.
        target: the class explained: one for all, one per example, or "predicted".

    Returns:
        The terms, with the completeness gap of every example.

    Raises:
        TypeError: `model` is not a module, `x` is not a floating tensor, or the output is not a tensor.
        ValueError: the model is in training mode; `x` is empty, NaN or infinite; a target is out of range; the
            output is not `(B, K)`; a gradient is NaN or infinite; the logits of an example depend on the others in
            the batch.
        NotImplementedError: the model cannot be traced, as when its control flow depends on the values in `x` or it
            is compiled; an operation has no derivative, or one that torch leaves out. The operation is named.

    Example:
        >>> model = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)).double().eval()
        >>> parts = full_gradients(model, torch.randn(5, 3).double(), target=1)
        >>> bool(parts.gap.abs().max() < 1e-12)
        True

        Token ids have no gradient, their embeddings have:

        >>> class Text(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.table, self.head = nn.Embedding(9, 4), nn.Linear(12, 2)
        ...
        ...     def forward(self, embedded):
        ...         return {"logits": self.head(embedded.flatten(1).tanh())}
        >>> class Logits(nn.Module):
        ...     def __init__(self, text):
        ...         super().__init__()
        ...         self.text = text
        ...
        ...     def forward(self, embedded):
        ...         return self.text(embedded)["logits"]
        >>> text, ids = Text().eval(), torch.tensor([[1, 5, 2]])
        >>> full_gradients(Logits(text).eval(), text.table(ids), target=1).input_term.shape
        torch.Size([1, 3, 4])

    Source: [srinivas2019full]; for other operations than the published ones, the chapter's own derivation.
    """
    linear = linearize(model, x, target)
    terms = {name: term.value for name, term in linear.terms.items()}
    parts = FullGradients(linear.gradient * x.detach(), terms, linear.output, linear.output)
    return replace(parts, gap=linear.output - torch.stack(list(parts.per_layer().values())).sum(0))


def linearize(model: nn.Module, x: Float[Tensor, "B *dims"], target: Target | str) -> Linear:
    """Check the arguments of `full_gradients` and decompose the chosen logits.

    Raises:
        TypeError, ValueError, NotImplementedError: as `full_gradients`.

    Example:
        >>> linearize(nn.Linear(3, 2).eval(), torch.zeros(4, 3), 1).terms["addmm"].value.shape
        torch.Size([4, 2])
    """
    if isinstance(x, Tensor) and not x.is_floating_point() and not x.is_complex():
        raise TypeError(
            f"x: expected a floating tensor of shape (B, *dims), got {x.dtype} of shape {tuple(x.shape)}; token ids "
            "have no gradient: give their embeddings, to a module that holds the model and begins with them"
        )
    check_input(x)
    check_model(model, x)
    linearization = Linearization(model, x)
    return linearization(x, class_index(target, len(x), linearization.classes, x.device))


def class_index(target: Target | str, batch: int, classes: int, device: torch.device) -> Int[Tensor, "B"] | None:
    """One class per example; None stands for "predicted".

    Raises:
        TypeError, ValueError: a target of another kind or shape, or out of range.

    Example:
        >>> class_index(1, batch=3, classes=2, device=torch.device("cpu"))
        tensor([1, 1, 1])
    """
    if isinstance(target, str):
        if target != "predicted":
            raise ValueError(f'target: expected a class, one class per example or "predicted", got {target!r}')
        return None
    return torch.as_tensor(check_target(target, batch, classes), device=device).expand(batch)
