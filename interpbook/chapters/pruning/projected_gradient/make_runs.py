"""Run the chapter's protocol again: `python -m interpbook.chapters.pruning.projected_gradient.make_runs [mlp] [cnn]`.

Writes `runs.csv` beside this file, one row after each run, and `masks.npz` where the fully connected network is run.
What is stored is not run again: remove the file, or rows of it, to do so.
"""

import csv
import sys
from collections.abc import Collection, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
from torch import nn

from interpbook.chapters.pruning.projected_gradient.runs import (
    FOLDER,
    MOMENTS,
    NETWORKS,
    Result,
    Setting,
    load_results,
    protocol,
    prune,
)
from interpbook.progress import progress_bar

__all__ = ["make", "masks_of"]


def make(networks: Iterable[str], path: Path = FOLDER / "runs.csv") -> None:
    """Run what the protocol says of some networks and is not yet stored in `path`, and store it."""
    results = dict(load_results(path)) if path.exists() else {}
    missing = [setting for setting in protocol() if setting.network in set(networks) and setting not in results]
    with progress_bar(len(missing), "pruning", "run") as bar:
        for setting in missing:
            _, results[setting] = prune(setting)
            _store({setting: results[setting] for setting in protocol() if setting in results}, path)
            bar.update()


def _store(results: dict[Setting, Result], path: Path) -> None:
    rows = [asdict(setting) | asdict(result) for setting, result in results.items()]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _short(value) for name, value in row.items()})


def _short(value: object) -> object:
    return f"{value:.6g}" if isinstance(value, float) else value


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
    make(names)
    if "mlp" in names:
        masks = {}
        for sparsity in NETWORKS["mlp"].sparsities:
            for method in NETWORKS["mlp"].methods:
                masks[f"{method} {sparsity:g}"] = masks_of(Setting("mlp", "mnist", method, sparsity), MOMENTS)
        np.savez_compressed(FOLDER / "masks.npz", allow_pickle=False, **masks)


if __name__ == "__main__":
    main()
