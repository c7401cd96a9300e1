"""FullGrad maps against the published algorithm, which upsamples every channel: time, memory and values in one run.

The reference below follows the authors' description, with gradients paired to layers by module.
"""

import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
import torchvision
from torch import Tensor, nn
from versions import versions

from interpbook.attribution import fullgrad_map


def psi(t: Tensor, size: torch.Size) -> Tensor:
    """Absolute value, to [0, 1] over the whole of an image, every channel upsampled, summed."""
    t = t.abs()
    t = t - t.flatten(1).amin(1).view(-1, 1, 1, 1)
    t = t / (t.flatten(1).amax(1).view(-1, 1, 1, 1) + 1e-6)
    return F.interpolate(t, size=size, mode="bilinear", align_corners=True).sum(1)


def published(model: nn.Module, x: Tensor, target: int, with_bias: bool = True) -> Tensor:
    """Gradients at the outputs of the convolutions and batch norms with a bias, times the biases, through psi."""
    caught: list[tuple[Tensor, Tensor]] = []

    def keep(module: nn.Module, args: tuple[Tensor], out: Tensor) -> Tensor:
        if isinstance(module, nn.BatchNorm2d):
            scale = module.weight / (module.running_var + module.eps).sqrt()
            caught.append((out, module.bias - module.running_mean * scale))
        else:
            caught.append((out, module.bias))
        return out.clone()

    layers = [m for m in model.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d) and m.bias is not None]
    hooks = [layer.register_forward_hook(keep) for layer in layers]
    x = x.clone().requires_grad_()
    gradient, *rest = torch.autograd.grad(model(x)[:, target].sum(), [x, *(out for out, _ in caught)])
    for hook in hooks:
        hook.remove()
    total = psi(gradient * x, x.shape[2:])
    for (_, bias), grad in zip(caught, rest, strict=True):
        total = total + psi(grad * bias.view(1, -1, 1, 1) if with_bias else grad, x.shape[2:])
    return total.detach()


def seconds(call: Callable[[], Tensor], repeats: int = 5) -> float:
    """Median time of a call, after one to warm up."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    print(versions("torchvision"))
    torch.manual_seed(0)
    model = torchvision.models.resnet18(weights=None).eval()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.bias, std=0.1)
            module.running_mean.normal_(0, 0.1)
    x = torch.randn(4, 3, 224, 224)
    ours, theirs = fullgrad_map(model, x, 1), published(model, x, 1)
    difference = float(((ours - theirs).abs() / theirs.abs().max()).max())
    here = seconds(lambda: fullgrad_map(model, x, 1))
    there = seconds(lambda: published(model, x, 1))
    print("resnet18, 224x224, batch 4, one thread")
    print(f"ours {here:.2f} s   every channel upsampled {there:.2f} s   ratio {there / here:.1f}")
    print(f"largest difference relative to the largest value: {difference:.1e}")


if __name__ == "__main__":
    main()
