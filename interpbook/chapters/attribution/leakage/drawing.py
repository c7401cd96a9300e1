"""The chapter's pictures: opposite points, a dead zone, gradients by coordinate and block, the price of robustness."""

from collections.abc import Callable, Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from interpbook.chapters.attribution.leakage.runs import STRENGTHS, values
from interpbook.functions import input_gradient
from interpbook.output.colors import GRAY, NEGATIVE, POSITIVE
from interpbook.output.figures import band
from interpbook.output.numbers import measured

__all__ = ["draw_coordinates", "draw_dead_zone", "draw_opposite", "draw_price", "draw_upper_blocks"]

REACH = 1.6
HEAD = {"width": 0.02, "head_width": 0.12, "length_includes_head": True}


def draw_opposite(f: Callable[[Tensor], Tensor], v: Float[Tensor, "2"], degrees: float) -> tuple[Figure, str]:
    """The gradients of f at a point of the unit circle and at its opposite, and their sum, which is v.

    Args:
        f: (B, 2) -> (B,), one hidden layer of ReLU without biases.
        v: the slope of f(x) - f(-x).
        degrees: where on the circle the point is.

    Returns:
        The figure, and its alt text.
    """
    angle = torch.tensor(degrees, dtype=v.dtype).deg2rad()
    point = torch.stack([angle.cos(), angle.sin()])
    here, there = input_gradient(f, torch.stack([point, -point]))
    fig, (plane, sums) = plt.subplots(1, 2, figsize=(5.6, 2.7))
    _draw_levels(plane, f)
    for place, gradient, color, name in ((point, here, POSITIVE, "x"), (-point, there, NEGATIVE, "−x")):
        plane.arrow(*place.tolist(), *(0.6 * gradient).tolist(), color=color, **HEAD)
        plane.plot(*place.tolist(), "o", color=color, markersize=5)
        plane.annotate(name, place.tolist(), textcoords="offset points", xytext=(6, -12))
    plane.set_title("level lines of f, gradients at x and −x", fontsize="small")
    sums.arrow(0, 0, *v.tolist(), color=GRAY, **HEAD)
    sums.arrow(0, 0, *here.tolist(), color=POSITIVE, **HEAD)
    sums.arrow(*here.tolist(), *there.tolist(), color=NEGATIVE, **HEAD)
    sums.set_title("one after the other: always v", fontsize="small")
    for ax, reach in ((plane, REACH), (sums, 1.2)):
        ax.set(xlim=(-reach, reach), ylim=(-reach, reach), xticks=[], yticks=[], aspect="equal")
    one, other = (tuple(f"{value:.2f}" for value in gradient.tolist()) for gradient in (here, there))
    total = tuple(f"{value:.2f}" for value in v.tolist())
    words = f"({', '.join(one)}) + ({', '.join(other)}) = ({', '.join(total)}) = v"
    return fig, f"At {degrees:.0f} degrees: {words}."


def _draw_levels(ax: Axes, f: Callable[[Tensor], Tensor]) -> None:
    ticks = torch.linspace(-REACH, REACH, 81, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(ticks, ticks, indexing="xy"), -1)
    heights = f(grid.view(-1, 2)).view(81, 81)
    ax.contour(ticks, ticks, heights, levels=10, colors=GRAY, linewidths=0.6)


