"""Figures: legible on light and dark pages, the same bytes each time, never without alt text."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from PIL import Image

from interpbook import page
from interpbook.output import colors, figures

LIGHT, DARK = "#ffffff", "#14181e"
# Machado, Oliveira and Fernandes (2009), full severity, on linear RGB.
VISION = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


def linear(color: str) -> np.ndarray:
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str, two: str) -> float:
    """As WCAG defines it."""
    low, high = sorted(float(linear(c) @ [0.2126, 0.7152, 0.0722]) for c in (one, two))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("background", [LIGHT, DARK])
def test_text_and_lines_stand_out_on_both_backgrounds(background: str) -> None:
    assert contrast(colors.GRAY, background) >= 4
    for color in {*colors.PALETTE, colors.POSITIVE, colors.NEGATIVE}:
        assert contrast(color, background) >= 3


def test_text_axes_and_ticks_all_have_that_grey() -> None:
    figures.use_style()
    for key in ("text.color", "axes.labelcolor", "axes.edgecolor", "axes.titlecolor", "xtick.color", "ytick.color"):
        assert plt.rcParams[key] == colors.GRAY


@pytest.mark.parametrize("vision", VISION)
def test_the_two_signs_differ_for_colour_blind_readers(vision: str) -> None:
    seen = [np.array(VISION[vision]) @ linear(c) for c in (colors.POSITIVE, colors.NEGATIVE)]
    assert np.linalg.norm(seen[0] - seen[1]) > 0.3


def test_lines_differ_by_more_than_colour() -> None:
    figures.use_style()
    styles = [str(entry["linestyle"]) for entry in plt.rcParams["axes.prop_cycle"]]
    assert len(set(styles)) == len(colors.PALETTE)


def plot(height: float = 1.0):
    fig, ax = plt.subplots()
    ax.plot([0, height])
    return fig


def test_a_figure_is_shown_as_a_transparent_picture_with_its_alt_text_and_closed(shown) -> None:
    fig = plot()
    page.figure(fig, alt='a line that\n "rises" < 2')
    html = shown.outputs[0].data["text/html"]
    assert 'alt="a line that &quot;rises&quot; &lt; 2"' in html
    picture = Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]))).convert("RGBA")
    assert picture.getpixel((0, 0))[3] == 0
    assert f'width="{picture.width}" height="{picture.height}"' in html
    assert not plt.fignum_exists(fig.number)
    assert shown.outputs[0].data["text/plain"] == 'Figure: a line that "rises" < 2'


@pytest.mark.parametrize("alt", ["", "  ", "figure", "a b", "figure_of_something_or_other"])
def test_alt_text_that_says_nothing_is_refused(alt: str) -> None:
    with pytest.raises(ValueError, match="alt is"):
        page.figure(plot(), alt=alt)


def test_what_is_not_a_figure_is_refused() -> None:
    with pytest.raises(TypeError, match="fig is a Axes, expected a matplotlib Figure"):
        figures.png_bytes(plt.gca())


def test_equal_figures_give_equal_bytes() -> None:
    assert figures.png_bytes(plot()) == figures.png_bytes(plot())
    assert figures.png_bytes(plot()) != figures.png_bytes(plot(2.0))


def test_a_band_is_the_mean_and_one_standard_deviation() -> None:
    samples = np.random.default_rng(0).normal(size=(7, 5))
    ax = plt.figure().add_subplot()
    page.band(ax, range(5), samples, label="seeds")
    line, edge = ax.lines[0].get_ydata(), ax.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(line, samples.mean(0))
    for k in range(5):
        at_k = edge[edge[:, 0] == k][:, 1]
        np.testing.assert_allclose(at_k.max() - line[k], samples[:, k].std(ddof=1))
        np.testing.assert_allclose(line[k] - at_k.min(), samples[:, k].std(ddof=1))


def test_a_band_of_one_seed_or_of_other_points_is_refused() -> None:
    ax = plt.figure().add_subplot()
    with pytest.raises(ValueError, match="one seed"):
        page.band(ax, range(3), np.zeros((1, 3)))
    with pytest.raises(ValueError, match=r"\(2, 4\) and x \(3,\)"):
        page.band(ax, range(3), np.zeros((2, 4)))
