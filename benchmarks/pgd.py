"""Projected gradient descent beside foolbox, in one run: robust accuracy at equal steps, and the time of a step.

    python benchmarks/pgd.py [--quick]

Two networks on MNIST digits, radii at which some digits hold and some fall, the test set's first images. Foolbox walks
with its default step of each attack and, as its users often set it, with 2.5 eps / steps; both libraries start at
random, ours returns the worst point that it saw. Lower accuracy is the better attack. The time of a step is that of the
whole attack over the number of steps, relative to that of one plain gradient of the same batch: CPU time, the least of
some runs that take turns.
"""

import sys
import time
from collections.abc import Callable
from functools import partial

import torch
from foolbox import PyTorchModel
from foolbox.attacks import L2PGD, LinfPGD
from torch import Tensor, nn
from torch.nn import functional as F
from versions import versions

from interpbook.datasets import load_mnist
from interpbook.models import load
from interpbook.robustness import pgd_attack

NETWORKS = ("mnist-cnn", "mnist-baseline")
RADII = {"linf": (0.02, 0.05, 0.1), "l2": (0.5, 1.0, 1.5)}
FOOLBOX = {"linf": LinfPGD, "l2": L2PGD}


def foolbox_attack(
    model: nn.Module, x: Tensor, y: Tensor, eps: float, norm: str, steps: int, tuned: bool = False
) -> Tensor:
    """Foolbox with its default relative step, or with 2.5 / steps."""
    torch.manual_seed(0)
    options = {"rel_stepsize": 2.5 / steps} if tuned else {}
    attack = FOOLBOX[norm](steps=steps, **options)
    return attack.run(PyTorchModel(model, bounds=(0, 1), device="cpu"), x, y, epsilon=eps)


def plain_gradients(model: nn.Module, x: Tensor, y: Tensor, steps: int) -> Tensor:
    """The gradient of the loss, as many times as an attack has steps."""
    for _ in range(steps):
        leaf = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y, reduction="sum"), leaf)
    return slope


def accuracies(model: nn.Module, x: Tensor, y: Tensor, norm: str, eps: float, steps: int) -> list[float]:
    """The share of images that hold: against ours, against foolbox, and against foolbox with the other step."""
    found = [
        pgd_attack(model, x, y, eps, norm, steps),
        foolbox_attack(model, x, y, eps, norm, steps),
        foolbox_attack(model, x, y, eps, norm, steps, tuned=True),
    ]
    with torch.no_grad():
        return [float((model(points).argmax(1) == y).double().mean()) for points in found]


def least_seconds(calls: dict[str, Callable[[], Tensor]], repeats: int) -> dict[str, float]:
    """CPU time of each call, after one to warm up; they take turns, so that a busy machine slows all of them."""
    for call in calls.values():
        call()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(time.process_time() - start)
    return {name: min(values) for name, values in times.items()}


def main() -> None:
    print(versions("foolbox"))
    quick = "--quick" in sys.argv
    torch.set_num_threads(1)
    images, labels = load_mnist("test")
    x, y = images[: 100 if quick else 500], labels[: 100 if quick else 500]
    worse = 0
    for name in NETWORKS:
        model = load(name, 0)
        print(f"\n{name}: robust accuracy of {len(x)} images (ours, foolbox, foolbox with 2.5 eps / steps)")
        for norm, radii in RADII.items():
            for steps in (5, 20) if quick else (5, 20, 50):
                rows = [accuracies(model, x, y, norm, eps, steps) for eps in radii]
                worse += sum(ours > min(theirs) for ours, *theirs in rows)
                cells = [
                    f"eps {eps}: " + " ".join(f"{a:.3f}" for a in row) for eps, row in zip(radii, rows, strict=True)
                ]
                print(f"{norm:<5} {steps:>2} steps   " + "   ".join(cells), flush=True)
        x1, y1, steps = x[:100], y[:100], 20
        for norm, radii in RADII.items():
            calls = {
                "gradient": partial(plain_gradients, model, x1, y1, steps),
                "ours": partial(pgd_attack, model, x1, y1, radii[-1], norm, steps),
                "foolbox": partial(foolbox_attack, model, x1, y1, radii[-1], norm, steps),
            }
            seconds = least_seconds(calls, 3 if quick else 9)
            ours, theirs = (seconds[who] / seconds["gradient"] for who in ("ours", "foolbox"))
            milliseconds = 1e3 * seconds["gradient"] / steps
            print(f"{norm:<5} a step over a gradient of {milliseconds:.1f} ms: ours {ours:.2f}, foolbox {theirs:.2f}")
    print(f"\nradii and steps at which foolbox was the better attack: {worse}")


if __name__ == "__main__":
    main()
