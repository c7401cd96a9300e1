"""A network with a perfect share on the signal that knows nothing: what a share alone is worth."""

from collections.abc import Callable

import torch
from torch import Tensor

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import close, expect_function

CLASSES = 10
SHORTEST = 1e-6  # what is shorter may be nothing but rounding
_SEEN = "let the logits see the image through its mask only: mask * image"


@exercise(rating=1, minutes=10)
def perfect_and_worthless(answer: Callable[..., Tensor]) -> str:
    """A function of `images (B, 1, 28, 14), mask`: logits (B, 10), one class for all, gradients on the signal alone."""
    expect_function(answer)
    images, mask = _images()
    for size in (1, len(images)):
        _check_gradients(answer, images[:size], mask[:size])
    logits = _logits(answer, images, mask).detach()
    one_by_one = [_logits(answer, image[None], own[None]).detach() for image, own in zip(images, mask, strict=True)]
    if not close(torch.cat(one_by_one), logits):
        raise WrongAnswer("the logits of one image should not depend on the others in the batch")
    if len(logits.argmax(1).unique()) > 1:
        raise WrongAnswer(
            "your network gives different images different classes",
            "a worthless one need not look: how large can what it sees make a logit, and how small?",
            "give one logit a head start: 1 + the mean of mask * image is never below the zeros of the others",
        )
    return "any function of the masked image has a share of one; accuracy and size have to stand beside a share."


def _images() -> tuple[Tensor, Tensor]:
    """Images in the box, and where the signal is: black and white ones, and noise of two kinds."""
    generator = torch.Generator().manual_seed(0)
    noise = torch.rand((6, 1, 28, 14), generator=generator)
    flat = torch.stack([torch.zeros(1, 28, 14), torch.ones(1, 28, 14)])
    images = torch.cat([noise[:3], flat, noise[3:].round()])
    mask = torch.zeros(images.shape, dtype=torch.bool)
    mask[::2, :, :14] = True
    mask[1::2, :, 14:] = True
    return images, mask


def _logits(answer: Callable[..., Tensor], images: Tensor, mask: Tensor) -> Tensor:
    logits, wanted = answer(images.clone(), mask.clone()), (len(images), CLASSES)
    if not isinstance(logits, Tensor):
        raise WrongAnswer(
            f"your function should return a tensor of shape {wanted}, and returns {type(logits).__name__}"
        )
    if tuple(logits.shape) != wanted or not logits.is_floating_point():
        got = f"{tuple(logits.shape)} of {str(logits.dtype).removeprefix('torch.')}"
        raise WrongAnswer(f"your function should return logits, numbers of shape {wanted}, and returns {got}")
    if not logits.isfinite().all():
        raise WrongAnswer("the logits should be finite")
    return logits


def _check_gradients(answer: Callable[..., Tensor], images: Tensor, mask: Tensor) -> None:
    x = images.clone().requires_grad_()
    logits = _logits(answer, x, mask)
    if not logits.requires_grad:
        raise WrongAnswer(
            "your logits cannot be differentiated: they do not depend on the images",
            "a constant has no gradient, and no share of it: compute with the images themselves, in torch",
            _SEEN,
        )
    scores = logits.log_softmax(1).sum(0)
    for y in range(CLASSES):
        (gradient,) = torch.autograd.grad(scores[y], x, retain_graph=True, materialize_grads=True)
        energy = gradient.flatten(1).double().square().sum(1)
        if not bool((energy > SHORTEST**2).all()):
            raise WrongAnswer(
                "a gradient that is zero, or nearly, lies nowhere: there is no share of it",
                f"the gradient of log p(y | x) vanishes for an image and y = {y}: do the logits differ in how they "
                "see the image, and is no probability exactly one?",
                "let one logit, and no other, grow slowly with what is under the mask: with its mean, not a large sum",
            )
        beside = (gradient * ~mask).flatten(1).double().square().sum(1)
        share = 1 - float((beside / energy).max())
        if share > 1 - 1e-9:
            continue
        if share < 1e-9:
            raise WrongAnswer("your network sees nothing but the distractor", "the mask is True on the signal", _SEEN)
        raise WrongAnswer(
            "print the share on the signal of your gradient: it is not one",
            f"for an image it is {share:.2g}: some of what your network sees lies beside the signal",
            _SEEN,
        )
