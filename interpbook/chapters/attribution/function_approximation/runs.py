"""How fast fits to samples come near their limits, for the networks of `trained`: a protocol and what came out.

`runs.csv` holds the errors, one row for a network, a method and a number of samples; `python -m
interpbook.chapters.attribution.function_approximation.make_runs` makes it again (two minutes of one core).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.attribution import METHODS, integrated_gradients, lfa
from interpbook.chapters.attribution.function_approximation.trained import EPOCHS, SEEDS, groups, networks, people
from interpbook.page.runs import Runs

__all__ = ["RUNS", "SAMPLES", "Result", "Setting", "errors", "protocol", "run"]

MASKED = ("LIME", "KernelSHAP")
SAMPLES = MappingProxyType(
    {
        "C-LIME": (100, 400, 1000, 4000),
        "SmoothGrad": (100, 400, 1600),
        "integrated gradients": (100, 400, 1600),
        "LIME": (100, 300, 800),
        "KernelSHAP": (100, 300, 800),
    }
)
PEOPLE, DRAWS = 5, 20


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        table, method: names in `EPOCHS` and `SAMPLES`.
        samples: points that a fit looks at.
        seed: of the network, its people, and, with the number of samples, of the draws.
    """

    table: str
    method: str
    samples: int
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """The root mean square distance of the weights from their limit, over twenty draws and five people."""

    error: float


def protocol() -> Iterator[Setting]:
    """Every run, network after network."""
    for table in EPOCHS:
        for seed in SEEDS:
            for method, counts in SAMPLES.items():
                for samples in counts:
                    yield Setting(table, method, samples, seed)


def run(setting: Setting) -> Result:
    """Fit twenty times, and measure how far the weights are from what they tend to."""
    generator = torch.Generator().manual_seed(10 * setting.samples + setting.seed)
    limit = _limit(setting.table, "SmoothGrad" if setting.method == "C-LIME" else setting.method, setting.seed)
    squares = []
    for _ in range(DRAWS):
        weights = _weights(setting.table, setting.method, setting.samples, setting.seed, generator)
        squares.append((weights - limit).square().sum(1).mean())
    return Result(float(torch.stack(squares).mean().sqrt()))


@cache
def _limit(table: str, method: str, seed: int) -> Float[Tensor, "people weights"]:
    """What a method tends to with more and more samples; C-LIME and SmoothGrad to the same."""
    if method == "integrated gradients":
        return integrated_gradients(networks(table)[seed], people(table, seed)[:PEOPLE], steps=3000)
    # All masks, or so much noise that its own error does not show beside that of 1,600 samples.
    samples = 2**12 if method in MASKED else 200_000
    return _weights(table, method, samples, seed, torch.Generator().manual_seed(99))


def _weights(
    table: str, method: str, samples: int, seed: int, generator: torch.Generator
) -> Float[Tensor, "people weights"]:
    return lfa(
        networks(table)[seed],
        people(table, seed)[:PEOPLE],
        **METHODS[method],
        samples=samples,
        generator=generator,
        groups=groups(table) if method in MASKED else None,
    ).weights


#: The stored results of all runs.
RUNS = Runs(Path(__file__).parent / "runs.csv", Setting, Result)


def errors(table: str, method: str, samples: int) -> Float[Tensor, "seeds"]:
    """The stored error of each network.

    >>> bool((errors("adult", "SmoothGrad", 1600) < errors("adult", "SmoothGrad", 100)).all())
    True
    """
    stored = [RUNS.load()[Setting(table, method, samples, seed)].error for seed in SEEDS]
    return torch.tensor(stored, dtype=torch.float64)
