"""Networks trained again on what a ranking keeps of the images, or on the bare masks, and their stored results.

`retrained.csv` holds what came out, one attributed network and one ranking a line; `python -m
interpbook.chapters.attribution.leakage.make_runs` makes it again (twenty minutes of one core).
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.attribution import diffroar, input_gradient, select
from interpbook.chapters.attribution.leakage.blocks import load_images
from interpbook.chapters.attribution.leakage.recipes import BLOCKS, HIDDEN, attacked
from interpbook.chapters.attribution.leakage.runs import predicted_gradient
from interpbook.datasets import load_fashion_mnist
from interpbook.models import MLP
from interpbook.models.recipes import train
from interpbook.page.runs import Runs
from interpbook.training import accuracy, fit

__all__ = ["RANKINGS", "RETRAINED", "Result", "Setting", "protocol", "rank", "retrain", "run", "values"]

SEEDS = (0, 1, 2, 3, 4)
EXAMPLES = 5000  # of training, in the images kept
KEPT = 0.1
DATA: Mapping[str, Callable[[str], tuple[Tensor, Tensor]]] = {"blocks": load_images, "fashion": load_fashion_mnist}
#: What a pixel is ranked by: the gradient of the predicted class's logit, that of all logits, that of a class drawn by
#: lot, or nothing.
RANKINGS = ("predicted", "all", "lot", "random")


@dataclass(frozen=True)
class Setting:
    """All that decides a run.

    Attributes:
        data: "blocks" or "fashion".
        eps: of the attack in training the attributed network; 0 for none.
        ranking: one of `RANKINGS`.
        kept: the share of the pixels.
        marked: whether the new network is told which pixels were kept, by a second channel that is 1 there. Without it
            a black pixel that was kept looks like one that was not.
        seed: of both networks, and of lots and random rankings.
    """

    data: str = "blocks"
    eps: float = 0.0
    ranking: str = "predicted"
    kept: float = KEPT
    marked: bool = False
    seed: int = 0


@dataclass(frozen=True)
class Result:
    """Test accuracies: of the attributed network, and of the four that `diffroar` trains.

    Attributes:
        attributed: of the network whose gradients rank the pixels.
        top, bottom: of one trained again on the pixels that a ranking puts first, and last.
        mask_top, mask_bottom: of one that is shown only which pixels these are.
    """

    attributed: float
    top: float
    bottom: float
    mask_top: float
    mask_bottom: float


def protocol() -> Iterator[Setting]:
    """All runs: two data sets, two networks, several rankings; on blocks also with marks, and other shares."""
    settings = []
    for data in DATA:
        for eps in (0.0, 0.5):
            settings += [Setting(data, eps), Setting(data, eps, "all")]
        settings.append(Setting(data, 0.0, "random"))
    settings.append(Setting(ranking="random", marked=True))
    for eps in (0.0, 0.5):
        settings += [Setting(eps=eps, ranking=ranking, marked=True) for ranking in RANKINGS[:3]]
        settings.append(Setting(eps=eps, ranking="lot"))
    for kept in (0.05, 0.3):
        settings += [Setting(eps=eps, kept=kept) for eps in (0.0, 0.5)]
    for setting in settings:
        for seed in SEEDS:
            yield replace(setting, seed=seed)


@cache
def attributed(data: str, eps: float, seed: int) -> nn.Module:
    """The network whose gradients rank the pixels."""
    load = DATA[data]
    pixels = load("test")[0][0].numel()
    recipe = replace(BLOCKS, data=load, network=partial(MLP, HIDDEN, inputs=pixels))
    return train(attacked(recipe, eps), seed, progress=False)[0]


def run(setting: Setting) -> Result:
    """Train a network, rank the pixels, and train four more."""
    model = attributed(setting.data, setting.eps, setting.seed)
    load = DATA[setting.data]
    images, labels = (values[:EXAMPLES] for values in load("train"))
    test_images, test_labels = load("test")
    ranking = partial(rank, model, setting.ranking, torch.Generator().manual_seed(setting.seed))
    shown = with_marks if setting.marked else torch.Tensor.clone
    found = diffroar(
        (shown(images), labels),
        (shown(test_images), test_labels),
        (ranking(images), ranking(test_images)),
        setting.kept,
        retrain=partial(retrain, setting.seed),
    )
    scores = accuracy(model, test_images, test_labels)
    return Result(scores, found.top, found.bottom, found.mask_top, found.mask_bottom)


def with_marks(images: Float[Tensor, "n 1 h w"]) -> Float[Tensor, "n 2 h w"]:
    """The images with a second channel of ones, which stays 1 at pixels that are kept and is 0 at all others."""
    return torch.cat([images, torch.ones_like(images)], 1)


def rank(model: nn.Module, ranking: str, generator: torch.Generator, images: Tensor) -> Float[Tensor, "n h w"]:
    """How important each pixel is said to be, by one of `RANKINGS`: what is larger comes first."""
    if ranking == "random":
        return torch.rand(images[:, 0].shape, generator=generator)
    if ranking == "predicted":
        return predicted_gradient(model, images)[:, 0].abs()
    if ranking == "lot":
        classes = torch.randint(10, (len(images),), generator=generator)
        return input_gradient(select(model, classes, of="logit"), images)[:, 0].abs()
    total = torch.zeros_like(images)
    for k in range(10):
        total += input_gradient(select(model, k, of="logit"), images).square()
    return total[:, 0].sqrt()


def retrain(seed: int, images: Tensor, labels: Tensor) -> nn.Module:
    """A fresh network of the same kind, trained on images of which not much is left."""
    model = MLP(HIDDEN, inputs=images[0].numel(), seed=seed)
    fit(model, (images, labels), epochs=6, lr=4e-3, seed=seed, progress=False)
    return model


#: The stored results of all runs.
RETRAINED = Runs(Path(__file__).parent / "retrained.csv", Setting, Result)


def values(
    what: str,
    data: str = "blocks",
    eps: float = 0.0,
    ranking: str = "predicted",
    *,
    kept: float = KEPT,
    marked: bool = False,
) -> Float[Tensor, "seeds"]:
    """One of the numbers of `Result`, or a `"difference"` or `"mask_difference"`, for all seeds of a setting."""
    if what in ("difference", "mask_difference"):
        ends = [what.replace("difference", end) for end in ("top", "bottom")]
        top, bottom = (values(end, data, eps, ranking, kept=kept, marked=marked) for end in ends)
        return top - bottom
    results = [RETRAINED.load()[Setting(data, eps, ranking, kept, marked, seed)] for seed in SEEDS]
    return torch.tensor([getattr(result, what) for result in results], dtype=torch.float64)
