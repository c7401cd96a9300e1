"""Ranking, replacing and measuring pixels, against brute force and closed forms."""

import jaxtyping
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from interpbook.attribution.perturbation import pixel_perturbation, ranked_pixels, replace_pixels
from interpbook.functions.select import select


@given(seed=st.integers(0, 1000), fraction=st.floats(0, 1), most=st.booleans())
@settings(max_examples=50, deadline=None)
def test_every_masked_pixel_is_beyond_every_other(seed: int, fraction: float, most: bool) -> None:
    maps = torch.randn(3, 5, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    mask = ranked_pixels(maps, fraction, most=most)
    assert mask.flatten(1).sum(1).tolist() == [round(fraction * 20)] * 3
    for values, chosen in zip(maps, mask, strict=True):
        if chosen.any() and not chosen.all():
            inside, outside = values[chosen], values[~chosen]
            assert inside.min() > outside.max() if most else inside.max() < outside.min()


def test_most_and_least_salient_complete_each_other() -> None:
    maps = torch.randn(2, 4, 4, generator=torch.Generator().manual_seed(0))
    most, least = ranked_pixels(maps, 0.25, most=True), ranked_pixels(maps, 0.75, most=False)
    assert torch.equal(most, ~least)


def test_equal_pixels_are_taken_in_random_order() -> None:
    """On a constant map every pixel is as likely as every other: 2000 draws of a half, z-test at 5 sigma."""
    maps = torch.zeros(2000, 4, 4)
    taken = ranked_pixels(maps, 0.5, most=False, generator=torch.Generator().manual_seed(1)).double().mean(0)
    assert (taken - 0.5).abs().max() < 5 * (0.25 / 2000) ** 0.5
    state = torch.get_rng_state()
    assert torch.equal(ranked_pixels(maps, 0.5, most=True), ranked_pixels(maps, 0.5, most=True))
    assert torch.equal(state, torch.get_rng_state())


def test_only_masked_pixels_change_in_all_channels() -> None:
    x = torch.rand(2, 3, 4, 4)
    mask = torch.rand(2, 4, 4) > 0.5
    out = replace_pixels(x, mask, fill=7.0)
    assert torch.equal(out == 7, mask[:, None].expand_as(x))
    assert torch.equal(out[~mask[:, None].expand_as(x)], x[~mask[:, None].expand_as(x)])


def test_a_linear_function_changes_by_what_is_removed() -> None:
    """For f = sum of w x, replacing the set R by c changes f by sum over R of w (c - x)."""
    generator = torch.Generator().manual_seed(0)
    x, w = (torch.rand(3, 2, 4, 4, generator=generator, dtype=torch.float64) for _ in range(2))
    w = w[:1]
    maps = torch.rand(3, 4, 4, generator=generator, dtype=torch.float64)
    got = pixel_perturbation(lambda z: (w * z).sum((1, 2, 3)), x, maps, [0.0, 0.25, 1.0], fill=0.3)
    for row, fraction in zip(got, (0.0, 0.25, 1.0), strict=True):
        removed = maps.flatten(1).argsort(1)[:, : round(16 * fraction)]
        parts = (w * (0.3 - x)).sum(1).flatten(1).gather(1, removed).sum(1)
        torch.testing.assert_close(row, parts.abs() / (w * x).sum((1, 2, 3)).abs())


def test_the_pixels_of_a_smaller_share_are_among_those_of_a_larger() -> None:
    """On constant maps, whose order is random; the change in a sum of powers of two tells which were replaced."""
    x = 2.0 ** torch.arange(16, dtype=torch.float64).view(1, 1, 4, 4).expand(8, 1, 4, 4)
    changes = pixel_perturbation(
        lambda z: z.sum((1, 2, 3)),
        x,
        torch.zeros(8, 4, 4),
        [0.25, 0.5],
        generator=torch.Generator().manual_seed(0),
    )
    for few, half in (changes * (2**16 - 1)).round().int().T.tolist():
        assert (few.bit_count(), half.bit_count(), few & half) == (4, 8, few)


def test_predicted_classes_are_those_of_the_whole_images() -> None:
    """Class 0 has the sum of an image, class 1 a constant between that and what the sum becomes."""

    def model(z: torch.Tensor) -> torch.Tensor:
        return torch.stack([z.sum((1, 2, 3)), torch.full((len(z),), 10.0, dtype=z.dtype)], 1)

    x = torch.ones(3, 1, 4, 4, dtype=torch.float64)
    changes = pixel_perturbation(select(model), x, x[:, 0], [0.25, 0.5, 0.75])
    assert torch.equal(changes, torch.tensor([[0.25], [0.5], [0.75]]).double().expand(3, 3))


def test_a_model_that_works_in_place_does_not_change_the_images() -> None:
    x = torch.rand(3, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    before = x.clone()
    changes = pixel_perturbation(lambda z: z.mul_(2).sum((1, 2, 3)), x, x.sum(1), [0.0, 0.5])
    assert torch.equal(x, before)
    assert torch.equal(changes, pixel_perturbation(lambda z: (2 * z).sum((1, 2, 3)), x, x.sum(1), [0.0, 0.5]))


def test_an_output_of_zero_has_no_fractional_change() -> None:
    x = torch.tensor([1.0, 0.0, 2.0, 0.0]).view(4, 1, 1, 1).expand(4, 1, 2, 2)
    with pytest.raises(ValueError, match=r"^f: expected outputs other than 0.*got 0 for \[1, 3\]"):
        pixel_perturbation(lambda z: z.sum((1, 2, 3)), x, torch.rand(4, 2, 2), [0.5])


X = torch.rand(2, 3, 4, 4)


@pytest.mark.parametrize(
    ("x", "mask", "fill", "error", "message"),
    [
        (X, torch.ones(2, 1, 4, 4).bool(), 0.0, ValueError, r"^mask: .*\(2, 4, 4\).*got \(2, 1, 4, 4\)"),
        (X, torch.ones(4, 4).bool(), 0.0, ValueError, r"^mask: .*got \(4, 4\)"),
        (X, torch.ones(1, 4, 4).bool(), 0.0, ValueError, r"^mask: .*got \(1, 4, 4\)"),
        (X, torch.ones(2, 4, 4), 0.0, TypeError, r"^mask: expected a boolean .*got torch\.float32"),
        (X, [[True]], 0.0, TypeError, r"^mask: expected a boolean .*got list"),
        (X[:, 0], torch.ones(2, 4, 4).bool(), 0.0, ValueError, r"^x: .*\(2, 4, 4\)"),
        (X, torch.ones(2, 4, 4).bool(), torch.nan, ValueError, r"^fill: "),
    ],
)
def test_masks_that_do_not_fit_are_refused(monkeypatch, x, mask, fill, error, message) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=message):
        replace_pixels(x, mask, fill)


def test_a_generator_is_a_generator(monkeypatch) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    for wrong in (7, 0, "seed"):
        says = rf"^generator: expected a torch.Generator or None, got {type(wrong).__name__}"
        with pytest.raises(TypeError, match=says):
            ranked_pixels(X[:, 0], 0.5, most=True, generator=wrong)
        with pytest.raises(TypeError, match=says):
            pixel_perturbation(lambda z: z.sum((1, 2, 3)), X, X[:, 0], [0.5], generator=wrong)


def test_the_sign_of_the_output_does_not_matter() -> None:
    x = torch.rand(3, 2, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    changes = [pixel_perturbation(lambda z, s=s: s * z.sum((1, 2, 3)), x, x.sum(1), [0.1, 0.5]) for s in (1, -1)]
    assert torch.equal(*changes)
    assert (changes[0] > 0).all()


@pytest.mark.parametrize(
    ("saliency", "fractions", "error", "message"),
    [
        (torch.rand(2, 4, 5), [0.5], ValueError, r"^saliency: .*\(2, 4, 5\)"),
        (torch.rand(2, 4, 4), [1.5], ValueError, r"^fraction: .*1.5"),
        (torch.full((2, 4, 4), torch.nan), [0.5], ValueError, r"^saliency: .*finite"),
        (torch.ones(2, 4, 4, dtype=torch.int64), [0.5], TypeError, r"^saliency: "),
        ([[0.0]], [0.5], TypeError, r"^saliency: "),
    ],
)
def test_bad_input_is_refused_by_name(monkeypatch, saliency, fractions, error, message) -> None:
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(error, match=message):
        pixel_perturbation(lambda z: z.sum((1, 2, 3)), torch.rand(2, 1, 4, 4), saliency, fractions)
