"""The projection to few weights beside a full sort and `torch.nn.utils.prune`, in one run: time, kept sets, and memory.

    python benchmarks/pruning_projection.py [--quick]

Ten million weights, in one tensor and in four of different size and scale: fresh ones, and ones that are sparse already
and had an update since under a mask, as training meets them. All keep the same set, but for weights of just the k-th
magnitude: the sort, which sets what is below it to zero, keeps all of those. Seconds are of the wall clock on one
thread, after one call to warm up; methods take turns, so that a busy machine slows all of them. Memory is the peak of
resident memory during the first call less that before it, in a fresh process, over the size of the largest tensor.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.utils import prune
from versions import versions

from interpbook.pruning import project_sparsity

SHAPES = {"one": [(2500, 4000)], "four": [(2500, 2000), (1500, 2000), (1000, 1500), (1000, 500)]}
STATES = ("fresh", "masked")
SPARSITIES = (0.5, 0.9, 0.99)


def draw(shapes: list[tuple[int, int]], state: str, sparsity: float) -> list[Tensor]:
    """Normal weights, each tensor at its own scale; masked ones are those at this sparsity, of which the non-zero ones
    had a small update since.
    """
    generator = torch.Generator().manual_seed(0)
    weights = [torch.randn(shape, generator=generator) / shape[1] ** 0.5 for shape in shapes]
    if state == "masked":
        by_sorting(weights, sparsity)
        for weight in weights:
            weight += torch.randn(weight.shape, generator=generator) / 1e4 * (weight != 0)
    return weights


def ours(weights: list[Tensor], sparsity: float) -> None:
    project_sparsity(weights, sparsity)


def by_sorting(weights: list[Tensor], sparsity: float) -> None:
    magnitudes = torch.cat([weight.abs().flatten() for weight in weights])
    threshold = magnitudes.sort(descending=True).values[round(len(magnitudes) * (1 - sparsity)) - 1]
    for weight in weights:
        weight.mul_(weight.abs() >= threshold)


def by_pruning(weights: list[Tensor], sparsity: float) -> None:
    """Modules that hold the weights, pruned by the library of torch; `remove` writes the zeros."""
    owners = []
    for weight in weights:
        owner = nn.Module()
        owner.weight = nn.Parameter(weight, requires_grad=False)
        owners.append((owner, "weight"))
    prune.global_unstructured(owners, prune.L1Unstructured, amount=sparsity)
    for weight, (owner, name) in zip(weights, owners, strict=True):
        prune.remove(owner, name)
        weight.copy_(owner.weight)


METHODS = {"ours": ours, "sort": by_sorting, "prune": by_pruning}


def measure(weights: list[Tensor], sparsity: float, repeats: int) -> dict[str, list[float]]:
    """Seconds of each method, by turns. All must keep the same weights, up to those of the k-th magnitude."""
    times: dict[str, list[float]] = {name: [] for name in METHODS}
    expected = torch.cat([weight.flatten() for weight in weights])
    by_sorting([expected], sparsity)
    last = expected.abs()[expected != 0].min()
    k = round(len(expected) * (1 - sparsity))
    for turn in range(repeats + 1):
        for name, method in METHODS.items():
            copies = [weight.clone() for weight in weights]
            start = time.perf_counter()
            method(copies, sparsity)
            seconds = time.perf_counter() - start
            if turn:
                times[name].append(seconds)
            else:
                kept = torch.cat([weight.flatten() for weight in copies])
                assert name == "sort" or int(kept.count_nonzero()) == k, f"{name} keeps another number"
                other = kept != expected
                assert not kept[other].any(), f"{name} changes a weight that it keeps, or keeps another"
                assert bool((expected[other].abs() == last).all()), f"{name} drops another"
    return times


def resident(field: str) -> int:
    """VmRSS, resident memory now, or VmHWM, its peak since the last reset, in bytes (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith(field))


def growth(method: str, layout: str, state: str, sparsity: float) -> float:
    """By how many copies of the largest tensor the resident memory of this process grows in one call."""
    weights = draw(SHAPES[layout], state, sparsity)
    METHODS[method]([torch.randn(1000)], sparsity)
    Path("/proc/self/clear_refs").write_text("5")  # makes VmHWM start again from here
    before = resident("VmRSS")
    METHODS[method](weights, sparsity)
    return (resident("VmHWM") - before) / max(weight.nbytes for weight in weights)


def copies(*case: object) -> float:
    """`growth`, in a process of its own."""
    done = subprocess.run([sys.executable, __file__, "--case", json.dumps(case)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{case} failed:\n{done.stderr}")
    return float(done.stdout.splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="two repeats instead of five, sparsity 0.9 alone")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.case:
        print(growth(*json.loads(arguments.case)))
        return
    print(versions())
    print("seconds, best and median; how many times ours; copies of the largest tensor")
    heads = [f"{name + unit:>14}" for name in METHODS for unit in (" best", " median", " copies")]
    print(f"{'tensors':<8}{'weights':<9}{'sparsity':<9}" + "".join(heads) + f"{'sort':>8}{'prune':>8}")
    for layout, shapes in SHAPES.items():
        for state in STATES:
            for sparsity in (0.9,) if arguments.quick else SPARSITIES:
                times = measure(draw(shapes, state, sparsity), sparsity, 2 if arguments.quick else 5)
                row = f"{layout:<8}{state:<9}{sparsity:<9}"
                for name, seconds in times.items():
                    memory = copies(name, layout, state, sparsity)
                    row += f"{min(seconds):>14.3f}{statistics.median(seconds):>14.3f}{memory:>14.2f}"
                best = {name: min(seconds) for name, seconds in times.items()}
                print(row + "".join(f"{best[name] / best['ours']:>8.1f}" for name in ("sort", "prune")), flush=True)


if __name__ == "__main__":
    main()
