"""Retrain every checkpoint from its recipe: `python -m interpbook.models.checkpoints` (`make checkpoints`).

Prints the test accuracy, the seconds and the size of each. The list `checkpoints.json` follows every file, so
that an interrupted run leaves a package that works.
"""

import argparse
import time
from pathlib import Path

from interpbook.models.recipes import RECIPES, train
from interpbook.models.store import FILES, INDEX, Entry, file_name, read_index, save, write_index
from interpbook.training import accuracy


def main(arguments: list[str] | None = None) -> None:
    """The command line; see the top of this module."""
    parser = argparse.ArgumentParser(prog="python -m interpbook.models.checkpoints", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(RECIPES)} (default: all)")
    parser.add_argument("--out", type=Path, default=FILES, help="folder to write to (default: the package)")
    chosen = parser.parse_args(arguments)
    for name in chosen.names:
        if name not in RECIPES:
            parser.error(f"there is no checkpoint {name!r}; there are {', '.join(RECIPES)}")
    entries = read_index(chosen.out) if (chosen.out / INDEX).exists() else {}
    print(f"{'checkpoint':<34}{'test accuracy':>14}{'seconds':>9}{'kB':>6}")
    for name in chosen.names or RECIPES:
        for seed in RECIPES[name].seeds:
            entries[file_name(name, seed)] = _make(name, seed, chosen.out)
            write_index(entries, chosen.out)


def _make(name: str, seed: int, folder: Path) -> Entry:
    start = time.perf_counter()
    model, _ = train(RECIPES[name], seed)
    seconds = time.perf_counter() - start
    file = file_name(name, seed)
    entry = save(model, folder, file, accuracy(model, *RECIPES[name].data("test")))
    size = (folder / file).stat().st_size / 1000
    print(f"{file:<34}{entry.accuracy:>14.4f}{seconds:>9.1f}{size:>6.0f}", flush=True)
    return entry


if __name__ == "__main__":
    main()
