"""The attack by projected gradient descent: the input near x at which a model's loss is largest, as far as it finds."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from jaxtyping import Float, Integer, Real
from torch import Tensor, nn

from interpbook.checks import (
    check_count,
    check_generator,
    check_input,
    check_labels,
    check_model,
    check_number,
    check_output,
    run,
)
from interpbook.functions import differentiable, gradient
from interpbook.robustness.region import Region, each, region_around

__all__ = ["climb", "pgd_attack"]

# Of the default steps, in units of eps: from twice the budget, which crosses the ball, down to a twentieth of it.
FIRST_STEP, LAST_STEP = 2.0, 0.05


def pgd_attack(
    model: nn.Module | Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    y: Integer[Tensor, "B"] | Integer[np.ndarray, "B"] | Sequence[int],
    eps: float | int | Real[Tensor, ""] | Real[Tensor, "B"],
    norm: str = "linf",
    steps: int = 20,
    step_size: float | int | None = None,
    box: tuple[float | int, float | int] | None = (0.0, 1.0),
    generator: torch.Generator | None = None,
) -> Float[Tensor, "B *dims"]:
    """Inputs in the ball of radius eps around each x, and in the box, with a large loss [madry2018towards]:

        x_{t+1} = project(x_t + a_t direction(grad loss_i(x_t))),    loss_i = -log softmax(model(x))_{y_i},

    direction(g) = sign(g) for the maximum norm, g / |g| for the Euclidean one. The projection is onto the
    intersection of ball and box. What is computed are the log odds against y_i, whose gradients have the same
    direction, also where a network is so sure that those of the loss are rounded to zero. Of all points that were
    seen, x and the start among them, that with the largest loss is returned, so that no example ever ends below where
    it began.

    The budget is one example's own, and no example changes another's result: neither the size of the batch nor its
    order matters. (The published code of [srinivas2023which] takes the norm over the flattened batch; its eps is about
    eps / sqrt(B) here.) The start is random in the ball, in the same direction for all examples.

    Args:
        model: a module in evaluation mode, or any function, from (B, *dims) to logits (B, K) of at least two classes.
        x: the batch, inside of the box.
        y: the class of each example, away from which the attack leads.
        eps: the radius, in units of x: one for all, or one for each example; at least 0.
        norm: "linf" or "l2" (of all values of an example).
        steps: how many.
        step_size: a_t, in units of x; by default it falls from 2 eps to eps / 20, a straight line (and an eps beyond
            the diameter of the box counts as that).
        box: the lowest and the highest value that an input may have, either of them infinite for none; None for no
            bounds.
        generator: of the start; by default one with seed 0.

    Returns:
        A tensor like x, without a graph. No gradient of a parameter is computed or changed.

    Raises:
        TypeError, ValueError: a wrong `x`, `y`, `eps`, `norm`, `steps`, `step_size`, `box` or `generator`; values of x
            outside of the box; a model in training mode, or one that does not return finite logits, at x or near it.

    >>> model = nn.Linear(2, 2, bias=False).eval()
    >>> _ = model.weight.data.copy_(torch.eye(2))
    >>> pgd_attack(model, torch.tensor([[0.5, 0.25]]), [0], eps=0.125)
    tensor([[0.3750, 0.3750]])
    """
    check_input(x)
    if isinstance(model, nn.Module):
        check_model(model, x)
    elif not callable(model):
        raise TypeError(f"model: expected a module or a function, got {type(model).__name__}")
    region = region_around(x.detach(), eps, norm, box)
    sizes = step_sizes(check_count(steps, "steps"), step_size, region.budget)
    logits = check_output(run(model, x), len(x))
    classes = logits.shape[1]
    if classes == 1:
        raise ValueError("model output: expected at least two classes, got 1")
    best = climb(model, region, check_labels(y, len(x), classes, "y"), logits, sizes, check_generator(generator))
    lost = int((~best.finite).sum())
    if lost:
        raise ValueError(f"model output: expected finite values in all of the ball, got others for {lost} of {len(x)}")
    return best.point


def climb(
    model: Callable[[Tensor], Tensor],
    region: Region,
    y: Integer[Tensor, "B"],
    logits: Float[Tensor, "B K"],
    sizes: Sequence[Tensor | float],
    generator: torch.Generator,
) -> "Best":
    """The attack itself, from the logits at x on; neither its arguments are checked, nor what the model returns."""
    # Tensors that a caller made in inference mode cannot be part of a graph; copies can.
    with differentiable():
        y = y.to(region.center.device).clone()
        best = Best(region.center.clone())
        with torch.no_grad():
            best.see(best.point, odds_against(logits, y))
            point = region.start(generator)
        for size in sizes:
            leaf = point.clone().requires_grad_()
            height = odds_against(model(leaf.clone()), y)
            slope = gradient(height, leaf, graph=False)
            with torch.no_grad():
                best.see(point, height)
                point = region.project(point + size * region.direction(slope))
        with torch.no_grad():
            best.see(point, odds_against(model(point.clone()), y))
    return best


def odds_against(logits: Float[Tensor, "B K"], y: Integer[Tensor, "B"]) -> Float[Tensor, "B"]:
    """log (1 - p) / p of the probability p of class y. The loss is log(1 + exp(.)) of it: it rises where the loss does,
    in the same direction, and still does so where p is so near 1 that the loss is rounded to zero.

    >>> odds_against(torch.tensor([[0.0, 100.0]]), torch.tensor([1]))
    tensor([-100.])
    """
    own = y[:, None]
    return logits.scatter(1, own, -torch.inf).logsumexp(1) - logits.gather(1, own)[:, 0]


class Best:
    """The highest point of each example, of those that were seen; `finite` is False where any height was not."""

    def __init__(self, x: Tensor) -> None:
        self.point, self.height = x, x.new_full((len(x),), -torch.inf)
        self.finite = torch.ones(len(x), dtype=torch.bool, device=x.device)

    def see(self, point: Tensor, height: Tensor) -> None:
        better = height > self.height
        self.point = torch.where(each(better, point), point, self.point)
        self.height = torch.where(better, height, self.height)
        self.finite = self.finite & height.isfinite()


def step_sizes(steps: int, step_size: object, budget: Tensor) -> list[Tensor | float]:
    """The length of each step: as it was asked for, or falling with the number of the step.

    >>> step_sizes(2, 0.5, torch.ones(1))
    [0.5, 0.5]
    """
    if step_size is not None:
        return [check_number(step_size, "step_size", minimum=0)] * steps
    return [float(factor) * budget for factor in torch.linspace(FIRST_STEP, LAST_STEP, steps, dtype=torch.float64)]