def draw_dead_zone(eps: float, r: int) -> tuple[Figure, str]:
    """What one coordinate adds to the output, linear and with a dead zone, and the robust margins of both networks.

    Returns:
        The figure, and its alt text.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(6.2, 2.6))
    t = torch.linspace(-1.4, 1.4, 281)
    left.axvspan(-eps, eps, color=GRAY, alpha=0.25, linewidth=0)
    left.plot(t, t, color=NEGATIVE, label="linear")
    left.plot(t, (t - eps).relu() - (-t - eps).relu(), color=POSITIVE, label="dead zone")
    left.set_title("what coordinate j adds", fontsize="small")
    left.set(xlabel="value of coordinate j", ylim=(-1.5, 1.5))
    budgets = torch.linspace(0, 0.5, 101)
    right.axhline(0, color=GRAY, linewidth=0.8)
    right.plot(budgets, 1 - r * budgets, color=NEGATIVE)
    right.plot(budgets, 1 - 2 * budgets, color=POSITIVE)
    linear, dead = 1 - r * eps, 1 - 2 * eps
    right.plot([eps], [linear], "o", color=NEGATIVE)
    right.plot([eps], [dead], "o", color=POSITIVE)
    right.set_title(f"margin under attack, r = {r}", fontsize="small")
    right.set(xlabel="eps", ylim=(-4.2, 1.2))
    left.legend(fontsize="x-small")
    verdict = "both hold" if linear > 0 else "the linear network fails"
    return fig, (
        f"Each of {r} coordinates may move by {eps:.2f}: the linear margin is {linear:.2f}, "
        f"with a dead zone {dead:.2f}; {verdict}."
    )


def draw_coordinates(maps: Mapping[str, Float[Tensor, "d"]], signal: int) -> tuple[Figure, str]:
    """The gradient at one example in every coordinate, by network, each divided by its largest value.

    Returns:
        The figure, and its alt text.
    """
    fig, axes = plt.subplots(1, len(maps), figsize=(6.8, 2.2), sharey=True)
    words = []
    for ax, (name, gradient) in zip(axes, maps.items(), strict=True):
        bars = gradient / gradient.abs().max()
        colors = [POSITIVE if place == signal else GRAY for place in range(len(bars))]
        ax.bar(range(len(bars)), bars, color=colors)
        ax.set_title(name, fontsize="small")
        ax.set_xlabel("coordinate")
        share = float(gradient[signal].abs() / gradient.abs().sum())
        words.append(f"{name} {measured(share, tolerance=0.02):.2f}")
    axes[0].set_ylabel("gradient / largest")
    return fig, f"Share of the gradient on coordinate {signal}, the only one that says the class: {', '.join(words)}."


def draw_upper_blocks(found: Mapping[str, Sequence[Float[Tensor, "14 14"]]]) -> tuple[Figure, str]:
    """The mean absolute gradient on the upper block, with the digit there and with the ring there, by network.

    Args:
        found: for each network the two maps; both are drawn on the scale of the first.

    Returns:
        The figure, and its alt text.
    """
    fig, axes = plt.subplots(1, 2 * len(found), figsize=(6.8, 2.1))
    words = []
    for place, (name, (digit, ring)) in enumerate(found.items()):
        for side, (values_of, what) in enumerate(((digit, "digit there"), (ring, "ring there"))):
            ax = axes[2 * place + side]
            ax.imshow(values_of, cmap="gray", vmin=0, vmax=float(digit.max()))
            ax.set_title(f"{name},\n{what}", fontsize="small")
            ax.set(xticks=[], yticks=[])
        length = measured(ring.norm() / digit.norm(), tolerance=0.05)
        words.append(f"{name} {length:.2f}")
    return (
        fig,
        f"Length of the mean map with the ring there, in lengths of that with the digit there: {', '.join(words)}.",
    )


def draw_price() -> tuple[Figure, str]:
    """Accuracy and share of the gradient on the digit against the strength of the attack in training.

    At the largest strength most networks have no gradient, and so no share.

    Returns:
        The figure, and its alt text.
    """
    accuracies = torch.stack([values("accuracy", eps=eps) for eps in STRENGTHS], 1)
    shares = torch.stack([values("share", eps=eps) for eps in STRENGTHS[:-1]], 1)
    fig, ax = plt.subplots(figsize=(5.4, 2.8))
    band(ax, range(len(STRENGTHS)), accuracies, label="accuracy")
    band(ax, range(len(STRENGTHS) - 1), shares, label="share on the digit")
    ax.axhline(0.5, color=GRAY, linestyle=":", linewidth=1)
    ax.set_xticks(range(len(STRENGTHS)), [f"{eps:g}" for eps in STRENGTHS])
    ax.set(xlabel="strength of the attack in training", ylim=(0, 1))
    ax.legend(fontsize="small")
    words = []
    for place, eps in enumerate(STRENGTHS[:-1]):
        one, other = measured(accuracies[:, place]), measured(shares[:, place])
        words.append(f"{eps:g}: {one:.2f} and {other:.2f}")
    last = measured(accuracies[:, -1])
    return fig, f"Accuracy and share, by strength: {'; '.join(words)}; {STRENGTHS[-1]:g}: {last:.2f}, no share."
