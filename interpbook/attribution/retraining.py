"""Does a ranking of pixels put those first that tell the classes apart? Keep some, train again, and ask the test set.

What was kept is not all that the new network learns from: *where* it was kept says something too. A control that sees
the masks alone measures how much [rong2022consistent].
"""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int, Integer
from torch import Tensor, nn

from interpbook.attribution.perturbation import ranked_pixels, replace_pixels
from interpbook.checks import check_generator, check_input, check_labels, check_number
from interpbook.training import accuracy

__all__ = ["DiffROAR", "diffroar"]

LabeledImages = tuple[Tensor, Tensor]  # Float[N C H W], Int[N]


@dataclass(frozen=True)
class DiffROAR:
    """Test accuracies, 0 to 1, of four classifiers, each trained from scratch. Made by `diffroar`.

    Attributes:
        top: trained and tested on images of which only the pixels that rank highest are kept.
        bottom: the same with the lowest.
        mask_top: trained and tested on zeros and ones that say which pixels `top` kept, without their values.
        mask_bottom: the same for `bottom`.
    """

    top: float
    bottom: float
    mask_top: float
    mask_bottom: float

    @property
    def difference(self) -> float:
        """How much more the top tells, top - bottom, from -1 to 1. Above 0 if the ranking finds pixels that tell."""
        return self.top - self.bottom

    @property
    def mask_difference(self) -> float:
        """The same with no pixel value seen, mask_top - mask_bottom, from -1 to 1."""
        return self.mask_top - self.mask_bottom


def diffroar(
    train: tuple[Float[Tensor, "N C H W"], Integer[Tensor, "N"]],
    test: tuple[Float[Tensor, "n C H W"], Integer[Tensor, "n"]],
    ranking: tuple[Float[Tensor, "N H W"], Float[Tensor, "n H W"]],
    share: float,
    *,
    retrain: Callable[[Tensor, Tensor], nn.Module],
    fill: float = 0.0,
    generator: torch.Generator | None = None,
) -> DiffROAR:
    """How much more the pixels that rank highest tell of the classes than those that rank lowest [shah2021input]:

        difference = accuracy(keep the top share) - accuracy(keep the bottom share),

    each of a network trained from scratch on such images and tested on such images, as in ROAR [hooker2019benchmark].
    A reversed ranking has minus the difference. Beside it, the same two accuracies from the masks alone: a ranking
    that knows which class was predicted can give it away by where it keeps pixels, whatever is in them
    [rong2022consistent].

    Args:
        train, test: images and their labels, N and n of them, of one shape (C, H, W).
        ranking: for each training and each test image the saliency of its pixels, larger for more important, by one
            and the same rule. It is ranked as it is: of a gradient take the absolute value, and the sum or the maximum
            over channels.
        share: of the pixels to keep, above 0 to 1; `round(share * H * W)` of each image, at least one.
        retrain: takes images Float[N C H W] and labels Int[N] to a new classifier with outputs (B, classes), trained
            on them, in evaluation mode. Called four times: with the top kept, with the bottom kept, with the masks of
            the top and of the bottom as images of zeros and ones, the same in all channels. A retraining that is the
            same each time, from one seed, leaves no other difference between the four.
        fill: what replaces a pixel that is not kept, in units of the images.
        generator: of the order among pixels of equal saliency, the same for top and bottom; None takes the same order
            in every call.

    Raises:
        TypeError, ValueError: images, labels or rankings that do not fit each other or are not finite; training
            labels of one class only; a wrong `share`, `fill` or `generator`; a `retrain` that does not return a
            classifier in evaluation mode.

    Warns:
        UserWarning: neither accuracy is more than two standard errors above the best constant answer. Then no ranking
            can be seen to be the better one.

    Example:
        The left pixel says what the class is, the right one is 0 in all images.

        >>> from interpbook.models import MLP
        >>> from interpbook.training import fit
        >>> labels = torch.arange(100) % 2
        >>> images = torch.stack([2.0 * labels - 1, torch.zeros(100)], 1).view(100, 1, 1, 2)
        >>> def retrain(images, labels):
        ...     model = MLP((), inputs=2, classes=2, seed=0)
        ...     fit(model, (images, labels), epochs=50, lr=0.1, progress=False)
        ...     return model
        >>> left = torch.tensor([1.0, 0.0]).expand(100, 1, 2)
        >>> diffroar((images, labels), (images, labels), (left, left), 0.5, retrain=retrain)
        DiffROAR(top=1.0, bottom=0.5, mask_top=0.5, mask_bottom=0.5)

        A ranking that knows the class leaks it: the highest is the left pixel for one, the right for the other.

        >>> leaky = images[:, 0]
        >>> diffroar((images, labels), (images, labels), (leaky, leaky), 0.5, retrain=retrain)
        DiffROAR(top=1.0, bottom=1.0, mask_top=1.0, mask_bottom=1.0)
    """
    train, test = _checked(train, "train"), _checked(test, "test")
    _check_classes(train[1])
    if (train[0].shape[1:], train[0].dtype) != (test[0].shape[1:], test[0].dtype):
        said = [f"{images.dtype} of shape {tuple(images.shape[1:])}" for images, _ in (train, test)]
        raise ValueError(f"test: expected images like those of train, {said[0]}, got {said[1]}")
    _check_ranking(ranking, train[0], test[0])
    _check_share(share, train[0])
    if not callable(retrain):
        raise TypeError(f"retrain: expected a function of images and labels, got {type(retrain).__name__}")
    generator = check_generator(generator)
    # All orders are drawn before any training, which may draw from the same generator.
    of_train, of_test = (_top_and_bottom(maps, share, generator) for maps in ranking)
    pairs = list(zip(of_train, of_test, strict=True))
    kept = [_accuracy(retrain, _keep(train, one, fill), _keep(test, two, fill)) for one, two in pairs]
    masks = [_accuracy(retrain, _as_images(train, one), _as_images(test, two)) for one, two in pairs]
    _warn_of_chance(max(kept), test[1])
    return DiffROAR(*kept, *masks)


