"""Networks on digits beside a ring: how much of their gradient lies on the digit, and their stored results.

Each seed has initial weights and an order of batches of its own; the images are the same. `runs.csv` holds what came
out, one network a line; `python -m interpbook.chapters.attribution.leakage.make_runs` makes it again (ten minutes of
one core).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from interpbook.attribution import (
    gradient_x_input,
    input_gradient,
    integrated_gradients,
    occlusion,
    select,
    smoothgrad,
)
from interpbook.chapters.attribution.leakage.blocks import load_blocks, null_block
from interpbook.chapters.attribution.leakage.recipes import BLOCKS, attacked
from interpbook.datasets import Blocks
from interpbook.functions.select import Of
from interpbook.models import SmallCNN
from interpbook.models.recipes import train
from interpbook.page.runs import Runs
from interpbook.robustness import adversarial_inputs
from interpbook.training import accuracy, fit

__all__ = ["RUNS", "STRENGTHS", "Result", "Setting", "protocol", "run", "share_on_digit", "values"]

SEEDS = (0, 1, 2, 3, 4)
#: Of the attack in training; 0 is standard training.
STRENGTHS = (0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 2.0)
EXPLAINED = 500  # test images


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        network: "mlp", "cnn", or "untrained" for the first before its training.
        position: of the digits, "random" or "top".
        eps: of the attack in training; 0 for none.
        attacked: where the attack may move an image: "both" blocks, the "digit" or the "ring" alone.
        erased: whether half of the training images have black in place of the ring.
        seed: of the initial weights and of the batches.
    """

    network: str = "mlp"
    position: str = "random"
    eps: float = 0.0
    attacked: str = "both"
    erased: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """What came out of a run, on the test images.

    Attributes:
        accuracy, ring_erased, digit_erased: of the network, on the images and with one of the blocks black.
        share: of the absolute gradient of the predicted class's logit, the part on the digit's block; a mean.
        of_squares, of_log_prob: the same with squares in place of absolute values, and for the log-probability.
        times_input, integrated, smooth, occluded: the same for other maps: gradient times input, integrated gradients
            from black, SmoothGrad with noise 0.1, and occlusion by black squares of 4x4.
        likeness: the correlation of two mean maps of absolute gradients on the upper block: digit there, ring there.
        length: the length of the second of them, divided by that of the first.
        zeros: the share of images whose gradient is zero everywhere; they are in no mean.
    """

    accuracy: float
    ring_erased: float
    digit_erased: float
    share: float
    of_squares: float
    of_log_prob: float
    times_input: float
    integrated: float
    smooth: float
    occluded: float
    likeness: float
    length: float
    zeros: float


def protocol() -> Iterator[Setting]:
    """All runs: every strength, the digit always on top, no training, other networks, and attacks on one block."""
    settings = [Setting(eps=eps) for eps in STRENGTHS]
    settings += [Setting(position="top"), Setting("untrained"), Setting("cnn"), Setting("cnn", eps=0.5)]
    settings += [Setting(eps=0.5, attacked=block) for block in ("digit", "ring")]
    settings.append(Setting(erased=True))
    for setting in settings:
        for seed in SEEDS:
            yield replace(setting, seed=seed)


def trained(setting: Setting) -> nn.Module:
    """The network of a setting."""
    if setting.network == "untrained":
        return BLOCKS.network(seed=setting.seed).eval()
    recipe = replace(BLOCKS, data=partial(_images, setting.position, setting.erased))
    if setting.network == "cnn":
        recipe = replace(recipe, network=partial(SmallCNN, size=(28, 14)))
    recipe = attacked(recipe, setting.eps)
    if setting.attacked != "both":
        recipe = replace(recipe, fit=partial(fit, perturbation=AttackOnBlock(setting.attacked, setting.eps)))
    return train(recipe, setting.seed, progress=False)[0]


def _images(position: str, erased: bool, split: str) -> tuple[Tensor, Tensor]:
    images, labels, signal = load_blocks(split, position=position)
    if erased:
        half = torch.rand(len(images), 1, 1, 1, generator=torch.Generator().manual_seed(2)) < 0.5
        images = torch.where(half & ~signal, 0, images)
    return images, labels


class AttackOnBlock:
    """For `fit`: the attack of robust training, which may move one of the blocks alone, "digit" or "ring"."""

    def __init__(self, block: str, eps: float) -> None:
        self.block, self.attack = block, adversarial_inputs(eps, "l2", steps=5)

    def __call__(self, model: nn.Module, x: Tensor, y: Tensor, generator: torch.Generator) -> Tensor:
        ring_below = (x[:, :, 14:] == null_block()).flatten(1).all(1)
        ring_above = (x[:, :, :14] == null_block()).flatten(1).all(1)
        ring = torch.stack([ring_above, ring_below], 1).repeat_interleave(14, 1)[:, None, :, None]
        free = (ring if self.block == "ring" else ~ring).expand_as(x)
        moved = self.attack(_Partly(model, x, free), x, y, generator)
        return torch.where(free, moved, x)


