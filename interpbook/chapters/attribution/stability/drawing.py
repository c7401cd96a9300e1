"""The chapter's pictures: the angle between crowds and its prediction, and what training does to the angle."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import torch
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from interpbook.attribution import spearman_brown
from interpbook.chapters.attribution.stability.runs import values
from interpbook.chapters.attribution.stability.tables import TABLES
from interpbook.output.colors import GRAY
from interpbook.output.figures import band
from interpbook.output.numbers import measured

__all__ = ["Lengths", "draw_decay", "draw_labels", "draw_lengths", "predicted_angle"]

DECAYS = (0.0, 1e-3, 1e-2, 3e-2)


def predicted_angle(r1: float, m: int | Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The angle whose cosine is the reliability of m networks, told from that of one, in degrees."""
    return torch.as_tensor(spearman_brown(r1, m)).arccos().rad2deg()


@dataclass(frozen=True)
class Lengths:
    """What `draw_lengths` shows of one table.

    Attributes:
        r1: the reliability of one network, from networks that are not among those measured.
        angles: by number of networks averaged, the angle measured and its standard error, in degrees.
    """

    r1: float
    angles: Mapping[int, Sequence[float]]


def draw_lengths(found: Mapping[str, Lengths]) -> Figure:
    """The angle between averages of two crowds against their size, by table: measured, and as predicted."""
    fig, axes = plt.subplots(1, len(found), figsize=(6.8, 2.7), sharey=True, squeeze=False)
    for ax, (table, lengths) in zip(axes[0], found.items(), strict=True):
        _draw_one(ax, lengths)
        ax.set_title(TABLES[table], fontsize="small")
        ax.set_xlabel("networks each" if len(found) > 1 else "networks in a crowd")
    axes[0, 0].set(ylabel="angle, degrees", ylim=(0, None))
    axes[0, -1].legend(fontsize="x-small")
    return fig


def _draw_one(ax: Axes, lengths: Lengths) -> None:
    sizes = [*lengths.angles]
    line = torch.linspace(1, max(sizes), 100, dtype=torch.float64)
    ax.plot(line, predicted_angle(lengths.r1, line), color="C1", label="predicted")
    first = lengths.angles[sizes[0]][0]
    ax.plot(line, first / line.sqrt(), color=GRAY, linestyle=":", label="first / √m")
    angles, errors = zip(*lengths.angles.values(), strict=True)
    bars = [2 * error for error in errors]
    ax.errorbar(sizes, angles, bars, fmt="o", color="C0", markersize=4, label="measured")
    ax.set_xscale("log")
    ax.set_xticks(sizes, [str(m) for m in sizes])
    ax.minorticks_off()


def draw_decay(*tables: str) -> tuple[Figure, str]:
    """The angle after a second training on noisy rows, and training accuracy, against weight decay.

    Returns:
        The figure, and its alt text.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(6.8, 2.8))
    words = []
    for table in tables:
        angles = torch.stack([values("noise", table, decay=decay).rad2deg() for decay in DECAYS], 1)
        learned = torch.stack([values("train_accuracy", table, decay=decay) for decay in DECAYS], 1)
        band(left, range(len(DECAYS)), angles)
        band(right, range(len(DECAYS)), learned, label=TABLES[table])
        first, third, last = (measured(angles[:, place]) for place in (0, 2, 3))
        kept = [measured(learned[:, place]) for place in (2, 3)]
        words.append(f"{TABLES[table]} {first:.0f}, {third:.0f}, {last:.0f} ({kept[0]:.2f}, {kept[1]:.2f})")
    for ax, title in ((left, "angle, degrees"), (right, "training accuracy")):
        ax.set_xticks(range(len(DECAYS)), [f"{decay:g}" for decay in DECAYS])
        ax.set_xlabel("weight decay")
        ax.set_title(title, fontsize="small")
    left.set_ylim(bottom=0)
    right.legend(fontsize="x-small", loc="lower left")
    return fig, f"Angle at weight decay 0, .01, .03 (training accuracy at the last two): {'; '.join(words)}."


def draw_labels() -> tuple[Figure, str]:
    """The angle after a second training on noisy rows, for labels as given and for others; marks are seeds.

    Returns:
        The figure, and its alt text.
    """
    kinds = {
        "given": ("C0", "o", "as given"),
        "wrong": ("C1", "s", "a quarter wrong"),
        "learned": ("C2", "D", "smooth"),
        "rough": ("C3", "^", "rough"),
    }
    few, many = ("given", "wrong"), ("given", "learned", "rough")
    shown = {"digits": few, "breast_cancer": few, "diabetes": many, "adult_few": many}
    fig, ax = plt.subplots(figsize=(6.8, 2.9))
    words = []
    for place, (table, labels) in enumerate(shown.items()):
        for side, name in enumerate(labels):
            angles = values("noise", table, labels=name).rad2deg()
            color, mark, word = kinds[name]
            spread = place + 0.25 * (side - (len(labels) - 1) / 2) + torch.linspace(-0.06, 0.06, len(angles))
            ax.plot(spread, angles, mark, color=color, markersize=4)
            words.append(f"{TABLES[table]}, {word} {measured(angles):.0f}")
    for color, mark, word in kinds.values():
        ax.plot([], [], mark, color=color, markersize=4, label=word)
    ax.set_xticks(range(len(shown)), [TABLES[table] for table in shown])
    ax.set(ylabel="angle, degrees", ylim=(0, None))
    ax.legend(title="labels", fontsize="x-small", title_fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))
    return fig, f"Mean angles in degrees: {'; '.join(words)}."
