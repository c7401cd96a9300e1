"""Small networks on three tables, and how fast fits to samples come near their limits: a protocol and what came out.

Each table has five networks that differ in their seed, and each network explains people of its own. `runs.csv` holds
the errors, one row for a network, a method and a number of samples; `python -m
interpbook.chapters.attribution.function_approximation.make_runs` makes it again (two minutes of one core).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F

from interpbook.attribution import METHODS, integrated_gradients, lfa
from interpbook.datasets import load_table
from interpbook.page.runs import Runs
from interpbook.training import fit_together

__all__ = [
    "EPOCHS",
    "RUNS",
    "SAMPLES",
    "Result",
    "Setting",
    "errors",
    "groups",
    "networks",
    "people",
    "protocol",
    "run",
]

SEEDS = (0, 1, 2, 3, 4)
#: Of training, by table.
EPOCHS = MappingProxyType({"diabetes": 100, "breast_cancer": 60, "adult": 20})
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


@cache
def networks(table: str) -> tuple[nn.Module, ...]:
    """The networks of a table, one for each seed, in float64; their output is a probability where it has classes.

    They are the lesson's, trained together: equal up to what rounding grows to. Do not change them.

    >>> nets = networks("diabetes")
    >>> len(nets), nets[0](people("diabetes", 0)).shape
    (5, torch.Size([18]))
    """
    data = load_table(table)
    models = [_untrained(data.x.shape[1], nn.ReLU if data.classes else nn.Tanh, seed) for seed in SEEDS]
    fit_together(
        models,
        (data.x, data.y.float()),
        seeds=SEEDS,
        epochs=EPOCHS[table],
        loss=F.binary_cross_entropy_with_logits if data.classes else F.mse_loss,
        lr=0.01,
        batch_size=64,
        progress=False,
    )
    whole = [nn.Sequential(model, nn.Sigmoid()) if data.classes else model for model in models]
    return tuple(model.double().eval().requires_grad_(False) for model in whole)


def _untrained(inputs: int, unit: type[nn.Module], seed: int) -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(
            *(nn.Linear(inputs, 16), unit(), nn.Linear(16, 16), unit()), nn.Linear(16, 1), nn.Flatten(0)
        )


def people(table: str, seed: int) -> Float[Tensor, "people features"]:
    """Every fifth row of the test table: for each network its own people.

    >>> people("adult", 0).shape
    torch.Size([120, 12])
    """
    return load_table(table, "test").x.double()[seed :: len(SEEDS)]


def groups(table: str) -> Int[Tensor, "features"]:
    """What a mask keeps or sets to zero together: in breast cancer the three statistics of each of ten measurements.

    >>> groups("breast_cancer").bincount().tolist()
    [3, 3, 3, 3, 3, 3, 3, 3, 3, 3]
    """
    features = torch.arange(load_table(table).x.shape[1])
    return features % 10 if table == "breast_cancer" else features


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
