"""Train the forty networks of the figure again: `python -m interpbook.chapters.attribution.stability.make_crowd`.

Writes `crowd.npz` beside this file.
"""

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from interpbook.chapters.attribution.stability.crowd import COUNT, DECAYS, FILE, HIDDEN, training_set
from interpbook.models import MLP
from interpbook.models.small import SOFTPLUS
from interpbook.training import fit_together


def weights_of(model: MLP) -> Float[Tensor, "354"]:
    """The weights of a network in the order of `crowd.PARTS`."""
    *hidden, rows, biases = (parameter.detach() for parameter in model.parameters())
    (low, high), (bias_low, bias_high) = rows, biases
    ends = torch.stack([bias_high - bias_low, bias_high + bias_low])
    return torch.cat([*(part.flatten() for part in hidden), high - low, high + low, ends])


def trained(decay: float) -> Float[Tensor, "40 354"]:
    """Forty networks that differ in their initial weights and the order of their batches."""
    models = [
        MLP(hidden=(HIDDEN, HIDDEN), activation=SOFTPLUS, inputs=2, classes=2, seed=seed) for seed in range(COUNT)
    ]
    inputs, rich, _ = training_set()
    fit_together(
        models,
        (inputs, rich),
        seeds=range(COUNT),
        epochs=300,
        optimizer="sgd",
        lr=0.1,
        weight_decay=decay,
        batch_size=64,
    )
    return torch.stack([weights_of(model) for model in models])


if __name__ == "__main__":
    crowd = torch.stack([trained(decay) for decay in DECAYS])
    np.savez_compressed(FILE, weights=crowd.half().numpy())
