"""Does a saliency map point at what the model uses? Take pixels away, and look at the output or train again."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interpbook.checks import check_generator, check_input, check_number, check_values
from interpbook.functions import fix_target

__all__ = ["pixel_perturbation", "ranked_pixels", "replace_pixels"]


def ranked_pixels(
    saliency: Float[Tensor, "B H W"],
    fraction: float,
    *,
    most: bool,
    generator: torch.Generator | None = None,
) -> Bool[Tensor, "B H W"]:
    """The `round(fraction * H * W)` most, or least, salient pixels of every map.

    Pixels of equal saliency are taken in random order: a map that is zero on a whole region must not profit from the
    order in which an array is stored.

    Args:
        saliency: maps whose larger values mean more salient.
        fraction: share of the pixels, from 0 to 1.
        most: True for the most salient, False for the least.
        generator: source of the random order; None takes the same order in every call.

    Returns:
        A mask with the same number of pixels in every map.

    Raises:
        TypeError, ValueError: `saliency` is not a batch of finite maps; a fraction is outside 0 to 1; a wrong
            `generator`.

    Example:
        >>> ranked_pixels(torch.tensor([[[0.1, 0.4], [0.3, 0.2]]]), 0.5, most=True)
        tensor([[[False,  True],
                 [ True, False]]])
    """
    check_input(saliency, "saliency")
    if saliency.dim() != 3:
        raise ValueError(f"saliency: expected maps of shape (B, H, W), got {tuple(saliency.shape)}")
    return _first(_ranking(saliency, most, generator), fraction).view_as(saliency)


def _ranking(saliency: Tensor, most: bool, generator: torch.Generator | None) -> Int[Tensor, "B pixels"]:
    """The pixels of every map from the most, or the least, salient on; equal ones in random order."""
    generator = check_generator(generator)
    flat = saliency.detach().flatten(1)
    # Drawn where the generator lives, so that another device sees the same order.
    shuffled = torch.rand(flat.shape, generator=generator, device=generator.device).argsort(1).to(flat.device)
    return shuffled.gather(1, flat.gather(1, shuffled).argsort(dim=1, descending=most, stable=True))


def _first(ranking: Int[Tensor, "B pixels"], fraction: float) -> Bool[Tensor, "B pixels"]:
    """A mask of this share of the pixels, those that come first."""
    if not 0 <= check_number(fraction, "fraction") <= 1:
        raise ValueError(f"fraction: expected a share from 0 to 1, got {fraction}")
    mask = torch.zeros_like(ranking, dtype=torch.bool)
    return mask.scatter_(1, ranking[:, : round(fraction * ranking.shape[1])], True)


def replace_pixels(
    x: Float[Tensor, "B C H W"], mask: Bool[Tensor, "B H W"], fill: float = 0.0
) -> Float[Tensor, "B C H W"]:
    """The images with `fill` in all channels of the masked pixels.

    Raises:
        TypeError, ValueError: `x` is not a batch of finite images, `mask` is not boolean or has another shape or device
            than one map for each image, `fill` is not a finite number.

    Example:
        >>> replace_pixels(torch.ones(1, 1, 1, 2), torch.tensor([[[True, False]]]))
        tensor([[[[0., 1.]]]])
    """
    check_input(x)
    if x.dim() != 4:
        raise ValueError(f"x: expected images of shape (B, C, H, W), got {tuple(x.shape)}")
    wanted = f"mask: expected a boolean tensor of shape {(len(x), *x.shape[2:])} on {x.device}"
    if not isinstance(mask, Tensor) or mask.dtype != torch.bool:
        raise TypeError(f"{wanted}, got {mask.dtype if isinstance(mask, Tensor) else type(mask).__name__}")
    if mask.shape != (len(x), *x.shape[2:]) or mask.device != x.device:
        raise ValueError(f"{wanted}, got {tuple(mask.shape)} on {mask.device}")
    fill = check_number(fill, "fill")
    return torch.where(mask[:, None], torch.as_tensor(fill, dtype=x.dtype, device=x.device), x)


def pixel_perturbation(
    f: Callable[[Tensor], Tensor],
    x: Float[Tensor, "B C H W"],
    saliency: Float[Tensor, "B H W"],
    fractions: Sequence[float],
    *,
    fill: float = 0.0,
    generator: torch.Generator | None = None,
) -> Float[Tensor, "K B"]:
    """How much the output changes when the least salient pixels are replaced, `|f(x') - f(x)| / |f(x)|`.

    Lower is better: what a map calls unimportant should not matter. Replacing the most salient pixels instead would
    move the image off the data, and reward maps that find such artefacts.

    Args:
        f: what is explained, `(B, C, H, W) -> (B,)`, not 0 at `x`; "predicted" classes are those at `x`.
        x: images.
        saliency: one map for each image, larger for more salient.
        fractions: shares of pixels to replace, from 0 to 1.
        fill: the value that replaces a pixel, in units of `x`. What counts as absent changes the ranking.
        generator: source of the order among equal values, one for all shares, so that the pixels of a smaller share
            are among those of a larger one; None takes the same order in every call.

    Returns:
        The fractional change for every share and image.

    Raises:
        TypeError, ValueError: images and maps that do not fit; a fraction outside 0 to 1; a wrong `fill` or
            `generator`; an output of `f` that is not `(B,)` or not finite, or that is 0 at `x`, of which no change is
            a share.

    Example:
        >>> x = torch.tensor([[[[1.0, 2.0, 4.0, 8.0]]]])
        >>> pixel_perturbation(lambda x: x.sum((1, 2, 3)), x, x[:, 0], [0.25, 0.5])
        tensor([[0.0667],
                [0.2000]])

    Source: [srinivas2019full].
    """
    check_input(x)
    check_input(saliency, "saliency")
    if x.dim() != 4 or saliency.shape != (len(x), *x.shape[2:]):
        expected = "images (B, C, H, W) and maps (B, H, W) of the same size"
        raise ValueError(f"saliency: expected {expected}, got {tuple(x.shape)} and {tuple(saliency.shape)}")
    x = x.detach()
    f = fix_target(f, x)
    with torch.no_grad():
        before = check_values(f(x.clone()), len(x))
        if not bool(before.all()):
            zeros = (before == 0).nonzero().flatten().tolist()
            raise ValueError(f"f: expected outputs other than 0, as the change is a share of |f(x)|, got 0 for {zeros}")
        # One order for all shares: sorting takes as long as a small network does.
        ranking = _ranking(saliency, False, generator)
        changes = []
        for fraction in fractions:
            mask = _first(ranking, fraction).view_as(saliency)
            changes.append((check_values(f(replace_pixels(x, mask, fill)), len(x)) - before).abs() / before.abs())
    return torch.stack(changes)
