"""Other methods' attributions as maps: one number for each pixel, whatever the method returns."""

from collections.abc import Callable
from typing import Any

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from interpbook.attribution import grad_cam, select

__all__ = ["Map", "cam", "pixels_of", "signed_cam", "upsampled"]

#: Takes a network and images `(B, C, H, W)` to one number for each pixel, `(B, H, W)`, larger for more salient.
Map = Callable[[nn.Module, Tensor], Tensor]


def pixels_of(method: Callable[..., Tensor], **options: Any) -> Map:
    """A method that takes a function and images, as a map: its sizes, summed over the channels of a pixel.

    What it explains is the predicted class's logit.

    >>> import torch
    >>> from interpbook.attribution import input_gradient
    >>> net = nn.Sequential(nn.Flatten(), nn.Linear(48, 10)).eval()
    >>> pixels_of(input_gradient)(net, torch.rand(2, 3, 4, 4)).shape
    torch.Size([2, 4, 4])
    """

    def map_of(net: nn.Module, x: Tensor) -> Tensor:
        return method(select(net), x, **options).abs().sum(1)

    return map_of


def upsampled(maps: Float[Tensor, "B h w"], size: tuple[int, int]) -> Float[Tensor, "B H W"]:
    """Maps on a coarse grid, enlarged to pictures of that size.

    >>> import torch
    >>> upsampled(torch.tensor([[[0.0, 1.0]]]), (1, 3))
    tensor([[[0.0000, 0.5000, 1.0000]]])
    """
    return F.interpolate(maps[:, None], size, mode="bilinear", align_corners=True)[:, 0]


def signed_cam(net: nn.Module, x: Float[Tensor, "B C H W"], layer: str) -> Float[Tensor, "B H W"]:
    """Grad-CAM of the predicted class before its negative values are set to zero, upsampled.

    >>> import torch
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()
    >>> signed_cam(net, torch.rand(5, 1, 8, 8), "1").shape
    torch.Size([5, 8, 8])
    """
    height, width = x.shape[2:]
    return upsampled(grad_cam(net, x, "predicted", layer), (height, width))


def cam(net: nn.Module, x: Float[Tensor, "B C H W"], layer: str) -> Float[Tensor, "B H W"]:
    """Grad-CAM as published: negative values are set to zero.

    >>> import torch
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 2)).eval()
    >>> bool((cam(net, torch.rand(5, 1, 8, 8), "1") >= 0).all())
    True
    """
    return signed_cam(net, x, layer).relu()
