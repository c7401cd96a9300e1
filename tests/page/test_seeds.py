"""Seeds: one source of random numbers for each, and one measurement of each network."""

import pytest
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


def test_one_family_needs_no_name() -> None:
    torch.testing.assert_close(page.over_seeds(lambda seed: seed / 2, range(3)), torch.tensor([0, 0.5, 1]).double())


def test_the_first_axis_runs_over_the_networks() -> None:
    found = page.over_seeds(lambda scale: scale * torch.tensor([[1.0], [2.0]], requires_grad=True), {"a": [1, 10, 100]})
    assert found["a"].shape == (3, 2, 1)
    assert not found["a"].requires_grad
    assert found["a"][:, 1, 0].tolist() == [2, 20, 200]


def test_named_measurements_keep_their_names() -> None:
    found = page.over_seeds(lambda seed: {("coins", "LIME"): seed, "row": torch.full((2,), 1.0 * seed)}, range(3))
    assert list(found) == [("coins", "LIME"), "row"]
    assert found["coins", "LIME"].tolist() == [0, 1, 2]
    assert found["row"].tolist() == [[0, 0], [1, 1], [2, 2]]


@pytest.mark.parametrize(
    ("measure", "families", "complaint"),
    [
        (float, [], r"^families is empty, expected"),
        (float, {"a": [1], "b": []}, r"^families\['b'\] is empty, expected"),
        (torch.zeros, {"a": [1, 2]}, r"families\['a'\] returned the shapes \(1,\), \(2,\), expected one"),
        (lambda seed: {"x": torch.zeros(seed)}, [1, 2], r"families, 'x' returned the shapes \(1,\), \(2,\)"),
        (lambda seed: {str(seed): 1}, [1, 2], r"returned \{'2': 1\} for network 1, expected \['1'\]"),
        (lambda seed: {"x": 1} if seed == 1 else 1, [1, 2], r"returned 1 for network 1, expected \['x'\]"),
    ],
)
def test_measurements_that_cannot_stand_together_are_named(measure, families, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        page.over_seeds(measure, families)


def test_some_results_are_picked_in_their_order() -> None:
    results = {"a": 1, "b": 2, "c": 3}
    assert list(page.only(results, "c", "a").items()) == [("c", 3), ("a", 1)]
    assert page.only(results, *results) == results
    with pytest.raises(KeyError, match=r"names has \['d'\], expected some of \['a', 'b', 'c'\]"):
        page.only(results, "a", "d")
