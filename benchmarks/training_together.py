"""Many small networks trained at once, beside a loop of `fit` and beside a loop in plain torch.

    python benchmarks/training_together.py [--quick]

(1) 48 ReLU networks with three hidden layers of 50 on a table of 2,400 rows and 12 columns. (2) 40 tiny ones, 2-16-16-2
with softplus, on 400 points of the plane. SGD with momentum and weight decay, batches of 64, about a thousand steps
(with `--quick` a tenth). *at once* is `fit_together`; *loop of fit* must come to the same weights; *plain torch* is
what one would write in a notebook, with torch's cosine schedule, which records nothing and checks nothing.

Seconds are of the processor, on one thread; the median of three. Methods take turns, after one epoch each to warm up.
"""

import argparse
import math
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from versions import versions

from interpbook.models import MLP
from interpbook.training import fit, fit_together

Data = tuple[Tensor, Tensor]
Train = Callable[[list[nn.Module], Data, int], None]

BATCH, LR, DECAY = 64, 0.1, 1e-3


def at_once(models: list[nn.Module], data: Data, epochs: int) -> None:
    options = {"optimizer": "sgd", "lr": LR, "weight_decay": DECAY, "batch_size": BATCH, "progress": False}
    fit_together(models, data, seeds=range(len(models)), epochs=epochs, **options)


def loop_of_fit(models: list[nn.Module], data: Data, epochs: int) -> None:
    options = {"optimizer": "sgd", "lr": LR, "weight_decay": DECAY, "batch_size": BATCH, "progress": False}
    for seed, model in enumerate(models):
        fit(model, data, seed=seed, epochs=epochs, **options)


def plain_torch(models: list[nn.Module], data: Data, epochs: int) -> None:
    inputs, targets = data
    for seed, model in enumerate(models):
        torch.manual_seed(seed)
        update = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9, weight_decay=DECAY)
        steps = epochs * math.ceil(len(inputs) / BATCH)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(update, steps)
        for _ in range(epochs):
            for batch in torch.randperm(len(inputs)).split(BATCH):
                update.zero_grad()
                F.cross_entropy(model(inputs[batch]), targets[batch]).backward()
                update.step()
                schedule.step()


METHODS: dict[str, Train] = {"at once": at_once, "loop of fit": loop_of_fit, "plain torch": plain_torch}


def draw(count: int, columns: int) -> Data:
    """Two classes that no linear network tells apart."""
    inputs = torch.randn(count, columns, generator=torch.Generator().manual_seed(0))
    return inputs, (inputs[:, 0] * inputs[:, 1] > 0).long()


def apart(one: list[nn.Module], other: list[nn.Module]) -> float:
    """The largest difference of two weights."""
    pairs = [pair for a, b in zip(one, other, strict=True) for pair in zip(a.parameters(), b.parameters(), strict=True)]
    return max(float((a - b).detach().abs().max()) for a, b in pairs)


def compare(make: Callable[[], list[nn.Module]], data: Data, epochs: int, repeats: int = 3) -> None:
    times: dict[str, list[float]] = {name: [] for name in METHODS}
    for turn in range(repeats + 1):
        trained = {}
        for name, train in METHODS.items():
            models = make()
            start = time.process_time()
            train(models, data, epochs if turn else 1)
            if turn:
                times[name].append(time.process_time() - start)
            trained[name] = models
        difference = apart(trained["at once"], trained["loop of fit"])
        assert difference < 1e-4, f"weights of the loop and at once differ by {difference}"
    seconds = {name: statistics.median(each) for name, each in times.items()}
    print(f"largest difference of a weight, at once and in the loop of fit: {difference:.0e}")
    for name, each in seconds.items():
        print(f"{name:<12}{each:>9.2f} s{each / seconds['at once']:>8.1f} times at once", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the steps")
    share = 10 if parser.parse_args().quick else 1
    torch.set_num_threads(1)
    print(versions())

    print("(1) 48 networks 12-50-50-50-2, ReLU, 2,400 rows")
    compare(
        lambda: [MLP((50, 50, 50), inputs=12, classes=2, seed=seed) for seed in range(48)],
        draw(2_400, 12),
        epochs=math.ceil(27 / share),
    )
    print("(2) 40 networks 2-16-16-2, softplus, 400 points")
    compare(
        lambda: [MLP((16, 16), nn.Softplus, inputs=2, classes=2, seed=seed) for seed in range(40)],
        draw(400, 2),
        epochs=math.ceil(140 / share),
    )


if __name__ == "__main__":
    main()
