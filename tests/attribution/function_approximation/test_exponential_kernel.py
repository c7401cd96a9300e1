"""Which masks LIME looks at: as many of each size as its share of the kernel, and each mask as often as its weight."""

from math import comb, inf

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interpbook.attribution.function_approximation.exponential_kernel import exponential_design, shares


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def log_counts(d):
    return torch.tensor([comb(d, s) for s in range(d + 1)], dtype=torch.float64).log()


def kernel(d, width):
    size = torch.arange(d + 1, dtype=torch.float64)
    return (-((1 - (size / d).sqrt()) ** 2) / (2 * width**2)).exp()


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 60), st.integers(2, 3000), st.sampled_from([1e-3, 0.05, 0.25, 1.0, inf]))
def test_shares_spend_the_budget_and_not_more_than_there_are(d, n, width):
    n = min(n, 2**d - 1)
    size = torch.arange(d + 1, dtype=torch.float64)
    counts = log_counts(d)
    found = shares(counts - (1 - (size / d).sqrt()) ** 2 / (2 * width**2), counts, n)
    assert float(found.sum()) == pytest.approx(n)
    assert (found <= counts.exp() * (1 + 1e-9)).all()
    # Masks of a size that is not taken whole have a chance in proportion to their weight.
    some = (found < counts.exp() * (1 - 1e-6)) & (found > 1e-200)
    chance = found[some].log() - counts[some] + (1 - (size[some] / d).sqrt()) ** 2 / (2 * width**2)
    if some.any():
        torch.testing.assert_close(chance, chance[:1].expand_as(chance), atol=1e-7, rtol=0)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 12), st.integers(2, 400), st.sampled_from([1e-3, 0.1, 0.25, inf]), st.integers(0, 10**6))
def test_masks_are_distinct_and_as_many_as_asked(d, n, width, seed):
    n = min(n, 2**d - 1)
    design = exponential_design(d, width, n, generator(seed))
    assert design.xi.shape == (n, d)
    assert len(design.xi.unique(dim=0)) == n
    assert float(design.weight.sum()) == pytest.approx(1)
    assert (design.stratum.diff() >= 0).all()
    assert len(design.stratum) == n
    assert ((design.unseen >= 0) & (design.unseen <= 1)).all()
    size = design.xi.sum(1)
    assert (size.diff() >= 0).all()
    # A stratum holds at least two masks, or sizes seen whole, or all that was drawn of the others.
    pieces = [(design.stratum == s) for s in design.stratum.unique()]
    lonely = [p for p in pieces if p.sum() == 1 and design.unseen[design.stratum[p]] > 0]
    assert len(lonely) <= 1


@pytest.mark.parametrize("width", [0.1, 0.25, inf])
def test_weights_are_unbiased(width):
    """Over many draws a mask's weight is on average its share of the kernel."""
    d, n, draws = 5, 12, 800
    source, mean = generator(3), torch.zeros(2**d, dtype=torch.float64)
    square = torch.zeros(2**d, dtype=torch.float64)
    for _ in range(draws):
        design = exponential_design(d, width, n, source)
        row = torch.zeros(2**d, dtype=torch.float64)
        row[design.xi.long() @ (2 ** torch.arange(d))] = design.weight[0]
        mean += row / draws
        square += row**2 / draws
    size = ((torch.arange(2**d)[:, None] >> torch.arange(d)) % 2).sum(1)
    expected = kernel(d, width)[size]
    expected = expected / expected.sum()
    # What is rarely drawn, with a weight of about 1 / n, may not have been seen to vary.
    error = ((square - mean**2).maximum(expected / n * (mean < expected)) / draws).sqrt()
    assert ((mean - expected).abs() <= 4.5 * error.clamp(min=1e-6)).all()


def test_as_many_features_as_an_image_has_pixels():
    design = exponential_design(50_000, 0.25, 20, generator())
    assert design.xi.shape == (20, 50_000)
    assert design.together is None