def _top_and_bottom(
    saliency: Float[Tensor, "N H W"], share: float, generator: torch.Generator
) -> tuple[Bool[Tensor, "N H W"], Bool[Tensor, "N H W"]]:
    """Masks of the pixels to keep, with one order among equal ones, so that reversing the ranking swaps the two."""
    again = generator.clone_state()
    top = ranked_pixels(saliency, share, most=True, generator=generator)
    return top, ranked_pixels(saliency, share, most=False, generator=again)


def _keep(data: LabeledImages, mask: Bool[Tensor, "N H W"], fill: float) -> LabeledImages:
    images, labels = data
    return replace_pixels(images, ~mask.to(images.device), fill), labels.clone()


def _as_images(data: LabeledImages, mask: Bool[Tensor, "N H W"]) -> LabeledImages:
    """Which pixels are kept, and nothing of what is in them."""
    images, labels = data
    return mask[:, None].to(images).repeat(1, images.shape[1], 1, 1), labels.clone()


def _accuracy(retrain: Callable[[Tensor, Tensor], nn.Module], train: LabeledImages, test: LabeledImages) -> float:
    model = retrain(*train)
    try:
        return accuracy(model, *test)
    except TypeError as error:
        raise TypeError(f"retrain, its {error}") from error
    except ValueError as error:
        raise ValueError(f"retrain, its {error}") from error


def _warn_of_chance(best: float, labels: Int[Tensor, "n"]) -> None:
    """An incompetent network explains nothing: then neither end of the ranking can be the better one."""
    constant = int(labels.bincount().max()) / len(labels)
    error = math.sqrt(constant * (1 - constant) / len(labels))
    if best <= constant + 2 * error:
        says = f"expected more than a constant answer has, {constant:.3f} with a standard error of {error:.3f}"
        warnings.warn(f"retrain: {says}, got {best:.3f} at best from the kept pixels", UserWarning, stacklevel=3)


def _checked(data: object, name: str) -> LabeledImages:
    if not (isinstance(data, tuple) and len(data) == 2):
        raise TypeError(f"{name}: expected a tuple of images and labels, got {type(data).__name__}")
    images, labels = data
    check_input(images, f"images of {name}")
    if images.dim() != 4:
        raise ValueError(f"images of {name}: expected shape (N, C, H, W), got {tuple(images.shape)}")
    return images.detach(), check_labels(labels, len(images), None, f"labels of {name}").to(images.device)


def _check_classes(labels: Int[Tensor, "N"]) -> None:
    if not bool((labels != labels[0]).any()):
        raise ValueError(f"train: expected labels of at least two classes, got only {int(labels[0])}")


def _check_ranking(ranking: object, *images: Tensor) -> None:
    if not (isinstance(ranking, tuple) and len(ranking) == 2):
        raise TypeError(f"ranking: expected a tuple of maps of train and of test, got {type(ranking).__name__}")
    for name, maps, shown in zip(("train", "test"), ranking, images, strict=True):
        check_input(maps, f"ranking of {name}")
        expected = (len(shown), *shown.shape[2:])
        if maps.shape != expected:
            raise ValueError(f"ranking of {name}: expected one map for each image, {expected}, got {tuple(maps.shape)}")


def _check_share(share: object, images: Tensor) -> None:
    number, pixels = check_number(share, "share"), images.shape[2] * images.shape[3]
    if not 0 < number <= 1 or round(number * pixels) < 1:
        raise ValueError(f"share: expected above 0 to 1, and so much that it keeps one of {pixels} pixels, got {share}")
