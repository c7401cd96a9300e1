"""FullGrad maps equal the published algorithm, which is written out channel by channel in benchmarks/."""

import jaxtyping
import pytest
import torch
import torchvision
from fullgrad_speed import published
from networks import randomize
from torch import Tensor, nn

from interpbook.attribution.fullgrad import full_gradients
from interpbook.attribution.fullgrad_map import _channels_first, fullgrad_map, simple_fullgrad_map, smooth_fullgrad_map


def small(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return randomize(
        nn.Sequential(
            nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(inplace=True), nn.MaxPool2d(2),
            nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5),
        )
    )  # fmt: skip


NETWORKS = {
    "small": (small, 12, 2),
    "resnet18": (lambda: randomize(torchvision.models.resnet18(weights=None)), 64, 3),
    "squeezenet": (lambda: randomize(torchvision.models.squeezenet1_1(weights=None)), 64, 3),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_maps_are_the_published_ones(name: str) -> None:
    build, size, channels = NETWORKS[name]
    torch.manual_seed(1)
    model, x = build(), torch.rand(2, channels, size, size, dtype=torch.float64)
    torch.testing.assert_close(fullgrad_map(model, x, 1), published(model, x, 1), rtol=1e-5, atol=1e-8)
    simple = published(model, x, 1, with_bias=False)
    torch.testing.assert_close(simple_fullgrad_map(model, x, 1), simple, rtol=1e-5, atol=1e-8)


def test_without_rescaling_magnitudes_are_kept() -> None:
    """With maps as large as the image, the plain map sums to the sum of the terms' magnitudes."""
    model = randomize(nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(192, 5)))
    x = torch.rand(2, 2, 8, 8, dtype=torch.float64)
    parts = full_gradients(model, x, 1)
    total = parts.input_term.abs().sum(1) + parts.bias_terms["0"].abs().sum(1)
    torch.testing.assert_close(fullgrad_map(model, x, 1, rescale="none"), total)


def test_rescaling_within_channels_makes_them_equal() -> None:
    """Scaling one channel's bias changes a map that is rescaled per image, not one rescaled per channel."""
    model = randomize(nn.Sequential(nn.Conv2d(2, 2, 3, padding=1), nn.Identity(), nn.Flatten(), nn.Linear(128, 5)))
    x = torch.rand(1, 2, 8, 8, dtype=torch.float64)
    before = {r: fullgrad_map(model, x, 1, rescale=r) for r in ("per_image", "per_channel")}
    with torch.no_grad():
        model[0].bias[0] *= 5
    torch.testing.assert_close(
        fullgrad_map(model, x, 1, rescale="per_channel"), before["per_channel"], rtol=1e-3, atol=1e-3
    )
    assert (fullgrad_map(model, x, 1, rescale="per_image") - before["per_image"]).abs().max() > 0.05


