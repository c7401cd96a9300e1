"""A denoiser's score is the formula's, and after training that of the images, where that is known."""

import math

import jaxtyping
import pytest
import torch
from torch.nn import functional as F
from traces import leaves_no_trace

from interpbook.models import Denoiser, train_denoiser
from interpbook.models.denoiser import fit_denoiser


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_size():
    assert sum(parameter.numel() for parameter in Denoiser().parameters()) == 23_945
    for side in (8, 28, 32):
        assert Denoiser(2)(torch.rand(1, 1, side, side + 4), 0.2).shape == (1, 1, side, side + 4)


def test_the_score_is_what_the_denoiser_removes_over_the_variance():
    model, x = Denoiser(4, seed=1).double().eval(), normal(3, 1, 8, 8).double()
    torch.testing.assert_close(model.score(x, 0.3), (model(x, 0.3) - x) / 0.09)
    noise = model.noise(x, torch.full((3, 1, 1, 1), 0.3).double())
    torch.testing.assert_close(model(x, 0.3), x - 0.3 * noise)
    torch.testing.assert_close(model.score(x, 0.3), -noise / 0.3)


def test_every_image_can_have_a_noise_of_its_own():
    model, x, sigma = Denoiser(4).eval(), normal(3, 1, 8, 8), torch.tensor([0.1, 0.3, 0.5])
    together = model.score(x, sigma)
    for k in range(3):
        torch.testing.assert_close(together[k : k + 1], model.score(x[k : k + 1], float(sigma[k])))
    levels = (torch.full((3, 1, 1, 1), sigma) for sigma in (0.1, 0.5))
    low, high = (model.noise(x, level) for level in levels)  # the network is told how much noise there is
    assert (low - high).abs().max() > 1e-3


def test_no_trace_is_left_and_gradients_reach_the_input_when_called():
    model, x = Denoiser(4).eval(), normal(2, 1, 8, 8).requires_grad_()
    with leaves_no_trace(model, x):
        assert not model.score(x, 0.3).requires_grad
        assert model(x, 0.3).requires_grad


def test_seed_decides_and_global_state_is_left_alone():
    state = torch.get_rng_state()
    images = normal(64, 1, 8, 8)
    one, same, other = (train_denoiser(images, channels=2, epochs=1, seed=seed)[0] for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.out.weight, other.out.weight)
    assert not torch.equal(Denoiser(2, seed=1).out.weight, Denoiser(2, seed=2).out.weight)


def test_one_that_is_there_already_is_trained_in_place_and_labels_are_not_looked_at():
    images, options = normal(64, 1, 8, 8), {"epochs": 2, "lr": 1e-2, "batch_size": 16, "sigmas": (0.1, 0.4)}
    made, history = train_denoiser(images, channels=2, seed=3, **options)
    mine = Denoiser(2, seed=3)
    assert fit_denoiser(mine, (images, torch.arange(64)), seed=3, **options) == history
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), mine.parameters(), strict=True))
    assert not mine.training


def test_training_finds_the_score_of_gaussian_images():
    """Independent pixels N(m, s^2): with noise their score is (m - x) / (s^2 + sigma^2), and the least loss known."""
    mean, spread = 0.5, 0.2
    images = mean + spread * normal(3000, 1, 8, 8)
    denoiser, history = train_denoiser(images, channels=4, epochs=12, lr=1e-2, sigmas=(0.1, 0.5))
    assert not denoiser.training
    for seed, sigma in ((1, 0.15), (2, 0.3)):
        x = mean + math.hypot(spread, sigma) * normal(200, 1, 8, 8, seed=seed)
        truth = (mean - x) / (spread**2 + sigma**2)
        score = denoiser.score(x, sigma)
        assert F.cosine_similarity(score.flatten(), truth.flatten(), dim=0) > 0.98
        assert 0.9 < score.norm() / truth.norm() < 1.1
    levels = 0.1 * 5 ** torch.linspace(0, 1, 1001)
    least = float((spread**2 / (spread**2 + levels**2)).mean())
    assert least < history.loss[-1] < least + 0.06


IMAGES = torch.zeros(2, 1, 8, 8)
WRONG = [
    (lambda: Denoiser(0), "channels: expected an int of at least 1, got 0"),
    (
        lambda: Denoiser(2)(IMAGES[:, 0], 0.1),
        r"x: expected shape \(B, 1, H, W\), H and W .*, got \(2, 8, 8",
    ),
    (lambda: Denoiser(2)(IMAGES[..., :6], 0.1), r"x: expected shape .* got \(2, 1, 8, 6\)"),
    (lambda: Denoiser(2).score(IMAGES / 0, 0.1), "x: expected finite values"),
    (lambda: Denoiser(2).score(IMAGES, 0), "sigma: expected numbers above 0, got 0"),
    (lambda: Denoiser(2)(IMAGES, -0.1), "sigma: expected a finite number of at least 0"),
    (lambda: Denoiser(2)(IMAGES, torch.ones(3)), r"sigma: expected a number or shape \(2,\), got \(3,\)"),
    (lambda: train_denoiser(IMAGES.long()), "images: expected a floating tensor"),
    (lambda: train_denoiser(IMAGES[:, :, :3]), "x: expected shape"),
    (lambda: train_denoiser(IMAGES, sigmas=(0.0, 0.5)), "sigmas: expected 0 < lowest <= highest"),
    (lambda: train_denoiser(IMAGES, sigmas=(0.5, 0.1)), "sigmas: expected 0 < lowest <= highest"),
    (lambda: train_denoiser(IMAGES, sigmas=0.3), "sigmas: expected two numbers"),
    (lambda: fit_denoiser(Denoiser(2), IMAGES, epochs=1), "data: expected a tuple of two tensors"),
    (lambda: fit_denoiser(Denoiser(2), (IMAGES, torch.zeros(3)), epochs=1), "data: expected one target per input"),
]


@pytest.mark.parametrize(("call", "said"), WRONG)
def test_wrong_arguments(call, said):
    with pytest.raises((TypeError, ValueError)) as caught:
        call()
    if not isinstance(caught.value, jaxtyping.TypeCheckError):
        caught.match(said)
