"""The picture of one strength: an image, the gradient on the digit and beside it, and where the strength stands."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from jaxtyping import Bool, Float
from matplotlib.figure import Figure
from torch import Tensor

from interpbook.output.colors import GRAY, SIGNED

__all__ = ["draw_strength"]

CURVES = {"accuracy": "accuracy", "share": "signal share", "on": "change on", "off": "change off"}


def draw_strength(
    image: Float[Tensor, "1 h w"],
    slope: Float[Tensor, "1 h w"],
    signal: Bool[Tensor, "1 h w"],
    found: Mapping[str, Float[Tensor, "strengths seeds"]],
    strengths: Sequence[str],
    now: int,
    regime: str,
) -> Figure:
    """Three small pictures, the two parts of the gradient on one scale, and the curves of a sweep with a marker.

    Args:
        image, slope: one image, and the gradient there.
        signal: where the digit is.
        found: of `regimes.sweep`.
        strengths: the labels of its rows.
        now: which row is marked.
        regime: its name.
    """
    widths = [1, 1, 1, 3.6]
    fig, axes = plt.subplots(1, 4, figsize=(6.8, 2.7), gridspec_kw={"width_ratios": widths})
    largest = slope.abs().max()
    signed = {"cmap": SIGNED, "vmin": -largest, "vmax": largest}
    axes[0].imshow(image[0], cmap="gray", vmin=0, vmax=1)
    axes[1].imshow((slope * signal)[0], **signed)
    axes[2].imshow((slope * ~signal)[0], **signed)
    for ax, title in zip(axes, ("image", "gradient\non digit", "beside"), strict=False):
        ax.set_title(title, fontsize="small")
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set(visible=True, linewidth=0.6, alpha=0.6)
    places = range(len(strengths))
    for what, label in CURVES.items():
        axes[3].plot(places, found[what].mean(1), label=label)
    axes[3].axvline(now, color=GRAY, linewidth=1)
    axes[3].set_xticks(places, strengths, fontsize="small")
    axes[3].set(xlabel="strength", ylim=(0, 1))
    axes[3].set_title(f"strength {strengths[now]}: {regime}", fontsize="small")
    fig.legend(fontsize="x-small", ncols=4, loc="outside lower center")
    return fig
