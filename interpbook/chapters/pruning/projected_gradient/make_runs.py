"""Run the chapter's protocol again: `python -m interpbook.chapters.pruning.projected_gradient.make_runs [mlp] [cnn]`.

Writes `runs.csv` beside this file, one row after each run, and `masks.npz` where the fully connected network is run.
What is stored is not run again: remove the file, or rows of it, to do so.
"""

import sys
from collections.abc import Collection

import numpy as np
from torch import nn

from interpbook.chapters.pruning.projected_gradient.runs import (
    FOLDER,
    MOMENTS,
    NETWORKS,
    RUNS,
    Setting,
    protocol,
    prune,
)

__all__ = ["masks_of"]


def masks_of(setting: Setting, moments: Collection[int]) -> np.ndarray:
    """How many weights of each pixel are not zero in the first layer of a fully connected network, after some steps.

    Args:
        setting: of the run.
        moments: steps after which there is a projection, and 0.

    Returns:
        UInt16[moments 28 28].
    """
    seen = []

    def watch(step: int, model: nn.Module) -> None:
        if step in moments:
            first = model.get_parameter("fc1.weight")
            seen.append((first != 0).sum(0).view(28, 28).numpy().astype(np.uint16))

    prune(setting, watch)
    return np.stack(seen)


def main() -> None:
    names = sys.argv[1:] or ["mlp", "cnn"]
    chosen = [setting for setting in protocol() if setting.network in names]
    RUNS.make(chosen, lambda setting: prune(setting)[1])
    if "mlp" in names:
        masks = {}
        for sparsity in NETWORKS["mlp"].sparsities:
            for method in NETWORKS["mlp"].methods:
                masks[f"{method} {sparsity:g}"] = masks_of(Setting("mlp", "mnist", method, sparsity), MOMENTS)
        np.savez_compressed(FOLDER / "masks.npz", allow_pickle=False, **masks)


if __name__ == "__main__":
    main()
