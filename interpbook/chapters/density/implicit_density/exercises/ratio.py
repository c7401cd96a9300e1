"""A function of an image that noise makes larger: added to all logits, it turns every density ratio around."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function

LEAST = 5.0  # what the task asks for


@exercise(rating=2, minutes=15)
def noise_lover(answer: Callable[..., object]) -> str:
    """A function of images (B, 1, H, W) in [0, 1], one number each: with noise more than 5 larger than without."""
    expect_function(answer)
    gains = {}
    for name, clean, noisy in _pairs():
        before, after = _values(answer, clean), _values(answer, noisy)
        if not torch.equal(_values(answer, clean), before):
            raise WrongAnswer("g is a function of the image: yours gives the same images other values each time")
        one_by_one = torch.cat([_values(answer, image[None]) for image in clean])
        if not close(one_by_one, before):
            raise WrongAnswer(
                "the value at one image should not depend on the others in the batch",
                "do you sum, or take a mean, over the batch?",
                "sum over all dimensions but the first: `.flatten(1).sum(1)`",
            )
        gains[name] = after - before
    _check_gains(gains)
    return "a density ratio of one logit is whatever g says, and no prediction knows of it."


def _pairs() -> Iterator[tuple[str, Tensor, Tensor]]:
    """Kinds of images, clean and with noise, both in the box."""
    generator = torch.Generator().manual_seed(0)
    rows, columns = torch.meshgrid(torch.linspace(0, 1, 16), torch.linspace(0, 1, 16), indexing="ij")
    disk = (torch.hypot(rows - 0.5, columns - 0.5) < 0.3).float()
    kinds = {
        "dark images": torch.stack([0 * disk, 0.1 * disk, 0.05 + 0 * disk]),
        "bright images": torch.stack([1 - 0 * disk, 1 - 0.1 * disk, 0.95 + 0 * disk]),
        "images with an object": torch.stack([disk, 1 - disk, 0.5 + 0.4 * disk]),
        "images that fade": torch.stack([rows, 1 - columns, rows * columns]),
    }
    for name, images in kinds.items():
        clean = images[:, None].double()
        for size in (0.1, 0.3):
            noise = torch.randn(clean.shape, generator=generator, dtype=clean.dtype)
            yield f"{name} (noise of {size})", clean, (clean + size * noise).clamp(0, 1)


def _values(answer: Callable[..., object], images: Tensor) -> Tensor:
    """g at the images, one finite number for each."""
    values, shape = answer(images.clone()), tuple(images.shape)
    if not isinstance(values, Tensor):
        raise WrongAnswer(f"your function should return a tensor of shape (B,), and returns {type(values).__name__}")
    if tuple(values.shape) != (len(images),):
        raise WrongAnswer(
            f"for images of shape {shape} your function should return shape ({len(images)},), one number for each",
            f"it returns shape {tuple(values.shape)}: sum over the right dimensions",
            "sum over all dimensions but the first: `.flatten(1).sum(1)`",
        )
    if not values.isfinite().all():
        raise WrongAnswer("g should be finite: the box is bounded, and so is a continuous function on it")
    return values.detach().double()


def _check_gains(gains: dict[str, Tensor]) -> None:
    worst, gain = min(gains.items(), key=lambda item: float(item[1].min()))
    everywhere = torch.cat(list(gains.values()))
    if bool((everywhere > LEAST).all()):
        return
    if not everywhere.any():
        raise WrongAnswer(
            "your g is the same number with noise and without",
            "what does noise do to two neighbouring pixels?",
            "the sum of the absolute differences between neighbours grows with noise",
        )
    if bool((everywhere <= 0).all()):
        raise WrongAnswer(
            "your g makes noise less likely",
            "its sign is that of a prior that likes clean images",
            "turn it around: the log density should grow with the differences between neighbours",
        )
    if bool((everywhere > 0).all()):
        raise WrongAnswer(
            f"noise becomes more likely, but by {float(gain.min()):.2g} only for one of the {worst}",
            "the direction is right and the size is not: a log density may have any factor",
            "multiply by a larger number; 100 times the sum of absolute differences is enough",
        )
    raise WrongAnswer(
        f"for some images noise becomes more likely, for others less, as for one of the {worst}",
        "noise makes a dark image brighter, and a bright one darker: what does it do to all of them?",
        "it makes neighbours differ where they were equal: sum absolute differences, since squares weigh edges more, "
        "and noise that is clamped makes a sharp edge smaller",
    )
