"""What the chapter measures of a network on images with a known signal, and the three regimes that it tells apart."""

from collections.abc import Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook import models
from interpbook.chapters.robustness.off_manifold.recipes import STRENGTHS
from interpbook.datasets import Blocks
from interpbook.functions import input_gradient, select
from interpbook.robustness import signal_fraction
from interpbook.training import accuracy

__all__ = ["SIGMA", "labels", "left_of", "measure", "regimes", "sweep"]

#: The deviation of the noise, in grey values from 0 to 1.
SIGMA = 0.3


def measure(net: nn.Module, blocks: Blocks, generator: torch.Generator) -> dict[str, Tensor]:
    """The accuracy; the share of the signal in grad log p(label | x); the change of the probabilities under noise.

    The change is |p(x + u) - p(x)|_1 with u normal, of deviation `SIGMA`, on the signal's half alone ("on") or on the
    distractor's ("off"): two probability vectors that have nothing in common differ by 2.

    Returns:
        Means over the images: "accuracy", "share", "on", "off".

    >>> from interpbook.chapters.robustness.off_manifold.blocks import load_blocks
    >>> found = measure(models.load("blocks-standard"), load_blocks("test", size=50), torch.Generator().manual_seed(0))
    >>> 0.5 < found["share"] < 1, found["on"] > found["off"]
    (tensor(True), tensor(True))
    """
    images, labels, signal = blocks
    slope = input_gradient(select(net, labels, of="log_prob"), images)
    noise = SIGMA * torch.randn(images.shape, generator=generator)
    with torch.no_grad():
        before = net(images).softmax(1)
        on = net(images + noise * signal).softmax(1) - before
        off = net(images + noise * ~signal).softmax(1) - before
    return {
        "accuracy": torch.tensor(accuracy(net, images, labels)),
        "share": signal_fraction(slope, signal).mean(),
        "on": on.abs().sum(1).mean(),
        "off": off.abs().sum(1).mean(),
    }


def labels(scheme: str) -> list[str]:
    """What the rows of a sweep are called.

    >>> labels("noise")
    ['0', '0.03', '0.1', '0.3', '1', '2', '3']
    """
    return ["0", *(f"{strength:g}" for strength in STRENGTHS[scheme])]


def sweep(scheme: str, blocks: Sequence[Blocks]) -> dict[str, Float[Tensor, "strengths seeds"]]:
    """`measure` of the standard networks (strength 0, the first row) and of every strength of a scheme.

    Args:
        scheme: one of `STRENGTHS`.
        blocks: images for each seed, from 0; its own, so that the spread is over seeds and images.
    """
    names = ["blocks-standard", *(f"blocks-{scheme}-{label}" for label in labels(scheme)[1:])]
    found: dict[str, list[list[Tensor]]] = {name: [] for name in ("accuracy", "share", "on", "off")}
    for name in names:
        rows = []
        for seed, images in enumerate(blocks):
            rows.append(measure(models.load(name, seed), images, torch.Generator().manual_seed(seed)))
        for what, values in found.items():
            values.append([row[what] for row in rows])
    return {what: torch.tensor(values, dtype=torch.float64) for what, values in found.items()}


def left_of(found: Mapping[str, Tensor]) -> dict[str, Float[Tensor, "strengths seeds"]]:
    """What is left, against the standard network of the same seed: of the gradient's share beside the signal
    ("beside", 1 - share), and of the reaction to noise on the signal ("on").

    >>> left = left_of({"share": torch.tensor([[0.6], [0.9]]), "on": torch.tensor([[0.5], [0.4]])})
    >>> round(float(left["beside"][1]), 2), round(float(left["on"][1]), 2)
    (0.25, 0.8)
    """
    beside = 1 - found["share"]
    return {"beside": beside / beside[0], "on": found["on"] / found["on"][0]}


def regimes(left: Mapping[str, Tensor]) -> list[str]:
    """The regime of each strength, by two halves, of means over the seeds:

        "excessive"      less than half of the reaction to noise on the signal is left, otherwise
        "Bayes-aligned"  less than half of the share of the gradient beside the signal is left, otherwise
        "weak"

    The order of the paper's regimes [srinivas2023which]; the halves are ours, and were fixed on networks of other
    seeds than those of the page.

    >>> regimes({"beside": torch.tensor([[1.0], [0.4], [0.3]]), "on": torch.tensor([[1.0], [0.8], [0.2]])})
    ['weak', 'Bayes-aligned', 'excessive']
    """
    beside, on = left["beside"].mean(1), left["on"].mean(1)
    names = []
    for gradient, reaction in zip(beside.tolist(), on.tolist(), strict=True):
        aligned = "Bayes-aligned" if gradient < 0.5 else "weak"
        names.append("excessive" if reaction < 0.5 else aligned)
    return names
