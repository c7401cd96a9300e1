"""Smaller networks beside torch-pruning's, and what fewer channels are worth: parameters, operations and seconds.

    python benchmarks/pruning_structured.py [--quick]

First the same channels are cut out of the same network by this package and by torch-pruning, which follows the network
with its `DependencyGraph`; channels are random, and weights stay as they are. Both must leave the same outputs, up to
rounding, and the same number of parameters. Seconds to cut include the way from the network to what belongs together
and a copy of the network.

Then forward passes of a network with 32, 64 and 128 channels before and after half and a quarter of them are kept.
Seconds are of the wall clock on one thread, after one call to warm up; networks take turns, so that a busy machine
slows all of them. MACs are multiplications with an addition, half of what torch counts as floating-point operations.
"""

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Mapping
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet
from versions import versions

from interpbook.models import SmallCNN
from interpbook.pruning import find_couplings
from interpbook.pruning.surgery import remove_channels

Kept = Mapping[str, Tensor]


def with_statistics(model: nn.Module) -> nn.Module:
    """In evaluation mode, with batch norms that do something."""
    generator = torch.Generator().manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for value in (module.running_mean, module.bias.data):
                value.normal_(0, 0.1, generator=generator)
            for value in (module.running_var, module.weight.data):
                value.uniform_(0.5, 2, generator=generator)
    return model.eval()


def residual(block: type[nn.Module]) -> nn.Module:
    torch.manual_seed(0)
    return ResNet(block, [1, 1, 1, 1], num_classes=10)


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "SmallCNN": (lambda: SmallCNN(batch_norm=True), (16, 1, 28, 28)),
    "SmallCNN, wide": (lambda: SmallCNN(batch_norm=True, channels=(32, 64, 128)), (16, 1, 28, 28)),
    "residual": (lambda: residual(BasicBlock), (4, 3, 32, 32)),
    "bottlenecks": (lambda: residual(Bottleneck), (4, 3, 32, 32)),
}


def draw(model: nn.Module) -> Kept:
    """Half of the channels of every layer that can lose some."""
    generator = torch.Generator().manual_seed(1)
    kept = {}
    for coupling in find_couplings(model):
        channels = len(model.get_parameter(f"{coupling.producer}.weight"))
        kept[coupling.producer] = torch.randperm(channels, generator=generator)[: channels // 2].sort().values
    return kept


def ours(model: nn.Module, kept: Kept, x: Tensor) -> nn.Module:
    small = copy.deepcopy(model)
    for coupling in find_couplings(small):
        remove_channels(small, coupling, kept[coupling.producer])
    return small


def theirs(model: nn.Module, kept: Kept, x: Tensor) -> nn.Module:
    import torch_pruning as tp  # here, because the second part of this file does without

    small = copy.deepcopy(model)
    graph = tp.DependencyGraph().build_dependency(small, example_inputs=x)
    for name, stays in kept.items():
        layer = small.get_submodule(name)
        removed = sorted({*range(layer.out_channels)} - {*stays.tolist()})
        group = graph.get_pruning_group(layer, tp.prune_conv_out_channels, idxs=removed)
        assert graph.check_pruning_group(group), f"torch-pruning would leave nothing of {name}"
        group.prune()
    return small


def parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


@torch.no_grad()
def median_seconds(calls: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """By turns, after one call of each to warm up."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for turn in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


@torch.no_grad()
def side_by_side(name: str, repeats: int) -> str:
    """Cut a network in both ways, and compare."""
    make, shape = NETWORKS[name]
    model = with_statistics(make())
    kept = draw(model)
    x = torch.rand(shape, generator=torch.Generator().manual_seed(2))
    first = ours(model, kept, x)
    with torch.enable_grad():  # torch-pruning follows gradients
        second = theirs(model, kept, x)
    assert parameters(first) == parameters(second), "another number of parameters"
    expected = second.double()(x.double())
    difference = float((first.double()(x.double()) - expected).abs().max() / expected.abs().max())
    assert difference < 1e-12, f"other outputs: {difference}"

    def follow() -> object:
        with torch.enable_grad():
            return theirs(model, kept, x[:1])

    seconds = median_seconds({"ours": lambda: ours(model, kept, x), "theirs": follow}, repeats)
    sizes = f"{parameters(model):>12,}{parameters(first):>12,}{parameters(second):>12,}{difference:>12.1e}"
    ratio = seconds["theirs"] / seconds["ours"]
    return f"{name:<16}{sizes}{seconds['ours']:>12.4f}{seconds['theirs']:>12.4f}{ratio:>8.1f}"


def operations(model: nn.Module, x: Tensor) -> int:
    """MACs of one example."""
    counter = FlopCounterMode(display=False)
    with counter:
        model(x[:1])
    return counter.get_total_flops() // 2


@torch.no_grad()
def what_it_is_worth(repeats: int) -> None:
    """Parameters, MACs and seconds of networks with all, half and a quarter of the channels."""
    channels = (32, 64, 128)
    models = {}
    for share in (1.0, 0.5, 0.25):
        model = with_statistics(SmallCNN(channels=channels))
        for coupling in find_couplings(model):
            count = len(model.get_parameter(f"{coupling.producer}.weight"))
            remove_channels(model, coupling, torch.arange(round(share * count)))
        models[share] = model
    for batch in (1, 64):
        x = torch.rand(batch, 1, 28, 28, generator=torch.Generator().manual_seed(2))
        calls = {f"{share}": partial(model, x) for share, model in models.items()}
        seconds = median_seconds(calls, repeats)
        whole = models[1.0]
        for share, model in models.items():
            row = f"{batch:<7}{share:<9}{parameters(model):>12,}{operations(model, x):>14,}"
            row += f"{1000 * seconds[f'{share}']:>14.3f}{parameters(whole) / parameters(model):>14.1f}"
            row += f"{operations(whole, x) / operations(model, x):>8.1f}{seconds['1.0'] / seconds[f'{share}']:>10.1f}"
            print(row, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="few repeats, and no bottlenecks")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    print(versions("torch-pruning"))
    try:
        import torch_pruning  # noqa: F401
    except ImportError:
        print("torch-pruning is not installed: pip install 'torch-pruning>=1.6'; nothing beside it")
    else:
        print("half of the channels: parameters before, ours, theirs; difference of outputs; seconds to cut; ratio")
        for name in [*NETWORKS][: 3 if arguments.quick else None]:
            print(side_by_side(name, 3 if arguments.quick else 15), flush=True)
    print("examples, share of channels kept, parameters, MACs of one, milliseconds; times fewer: the same three")
    what_it_is_worth(5 if arguments.quick else 50)


if __name__ == "__main__":
    main()
