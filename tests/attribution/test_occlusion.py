"""Occlusion against its definition, written as a loop, and its closed form for linear functions."""

from itertools import product

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from traces import leaves_no_trace

from interpbook.attribution.occlusion import occlusion
from interpbook.functions.select import select


def normal(*shape, seed=0):
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def bumpy(x):
    weight = torch.linspace(-1, 2, x[0].numel(), dtype=x.dtype).view(x.shape[1:])
    return (weight * x).flatten(1).sum(1).sin() + (weight * x**2).flatten(1).sum(1)


def brute_force(f, x, window, stride, baseline):
    """For every value, the mean fall over every window that contains it, by masks over all places."""
    sizes = x.shape[1:]
    axes = []
    for size, side, step in zip(sizes, window, stride, strict=True):
        starts = [0]
        while starts[-1] + side < size:
            starts.append(starts[-1] + step)
        axes.append([(torch.arange(size) >= s) & (torch.arange(size) < s + side) for s in starts])
    falls, masks = [], []
    for sides in product(*axes):
        mask = torch.ones(sizes, dtype=torch.bool)
        for axis, inside in enumerate(sides):
            mask &= inside.view([-1 if a == axis else 1 for a in range(len(sizes))])
        masks.append(mask.double())
        falls.append(f(x) - f(torch.where(mask, baseline, x)))
    masks, falls = torch.stack(masks), torch.stack(falls)
    return torch.einsum("wb,w...->b...", falls, masks) / masks.sum(0)


@st.composite
def geometries(draw):
    sizes = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    window = tuple(draw(st.integers(1, size)) for size in sizes)
    stride = tuple(draw(st.integers(1, side)) for side in window)
    return sizes, window, stride


@settings(max_examples=60, deadline=None)
@given(geometries(), st.integers(1, 7), st.integers(0, 10**6))
def test_occlusion_is_its_definition(geometry, chunk, seed):
    sizes, window, stride = geometry
    x, baseline = normal(2, *sizes, seed=seed), normal(*sizes, seed=seed + 1)
    expected = brute_force(bumpy, x, window, stride, baseline)
    values = occlusion(bumpy, x, window, stride, baseline, chunk)
    torch.testing.assert_close(values, expected, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("shape", [(7,), (2, 5), (2, 4, 3)])
def test_occlusion_of_a_linear_function_is_its_terms(shape):
    weight, x, baseline = normal(*shape), normal(3, *shape, seed=1), normal(*shape, seed=2)
    values = occlusion(lambda x: (weight * x).flatten(1).sum(1) + 4, x, window=1, baseline=baseline)
    torch.testing.assert_close(values, weight * (x - baseline), rtol=1e-10, atol=1e-10)


def test_a_window_without_overlap_shares_one_fall():
    x = torch.ones(1, 5)
    values = occlusion(lambda x: x @ torch.tensor([1.0, 2, 4, 8, 16]), x, window=2)
    # The last window is clipped to one value, not dropped.
    torch.testing.assert_close(values, torch.tensor([[3.0, 3, 12, 12, 16]]))


def test_an_int_covers_every_dimension_or_the_whole_of_a_shorter_one():
    x = normal(2, 3, 8, 8)
    by_int, by_tuple = occlusion(bumpy, x, 5, 2), occlusion(bumpy, x, (3, 5, 5), (1, 2, 2))
    torch.testing.assert_close(by_int, by_tuple, rtol=0, atol=0)
    torch.testing.assert_close(occlusion(bumpy, x, 4), occlusion(bumpy, x, (3, 4, 4), (3, 4, 4)), rtol=0, atol=0)
    everything = bumpy(x) - bumpy(torch.zeros_like(x))
    torch.testing.assert_close(occlusion(bumpy, x, 100), everything.view(2, 1, 1, 1).expand_as(x))


@settings(max_examples=20, deadline=None)
@given(chunk=st.integers(1, 20), order=st.permutations(range(4)))
def test_chunk_and_batch_order_do_not_change_the_result(chunk, order):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Flatten(), nn.Linear(48, 5)).eval()
    x, target = normal(4, 1, 6, 6).float(), torch.tensor([0, 3, 1, 1])
    expected = occlusion(select(model, target), x, 2, 1)
    scale = float(expected.abs().max())
    again = occlusion(select(model, target[list(order)]), x[list(order)], 2, 1, chunk=chunk)
    torch.testing.assert_close(again, expected[list(order)], rtol=1e-5, atol=1e-5 * scale)


def test_no_trace_is_left():
    torch.manual_seed(0)
    model = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(4, 3)).double().eval()
    x = normal(3, 4).requires_grad_()
    with leaves_no_trace(model, x):
        values = occlusion(select(model), x, window=2, stride=1)
    assert not values.requires_grad
    assert values.dtype == x.dtype

    def breaks(x):
        raise RuntimeError("broken")

    with leaves_no_trace(model, x), pytest.raises(RuntimeError, match="broken"):
        occlusion(breaks, x, 1)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"window": 0}, ValueError, "^window: .*at least 1, got 0"),
        ({"window": 1.5}, TypeError, "^window: .*got 1.5"),
        ({"window": True}, TypeError, "^window: .*got True"),
        ({"window": (2,)}, ValueError, r"^window: expected 2 ints, one for each of \(3, 4\), got \(2,\)"),
        ({"window": (2, 5)}, ValueError, r"^window: .*up to those of an example, \(3, 4\), got \(2, 5\)"),
        ({"window": 2, "stride": 3}, ValueError, r"^stride: expected at most the window, \(2, 2\)"),
        ({"window": 2, "stride": (1, 1, 1)}, ValueError, "^stride: expected 2 ints"),
        ({"window": 2, "stride": 0}, ValueError, "^stride: .*got 0"),
        ({"window": 2, "baseline": torch.zeros(3)}, ValueError, "^baseline: "),
        ({"window": 2, "chunk": 0}, ValueError, "^chunk: "),
        ({"window": 2, "x": torch.ones(2, 3, 4).long()}, TypeError, "^x: .*int64"),
        ({"window": 2, "f": 3}, TypeError, "^f: "),
        ({"window": 2, "f": lambda x: x}, ValueError, r"^output of f: .*got \(2, 3, 4\)"),
        ({"window": 2, "f": lambda x: 1 / x.amin((1, 2))}, ValueError, "^output of f: expected finite"),
    ],
)
def test_bad_input_is_named(arguments, error, says, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=says):
        occlusion(**{"f": bumpy, "x": torch.ones(2, 3, 4)} | arguments)
