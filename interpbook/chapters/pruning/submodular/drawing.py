"""The chapter's pictures: how near greedy selection is to the best set, accuracy against what is kept, filters."""

from collections.abc import Mapping, Sequence
from functools import cache

import matplotlib.pyplot as plt
import torch
from matplotlib.figure import Figure
from torch import Tensor, nn

from interpbook.chapters.pruning.submodular.runs import DATA, KEPT, RIDGE, values
from interpbook.models import load
from interpbook.output.colors import GRAY
from interpbook.output.figures import band
from interpbook.output.numbers import measured
from interpbook.pruning import Pruned, prune_structured
from interpbook.training import accuracy

__all__ = ["METHODS", "draw_accuracies", "draw_bound", "draw_filters"]

TITLES = {"mnist": "MNIST", "fashion": "Fashion-MNIST"}
NETWORKS = {"mlp": "fully connected", "lenet": "LeNet"}
#: What the criteria are called in pictures and tables.
METHODS: Mapping[str, str] = {
    "greedy": "greedy",
    "greedy_untargeted": "greedy, no target",
    "alone": "each alone",
    "part_norm": "part norm",
    "random": "random",
    "weight_norm": "weight norm",
    "activation_gradient": "activation x gradient",
    "sampling": "sampling",
    "removal": "removal",
    "lasso": "LASSO",
}


def draw_bound(reached: Mapping[int, Sequence[float]], promised: Mapping[int, Sequence[float]]) -> Figure:
    """What greedy selection explains, as a share of the optimum, and what theorem 2 promises, for numbers of neurons.

    Args:
        reached, promised: by k, one value a layer.
    """
    fig, ax = plt.subplots(figsize=(6.8, 2.6))
    for place, k in enumerate(reached):
        spread = place + torch.linspace(-0.3, 0.3, len(reached[k]))
        ax.plot(spread, reached[k], "o", color="C0", markersize=4, label="reached" if place == 0 else None)
        ax.plot(spread, promised[k], "_", color="C1", label="promised" if place == 0 else None)
    ax.axhline(1, color=GRAY, linewidth=1)
    ax.set_xticks(range(len(reached)), [str(k) for k in reached])
    ax.set(xlabel="neurons kept, of twelve", ylabel="share of the optimum", ylim=(0, 1.08))
    ax.legend(fontsize="x-small", loc="lower right")
    return fig


def draw_accuracies(methods: Sequence[str], samples: int, repair: str = "reweighted") -> tuple[Figure, str]:
    """Accuracy against the fraction of channels kept, for both networks on both data sets, with bands over seeds.

    Returns:
        The figure, and its alt text.
    """
    fig, axes = plt.subplots(2, 2, figsize=(6.8, 4.6), sharex=True, sharey=True)
    places, words = range(len(KEPT)), []
    for row, (network, kind) in zip(axes, NETWORKS.items(), strict=True):
        for ax, (data, title) in zip(row, TITLES.items(), strict=True):
            found = [values(network, data, samples=samples, kept=kept, repair=repair) for kept in KEPT]
            for method in methods:
                band(ax, places, torch.stack([at[method] for at in found], 1), label=METHODS[method])
            at_tenth = ", ".join(
                f"{METHODS[method]} {measured(found[1][method], tolerance=0.03):.2f}" for method in methods[:2]
            )
            words.append(f"{kind} on {title} {at_tenth}")
            ax.set_xticks(places, [f"{100 * kept:g} %" for kept in KEPT])
            ax.set_title(f"{kind}, {title}", fontsize="small")
        row[0].set_ylabel("accuracy")
    for ax in axes[1]:
        ax.set_xlabel("channels kept")
    axes[0, 0].legend(fontsize="x-small", loc="lower right")
    return fig, f"Accuracy against channels kept. At 10 % kept: {'; '.join(words)}."


def draw_filters(method: str, kept: int, layer: str) -> tuple[Figure, str]:
    """The filters of a layer of a small convolutional network on MNIST, those that are removed faded, and the accuracy
    without them. The network is a checkpoint: trained anew on another machine, it would keep other filters.

    Args:
        method: of `prune_structured`.
        kept: of the layer's channels.
        layer: "first" or "second" convolution; the others stay whole.

    Returns:
        The figure, and its alt text.
    """
    name = {"first": "conv1", "second": "conv2"}[layer]
    pruned = _pruned(method, name, kept)
    filters = _network().get_parameter(f"{name}.weight").detach().mean(1)
    stays = {*pruned.kept[name].tolist()}
    columns = 8
    rows = -(-len(filters) // columns)
    fig, axes = plt.subplots(rows, columns, figsize=(6.8, 0.7 + 0.95 * rows), squeeze=False)
    most = float(filters.abs().max())
    for place, ax in enumerate(axes.flat):
        ax.axis("off")
        if place < len(filters):
            faded = 1.0 if place in stays else 0.15
            ax.set_title(str(place + 1), fontsize="x-small", alpha=max(faded, 0.5))
            ax.imshow(filters[place], cmap="RdBu_r", vmin=-most, vmax=most, alpha=faded)
    score, share = accuracy(pruned.model, *DATA["mnist"]("test")), pruned.explained[name]
    fig.suptitle(f"accuracy {score:.3f}, {share:.3f} explained, {pruned.parameters[1]} parameters", fontsize="small")
    alt = (
        f"{METHODS[method]}, {kept} of {len(filters)} filters of the {layer} convolution stay. They explain "
        f"{measured(share, tolerance=0.03):.3f} of what the next layer reads; the accuracy is "
        f"{measured(score, tolerance=0.03):.3f}, with {pruned.parameters[1]} parameters."
    )
    return fig, alt


@cache
def _network() -> nn.Module:
    return load("mnist-cnn")


@cache
def _images() -> Tensor:
    return DATA["mnist"]()[0][:64]


@cache
def _pruned(method: str, layer: str, kept: int) -> Pruned:
    return prune_structured(_network(), _images(), {layer: kept}, method, ridge=RIDGE)