def test_channels_last_terms_fall_on_their_pixels() -> None:
    """A layer norm over the last axis gives the same map as the same network with its grid in front."""

    class ChannelsLast(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm, self.head = nn.LayerNorm(6), nn.Linear(6 * 64, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.norm(x.permute(0, 2, 3, 1)).flatten(1))

    model, x = randomize(ChannelsLast()), torch.rand(2, 6, 8, 8, dtype=torch.float64)
    parts = full_gradients(model, x, 1)
    total = parts.input_term.abs().sum(1) + parts.bias_terms["norm"].abs().sum(-1)
    torch.testing.assert_close(fullgrad_map(model, x, 1, rescale="none"), total)


@pytest.mark.parametrize(
    ("term", "channels"),
    [
        ((2, 6, 4, 3), 6),  # a stride of two over 7 x 5 pixels, rounded up
        ((2, 4, 3, 6), 6),  # the same with channels last
        ((2, 6, 1, 1), 6),  # a gate on whole channels
        ((2, 6, 14, 10), None),  # larger than the image
        ((2, 6, 6, 6), None),  # attention among six tokens
        ((2, 20), None),
    ],
)
def test_grids_have_the_proportions_of_the_image(term: tuple[int, ...], channels: int | None) -> None:
    found = _channels_first(torch.zeros(term), torch.Size([7, 5]))
    assert (None if found is None else found.shape[1]) == channels


def test_terms_of_convolutions_count_whatever_their_shape() -> None:
    """Windows that are not square give grids of other proportions than the image; the published map has them all."""
    model = randomize(
        nn.Sequential(nn.Conv2d(1, 5, (9, 3)), nn.ReLU(), nn.Conv2d(5, 4, 3, stride=(4, 1)), nn.ReLU(), nn.Flatten(),
                      nn.Linear(4 * 2 * 12, 3))
    )  # fmt: skip
    x = torch.rand(2, 1, 16, 16, dtype=torch.float64)
    torch.testing.assert_close(fullgrad_map(model, x, 1), published(model, x, 1), rtol=1e-5, atol=1e-8)


def test_smooth_without_noise_is_the_plain_map() -> None:
    model, x = small(), torch.rand(2, 2, 12, 12, dtype=torch.float64)
    smooth = smooth_fullgrad_map(model, x, 1, noise=0.0, samples=3)
    torch.testing.assert_close(smooth, fullgrad_map(model, x, 1))


def test_smooth_averages_signed_terms() -> None:
    """In a linear network noise moves the input term by gradient * mean noise, and no bias term."""
    model = randomize(nn.Sequential(nn.Conv2d(1, 1, 1), nn.Flatten(), nn.Linear(16, 2)))
    x = torch.rand(1, 1, 4, 4, dtype=torch.float64)
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(50, 1, 1, 4, 4, generator=generator, dtype=torch.float64).mean(0) * 0.2 * (x.max() - x.min())
    parts = full_gradients(model, x, 1)
    expected = (parts.input_term / x * (x + noise)).abs().sum(1) + parts.bias_terms["0"].abs().sum(1)
    generator.manual_seed(3)
    got = smooth_fullgrad_map(model, x, 1, noise=0.2, samples=50, rescale="none", generator=generator)
    torch.testing.assert_close(got, expected)


def test_smooth_averages_with_signs_the_class_of_the_image_itself() -> None:
    """By hand, where noise switches units, the signs of terms and the predicted class; each image has its own range."""
    model = randomize(
        nn.Sequential(
            nn.Conv2d(1, 3, 3, padding=1), nn.Softplus(), nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Flatten(),
            nn.Linear(48, 5),
        )
    )  # fmt: skip
    x = torch.rand(3, 1, 4, 4, dtype=torch.float64) * torch.tensor([1.0, 2.0, 3.0]).view(3, 1, 1, 1).double()
    predicted = model(x).argmax(1)
    generator = torch.Generator().manual_seed(3)
    span = (x.flatten(1).max(1).values - x.flatten(1).min(1).values).view(3, 1, 1, 1)
    noise = torch.stack([torch.randn(1, 4, 4, generator=generator, dtype=torch.float64) for _ in range(8)])
    copies = x + 8 * span * noise[:, None]
    assert any((model(copy).argmax(1) != predicted).any() for copy in copies)
    parts = [full_gradients(model, copy, predicted) for copy in copies]
    expected = sum(part.input_term for part in parts).div(8).abs().sum(1)
    for name in ("0", "1", "2"):
        expected = expected + sum(part.bias_terms[name] for part in parts).div(8).abs().sum(1)
    generator.manual_seed(3)
    got = smooth_fullgrad_map(model, x, noise=8.0, samples=8, rescale="none", generator=generator)
    torch.testing.assert_close(got, expected)


def test_a_map_does_not_depend_on_its_batch() -> None:
    model, x = small(), torch.rand(4, 2, 12, 12, dtype=torch.float64)
    for method in (fullgrad_map, simple_fullgrad_map, smooth_fullgrad_map):
        together = method(model, x, 2)
        for i in range(4):
            torch.testing.assert_close(method(model, x[i : i + 1], 2)[0], together[i])


def test_global_random_state_is_left_alone() -> None:
    model, x = small(), torch.rand(1, 2, 12, 12, dtype=torch.float64)
    state = torch.get_rng_state()
    first, second = (smooth_fullgrad_map(model, x, samples=2) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("x", "options", "error", "message"),
    [
        (torch.rand(2, 12, 12).double(), {}, ValueError, r"^x: .*\(B, C, H, W\).*\(2, 12, 12\)"),
        (torch.rand(2, 2, 12, 12).double(), {"rescale": "max"}, ValueError, r"^rescale: .*per_channel.*max"),
        (torch.rand(2, 2, 12, 12).double(), {"samples": 0}, ValueError, r"^samples: "),
        (torch.rand(2, 2, 12, 12).double(), {"noise": -1.0}, ValueError, r"^noise: "),
    ],
)
def test_bad_input_is_refused_by_name(monkeypatch, x, options, error, message) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=message):
        smooth_fullgrad_map(small(), x, 1, **options)


def test_what_is_no_generator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 2)).eval()
    with pytest.raises(TypeError, match=r"generator: expected a torch\.Generator or None, got int"):
        smooth_fullgrad_map(model, torch.zeros(1, 1, 4, 4), generator=7)
