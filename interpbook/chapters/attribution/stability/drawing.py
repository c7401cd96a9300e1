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
        ax.set_xlabel("networks in a crowd")
    axes[0, 0].set_ylabel("angle, degrees")
    axes[0, 0].legend(fontsize="x-small")
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
    ax.set_ylim(bottom=0)


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
        band(left, range(len(DECAYS)), angles, label=TABLES[table])
        band(right, range(len(DECAYS)), learned)
        first, third, last = (measured(angles[:, place], tolerance=4) for place in (0, 2, 3))
        words.append(f"{TABLES[table]} {first:.0f}, {third:.0f}, {last:.0f}")
    for ax, title in ((left, "angle, degrees"), (right, "training accuracy")):
        ax.set_xticks(range(len(DECAYS)), [f"{decay:g}" for decay in DECAYS])
        ax.set_xlabel("weight decay")
        ax.set_title(title, fontsize="small")
    left.set_ylim(bottom=0)
    left.legend(fontsize="x-small")
    return fig, f"Angle in degrees at weight decay 0, 0.01 and 0.03: {'; '.join(words)}."


def draw_labels() -> tuple[Figure, str]:
    """The angle after a second training on noisy rows, for labels as given and for others; dots are seeds.

    Returns:
        The figure, and its alt text.
    """
    others = {"digits": "wrong", "breast_cancer": "wrong", "diabetes": "learned", "adult_few": "learned"}
    marks = {"given": ("C0", "as given"), "wrong": ("C1", "a quarter wrong"), "learned": ("C2", "without noise")}
    fig, ax = plt.subplots(figsize=(6.8, 2.7))
    words = []
    for place, (table, other) in enumerate(others.items()):
        means = []
        for side, labels in ((-0.15, "given"), (0.15, other)):
            angles = values("noise", table, labels=labels).rad2deg()
            color, _ = marks[labels]
            spread = place + side + torch.linspace(-0.06, 0.06, len(angles))
            ax.plot(spread, angles, "o" if labels == "given" else "s", color=color, markersize=4)
            means.append(measured(angles, tolerance=4))
        words.append(f"{TABLES[table]} {means[0]:.0f} as given, {means[1]:.0f} {marks[other][1]}")
    for labels, (color, word) in marks.items():
        ax.plot([], [], "o" if labels == "given" else "s", color=color, markersize=4, label=word)
    ax.set_xticks(range(len(others)), [TABLES[table] for table in others])
    ax.set(ylabel="angle, degrees", ylim=(0, None))
    ax.legend(title="labels", fontsize="x-small", title_fontsize="x-small")
    return fig, f"Mean angles in degrees: {'; '.join(words)}."
