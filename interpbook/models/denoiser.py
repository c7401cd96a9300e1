"""A network that removes noise, because what it removes is the score of the images: the reference for grey images."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import skip_init

from interpbook.checks import check_count, check_data, check_input, check_number
from interpbook.training import History, fit


class Denoiser(nn.Module):
    """An estimate of the mean of x_0 given x = x_0 + sigma e, e standard normal [vincent2011connection]:

        D(x, sigma) = x - sigma n(x, sigma),    n the noise that a network sees in x.

    For the best D the score of the images with that noise is (D(x, sigma) - x) / sigma^2, exactly.

    Three levels of 3x3 convolutions at full, half and quarter size, with two ways past the lower levels; 23,945
    parameters. `n` also gets sigma, as a second channel, so that one network knows a range of them.

    Maps noisy images Float[B 1 H W], H and W multiples of 4, and sigma to images of the same shape.

    Args:
        channels: width at full size, doubled at each level below.
        seed: of the initial weights. The global random state is neither used nor changed.

    Raises:
        TypeError, ValueError: `channels` is not a count; when called: wrong images, or a sigma that is not
            above 0 or not one number or one per image.

    >>> model = Denoiser(channels=4).eval()
    >>> x = torch.rand(2, 1, 28, 28)
    >>> model(x, 0.3).shape, model.score(x, 0.3).requires_grad
    (torch.Size([2, 1, 28, 28]), False)
    """

    def __init__(self, channels: int = 8, *, seed: int = 0) -> None:
        super().__init__()
        wide = check_count(channels, "channels")
        generator = torch.Generator().manual_seed(seed)
        self.down1 = _convolution(2, wide, generator)
        self.down2 = _convolution(wide, 2 * wide, generator, stride=2)
        self.down3 = _convolution(2 * wide, 4 * wide, generator, stride=2)
        self.middle = _convolution(4 * wide, 4 * wide, generator)
        self.up2 = _convolution(6 * wide, 2 * wide, generator)
        self.up1 = _convolution(3 * wide, wide, generator)
        self.out = _convolution(wide, 1, generator)

    def forward(self, x: Float[Tensor, "B 1 H W"], sigma: float | int | Float[Tensor, "B"]) -> Float[Tensor, "B 1 H W"]:
        """The denoised images, D(x, sigma)."""
        scale = _check(x, sigma)
        return x - scale * self.noise(x, scale)

    def noise(self, x: Float[Tensor, "B 1 H W"], scale: Float[Tensor, "B 1 1 1"]) -> Float[Tensor, "B 1 H W"]:
        """n(x, sigma): the standard normal noise that is likely in `x`."""
        full = F.silu(self.down1(torch.cat([x, scale.expand_as(x)], 1)))
        half = F.silu(self.down2(full))
        quarter = F.silu(self.middle(F.silu(self.down3(half))))
        half = F.silu(self.up2(torch.cat([F.interpolate(quarter, scale_factor=2.0), half], 1)))
        full = F.silu(self.up1(torch.cat([F.interpolate(half, scale_factor=2.0), full], 1)))
        return self.out(full)

    @torch.no_grad()
    def score(self, x: Float[Tensor, "B 1 H W"], sigma: float | int | Float[Tensor, "B"]) -> Float[Tensor, "B 1 H W"]:
        """The score at `x` of images with noise of standard deviation sigma, in inverse units of x; no graph:

            (D(x, sigma) - x) / sigma^2.

        Raises:
            TypeError, ValueError: as when called.
        """
        return (self(x, sigma) - x) / _check(x, sigma) ** 2


def train_denoiser(
    images: Float[Tensor, "n 1 H W"],
    *,
    channels: int = 8,
    sigmas: tuple[float, float] = (0.05, 0.5),
    epochs: int = 4,
    lr: float = 4e-3,
    batch_size: int = 64,
    seed: int = 0,
    device: str | torch.device | None = None,
    progress: bool = True,
) -> tuple[Denoiser, History]:
    """A denoiser for images like these: it minimises, over images, noise e and sigma [vincent2011connection],

        mean over pixels of (n(x_0 + sigma e, sigma) - e)^2,

    with sigma log-uniform between two numbers, drawn anew for every image of every batch. A network that sees
    no noise has a loss of 1.

    Args:
        images: Float[N 1 H W], H and W multiples of 4.
        channels: of `Denoiser`.
        sigmas: the lowest and the highest noise, in units of the images, above 0.
        epochs, lr, batch_size, device, progress: of `fit`.
        seed: of the weights, the order and the noise.

    Returns:
        The denoiser, in evaluation mode, and what `fit` saw.

    Raises:
        TypeError, ValueError, FloatingPointError: as `Denoiser` and `fit`; `sigmas` that do not rise.

    >>> from interpbook.datasets import load_mnist
    >>> images, _ = load_mnist("train", size=64)
    >>> denoiser, history = train_denoiser(images, channels=4, epochs=2)
    >>> history.loss[1] < history.loss[0]
    True
    """
    check_input(images, "images")
    denoiser = Denoiser(channels, seed=seed)
    history = fit_denoiser(
        denoiser,
        (images, torch.zeros(len(images))),
        sigmas=sigmas,
        epochs=epochs,
        lr=lr,
        batch_size=batch_size,
        seed=seed,
        device=device,
        progress=progress,
    )
    return denoiser, history


def fit_denoiser(
    denoiser: Denoiser, data: tuple[Tensor, Tensor], *, sigmas: tuple[float, float] = (0.05, 0.5), **options: Any
) -> History:
    """Train a denoiser in place as `train_denoiser` does, called as `fit` is: the `fit` of a recipe.

    Args:
        denoiser: any; left in evaluation mode.
        data: images Float[N 1 H W], H and W multiples of 4, and N labels, which are not looked at.
        sigmas: as for `train_denoiser`.
        options: `epochs`, `lr`, `batch_size`, `seed`, `device` and `progress` of `fit`.

    Raises:
        TypeError, ValueError, FloatingPointError: as `fit`; images of another shape, `sigmas` that do not rise.

    Source: [vincent2011connection].

    >>> denoiser = Denoiser(channels=4)
    >>> history = fit_denoiser(denoiser, (torch.rand(8, 1, 8, 8), torch.zeros(8)), epochs=1)
    >>> denoiser.training
    False
    """
    images, _ = check_data(data)
    if not (isinstance(sigmas, tuple) and len(sigmas) == 2):
        raise TypeError(f"sigmas: expected two numbers (lowest, highest), got {sigmas!r}")
    low, high = (check_number(sigma, "sigmas", minimum=0) for sigma in sigmas)
    if not 0 < low <= high:
        raise ValueError(f"sigmas: expected 0 < lowest <= highest, got {sigmas}")
    _check(images[:1], high)
    pairs = (images, torch.zeros(len(images), 1))
    return fit(_Residual(denoiser, low, high), pairs, loss=lambda residual, _: residual.square().mean(), **options)


class _Residual(nn.Module):
    """The noise that a denoiser sees in noised images minus the noise that was put there, by torch's random state.

    `fit` lends that state to its seed, as it does for dropout.
    """

    def __init__(self, denoiser: Denoiser, low: float, high: float) -> None:
        super().__init__()
        self.denoiser, self.low, self.high = denoiser, low, high

    def forward(self, x: Tensor) -> Tensor:
        level = torch.rand(len(x), 1, 1, 1, dtype=x.dtype, device=x.device)
        scale = self.low * (self.high / self.low) ** level
        noise = torch.randn_like(x)
        return self.denoiser.noise(x + scale * noise, scale) - noise


def _check(x: object, sigma: object) -> Float[Tensor, "B 1 1 1"]:
    """Check images and their noise level; the level, one for each image."""
    check_input(x)
    assert isinstance(x, Tensor)
    if x.dim() != 4 or x.shape[1] != 1 or x.shape[2] % 4 or x.shape[3] % 4:
        raise ValueError(f"x: expected shape (B, 1, H, W), H and W multiples of 4, got {tuple(x.shape)}")
    if not isinstance(sigma, Tensor):
        sigma = torch.tensor(check_number(sigma, "sigma", minimum=0)).expand(len(x))
    if sigma.shape != (len(x),):
        raise ValueError(f"sigma: expected a number or shape ({len(x)},), got {tuple(sigma.shape)}")
    if not bool((sigma > 0).all()):
        raise ValueError(f"sigma: expected numbers above 0, got {float(sigma.min()):g}")
    return sigma.to(x).view(-1, 1, 1, 1)


def _convolution(wide_in: int, wide_out: int, generator: torch.Generator, stride: int = 1) -> nn.Conv2d:
    layer = skip_init(nn.Conv2d, wide_in, wide_out, 3, stride=stride, padding=1)
    assert isinstance(layer, nn.Conv2d)
    bound = (9 * wide_in) ** -0.5
    for parameter in layer.parameters():
        nn.init.uniform_(parameter, -bound, bound, generator=generator)
    return layer
