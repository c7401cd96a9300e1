"""The signal stands where the mask says, the distractor everywhere else, and a fair coin decides which is which."""

import pytest
import torch

from interpbook.datasets import block_images


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


IMAGES = torch.rand(200, 2, 3, 4, generator=seeded())
LETTER = torch.rand(2, 3, 4, generator=seeded(1)) + 2


def test_the_mask_is_where_the_image_is_and_the_rest_is_the_distractor():
    blocks, signal = block_images(IMAGES, LETTER)
    assert blocks.shape == signal.shape == (200, 2, 6, 4)
    assert torch.equal(blocks[signal].view(200, 2, 3, 4), IMAGES)
    assert torch.equal(blocks[~signal].view(200, 2, 3, 4), LETTER.expand_as(IMAGES))
    halves = signal.view(200, 2, 2, 12)
    assert torch.equal(halves.all(3), halves.any(3))
    assert bool((halves[:, :, 0] != halves[:, :, 1]).all())
    assert torch.equal(signal[:, 0], signal[:, 1])


def test_a_fair_coin_of_the_generator_decides():
    _, signal = block_images(IMAGES, LETTER)
    on_top = signal[:, 0, 0, 0]
    assert abs(int(on_top.sum()) - 100) < 4 * 200**0.5 / 2
    assert torch.equal(block_images(IMAGES, LETTER, generator=seeded(0))[1], signal)
    assert not torch.equal(block_images(IMAGES, LETTER, generator=seeded(1))[1], signal)
    state = torch.get_rng_state()
    block_images(IMAGES, LETTER)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(("position", "rows"), [("top", slice(3)), ("bottom", slice(3, 6))])
def test_without_a_coin_all_images_stand_in_one_place(position, rows):
    coins = seeded()
    blocks, signal = block_images(IMAGES, LETTER, position=position, generator=coins)
    assert torch.equal(blocks[:, :, rows], IMAGES)
    assert torch.equal(blocks[~signal].view(200, 2, 3, 4), LETTER.expand_as(IMAGES))
    assert bool(signal[:, :, rows].all())
    assert int(signal.sum()) == IMAGES.numel()
    assert torch.equal(coins.get_state(), seeded().get_state())


def test_the_random_place_is_one_of_the_two_and_the_coins_are_as_they_were():
    """The coin of an image is a number below one half, drawn in order."""
    on_top = torch.rand(200, generator=seeded(7)) < 0.5
    top, bottom = (block_images(IMAGES, LETTER, position=position)[0] for position in ("top", "bottom"))
    expected = torch.where(on_top[:, None, None, None], top, bottom)
    assert torch.equal(block_images(IMAGES, LETTER, generator=seeded(7))[0], expected)
    assert torch.equal(block_images(IMAGES, LETTER, position="random", generator=seeded(7))[0], expected)


def test_inputs_stay_as_they_are_and_decide_the_dtype():
    images, letter = IMAGES.double(), LETTER.clone()
    blocks, _ = block_images(images, letter)
    assert blocks.dtype == torch.float64
    blocks.zero_()
    assert torch.equal(images, IMAGES.double())
    assert torch.equal(letter, LETTER)


WRONG = [
    (lambda: block_images(IMAGES.long(), LETTER), TypeError, "images: expected a floating tensor"),
    (lambda: block_images(IMAGES[:0], LETTER), ValueError, "images: expected at least one example"),
    (lambda: block_images(IMAGES, LETTER / 0), ValueError, "distractor: expected finite values"),
    (lambda: block_images(IMAGES, LETTER[:1]), ValueError, r"distractor: expected the shape .* and \(1, 3, 4\)"),
    (lambda: block_images(IMAGES[:, 0], LETTER[0]), ValueError, r"distractor: expected the shape \(c, h, w\)"),
    (lambda: block_images(IMAGES, LETTER, position="left"), ValueError, "position: expected \"random\", .*got 'left'"),
    (lambda: block_images(IMAGES, LETTER, position=None), ValueError, "position: .*got None"),
    (lambda: block_images(IMAGES, LETTER, generator=0), TypeError, "generator: expected a torch.Generator"),
]


@pytest.mark.parametrize(("call", "error", "said"), WRONG)
def test_wrong_arguments(without_shape_checks, call, error, said):
    with pytest.raises(error, match=said):
        call()
