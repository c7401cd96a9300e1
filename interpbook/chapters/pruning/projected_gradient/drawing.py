"""The chapter's pictures: how wide traps are, accuracy against sparsity, and one run through time."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure

from interpbook.chapters.pruning.projected_gradient.runs import (
    METHODS,
    MOMENTS,
    NETWORKS,
    RUNS,
    Setting,
    load_masks,
    values,
)
from interpbook.output.colors import GRAY
from interpbook.output.figures import band
from interpbook.output.numbers import measured

__all__ = ["draw_accuracies", "draw_run", "draw_traps"]

TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}


def draw_traps(groups: Mapping[str, Sequence[float]]) -> Figure:
    """Critical learning rates as dots, a row for each group, on a logarithmic axis with a line at one."""
    fig, ax = plt.subplots(figsize=(6.8, 2.6))
    for height, rates in enumerate(groups.values()):
        ax.plot(rates, height + torch.linspace(-0.25, 0.25, len(rates)), ".")
    ax.axvline(1, color=GRAY, linewidth=1)
    ax.set(xscale="log", yticks=range(len(groups)), yticklabels=list(groups))
    ax.set_xlabel("critical learning rate, in units of the one that is used")
    return fig


def draw_accuracies(levels: Mapping[str, float], methods: Sequence[str]) -> tuple[Figure, str]:
    """Accuracy of the fully connected network against sparsity, for each data set, with bands over seeds.

    Args:
        levels: sparsities of the protocol, by what they are called.
        methods: of `runs.METHODS`.

    Returns:
        The figure, and its alt text.
    """
    fig, axes = plt.subplots(1, 2, figsize=(6.8, 2.8), sharey=True)
    places, words = range(len(levels)), []
    *_, (last, highest) = levels.items()
    for ax, (data, title) in zip(axes, TITLES.items(), strict=True):
        found = [values("mlp", data, "accuracy", sparsity) for sparsity in levels.values()]
        for method in methods:
            band(ax, places, torch.stack([row[method] for row in found], 1), label=method)
            accuracy = measured(values("mlp", data, "accuracy", highest)[method], tolerance=0.01)
            words.append(f"{method} {accuracy:.2f} on {title}")
        ax.set_xticks(places, list(levels))
        ax.set(title=title, xlabel="zeros")
    axes[0].set_ylabel("accuracy")
    axes[0].legend(fontsize="x-small")
    return fig, f"Accuracy against sparsity. At {last} zeros: {', '.join(words)}."


def draw_run(method: str, sparsity: float) -> tuple[Figure, str]:
    """A run of the fully connected network on MNIST, seed 0: the schedule above, with dots at `runs.MOMENTS`, and below
    it, for each of these, how many weights of each pixel are not zero, each picture on a scale of its own.

    Args:
        method, sparsity: of the protocol, see `runs.METHODS` and `runs.NETWORKS`.

    Returns:
        The figure, and its alt text.
    """
    result = RUNS.load()[Setting("mlp", "mnist", method, sparsity)]
    masks = load_masks()[f"{method} {sparsity:g}"]
    schedule = METHODS[method].schedule(sparsity, NETWORKS["mlp"].steps)
    fig, axes = plt.subplot_mosaic(
        [["curve"] * len(masks), [str(time) for time in range(len(masks))]],
        figsize=(6.8, 2.9),
        gridspec_kw={"height_ratios": [1.2, 1]},
    )
    schedule.plot(axes["curve"], linestyle="-")
    axes["curve"].plot(MOMENTS, [schedule(step) for step in MOMENTS], "o", color=GRAY, markersize=4)
    axes["curve"].set(ylim=(-0.08, 1.08), ylabel="zeros", xlabel="step")
    accuracy = measured(result.accuracy, tolerance=0.02)
    words = f"{method} to {100 * sparsity:g} % zeros"
    title = f"{words}: accuracy {result.accuracy:.3f}, {result.returned} kept weights had been away"
    axes["curve"].set_title(title, fontsize="small")
    for time, mask in enumerate(masks):
        ax = axes[str(time)]
        ax.imshow(mask, vmin=0, vmax=max(int(mask.max()), 1))
        ax.set(xticks=[], yticks=[])
        ax.set_title(f"step {MOMENTS[time]}", fontsize="x-small")
        ax.set_xlabel(str(int(mask.sum())), fontsize="x-small")
    left = int(masks[-1].sum())
    alt = (
        f"{words}: the first layer keeps {left} weights at the end; {result.returned} weights of the network "
        f"had been zero before; the accuracy is {accuracy:.3f}."
    )
    return fig, alt
