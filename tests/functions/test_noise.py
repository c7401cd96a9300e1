"""Noise belongs to a generator: the given one, or a new one with seed 0; dtype and device do not change it."""

import pytest
import torch

from interpbook.checks import check_generator
from interpbook.density import hutchinson_trace, langevin
from interpbook.functions.noise import standard_normal


def test_without_a_generator_the_seed_is_zero():
    assert check_generator(None).initial_seed() == 0
    x = torch.ones(2, 3)
    zero = torch.Generator().manual_seed(0)
    f = lambda x: x.square().sum(1)  # noqa: E731
    assert torch.equal(hutchinson_trace(f, x), hutchinson_trace(f, x, generator=zero))
    assert torch.equal(langevin(f, x, 2, 0.1), langevin(f, x, 2, 0.1, torch.Generator().manual_seed(0)))


def test_a_generator_is_used_and_moves_on():
    generator = torch.Generator().manual_seed(3)
    assert check_generator(generator) is generator
    one, two = (standard_normal((4,), torch.zeros(1), generator) for _ in range(2))
    assert not torch.equal(one, two)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16])
def test_every_dtype_sees_the_same_numbers(dtype):
    state = torch.get_rng_state()
    noise = standard_normal((2, 3), torch.zeros(1, dtype=dtype), torch.Generator().manual_seed(1))
    assert torch.equal(noise, torch.randn(2, 3, generator=torch.Generator().manual_seed(1)).to(dtype))
    assert torch.equal(torch.get_rng_state(), state)
