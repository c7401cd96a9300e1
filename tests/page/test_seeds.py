"""Seeds: one source of random numbers for each, and one measurement of each network."""

import torch

from interpbook import page


def test_the_same_seed_gives_the_same_numbers_and_leaves_the_global_state_alone() -> None:
    before = torch.random.get_rng_state()
    one, two, other = (torch.randn(4, generator=page.generator(seed)) for seed in (3, 3, 4))
    assert torch.equal(one, two)
    assert not torch.equal(one, other)
    assert torch.equal(before, torch.random.get_rng_state())


def test_every_network_is_measured_once_and_in_order() -> None:
    seen = []

    def measure(network: int) -> torch.Tensor:
        seen.append(network)
        return torch.tensor(network / 3)

    found = page.over_seeds(measure, {"a": [1, 2], "b": iter([3])})
    assert seen == [1, 2, 3]
    assert found["b"].dtype == torch.float64
    torch.testing.assert_close(found["a"], torch.tensor([1 / 3, 2 / 3]).double())
