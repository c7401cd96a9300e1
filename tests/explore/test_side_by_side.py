"""Two networks in one give what each gives alone, in float64 and in a page's 16 bits."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from networks import randomize
from torch import Tensor, nn

from interpbook.explore import side_by_side
from interpbook.explore.network import rounded
from interpbook.models import MLP


def convolutional() -> nn.Sequential:
    """Strides, sides that differ, and channels that a `Flatten` lays one after the other."""
    return nn.Sequential(
        nn.Conv2d(1, 3, 3, stride=(2, 1), padding=1),
        nn.Softplus(beta=10),
        nn.Conv2d(3, 4, (3, 2), stride=2, bias=False),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(4 * 6 * 7, 5),
        nn.GELU(),
        nn.Linear(5, 10, bias=False),
    )


def activated_first() -> nn.Sequential:
    """The layer with weights is not the first, and one activation is used twice."""
    act = nn.LeakyReLU(0.2)
    return nn.Sequential(act, nn.Flatten(), nn.Linear(392, 6), act, nn.Linear(6, 10))


def only_convolutions() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.SiLU(), nn.Conv2d(2, 10, (26, 12)), nn.Flatten())


def linear() -> nn.Sequential:
    return MLP((), inputs=392)


KINDS = [convolutional, activated_first, only_convolutions, linear, partial(MLP, (8, 6), inputs=392)]


def pair(make: Callable[[], nn.Sequential], dtype: torch.dtype = torch.float64) -> tuple[nn.Sequential, nn.Sequential]:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return tuple(randomize(make(), seed, dtype) for seed in (1, 2))


def other_weights(model: nn.Sequential) -> nn.Sequential:
    """The same, with every weight turned around."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(-parameter.flatten().flip(0).view_as(parameter))
    return model


def images() -> Tensor:
    return torch.rand(4, 1, 28, 14, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("make", KINDS)
def test_the_logits_are_those_of_the_two(make: Callable[[], nn.Sequential]) -> None:
    one, two = pair(make)
    other_weights(two)
    expected = torch.cat([one(images()), two(images())], 1)
    assert not torch.allclose(*expected.chunk(2, 1))
    torch.testing.assert_close(side_by_side(one, two)(images()), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("make", KINDS)
def test_rounding_the_pair_is_rounding_each(make: Callable[[], nn.Sequential]) -> None:
    one, two = pair(make, torch.float32)
    other_weights(two)
    expected = torch.cat([rounded(one)(images()), rounded(two)(images())], 1)
    torch.testing.assert_close(rounded(side_by_side(one, two))(images()), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("make", KINDS)
def test_no_weight_of_one_reaches_the_other(make: Callable[[], nn.Sequential]) -> None:
    one, two = pair(make)
    before = side_by_side(one, two)(images())
    after = side_by_side(one, other_weights(two))(images())
    torch.testing.assert_close(after[:, :10], before[:, :10], rtol=0, atol=0)
    assert not torch.allclose(after[:, 10:], before[:, 10:])


def test_the_two_are_left_alone() -> None:
    one, two = pair(convolutional, torch.float32)
    one.train()
    before = [p.clone() for model in (one, two) for p in model.parameters()]
    state = torch.get_rng_state()
    both = side_by_side(one, two)
    with torch.no_grad():
        for parameter in both.parameters():
            parameter.zero_()
    assert all(module.training for module in one.modules())
    assert not any(module.training for module in both.modules())
    assert torch.equal(torch.get_rng_state(), state)
    after = [p for model in (one, two) for p in model.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert {p.dtype for p in both.parameters()} == {torch.float32}


def test_layers_keep_their_names_and_say_their_sizes() -> None:
    one, two = pair(convolutional)
    both = side_by_side(one, two)
    assert repr(both[2]).startswith("Conv2d(6, 8, kernel_size=(3, 2), stride=(2, 2), groups=2, bias=False")
    assert repr(both[5]) == "Linear(in_features=336, out_features=10, bias=True)"
    small = MLP((8,), inputs=4)
    assert [name for name, _ in side_by_side(small, small).named_children()] == ["flatten", "fc1", "act1", "fc"]


class Doubled(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


LINEAR = nn.Sequential(nn.Flatten(), nn.Linear(4, 2))
CONV = nn.Conv2d(1, 2, 3)


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("one", "two", "error", "words"),
    [
        (3, LINEAR, TypeError, "first: expected an nn.Sequential, got int"),
        (LINEAR, Doubled(*LINEAR), TypeError, "second: expected an nn.Sequential, got Doubled"),
        (LINEAR, LINEAR[:1], ValueError, "second: expected convolutions, Flatten, linear layers in this order, got Fl"),
        (
            LINEAR,
            nn.Sequential(*LINEAR, nn.ReLU()),
            ValueError,
            "second: expected as many layers as in first, 2, got 3",
        ),
        (
            LINEAR,
            nn.Sequential(nn.Flatten(), nn.Linear(4, 2, bias=False)),
            ValueError,
            "second: layer '1' is Linear(in_features=4, out_features=2, bias=False), expected Linear(in_features=4, "
            "out_features=2, bias=True), as in first",
        ),
        (
            nn.Sequential(nn.BatchNorm1d(4)),
            LINEAR,
            TypeError,
            "first: layer '0' is a BatchNorm1d, expected one of Conv2d, Flatten, Linear, ReLU",
        ),
        (nn.Sequential(nn.ReLU()), LINEAR, ValueError, "first: expected convolutions, Flatten, linear layers"),
        (nn.Sequential(nn.Linear(4, 2), nn.Flatten()), LINEAR, ValueError, "in this order, got Linear, Flatten"),
        (nn.Sequential(CONV, nn.Linear(4, 2)), LINEAR, ValueError, "in this order, got Conv2d, Linear"),
        (nn.Sequential(nn.Conv2d(2, 2, 3, groups=2)), LINEAR, ValueError, "first: layer '0' has 2 groups, expected"),
        (
            nn.Sequential(CONV, nn.Flatten(2)),
            LINEAR,
            ValueError,
            "first: layer '1' is Flatten(start_dim=2, end_dim=-1), expected Flatten(start_dim=1, end_dim=-1)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(one: Any, two: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        side_by_side(one, two)
