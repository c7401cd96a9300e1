"""Small networks on three tables, five for each, that differ in their seed; and the people that each of them explains.

They are the lesson's. `networks.npz` holds their weights, so that on every machine they are the same to the last digit;
`make_runs` trains them again.
"""

from functools import cache
from pathlib import Path
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from interpbook.datasets import load_table
from interpbook.training import fit_together

__all__ = ["EPOCHS", "FILE", "SEEDS", "groups", "networks", "people", "store", "train"]

SEEDS = (0, 1, 2, 3, 4)
#: Of training, by table.
EPOCHS = MappingProxyType({"diabetes": 100, "breast_cancer": 60, "adult": 20})
FILE = Path(__file__).with_name("networks.npz")


def train(table: str) -> list[nn.Sequential]:
    """The networks of a table, one for each seed, up to the output before a sigmoid.

    >>> len(train("diabetes"))
    5
    """
    data = load_table(table)
    models = [_untrained(table, seed) for seed in SEEDS]
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
    return models


def _untrained(table: str, seed: int) -> nn.Sequential:
    data = load_table(table)
    unit, inputs = nn.ReLU if data.classes else nn.Tanh, data.x.shape[1]
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return nn.Sequential(
            *(nn.Linear(inputs, 16), unit(), nn.Linear(16, 16), unit()), nn.Linear(16, 1), nn.Flatten(0)
        )


def store() -> None:
    """Train all networks, and write their weights into `FILE`."""
    weights = {}
    for table in EPOCHS:
        weights[table] = torch.stack([parameters_to_vector(model.parameters()).detach() for model in train(table)])
    np.savez_compressed(FILE, allow_pickle=False, **{table: rows.numpy() for table, rows in weights.items()})


@cache
def networks(table: str) -> tuple[nn.Module, ...]:
    """The stored networks of a table, in float64; their output is a probability where it has classes.

    Do not change them.

    >>> nets = networks("diabetes")
    >>> len(nets), nets[0](people("diabetes", 0)).shape
    (5, torch.Size([18]))
    """
    with np.load(FILE) as stored:
        weights = torch.from_numpy(stored[table])
    return tuple(_network(table, row) for row in weights)


def _network(table: str, weights: Float[Tensor, "weights"]) -> nn.Module:
    model = _untrained(table, 0)
    vector_to_parameters(weights, model.parameters())
    whole = nn.Sequential(model, nn.Sigmoid()) if load_table(table).classes else model
    return whole.double().eval().requires_grad_(False)


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
