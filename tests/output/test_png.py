"""Small PNG files look like the pictures that they were made from."""

import io

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from interpbook.output.png import small_png


def stored(rgba: np.ndarray) -> tuple[Image.Image, np.ndarray]:
    """The file's picture, and its difference from the original on a dark and on a light page."""
    kept = Image.open(io.BytesIO(small_png(Image.fromarray(rgba))))
    differences = []
    for page in ("#14181e", "#ffffff"):
        seen = []
        for picture in (Image.fromarray(rgba), kept.convert("RGBA")):
            background = Image.new("RGBA", picture.size, page)
            background.alpha_composite(picture)
            seen.append(np.asarray(background.convert("RGB"), dtype=float))
        differences.append(np.abs(seen[0] - seen[1]).max(axis=-1))
    return kept, np.stack(differences)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 30, 256]))
def test_no_picture_visibly_changes(seed: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    rgba = (rng.integers(0, levels, size=(20, 30, 4)) * (255 / (levels - 1))).astype(np.uint8)
    _, difference = stored(rgba)
    assert difference.mean() <= 3
    assert np.quantile(difference, 0.999) <= 24


def test_a_ramp_of_opacity_becomes_a_palette_without_bands() -> None:
    rgba = np.zeros((16, 512, 4), dtype=np.uint8)
    rgba[..., :3] = (213, 94, 0)
    rgba[..., 3] = np.linspace(0, 255, 512)
    kept, difference = stored(rgba)
    assert kept.mode == "P"
    assert difference.max() <= 8


def test_a_picture_of_noise_keeps_all_its_colours() -> None:
    rgba = np.random.default_rng(0).integers(0, 256, size=(64, 64, 4), dtype=np.uint8)
    kept, difference = stored(rgba)
    assert kept.mode == "RGBA"
    assert difference.max() == 0


def test_one_clear_colour() -> None:
    assert stored(np.zeros((3, 3, 4), dtype=np.uint8))[1].max() == 0
