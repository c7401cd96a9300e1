"""Where an attack may go: a ball around each example, of the maximum norm or the Euclidean one, cut by a box."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from interpbook.checks import check_finite, check_number
from interpbook.functions import standard_normal

__all__ = ["Region", "check_box", "check_norm", "each", "region_around"]

# Rounds of the projection; each gives what the walls took of a length to the other coordinates. Photographs want four
# or five, and a region that wanted more would be left a little early, never missed.
ROUNDS = 20


@dataclass(frozen=True)
class Region:
    """All points that differ by at most a budget from the center, and have no value below `low` or above `high`."""

    center: Float[Tensor, "B *dims"]
    budget: Float[Tensor, "B ..."]
    norm: str
    low: float
    high: float

    @property
    def walled(self) -> bool:
        """Whether the box has any wall at all."""
        return math.isfinite(self.low) or math.isfinite(self.high)

    def start(self, generator: torch.Generator) -> Float[Tensor, "B *dims"]:
        """A random point of the ball, the same for all examples in units of their budgets; then into the box."""
        shape = (1, *self.center.shape[1:])
        if self.norm == "linf":
            uniform = torch.rand(shape, generator=generator, device=generator.device).to(self.center)
            move = 2 * uniform - 1
        else:
            normal = standard_normal(shape, self.center, generator)
            radius = torch.rand((), generator=generator, device=generator.device).to(self.center)
            move = normal / _length(normal) * radius ** (1 / normal.numel())
        return self.project(self.center + self.budget * move)

    def direction(self, slope: Float[Tensor, "B *dims"]) -> Float[Tensor, "B *dims"]:
        """The step of length one, in this norm, that climbs fastest; none where the slope is zero."""
        if self.norm == "linf":
            return slope.sign()
        # A first division by the largest entry, so that squares of small gradients do not vanish.
        tiny = torch.finfo(slope.dtype).tiny
        slope = slope / each(slope.flatten(1).abs().amax(1), slope).clamp(min=tiny)
        return slope / _length(slope).clamp(min=tiny)

    def project(self, point: Float[Tensor, "B *dims"]) -> Float[Tensor, "B *dims"]:
        """The nearest point of the region."""
        move = point - self.center
        if self.norm == "linf":
            move = torch.maximum(torch.minimum(move, self.budget), -self.budget)
        else:
            move = self._project_on_ball_and_box(move)
        point = self.center + move
        return point.clamp(self.low, self.high) if self.walled else point

    def _project_on_ball_and_box(self, move: Tensor) -> Tensor:
        """clamp(s * move), for the one s up to 1 that makes it as long as the budget, if it is longer."""
        tiny = torch.finfo(move.dtype).tiny
        scale = (self.budget / _length(move).clamp(min=tiny)).clamp(max=1)
        scaled = scale * move
        if not self.walled:
            return scaled
        lower, upper = self.low - self.center, self.high - self.center
        kept = scaled.clamp(lower, upper)
        free = kept == scaled
        # On another device than a CPU nobody asks how many are free: each answer would have to be waited for.
        asks = move.device.type == "cpu"
        count = int(free.sum()) if asks else 0
        for _ in range(ROUNDS if count < move.numel() else 0):
            # What the walls took of the length goes to the coordinates that are free; those at a wall stay there.
            left = self.budget.square() - _length(kept).square()
            spare = left.clamp(min=0) / _length(move * free).square().clamp(min=tiny)
            scale = (scale.square() + spare).sqrt().clamp(max=1)
            scaled = scale * move
            kept = scaled.clamp(lower, upper)
            free = kept == scaled
            before, count = count, int(free.sum()) if asks else 0
            if asks and count == before:
                break
        return kept


def region_around(x: Float[Tensor, "B *dims"], eps: object, norm: object, box: object) -> Region:
    """The region of `pgd_attack`, its arguments checked.

    Raises:
        TypeError, ValueError: a wrong `eps`, `norm` or `box`, or values of x outside of the box.

    >>> region = region_around(torch.tensor([[0.5, 0.1]]), 0.2, "linf", (0, 1))
    >>> region.project(torch.tensor([[0.9, -0.9]]))
    tensor([[0.7000, 0.0000]])
    """
    low, high = check_box(box)
    if bool((x < low).any() | (x > high).any()):
        found = f"values from {float(x.min()):g} to {float(x.max()):g}"
        raise ValueError(f"x: expected values inside of the box from {low:g} to {high:g}, got {found}")
    norm = check_norm(norm)
    # No step needs to be longer than the box is wide; and the square of a budget stays a number.
    width = high - low if norm == "linf" else (high - low) * x[0].numel() ** 0.5
    return Region(x, each(_budgets(eps, x), x).clamp(max=width), norm, low, high)


def check_norm(norm: object) -> str:
    """The name of a norm.

    >>> check_norm("l1")
    Traceback (most recent call last):
        ...
    ValueError: norm: expected "linf" or "l2", got 'l1'
    """
    if norm not in ("linf", "l2"):
        raise ValueError(f'norm: expected "linf" or "l2", got {norm!r}')
    return str(norm)


def check_box(box: object) -> tuple[float, float]:
    """The two ends of a box, either of which may be infinite; None is no box at all.

    >>> check_box(None), check_box((0, float("inf")))
    ((-inf, inf), (0.0, inf))
    """
    if box is None:
        return -torch.inf, torch.inf
    wanted = "box: expected (low, high) with low < high, or None"
    if not isinstance(box, Sequence) or isinstance(box, str) or len(box) != 2:
        raise TypeError(f"{wanted}, got {box!r}")
    try:
        low, high = (float(end) for end in box)
    except (TypeError, ValueError):
        raise TypeError(f"{wanted}, got {box!r}") from None
    if not low < high:
        raise ValueError(f"{wanted}, got {box!r}")
    return low, high


def each(values: Shaped[Tensor, "B"], like: Tensor) -> Tensor:
    """One number of each example, beside a batch.

    >>> each(torch.ones(2), torch.zeros(2, 3, 4)).shape
    torch.Size([2, 1, 1])
    """
    return values.reshape(-1, *[1] * (like.dim() - 1))


def _budgets(eps: object, x: Tensor) -> Float[Tensor, "B"]:
    if not isinstance(eps, Tensor):
        return x.new_full((len(x),), check_number(eps, "eps", minimum=0))
    if eps.dtype == torch.bool or eps.is_complex():
        raise TypeError(f"eps: expected real numbers, got {eps.dtype}")
    if eps.shape not in ((), (len(x),)):
        raise ValueError(f"eps: expected one number or one for each of {len(x)} examples, got shape {tuple(eps.shape)}")
    check_finite(eps, "eps")
    if bool((eps < 0).any()):
        raise ValueError(f"eps: expected numbers of at least 0, got {float(eps.min()):g}")
    return eps.detach().to(x).expand(len(x))


def _length(move: Tensor) -> Tensor:
    return each(torch.linalg.vector_norm(move.flatten(1), dim=1), move)
