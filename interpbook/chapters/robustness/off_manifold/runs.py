"""Networks trained on flat data, by every scheme and strength that the evidence compares, and their stored results.

The lesson's flat world: fifty coordinates, data on five of them, two heaps that overlap. Each seed has data and a
network of its own. `runs.csv` holds what came out, one network a line; `python -m
interpbook.chapters.robustness.off_manifold.make_runs` makes it again (a minute of one core).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from interpbook import models, robustness, training
from interpbook.functions import input_gradient, select
from interpbook.models.small import SOFTPLUS
from interpbook.page.runs import Runs

__all__ = [
    "BASIS",
    "CENTER",
    "PROJECTION",
    "RUNS",
    "STRENGTHS",
    "Result",
    "Setting",
    "draw",
    "of_seeds",
    "run",
    "train",
]

SEEDS = (0, 1, 2, 3, 4)
INPUTS, DIMENSIONS = 50, 5
#: Of each scheme; "smoothness" is the penalty on the change of the logits under noise.
STRENGTHS = MappingProxyType(
    {
        "gradient": (0.01, 0.1, 1, 10),
        "noise": (0.03, 0.3, 3),
        "attack": (0.01, 0.1, 1, 3),
        "smoothness": (1, 10),
    }
)


def _basis() -> Float[Tensor, "inputs dimensions"]:
    return torch.linalg.qr(torch.randn(INPUTS, DIMENSIONS, generator=torch.Generator().manual_seed(0))).Q


#: Columns that span the subspace, the projection onto it, and the center of class 1 in its coordinates.
BASIS = _basis()
PROJECTION = BASIS @ BASIS.T
CENTER = torch.tensor([1.2, 0, 0, 0, 0])


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        scheme, strength: in `STRENGTHS`, or "none" and 0.
        beside: the deviation of the noise beside the subspace in the data.
        examples, epochs: of the training.
        seed: of the data, and of the network.
    """

    scheme: str = "none"
    strength: float = 0.0
    beside: float = 0.0
    examples: int = 2000
    epochs: int = 15
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """On 1,000 new examples: the accuracy, and the mean share of the gradient of log p(y | x) in the subspace."""

    accuracy: float
    share: float


def draw(
    n: int, generator: torch.Generator, beside: float | int = 0.0
) -> tuple[Float[Tensor, "n inputs"], Int[Tensor, "n"]]:
    """Inputs on the subspace, with normal noise of a deviation beside it, and their classes, 0 or 1.

    >>> x, classes = draw(100, torch.Generator().manual_seed(0))
    >>> bool(torch.allclose(x @ PROJECTION, x, atol=1e-5)), classes.unique().tolist()
    (True, [0, 1])
    """
    classes = torch.randint(0, 2, (n,), generator=generator)
    codes = (2 * classes[:, None] - 1) * CENTER + torch.randn(n, DIMENSIONS, generator=generator)
    noise = beside * torch.randn(n, INPUTS, generator=generator)
    return codes @ BASIS.T + noise - noise @ PROJECTION, classes


def train(setting: Setting) -> nn.Module:
    """A network trained as the setting says.

    >>> net = train(Setting(examples=200, epochs=1))
    >>> net(torch.zeros(3, 50)).shape
    torch.Size([3, 2])
    """
    net = models.MLP((32,), SOFTPLUS, inputs=INPUTS, classes=2, seed=setting.seed)
    data = draw(setting.examples, torch.Generator().manual_seed(setting.seed), setting.beside)
    how = _scheme(setting.scheme, setting.strength)
    training.fit(net, data, epochs=setting.epochs, lr=0.01, batch_size=200, seed=setting.seed, progress=False, **how)
    return net


def run(setting: Setting) -> Result:
    """Train, and measure on new data of the same kind."""
    net = train(setting)
    x, y = draw(1000, torch.Generator().manual_seed(100 + setting.seed), setting.beside)
    slope = input_gradient(select(net, y, of="log_prob"), x)
    share = robustness.on_manifold_fraction(slope, PROJECTION).mean()
    return Result(training.accuracy(net, x, y), float(share))


def protocol() -> Iterator[Setting]:
    """Every run whose result the evidence shows, in the order of the table."""
    for seed in SEEDS:
        yield Setting(seed=seed)
        for scheme, strengths in STRENGTHS.items():
            for strength in strengths:
                yield Setting(scheme, float(strength), seed=seed)
        for beside in (0.1, 1.0):
            yield Setting(beside=beside, seed=seed)
            yield Setting("gradient", 0.1, beside, seed=seed)
        yield Setting(beside=1.0, examples=8000, seed=seed)
        for beside in (0.0, 0.1):
            yield Setting(beside=beside, epochs=10, seed=seed)


#: The stored results of all runs.
RUNS = Runs(Path(__file__).parent / "runs.csv", Setting, Result)


def of_seeds(**fixed: Any) -> dict[str, Float[Tensor, "seeds"]]:
    """The stored accuracies and shares of all seeds; `fixed` are fields of `Setting` other than the seed.

    >>> found = of_seeds(scheme="gradient", strength=1.0)
    >>> found["share"].shape, bool((found["share"] > 0.98).all())
    (torch.Size([5]), True)
    """
    results = [RUNS.load()[Setting(**fixed, seed=seed)] for seed in SEEDS]
    accuracies = torch.tensor([result.accuracy for result in results], dtype=torch.float64)
    shares = torch.tensor([result.share for result in results], dtype=torch.float64)
    return {"accuracy": accuracies, "share": shares}


def _scheme(scheme: str, strength: float) -> dict[str, Any]:
    """What `fit` needs for a scheme at a strength."""
    if scheme == "none":
        return {}
    if scheme == "gradient":
        return {"regularizer": robustness.gradient_norm_regularizer(strength)}
    if scheme == "smoothness":
        return {"regularizer": robustness.smoothness_regularizer(strength)}
    if scheme == "noise":
        return {"perturbation": robustness.noisy_inputs(strength)}
    return {"perturbation": robustness.adversarial_inputs(strength, box=None, steps=3)}
