"""Completeness of full-gradients for every classification model of torchvision, in float64.

Weights, biases and batch-norm statistics are random: at initialization most biases are zero, and the sum would be
complete for the wrong reason. Run `python benchmarks/fullgrad_completeness.py [name ...]`; all of them take about
a quarter of an hour on one core and 12 GB of memory.
"""

import gc
import sys
import time
import warnings
from pathlib import Path

import torch
import torchvision

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from networks import randomize, relative_gap
from versions import versions

from interpbook.attribution import full_gradients

# Position embeddings are made for one size of image; all other models take a smaller one.
FULL_SIZE = ("vit_", "maxvit_")


def measure(name: str) -> tuple[float, int, float]:
    """The largest gap relative to the largest term, the number of terms, and the seconds it took."""
    torch.manual_seed(0)
    model = torchvision.models.get_model(name, weights=None)
    model = randomize(model)
    size = 518 if name == "vit_h_14_518" else 224 if name.startswith(FULL_SIZE) else 96
    x = torch.randn(1, 3, size, size, dtype=torch.float64)
    start = time.perf_counter()
    # The predicted class: a network that ends in a ReLU returns zero for others, whose terms are all zero.
    parts = full_gradients(model, x, "predicted")
    return relative_gap(parts), len(parts.bias_terms), time.perf_counter() - start


def main() -> None:
    print(versions("torchvision"), flush=True)
    names = sys.argv[1:] or torchvision.models.list_models(module=torchvision.models)
    worst = 0.0
    warnings.simplefilter("ignore", FutureWarning)
    for name in names:
        gap, terms, seconds = measure(name)
        worst = max(worst, gap)
        print(f"{name:24s} gap {gap:.1e}   {terms:4d} terms   {seconds:6.1f} s", flush=True)
        gc.collect()
    print(f"{len(names)} models, largest gap {worst:.1e}")
    sys.exit(worst >= 1e-12)


if __name__ == "__main__":
    main()
