"""Greedy selection by the sweep beside loops over candidates and beside submodlib, and what it takes on a network.

    python benchmarks/pruning_selection.py [--quick]

(1) 32 of 256 neurons from 512 rows, for a next layer of 256. *candidates* keeps the projection of every column onto
the picked ones and computes the gain of each candidate by itself, as the paper does; *residuals* keeps what is left of
all columns and computes all gains in one product. The sweep's time includes the Gram matrices. (2) Weighted set cover,
which is this objective with unit vectors for columns, beside submodlib's `SetCoverFunction`, written for it in C++;
both are timed from the sets to the picks. All must pick the same. (3) By how much resident memory grows while the Gram
matrices of a layer are summed, in fresh processes (Linux). (4) All layers of a LeNet, from 512 images, half of the
channels kept.

Seconds are of the wall clock on one thread, and for (4) of the processor too; the median after one call to warm up.
Methods take turns, so that a busy machine slows all of them.
"""

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch
from torch import Tensor, nn
from versions import versions

from interpbook.datasets import load_mnist
from interpbook.pruning import find_couplings, greedy_select, prune_structured
from interpbook.pruning.activations import moments

PEER = "submodlib-py"
ROWS = (1_000, 32_000)


def medians(methods: Mapping[str, Callable[[], list[int]]], repeats: int) -> dict[str, float]:
    """Seconds of each method, by turns. All must pick the same."""
    times: dict[str, list[float]] = {name: [] for name in methods}
    expected = next(iter(methods.values()))()
    for turn in range(repeats + 1):
        for name, method in methods.items():
            start = time.perf_counter()
            picks = method()
            seconds = time.perf_counter() - start
            assert picks == expected, f"{name} picks {picks}, not {expected}"
            if turn:
                times[name].append(seconds)
    return {name: statistics.median(each) for name, each in times.items()}


# --- (1) ---


def draw(n: int = 512, d: int = 256, m: int = 256) -> tuple[Tensor, Tensor]:
    """Activations after a ReLU, and the next layer's input T = B W."""
    generator = torch.Generator().manual_seed(0)
    B = torch.randn(n, d, generator=generator, dtype=torch.float64).relu()
    return B, B @ torch.randn(d, m, generator=generator, dtype=torch.float64)


def by_sweep(B: Tensor, T: Tensor, k: int) -> list[int]:
    return greedy_select(B.T @ B, B.T @ T, k)[0].tolist()


def by_candidates(B: Tensor, T: Tensor, k: int) -> list[int]:
    projections = torch.zeros_like(B)
    picks: list[int] = []
    for _ in range(k):
        gains = torch.zeros(B.shape[1], dtype=B.dtype)
        for i in range(B.shape[1]):
            if i not in picks:
                left = B[:, i] - projections[:, i]
                gains[i] = (left @ T).square().sum() / left.square().sum()
        picks.append(int(gains.argmax()))
        left = B[:, picks[-1]] - projections[:, picks[-1]]
        direction = left / left.norm()
        projections += torch.outer(direction, direction @ B)
    return picks


def by_residuals(B: Tensor, T: Tensor, k: int) -> list[int]:
    left = B.clone()
    picks: list[int] = []
    for _ in range(k):
        gains = (left.T @ T).square().sum(1) / left.square().sum(0)
        gains[picks] = -1
        picks.append(int(gains.argmax()))
        direction = left[:, picks[-1]] / left[:, picks[-1]].norm()
        left -= torch.outer(direction, direction @ left)
    return picks


# --- (2) ---


def draw_cover(sets: int = 200, universe: int = 400) -> tuple[list[set[int]], list[float]]:
    """Sets of 2 to 12 of the elements, and the weights of these."""
    generator = torch.Generator().manual_seed(0)
    weights = torch.rand(universe, generator=generator, dtype=torch.float64).tolist()
    sizes = torch.randint(2, 13, (sets,), generator=generator).tolist()
    return [{*torch.randperm(universe, generator=generator)[:size].tolist()} for size in sizes], weights


