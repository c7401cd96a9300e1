"""Two networks in one give what each gives alone, in float64 and in a page's 16 bits."""

import re
from typing import Any

import pytest
import torch
from networks import randomize
from torch import Tensor, nn

from interpbook.chapters.robustness.off_manifold.networks import StridedCNN
from interpbook.chapters.robustness.off_manifold.side_by_side import side_by_side
from interpbook.explore.network import rounded


def pair(dtype: torch.dtype = torch.float64, size: tuple[int, int] = (28, 14)) -> tuple[nn.Module, nn.Module]:
    return tuple(randomize(StridedCNN(size, seed=seed), seed, dtype) for seed in (1, 2))


def images(*size: int) -> Tensor:
    return torch.rand(4, 1, *size, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("size", [(28, 14), (28, 28), (9, 17)])
def test_the_logits_are_those_of_the_two(size: tuple[int, int]) -> None:
    one, two = pair(size=size)
    x = images(*size)
    expected = torch.cat([one(x), two(x)], 1)
    torch.testing.assert_close(side_by_side(one, two)(x), expected, rtol=1e-12, atol=1e-12)


def test_rounding_the_pair_is_rounding_each() -> None:
    one, two = pair(torch.float32)
    x = images(28, 14)
    expected = torch.cat([rounded(one)(x), rounded(two)(x)], 1)
    torch.testing.assert_close(rounded(side_by_side(one, two))(x), expected, rtol=1e-12, atol=1e-12)


def test_no_weight_of_one_reaches_the_other() -> None:
    one, two = pair()
    both, x = side_by_side(one, two), images(28, 14)
    before = both(x)
    again = side_by_side(one, randomize(StridedCNN((28, 14), seed=3), 3))(x)
    torch.testing.assert_close(again[:, :10], before[:, :10], rtol=0, atol=1e-12)
    assert not torch.allclose(again[:, 10:], before[:, 10:])


def test_the_two_are_left_alone() -> None:
    one, two = pair(torch.float32)
    one.train()
    before = [p.clone() for model in (one, two) for p in model.parameters()]
    state = torch.get_rng_state()
    both = side_by_side(one, two)
    with torch.no_grad():
        for parameter in both.parameters():
            parameter.zero_()
    assert one.training
    assert not both.training
    assert not any(module.training for module in both.modules())
    assert torch.equal(torch.get_rng_state(), state)
    after = [p for model in (one, two) for p in model.parameters()]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))
    assert {p.dtype for p in both.parameters()} == {torch.float32}


@pytest.mark.usefixtures("without_shape_checks")
@pytest.mark.parametrize(
    ("one", "two", "error", "words"),
    [
        (3, StridedCNN(), TypeError, "first: expected a StridedCNN, got int"),
        (StridedCNN(), nn.Linear(1, 1), TypeError, "second: expected a StridedCNN, got Linear"),
        (
            StridedCNN(),
            StridedCNN((28, 14)),
            ValueError,
            "second: layer 'fc' has weights of shape (10, 128) and (10, 64), expected the same",
        ),
        (StridedCNN(), StridedCNN(channels=4), ValueError, "second: layer 'conv1' has weights of shape (8, 1, 3, 3)"),
    ],
)
def test_what_does_not_fit_is_refused(one: Any, two: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=re.escape(words)):
        side_by_side(one, two)
