"""FullGrad saliency maps: full-gradients collapsed onto the pixels, in three variants."""

from collections.abc import Callable, Iterable
from typing import Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.attribution.fullgrad import class_index, linearize
from interpbook.attribution.linearize import Linear, Linearization
from interpbook.checks import check_count, check_generator, check_input, check_model, check_number, check_output, run
from interpbook.functions import Target

__all__ = ["fullgrad_map", "simple_fullgrad_map", "smooth_fullgrad_map"]

Rescale = Literal["per_image", "per_channel", "none"]


def fullgrad_map(
    model: nn.Module,
    x: Float[Tensor, "B C H W"],
    target: Target | str = "predicted",
    *,
    rescale: Rescale = "per_image",
) -> Float[Tensor, "B H W"]:
    """The FullGrad saliency map.

        S(x) = sum_c psi(df/dx * x)_c + sum over layers k, channels c of psi(a_k * b_k)_c,
        psi(t) = upsample(rescale(|t|))

    over the full-gradient terms that have a place in the image; the others (linear layers, attention) count for
    completeness only. By design the map is not complete: |.| and the rescaling lose the sum.

    Args:
        model: a module in evaluation mode that maps `x` to logits `(B, K)`.
        x: images.
        target: the class explained: one for all, one per example, or "predicted".
        rescale: to [0, 1] by the smallest and largest value over all channels of an image ("per_image", the
            published code) or within each channel ("per_channel", the published text); "none" keeps
            magnitudes. Either way upsampling spreads each value of a coarse grid over all pixels that it covers.

    Returns:
        A map of non-negative values, not normalised.

    Raises:
        TypeError, ValueError, NotImplementedError: as `full_gradients`; `x` is not a batch of images; an unknown
            `rescale`.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()
        >>> fullgrad_map(model, torch.rand(5, 1, 8, 8), target=1).shape
        torch.Size([5, 8, 8])

    Source: [srinivas2019full].
    """
    linear = _linearize(model, x, target, rescale)
    values = ((term.value, term.channels_first) for term in linear.terms.values())
    return _collapse(linear.gradient * x.detach(), values, rescale)


def simple_fullgrad_map(
    model: nn.Module,
    x: Float[Tensor, "B C H W"],
    target: Target | str = "predicted",
    *,
    rescale: Rescale = "per_image",
) -> Float[Tensor, "B H W"]:
    """FullGrad without the biases: `psi` of the gradients `a_k` at the layers that have one, not of `a_k * b_k`.

    Arguments, result and errors as `fullgrad_map`.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()
        >>> simple_fullgrad_map(model, torch.rand(5, 1, 8, 8), target=1).shape
        torch.Size([5, 8, 8])

    Source: the authors' code of [srinivas2019full].
    """
    linear = _linearize(model, x, target, rescale)
    adjoints = ((term.adjoint, term.channels_first) for term in linear.terms.values())
    return _collapse(linear.gradient * x.detach(), adjoints, rescale)


def smooth_fullgrad_map(
    model: nn.Module,
    x: Float[Tensor, "B C H W"],
    target: Target | str = "predicted",
    *,
    noise: float = 0.15,
    samples: int = 25,
    rescale: Rescale = "per_image",
    generator: torch.Generator | None = None,
) -> Float[Tensor, "B H W"]:
    """FullGrad of full-gradients that are averaged, with their signs, over noisy copies of the image.

    Args:
        noise: standard deviation of the noise, as a fraction of each image's range (largest minus smallest value).
        samples: number of copies.
        generator: source of the noise; None draws the same noise in every call.

    The other arguments, the result and the errors are those of `fullgrad_map`. The class is the one predicted for
    the image itself, and the same for all its copies.

    Example:
        >>> model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()
        >>> smooth_fullgrad_map(model, torch.rand(5, 1, 8, 8), target=1, samples=3).shape
        torch.Size([5, 8, 8])

    Source: the authors' code of [srinivas2019full], after [smilkov2017smoothgrad].
    """
    samples, noise = check_count(samples, "samples"), check_number(noise, "noise", minimum=0)
    _check_images(x, rescale)
    generator = check_generator(generator)
    check_input(x)
    check_model(model, x)
    linearization = Linearization(model, x)
    index = class_index(target, len(x), linearization.classes, x.device)
    index = check_output(run(model, x), len(x)).argmax(1) if index is None else index
    x = x.detach()
    sigma = noise * (x.amax((1, 2, 3), keepdim=True) - x.amin((1, 2, 3), keepdim=True))
    input_term, total, known = torch.zeros_like(x), dict[str, Tensor](), dict[str, bool]()
    for _ in range(samples):
        # The same noise for every image, so that a map does not depend on the batch around it.
        drawn = torch.randn(x.shape[1:], generator=generator, device=generator.device, dtype=x.dtype)
        noisy = x + sigma * drawn.to(x.device)
        linear = linearization(noisy, index)
        input_term += linear.gradient * noisy / samples
        for name, term in linear.terms.items():
            total[name] = total.get(name, 0) + term.value / samples
            known[name] = term.channels_first
    return _collapse(input_term, ((total[name], known[name]) for name in total), rescale)


def _linearize(model: nn.Module, x: Tensor, target: Target | str, rescale: Rescale) -> Linear:
    _check_images(x, rescale)
    return linearize(model, x, target)


def _check_images(x: Tensor, rescale: str) -> None:
    if isinstance(x, Tensor) and x.dim() != 4:
        raise ValueError(f"x: expected images of shape (B, C, H, W), got {tuple(x.shape)}")
    if rescale not in _RESCALE:
        raise ValueError(f"rescale: expected one of {sorted(_RESCALE)}, got {rescale!r}")


def _collapse(input_term: Tensor, terms: Iterable[tuple[Tensor, bool]], rescale: Rescale) -> Float[Tensor, "B H W"]:
    """`psi` of every term, summed over channels and layers.

    Upsampling is linear, so channels are summed first and each layer is upsampled once: the same map as upsampling
    every channel, several times faster.
    """
    size = input_term.shape[-2:]
    total = _RESCALE[rescale](input_term.abs()).sum(1)
    for term, known in terms:
        spatial = term if known and term.dim() == 4 else _channels_first(term, size)
        if spatial is not None:
            summed = _RESCALE[rescale](spatial.abs()).sum(1, keepdim=True)
            total = total + F.interpolate(summed, size=size, mode="bilinear", align_corners=True)[:, 0]
    return total


def _channels_first(term: Tensor, size: torch.Size) -> Tensor | None:
    """The term as (B, C, h, w) if it lies on a grid over the image, channels first or last; None if it does not.

    A grid has the proportions of the image, up to the rounding of strides; a gate on whole channels is 1 x 1.
    """
    if term.dim() != 4:
        return None
    for candidate in (term, term.movedim(-1, 1)):
        (h, w), (height, width) = candidate.shape[2:], size
        if h <= height and w <= width and abs(h * width - w * height) <= max(height, width):
            return candidate
    return None


def _min_max(t: Tensor, dims: tuple[int, ...]) -> Tensor:
    t = t - t.amin(dims, keepdim=True)
    return t / (t.amax(dims, keepdim=True) + 1e-6)


_RESCALE: dict[str, Callable[[Tensor], Tensor]] = {
    "per_image": lambda t: _min_max(t, (1, 2, 3)),
    "per_channel": lambda t: _min_max(t, (2, 3)),
    "none": lambda t: t,
}