class _Partly(nn.Module):
    """A model that sees changes of x where they are free to be, and x elsewhere."""

    def __init__(self, model: nn.Module, x: Tensor, free: Tensor) -> None:
        super().__init__()
        self.model, self.x, self.free = model, x, free

    def forward(self, inputs: Tensor) -> Tensor:
        return self.model(torch.where(self.free, inputs, self.x))


def run(setting: Setting) -> Result:
    """Train the network, and look where its explanations lie."""
    return look(trained(setting), load_blocks("test", position=setting.position))


def look(model: nn.Module, blocks: Blocks) -> Result:
    """All that a `Result` says of a network."""
    images, labels, signal = blocks
    ring_erased, digit_erased = torch.where(signal, images, 0), torch.where(signal, 0, images)
    gradient = predicted_gradient(model, images)
    there = gradient.flatten(1).ne(0).any(1)
    likeness, length = leak(gradient, signal)
    return Result(
        accuracy=accuracy(model, images, labels),
        ring_erased=accuracy(model, ring_erased, labels),
        digit_erased=accuracy(model, digit_erased, labels),
        share=_mean_share(gradient, signal),
        of_squares=_mean_share(gradient.square(), signal),
        of_log_prob=_mean_share(predicted_gradient(model, images, of="log_prob"), signal),
        **other_shares(model, images[:EXPLAINED], signal[:EXPLAINED]),
        likeness=likeness,
        length=length,
        zeros=1 - float(there.double().mean()),
    )


def predicted_gradient(model: nn.Module, images: Tensor, of: Of = "logit") -> Float[Tensor, "n 1 h w"]:
    """The gradient of the logit, or of the log-probability, of the class that the network sees in each image."""
    return input_gradient(select(model, "predicted", of=of), images)


def other_shares(model: nn.Module, images: Tensor, signal: Bool[Tensor, "n 1 28 14"]) -> dict[str, float]:
    """The share on the digit of four other maps of the predicted class's logit."""
    f = select(model, "predicted", of="logit")
    maps = {
        "times_input": gradient_x_input(f, images),
        "integrated": integrated_gradients(f, images),
        "smooth": smoothgrad(f, images, 0.1),
        "occluded": occlusion(f, images, (1, 4, 4)),
    }
    return {name: _mean_share(values, signal) for name, values in maps.items()}


def share_on_digit(values: Float[Tensor, "n 1 h w"], signal: Bool[Tensor, "n 1 h w"]) -> Float[Tensor, "n"]:
    """The part of the sum of |values| that lies on the digit's block, 0 to 1; NaN where all are zero.

    >>> share_on_digit(torch.tensor([[[[3.0], [-1.0]]]]), torch.tensor([[[[True], [False]]]]))
    tensor([0.7500])
    """
    size = values.abs()
    return (size * signal).flatten(1).sum(1) / size.flatten(1).sum(1)


def _mean_share(values: Tensor, signal: Tensor) -> float:
    return float(share_on_digit(values, signal).nanmean())


def leak(gradient: Float[Tensor, "n 1 28 14"], signal: Bool[Tensor, "n 1 28 14"]) -> tuple[float, float]:
    """Likeness and relative length of the mean |gradient| on the upper block, with the ring there and with the digit.

    NaN where all digits are on top.
    """
    on_top = signal[:, 0, 0, 0]
    upper = gradient[:, 0, :14].abs().flatten(1)
    digit, ring = upper[on_top].mean(0), upper[~on_top].mean(0)
    return float(torch.corrcoef(torch.stack([digit, ring]))[0, 1]), float(ring.norm() / digit.norm())


#: The stored results of all runs.
RUNS = Runs(Path(__file__).parent / "runs.csv", Setting, Result)


def values(
    what: str,
    network: str = "mlp",
    position: str = "random",
    eps: float = 0.0,
    *,
    attacked: str = "both",
    erased: bool = False,
) -> Float[Tensor, "seeds"]:
    """One of the numbers of `Result` for all seeds of a setting."""
    settings = [Setting(network, position, eps, attacked, erased, seed) for seed in SEEDS]
    row = [getattr(RUNS.load()[setting], what) for setting in settings]
    return torch.tensor(row, dtype=torch.float64)
