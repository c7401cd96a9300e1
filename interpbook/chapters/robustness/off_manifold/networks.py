"""The networks of the chapter: a classifier of three strided convolutions, and an autoencoder."""

from collections import OrderedDict
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.checks import check_count
from interpbook.models.small import SOFTPLUS

__all__ = ["Autoencoder", "StridedCNN"]

# Half the height and width, and twice.
_HALVE = partial(nn.Conv2d, kernel_size=3, stride=2, padding=1)
_DOUBLE = partial(nn.ConvTranspose2d, kernel_size=4, stride=2, padding=1)


class StridedCNN(nn.Sequential):
    """A small smooth classifier: three 3x3 convolutions with stride 2, softplus with beta = 10, one linear layer.

    Maps Float[B 1 H W], grey values in [0, 1], to logits Float[B 10]. 1,898 parameters for 28x14 and 2,538 for 28x28,
    so few that the whole sweep of the chapter fits in a page's budget.

    Args:
        size: H and W.
        channels: of each convolution.
        seed: of the initial weights, torch's own. The global random state is neither used nor changed.

    >>> StridedCNN((28, 14))(torch.zeros(2, 1, 28, 14)).shape
    torch.Size([2, 10])
    """

    def __init__(self, size: tuple[int, int] = (28, 28), *, channels: int = 8, seed: int = 0) -> None:
        wide = check_count(channels, "channels")
        places = _after_three_halvings(size[0]) * _after_three_halvings(size[1])
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            layers: OrderedDict[str, nn.Module] = OrderedDict()
            for number in (1, 2, 3):
                layers[f"conv{number}"] = _HALVE(1 if number == 1 else wide, wide)
                layers[f"act{number}"] = SOFTPLUS()
            layers["flatten"] = nn.Flatten()
            layers["fc"] = nn.Linear(wide * places, 10)
        super().__init__(layers)


class Autoencoder(nn.Module):
    """28x28 images through a few numbers and back: what the decoder can draw is a manifold near the images.

    Maps Float[B 1 28 28] in [0, 1] to images of the same shape, by `encoder`, to codes Float[B latent], and `decoder`.
    Smooth, so that the manifold has a tangent space everywhere.

    Args:
        latent: the number of coordinates of a code, the dimension of the manifold.
        channels: of the first convolution; the second has twice as many.
        seed: of the initial weights, torch's own. The global random state is neither used nor changed.

    >>> model = Autoencoder(latent=3)
    >>> model.decoder(model.encoder(torch.zeros(2, 1, 28, 28))).shape
    torch.Size([2, 1, 28, 28])
    """

    def __init__(self, latent: int = 16, *, channels: int = 4, seed: int = 0) -> None:
        super().__init__()
        latent, narrow = check_count(latent, "latent"), check_count(channels, "channels")
        wide = 2 * narrow
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.encoder = nn.Sequential(
                _HALVE(1, narrow),
                SOFTPLUS(),
                _HALVE(narrow, wide),
                SOFTPLUS(),
                nn.Flatten(),
                nn.Linear(49 * wide, latent),
            )
            self.decoder = nn.Sequential(
                nn.Linear(latent, 49 * wide),
                SOFTPLUS(),
                nn.Unflatten(1, (wide, 7, 7)),
                _DOUBLE(wide, narrow),
                SOFTPLUS(),
                _DOUBLE(narrow, 1),
                nn.Sigmoid(),
            )

    def forward(self, x: Float[Tensor, "B 1 28 28"]) -> Float[Tensor, "B 1 28 28"]:
        """The images as the code remembers them."""
        return self.decoder(self.encoder(x))


def _after_three_halvings(length: int) -> int:
    return -(-check_count(length, "size") // 8)
