"""Retrain every checkpoint from its recipe: `python -m interpbook.checkpoints` (`make checkpoints`).

Prints the test accuracy, the seconds and the size of each. The list `checkpoints.json` follows every file, so
that an interrupted run leaves a package that works.
"""

import argparse
import time
from pathlib import Path

from interpbook.chapters.density.implicit_density.recipes import VARIANTS
from interpbook.models import RECIPES, Recipe, train
from interpbook.models.store import FILES, INDEX, Entry, file_name, read_index, save, write_index
from interpbook.training import accuracy

# The recipes of every room and part for which a file is kept.
KEPT = {name: recipe for name, recipe in {**RECIPES, **VARIANTS}.items() if recipe.seeds}


def main(arguments: list[str] | None = None) -> None:
    """The command line; see the top of this module."""
    parser = argparse.ArgumentParser(prog="python -m interpbook.checkpoints", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(KEPT)} (default: all)")
    parser.add_argument("--out", type=Path, default=FILES, help="folder to write to (default: the package)")
    chosen = parser.parse_args(arguments)
    for name in chosen.names:
        if name not in KEPT:
            parser.error(f"there is no checkpoint {name!r}; there are {', '.join(KEPT)}")
    print(f"{'checkpoint':<46}{'test accuracy':>14}{'seconds':>9}{'kB':>6}")
    for name in chosen.names or KEPT:
        for seed in KEPT[name].seeds:
            file = file_name(name, seed)
            entry = _make(KEPT[name], seed, chosen.out, file)
            # Read again each time: a second run may have added files to the same folder meanwhile.
            entries = read_index(chosen.out) if (chosen.out / INDEX).exists() else {}
            write_index({**entries, file: entry}, chosen.out)


def _make(recipe: Recipe, seed: int, folder: Path, file: str) -> Entry:
    """Train, save and report one network; its test accuracy is that of the network in memory."""
    start = time.perf_counter()
    model, _ = train(recipe, seed)
    seconds = round(time.perf_counter() - start, 1)
    measured = accuracy(model, *recipe.data("test")) if recipe.classifies else None
    entry = save(model, folder, file, measured, seconds)
    size = (folder / file).stat().st_size / 1000
    shown = "-" if measured is None else f"{measured:.4f}"
    print(f"{file:<46}{shown:>14}{seconds:>9.1f}{size:>6.0f}", flush=True)
    return entry


if __name__ == "__main__":
    main()
