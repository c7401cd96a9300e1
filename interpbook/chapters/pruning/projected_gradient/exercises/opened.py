"""A pruned layer whose mask is lifted: what torch brings back, and what projected gradient descent does."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import prune

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function, tensor

# Equations, inputs, outputs, the fraction of zeros, the learning rate of the step that is asked for.
CASES = ((6, 5, 3, 0.5, 0.3), (4, 2, 4, 0.75, 1.0), (9, 7, 1, 0.4, 0.05))
_LIFTED = "step from w = layer.weight_orig, with the gradient of the loss at this w"
_PROJECTED = (
    "step from w = layer.weight_orig * layer.weight_mask, with the gradient of the loss at this w, in all entries"
)


@exercise(rating=3, minutes=20)
def opened_twice(answer: Callable[..., object]) -> str:
    """A function of `layer, x, y, lr`: its weights after one step, the mask lifted; and after one from its zeros."""
    expect_function(answer)
    for case in CASES:
        _check_weights(answer, *case)
    return "torch brings back what was pruned; projected gradient descent brings back what the loss asks for."


def _layer(n: int, d: int, outputs: int, amount: float) -> tuple[nn.Linear, Tensor, Tensor]:
    """A layer that was pruned, and trained for a few steps under its mask."""
    generator = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    layer = nn.utils.skip_init(nn.Linear, d, outputs, dtype=torch.float64)
    x, y = normal(n, d), normal(n, outputs)
    with torch.no_grad():
        layer.weight.copy_(normal(outputs, d))
        layer.bias.copy_(normal(outputs))
    prune.l1_unstructured(layer, "weight", amount=amount)
    update = torch.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        update.zero_grad()
        F.mse_loss(layer(x), y).backward()
        update.step()
    update.zero_grad()
    return layer, x, y


def _check_weights(answer: Callable[..., Any], n: int, d: int, outputs: int, amount: float, lr: float) -> None:
    layer, x, y = _layer(n, d, outputs, amount)
    dense, mask = layer.weight_orig.detach().clone(), layer.weight_mask.clone()  # type: ignore[operator]
    bias = layer.bias.detach().clone()
    try:
        first, second = answer(layer, x.clone(), y.clone(), lr)
    except (TypeError, ValueError):
        raise WrongAnswer(
            "your function should return two weights: torch's, and projected gradient descent's"
        ) from None
    shape = (outputs, d)
    lifted, projected = tensor(first, shape, "the first weight"), tensor(second, shape, "the second weight")
    sparse = dense * mask

    def gradient(weight: Tensor, loss: Callable[..., Tensor] = F.mse_loss, shift: Tensor = bias) -> Tensor:
        weight = weight.clone().requires_grad_()
        return torch.autograd.grad(loss(F.linear(x, weight, shift), y), weight)[0]

    at_dense, at_sparse = gradient(dense), gradient(sparse)
    stale, free = dense - lr * at_dense, sparse - lr * at_sparse
    if close(lifted, stale) and close(projected, free):
        return
    case = f"({n} examples, layer {d} to {outputs}, lr = {lr:g})"
    if close(lifted, free) and close(projected, stale):
        raise WrongAnswer(
            "your two weights are right, and in the other order",
            f"the first begins at the stale values, the second at zeros {case}",
            "return lifted, projected",
        )

    def common(start: Tensor, slope: Tensor) -> dict[str, Tensor]:
        """Mistakes that are made with either of the two."""
        return {
            "the step goes downhill: minus lr times the gradient": start + lr * slope,
            "the learning rate is missing": start - slope,
            "no step was taken": start,
            "this is the gradient, not the weight after a step": slope,
            "this is the step alone: add it to where it begins": -lr * slope,
            "the loss is a mean over examples and outputs, not a sum": start - lr * slope * y.numel(),
            "the layer has a bias, which takes part in the loss": start
            - lr * gradient(start, shift=torch.zeros_like(bias)),
        }

    _compare(
        lifted,
        stale,
        f"the first weight {case}",
        "lift the mask: what does the layer compute with now, before any step?",
        {
            "`weight_orig.grad` after a pass through the pruned layer is masked, and taken at the pruned weights": dense
            - lr * mask * at_sparse,
            "the mask is lifted: it is not in the gradient any more": dense - lr * mask * at_dense,
            "this gradient is taken where the pruned weights are zero: without the mask they are not": dense
            - lr * at_sparse,
            "without its mask the layer does not begin at zeros: its pruned weights are where they were": free,
            "this weight is masked still": mask * stale,
            "this weight is masked still, and so is its gradient": mask * free,
            **common(dense, at_dense),
        },
        _LIFTED,
    )
    _compare(
        projected,
        free,
        f"the second weight {case}",
        "which entries does your gradient change? In projected gradient descent it is one in all entries",
        {
            "the gradient of `weight_orig` is masked: pruned entries get none, and stay": mask * free,
            "stale values: the pruned weights begin where they were, with a masked gradient": dense
            - lr * mask * at_sparse,
            "stale values: the gradient is right, but begins at weight_orig": dense - lr * at_sparse,
            "the gradient is taken at weight_orig, where the pruned weights are not zero": sparse - lr * at_dense,
            "this begins at the stale values, as torch does": stale,
            "only the pruned entries got their step": sparse - lr * (1 - mask) * at_sparse,
            **common(sparse, at_sparse),
        },
        _PROJECTED,
    )


def _compare(got: Tensor, want: Tensor, name: str, nudge: str, mistakes: dict[str, Tensor], formula: str) -> None:
    if close(got, want):
        return
    for hint, wrong in mistakes.items():
        if not close(wrong, want) and close(got, wrong):
            raise WrongAnswer(nudge, f"{name}: {hint}", formula)
    off = float((got - want).abs().max())
    raise WrongAnswer(nudge, f"{name} is {off:.2g} away from the right one in an entry", formula)
