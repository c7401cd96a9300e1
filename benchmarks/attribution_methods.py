"""The comparison methods beside captum, in one run: what each costs, how far memory grows, whether they agree.

    python benchmarks/attribution_methods.py [--quick]

Every case runs alone in a fresh process, on one thread. Cost is CPU time divided by that of the model evaluations
that the method cannot avoid, timed in the same process: gradients for integrated gradients, SmoothGrad (one per
sample) and Grad-CAM and the input gradient (one), forward passes for occlusion (one per window and one for x). Memory
is the peak of resident memory during the first call less that before it, in a process that has only seen one example
so far. Calls of less than a second are repeated, and the median is taken. The difference is relative to the largest
value: SmoothGrad has none because captum draws other noise, and that of integrated gradients on resnet18 comes from
points on the path that differ by rounding and so fall on different sides of a kink.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision
from torch import Tensor, nn
from versions import versions

from interpbook.attribution.grad_cam import grad_cam
from interpbook.attribution.gradients import input_gradient, integrated_gradients, smoothgrad
from interpbook.attribution.occlusion import occlusion
from interpbook.functions.select import select

NETWORKS = ("cnn", "resnet18")
METHODS = ("input_gradient", "integrated_gradients", "smoothgrad", "grad_cam", "occlusion")
LAYER = {"cnn": "4", "resnet18": "layer4"}
WINDOW = {"cnn": ((1, 7, 7), (1, 2, 2)), "resnet18": ((3, 64, 64), (3, 32, 32))}
WINDOWS = {"cnn": 12**2, "resnet18": 6**2}
TARGET = 3


def network(name: str) -> tuple[nn.Module, Tensor]:
    """A model with random weights, and a batch for it."""
    torch.manual_seed(0)
    if name == "resnet18":
        return torchvision.models.resnet18(weights=None).eval(), torch.randn(4, 3, 224, 224)
    layers = [nn.Conv2d(1, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3), nn.ReLU(), nn.MaxPool2d(2)]
    head = [nn.Flatten(), nn.Linear(800, 64), nn.ReLU(), nn.Linear(64, 10)]
    return nn.Sequential(*layers, *head).eval(), torch.rand(16, 1, 28, 28)


def ours(method: str, model: nn.Module, name: str, samples: int) -> Callable[[Tensor], Tensor]:
    f = select(model, TARGET)
    return {
        "input_gradient": lambda x: input_gradient(f, x),
        "integrated_gradients": lambda x: integrated_gradients(f, x, steps=samples),
        "smoothgrad": lambda x: smoothgrad(f, x, sigma=0.1, samples=samples),
        "grad_cam": lambda x: grad_cam(model, x, TARGET, LAYER[name]),
        "occlusion": lambda x: occlusion(f, x, *WINDOW[name]),
    }[method]


def captum(method: str, model: nn.Module, name: str, samples: int) -> Callable[[Tensor], Tensor]:
    from captum import attr

    window, stride = WINDOW[name]
    layer = model.get_submodule(LAYER[name])
    path, noise = attr.IntegratedGradients(model), attr.NoiseTunnel(attr.Saliency(model))
    return {
        "input_gradient": lambda x: attr.Saliency(model).attribute(x, target=TARGET, abs=False),
        "integrated_gradients": lambda x: path.attribute(x, target=TARGET, n_steps=samples, method="riemann_middle"),
        "smoothgrad": lambda x: noise.attribute(
            x, target=TARGET, nt_samples=samples, stdevs=0.1, nt_type="smoothgrad", abs=False
        ),
        "grad_cam": lambda x: attr.LayerGradCam(model, layer).attribute(x, target=TARGET).squeeze(1),
        "occlusion": lambda x: attr.Occlusion(model).attribute(
            x, sliding_window_shapes=window, strides=stride, target=TARGET
        ),
    }[method]


def cpu_seconds(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def typical(call: Callable[[], object]) -> float:
    """The median over repetitions for three seconds, at most fifty."""
    times: list[float] = []
    while sum(times) < 3 and len(times) < 50:
        times.append(cpu_seconds(call))
    return statistics.median(times)


def resident(field: str) -> float:
    """VmRSS, resident memory now, or VmHWM, its peak since the last reset, in MB (Linux)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


def measure(library: str, method: str, name: str, samples: int, path: str) -> dict[str, float]:
    """One case, in this process; the map goes to `path`."""
    torch.set_num_threads(1)
    model, x = network(name)
    explain = (ours if library == "ours" else captum)(method, model, name, samples)
    f = select(model, TARGET)
    input_gradient(f, x[:1])
    Path("/proc/self/clear_refs").write_text("5")  # makes VmHWM start again from here
    before = resident("VmRSS")
    result: list[Tensor] = []
    first = cpu_seconds(lambda: result.append(explain(x)))
    growth = resident("VmHWM") - before
    torch.save(result[0].detach(), path)
    evaluations = {"input_gradient": 1, "grad_cam": 1, "occlusion": WINDOWS[name] + 1}.get(method, samples)
    once = forward if method == "occlusion" else plain_gradient
    seconds = first if first > 1 else typical(lambda: explain(x))
    return {
        "cost": seconds / (evaluations * typical(lambda: once(model, x))),
        "growth": growth,
        "seconds": seconds,
    }


def plain_gradient(model: nn.Module, x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    return torch.autograd.grad(model(leaf)[:, TARGET].sum(), leaf)[0]


@torch.no_grad()
def forward(model: nn.Module, x: Tensor) -> Tensor:
    return model(x)


def compare(method: str, name: str, samples: int) -> str:
    """A row of the table: both libraries on one case, each in its own process."""
    rows, maps = [], []
    with tempfile.TemporaryDirectory() as folder:
        for library in ("ours", "captum"):
            path = f"{folder}/{library}.pt"
            case = json.dumps([library, method, name, samples, path])
            done = subprocess.run([sys.executable, __file__, "--case", case], capture_output=True, text=True)
            if done.returncode:
                raise RuntimeError(f"{library} {method} on {name} failed:\n{done.stderr}")
            rows.append(json.loads(done.stdout.splitlines()[-1]))
            maps.append(torch.load(path))
    difference = (
        "-" if method == "smoothgrad" else f"{float((maps[0] - maps[1]).abs().max() / maps[1].abs().max()):.0e}"
    )
    cells = [f"{row[key]:>9.{digits}f}" for key, digits in (("cost", 2), ("growth", 0), ("seconds", 2)) for row in rows]
    return f"{name:<10}{method:<22}" + "".join(cells) + f"{difference:>12}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="10 samples instead of 50")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.case:
        print(json.dumps(measure(*json.loads(arguments.case))))
        return
    print(versions("torchvision", "captum"))
    samples = 10 if arguments.quick else 50
    print(f"{samples} samples; o: ours, c: captum at its defaults; cost in unavoidable model evaluations")
    heads = ("cost o", "cost c", "MB o", "MB c", "CPU s o", "CPU s c")
    print(f"{'network':<10}{'method':<22}" + "".join(f"{head:>9}" for head in heads) + f"{'difference':>12}")
    for name in NETWORKS:
        for method in METHODS:
            print(compare(method, name, samples), flush=True)


if __name__ == "__main__":
    main()
