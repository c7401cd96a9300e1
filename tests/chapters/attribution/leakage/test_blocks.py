"""The images of the chapter: one half says everything about the label, the other nothing."""

import torch
from torch.nn.functional import avg_pool2d

from interpbook.chapters.attribution.leakage.blocks import load_blocks, load_images, null_block
from interpbook.datasets import load_mnist


def test_one_half_is_the_digit_and_the_other_the_ring() -> None:
    images, labels, signal = load_blocks("test")
    digits, expected = load_mnist("test")
    assert torch.equal(labels, expected)
    assert torch.equal(images[signal].view(-1, 1, 14, 14), avg_pool2d(digits, 2))
    assert torch.equal(images[~signal].view(-1, 1, 14, 14), null_block().expand(len(images), 1, 14, 14))
    above = signal[:, 0, 0, 0].float().mean()
    assert abs(above - 0.5) < 0.05  # of 2,000 coins


def test_the_ring_is_the_same_from_all_sides() -> None:
    [ring] = null_block()
    assert set(ring.unique().tolist()) == {0, torch.tensor(0.6).item()}
    for turned in (ring.flip(0), ring.flip(1), ring.mT):
        assert torch.equal(turned, ring)


def test_coins_fall_the_same_every_time_and_otherwise_in_each_split() -> None:
    first, again, other = load_blocks("test", size=100), load_blocks("test"), load_blocks("train", size=100)
    assert torch.equal(first.images, again.images[:100])
    assert torch.equal(first.signal, again.signal[:100])
    assert not torch.equal(first.signal, other.signal)
    images, labels = load_images("test")
    assert torch.equal(images, again.images)
    assert torch.equal(labels, again.labels)
