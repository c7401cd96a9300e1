"""One explanation to compute: f, the examples, what counts as a feature, and where to look; and what f says there."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from interpbook.attribution.function_approximation.design import Design
from interpbook.attribution.function_approximation.features import Features, features_of
from interpbook.attribution.function_approximation.neighborhoods import Neighborhood
from interpbook.checks import check_baseline, check_count, check_generator, check_input, check_values
from interpbook.functions import copies_per_call, fix_target, input_gradient

__all__ = ["Problem", "make_problem"]


@dataclass(frozen=True, eq=False)
class Problem:
    """What `lfa` or `surrogate_error` was asked, after its checks.

    Attributes:
        f: with its classes held fixed.
        x: the batch, detached.
        start: the baseline, in the shape of x.
        features: what xi has one entry for.
        neighborhood: how x and xi make a point.
        copies: of the batch in one call of f.
    """

    f: Callable[[Tensor], Tensor]
    x: Float[Tensor, "B *dims"]
    start: Float[Tensor, "B *dims"]
    features: Features
    neighborhood: Neighborhood
    copies: int

    def points(self, xi: Shaped[Tensor, "n d"]) -> Float[Tensor, "points *dims"]:
        """The points in input space, copy after copy of the batch."""
        spread = self.features.spread(xi.to(self.x.device))
        return self.neighborhood.perturb(self.x, self.start, spread).flatten(0, 1)

    def values(self, xi: Shaped[Tensor, "n d"]) -> Float[Tensor, "B n"]:
        """f at each point, in float64 on the CPU, where fits are solved."""
        rows = []
        with torch.no_grad():
            for some in xi.split(self.copies):
                values = check_values(self.f(self.points(some)), len(some) * len(self.x))
                rows.append(values.cpu().double().unflatten(0, (len(some), len(self.x))))
        return torch.cat(rows).T if rows else torch.zeros(len(self.x), 0, dtype=torch.float64)

    def gradients(self, xi: Shaped[Tensor, "n d"]) -> Float[Tensor, "n B d"]:
        """The gradient of f with respect to xi at each of a few points, in float64 where the device has it."""
        calls = [input_gradient(self.f, self.points(some)) for some in xi.split(self.copies)]
        gradient = torch.cat(calls).unflatten(0, (len(xi), len(self.x)))
        exact = gradient.dtype if gradient.device.type == "mps" else torch.float64
        pulled = self.neighborhood.pull_back(gradient.to(exact), self.x.to(exact), self.start.to(exact))
        return self.features.collect(pulled.flatten(0, 1)).unflatten(0, (len(xi), len(self.x)))


def make_problem(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B *dims"],
    neighborhood: Neighborhood,
    samples: int,
    generator: torch.Generator | None,
    baseline: float | int | Float[Tensor, "..."],
    groups: Int[Tensor, "..."] | None,
    chunk: int | None,
) -> tuple[Problem, Design]:
    """Check what `lfa` and `surrogate_error` are given, and draw the points.

    Raises:
        TypeError, ValueError: as `lfa`.
    """
    check_input(x)
    x = x.detach()
    if not isinstance(neighborhood, Neighborhood):
        raise TypeError(f"neighborhood: expected a neighborhood such as BinaryShapley(), got {neighborhood!r}")
    samples = check_count(samples, "samples")
    generator = check_generator(generator)
    start, features = check_baseline(baseline, x), features_of(x, groups)
    problem = Problem(fix_target(f, x), x, start, features, neighborhood, copies_per_call(x, chunk))
    return problem, neighborhood.draw(x, start, features, samples, generator)