def cover_by_sweep(cover: list[set[int]], weights: list[float], k: int) -> list[int]:
    """A group of unit vectors for each set, and the square roots of the weights to explain."""
    elements = torch.tensor([u for each in cover for u in each])
    groups = torch.arange(len(cover)).repeat_interleave(torch.tensor([len(each) for each in cover]))
    B = nn.functional.one_hot(elements, len(weights)).double().T
    T = torch.tensor(weights, dtype=torch.float64).sqrt()[:, None]
    return greedy_select(B.T @ B, B.T @ T, k, groups)[0].tolist()


def cover_by_peer(cover: list[set[int]], weights: list[float], k: int) -> list[int]:
    from submodlib import SetCoverFunction

    function = SetCoverFunction(len(cover), cover, len(weights), weights)
    return [pick for pick, _ in function.maximize(k, "NaiveGreedy", show_progress=False)]


# --- (3) ---


def resident(field: str) -> int:
    """VmRSS, resident memory now, or VmHWM, its peak since the last reset, in bytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


def growth(n: int) -> float:
    """By how many MB the resident memory of this process grows while the moments of n rows are summed."""
    model = nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256)).eval()
    coupling = find_couplings(model)[0]
    batches = torch.rand(n, 64, generator=torch.Generator().manual_seed(0)).split(128)
    with torch.no_grad():
        moments(model, coupling, batches[:1], model)
        Path("/proc/self/clear_refs").write_text("5")  # makes VmHWM start again from here
        before = resident("VmRSS")
        moments(model, coupling, batches, model)
    return (resident("VmHWM") - before) / 1e6


def megabytes(n: int) -> float:
    """`growth`, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--rows", str(n)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{n} rows failed:\n{done.stderr}")
    return float(done.stdout.splitlines()[-1])


# --- (4) ---


def lenet() -> nn.Module:
    torch.manual_seed(0)
    first = [nn.Conv2d(1, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 3), nn.ReLU(), nn.MaxPool2d(2)]
    last = [nn.Linear(16 * 5 * 5, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10)]
    return nn.Sequential(*first, nn.Flatten(), *last).eval()


def timed(model: nn.Module, images: Tensor, clock: Callable[[], float]) -> float:
    start = clock()
    prune_structured(model, images, 0.5)
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="three repeats instead of nine")
    parser.add_argument("--rows", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.rows:
        print(growth(arguments.rows))
        return
    repeats = 3 if arguments.quick else 9
    print(versions(PEER))

    B, T = draw()
    loops = {"sweep": by_sweep, "candidates": by_candidates, "residuals": by_residuals}
    seconds = medians({name: lambda loop=loop: loop(B, T, 32) for name, loop in loops.items()}, repeats)
    print("(1) 32 of 256 columns, 512 rows, 256 outputs; all pick the same")
    for name, each in seconds.items():
        print(f"{name:<12}{1e3 * each:>10.1f} ms{each / seconds['sweep']:>8.1f} times the sweep", flush=True)

    cover, weights = draw_cover()
    covers = {"sweep": cover_by_sweep}
    try:
        covers[f"{PEER} {version(PEER)}"] = cover_by_peer
        print("(2) 20 of 200 sets over 400 weighted elements; both pick the same")
    except PackageNotFoundError:
        print(f"(2) 20 of 200 sets over 400 weighted elements; {PEER} is not installed, so nothing beside the sweep")
    for name, each in medians({n: lambda f=f: f(cover, weights, 20) for n, f in covers.items()}, repeats).items():
        print(f"{name:<20}{1e3 * each:>10.1f} ms", flush=True)

    print("(3) memory that grows while moments are summed, 256 columns and 256 outputs")
    for n in ROWS:
        print(f"{n:>8} rows, themselves {n * 256 * 8 / 1e6:.1f} MB:{megabytes(n):>8.2f} MB", flush=True)

    model, images = lenet(), load_mnist(size=512)[0]
    pruned = prune_structured(model, images, 0.5)
    clocks = {"wall clock": time.perf_counter, "processor": time.process_time}
    print(f"(4) LeNet from 512 images, {pruned.parameters[0]} to {pruned.parameters[1]} parameters")
    for name, clock in clocks.items():
        print(
            f"{name:<12}{statistics.median(timed(model, images, clock) for _ in range(repeats)):>10.3f} s", flush=True
        )


if __name__ == "__main__":
    main()
