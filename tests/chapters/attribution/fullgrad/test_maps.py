"""Maps of other methods, against closed forms."""

import torch
from torch import nn

from interpbook.attribution import gradient_x_input
from interpbook.chapters.attribution.fullgrad.maps import cam, pixels_of, signed_cam, upsampled


def test_a_pixel_has_the_sizes_of_its_channels_for_the_predicted_class():
    """Gradient times input of a linear network is its weights times the input."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4, 5)).double().eval()
    x = torch.randn(6, 3, 2, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    rows = net[1].weight[net(x).argmax(1)].detach().view_as(x)
    torch.testing.assert_close(pixels_of(gradient_x_input)(net, x), (rows * x).abs().sum(1))


def test_upsampling_keeps_the_corners_and_what_is_linear():
    rows, columns = torch.meshgrid(torch.arange(4.0), torch.arange(3.0), indexing="ij")
    larger = upsampled((2 * rows - columns)[None], (7, 5))[0]
    rows, columns = torch.meshgrid(torch.arange(7.0) / 2, torch.arange(5.0) / 2, indexing="ij")
    torch.testing.assert_close(larger, 2 * rows - columns)


def test_grad_cam_keeps_the_positive_values_of_the_signed_one():
    """A channel, mean-pooled, that its class counts with -1 or 1: the map is the channel, upsampled, with that sign."""
    layers = nn.Conv2d(1, 2, 2, stride=2, bias=False), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2)
    net = nn.Sequential(*layers).eval()
    sign = torch.tensor([[1.0, 0.0], [0.0, -1.0]])
    net[3].weight.data, net[3].bias.data = sign, torch.zeros(2)
    x = torch.randn(8, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    predicted = net(x).argmax(1)
    assert len(predicted.unique()) == 2
    channels = (sign @ net[0](x).detach().flatten(2)).view(8, 2, 3, 3)[torch.arange(8), predicted]
    signed = signed_cam(net, x, "0")
    torch.testing.assert_close(signed, upsampled(channels / 9, (6, 6)))
    assert torch.equal(cam(net, x, "0"), signed.clamp(min=0))
