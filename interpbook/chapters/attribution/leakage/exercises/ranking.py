"""A ranking of pixels that looks at labels alone, and fools a comparison of top and bottom."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, tensor

CLASSES, SHAPES = 10, ((28, 14), (9, 20))
_NUDGE = "draw the kept pixels of one image of each label: ten pictures, no two alike, for the top and for the bottom"
_FORMULA = "for each label draw one random map, with a generator seeded by the label, and return maps[labels]"
_ENDS = {"top": 1, "bottom": -1}


@exercise(rating=2, minutes=15)
def leaky_ranking(answer: Callable[..., Tensor]) -> str:
    """A function of `labels (N,), shape (H, W)`: scores (N, H, W) whose top and bottom tenth both give labels away."""
    expect_function(answer)
    for shape in SHAPES:
        first, second = _labels()
        scores = [_read(answer, labels, shape) for labels in (first, second)]
        k = shape[0] * shape[1] // 10
        for name, sign in _ENDS.items():
            masks = [_kept(sign * each, k, name) for each in scores]
            _check_templates(masks[0], first, name, scores[0])
            _check_new(masks, first, second, name)
    return "two networks that see no pixel are both perfect, and top minus bottom is zero."


def _labels() -> tuple[Tensor, Tensor]:
    """Two halves with three images of each label, and others: fewer, and without some of the labels."""
    generator = torch.Generator().manual_seed(0)
    halves = [torch.randperm(3 * CLASSES, generator=generator) % CLASSES for _ in range(2)]
    return torch.cat(halves), torch.tensor([9, 4, 4, 2, 8, 7, 9, 1])


def _read(answer: Callable[..., Tensor], labels: Tensor, shape: tuple[int, int]) -> Tensor:
    said = answer(labels.clone(), shape)
    scores = tensor(said, (len(labels), *shape), "the ranking", "one score for each pixel of each image", _FORMULA)
    if not scores.isfinite().all():
        raise WrongAnswer("every score should be finite, and some are infinite or nan", _FORMULA)
    return scores.flatten(1)


def _kept(scores: Tensor, k: int, name: str) -> Tensor:
    """Which k pixels of each image are kept."""
    sizes, order = scores.sort(dim=1, descending=True)
    tied = sizes[:, k - 1] == sizes[:, k]
    if tied.any():
        image = int(tied.nonzero()[0, 0])
        raise WrongAnswer(
            "how many different scores does one image have? Which pixels are kept, when many have the same?",
            f"the {name} tenth of image {image} is not defined: the score at its border belongs to several pixels",
            _FORMULA,
        )
    return torch.zeros_like(scores).scatter(1, order[:, :k], 1.0)


def _check_templates(masks: Tensor, labels: Tensor, name: str, scores: Tensor) -> None:
    """That the mean masks of the first half tell the labels of the second."""
    if (masks == masks[0]).all():
        order = scores.argsort(dim=1)
        if (scores == scores[0]).all():
            more = "all images get the same scores: let the map depend on the label"
        elif (order == order[0]).all():
            more = "the scores differ between labels, but their order does not, and only the order counts"
        else:
            more = "the order differs between labels, but not in which pixels this tenth has"
        raise WrongAnswer(_NUDGE, f"the {name} tenth is the same for all labels; {more}", _FORMULA)
    templates = _templates(masks, labels)
    shared = [
        (one, other)
        for one in range(CLASSES)
        for other in range(one + 1, CLASSES)
        if torch.equal(templates[one], templates[other])
    ]
    if shared:
        one, other = shared[0]
        raise WrongAnswer(
            _NUDGE, f"labels {one} and {other} keep the same {name} tenth, and a mask cannot tell them apart", _FORMULA
        )
    half = len(labels) // 2
    right = _nearest(masks[half:], _templates(masks[:half], labels[:half])) == labels[half:]
    if not right.all():
        raise WrongAnswer(
            "do two images of the same label keep the same pixels?",
            f"a label is not known by its {name} tenth: by the nearest mean mask {float(right.double().mean()):.0%} "
            "are right; images of one label keep different pixels",
            _FORMULA,
        )


def _check_new(masks: list[Tensor], first: Tensor, second: Tensor, name: str) -> None:
    """That masks of other images are known by the mean masks of the first."""
    right = _nearest(masks[1], _templates(masks[0], first)) == second
    if not right.all():
        raise WrongAnswer(
            "call your function with the same label in two different batches: are the maps alike?",
            f"new images are {float(right.double().mean()):.0%} right by their {name} tenth: a map should depend on "
            "the image's own label, not on its place, on other labels in the batch or on chance",
            _FORMULA,
        )


def _templates(masks: Tensor, labels: Tensor) -> Tensor:
    return torch.stack([masks[labels == label].mean(0) for label in range(CLASSES)])


def _nearest(masks: Tensor, templates: Tensor) -> Tensor:
    return torch.cdist(masks, templates).argmin(1)
