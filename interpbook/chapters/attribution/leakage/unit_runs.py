"""Networks on data whose evidence is one coordinate, with biases and without, attacked in training or not.

`unit_runs.csv` holds what came out, one network a line; `python -m interpbook.chapters.attribution.leakage.make_runs`
makes it again (four minutes of one core).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.attribution import input_gradient, select
from interpbook.chapters.attribution.leakage.recipes import UNITS_ROBUST, UNITS_STANDARD
from interpbook.chapters.attribution.leakage.units import EPS, RELEVANT, load_units, network, without_biases
from interpbook.models.recipes import train
from interpbook.page.runs import Runs
from interpbook.robustness import pgd_attack
from interpbook.training import accuracy

__all__ = ["UNIT_RUNS", "Result", "Setting", "protocol", "run", "values"]

SEEDS = (0, 1, 2, 3, 4)


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        biases: whether the network has some.
        attacked: whether it was trained against an attack on every coordinate.
        seed: of the initial weights, and of the attack's starts.
    """

    biases: bool = True
    attacked: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What came out of a run, as means over the test examples; of the absolute gradient of the log-odds.

    Attributes:
        share: the part on the coordinate that decides.
        largest, smallest: how often that coordinate has the largest value, and the smallest of the first ten.
        cosine: with the vector that is one in the first ten coordinates and zero in the others; of the signed gradient.
        accuracy, robust_accuracy: of the network, without and under the attack of the training.
    """

    share: float
    largest: float
    smallest: float
    cosine: float
    accuracy: float
    robust_accuracy: float


def protocol() -> Iterator[Setting]:
    """All runs."""
    for biases in (True, False):
        for attacked in (False, True):
            for seed in SEEDS:
                yield Setting(biases, attacked, seed)


def trained(setting: Setting) -> nn.Module:
    """The network of a setting: of the lesson's standard training, or of the recipe `units-robust`."""
    recipe = UNITS_ROBUST if setting.attacked else UNITS_STANDARD
    if not setting.biases:
        recipe = replace(recipe, network=_bias_free)
    return train(recipe, setting.seed, progress=False)[0]


def _bias_free(*, seed: int) -> nn.Module:
    return without_biases(network(seed=seed))


def run(setting: Setting) -> Result:
    """Train the network, and look at its gradients."""
    model = trained(setting)
    x, labels, signal = load_units("test")
    gradient = input_gradient(select(model, 1, of="log_odds"), x)
    size = gradient.abs()
    own = size.gather(1, signal[:, None])[:, 0]
    relevant = torch.zeros(x.shape[1])
    relevant[:RELEVANT] = 1
    moved = pgd_attack(model, x, labels, EPS, "linf", steps=40, box=None)
    return Result(
        share=float((own / size.sum(1)).mean()),
        largest=float((size.argmax(1) == signal).double().mean()),
        smallest=float((size[:, :RELEVANT].argmin(1) == signal).double().mean()),
        cosine=float(torch.cosine_similarity(gradient, relevant, dim=1).mean()),
        accuracy=accuracy(model, x, labels),
        robust_accuracy=accuracy(model, moved, labels),
    )


#: The stored results of all runs.
UNIT_RUNS = Runs(Path(__file__).parent / "unit_runs.csv", Setting, Result)


def values(what: str, *, biases: bool = True, attacked: bool = False) -> Float[Tensor, "seeds"]:
    """One of the numbers of `Result` for all seeds of a setting."""
    stored = UNIT_RUNS.load()
    row = [getattr(stored[Setting(biases, attacked, seed)], what) for seed in SEEDS]
    return torch.tensor(row, dtype=torch.float64)
