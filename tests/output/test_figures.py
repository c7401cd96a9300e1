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
from interpbook.output import captions, colors, figures

LIGHT, DARK = "#ffffff", "#14181e"
# Machado, Oliveira and Fernandes (2009), full severity, on linear RGB.
VISION = {
    "protanopia": [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    "deuteranopia": [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
}


def linear(color: str | tuple[float, ...]) -> np.ndarray:
    rgb = np.array(to_rgb(color))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def contrast(one: str | tuple[float, ...], two: str) -> float:
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


@pytest.mark.parametrize("background", [LIGHT, DARK])
def test_half_of_the_strongest_value_of_a_map_stands_out(background: str) -> None:
    for value in (0.25, 0.75):  # half of the largest below zero, and above
        *color, opacity = colors.SIGNED(value)
        seen = opacity * np.array(color) + (1 - opacity) * np.array(to_rgb(background))
        assert contrast(tuple(seen), background) >= 2.4


@pytest.mark.parametrize("background", [LIGHT, DARK])
def test_a_map_without_a_sign_has_no_colour_of_the_page(background: str) -> None:
    """White, or the dark, would say that nothing is there."""
    figures.use_style()
    shades = plt.get_cmap(plt.rcParams["image.cmap"])(np.linspace(0, 1, 50))[:, :3]
    assert np.abs(shades - np.array(to_rgb(background))).max(axis=1).min() > 0.15


def test_a_text_that_is_cut_off_is_named() -> None:
    fig = plot()
    fig.text(0.9, 0.5, "anti score matching")
    with pytest.raises(ValueError, match="fig: the text 'anti score matching' is cut off at the edge, by"):
        page.figure(fig, alt="a line that rises")


@pytest.mark.parametrize("part", ["title", "xlabel", "xticklabels"])
def test_parts_of_axes_are_looked_at(part: str) -> None:
    fig, ax = plt.subplots(figsize=(2, 1), layout="none")
    fig.subplots_adjust(bottom=0.5)
    ax.set(xticks=[0.5], xticklabels=["half"])
    ax.set(**{part: ["much too long for it" * 3] if part == "xticklabels" else "much too long for it" * 3})
    with pytest.raises(ValueError, match="much too long"):
        figures.check_labels(fig)


def test_labels_of_ticks_beyond_an_axis_are_not_cut_off() -> None:
    fig, axes = plt.subplots(1, 2)
    axes[0].set_xticks([0, 1, 50], ["zero", "one", "far beyond the end"])
    axes[0].set(xlim=(0, 1), ylim=(2, -1), title="a title")
    axes[1].axis("off")
    figures.check_labels(fig)


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
    captions.restart()
    page.figure(fig, alt='a line that\n "rises" < 2')
    html = shown.outputs[0].data["text/html"]
    assert 'alt="a line that &quot;rises&quot; &lt; 2"' in html
    picture = Image.open(io.BytesIO(base64.b64decode(re.search(r"base64,([^\"]+)", html)[1]))).convert("RGBA")
    assert picture.getpixel((0, 0))[3] == 0
    assert f'width="{picture.width}" height="{picture.height}"' in html
    assert not plt.fignum_exists(fig.number)
    assert shown.outputs[0].data["text/plain"] == 'Figure 1: a line that "rises" < 2'


def test_figures_of_a_page_are_counted_and_have_captions(shown) -> None:
    page.start()
    for caption in ("The `lam` of <both>.", f"It rises by {page.measured([0.2, 0.4]):.1f}."):
        page.figure(plot(), alt="a line that rises", caption=caption)
    page.start()
    page.figure(plot(), alt="a line that rises")
    first, second, again = [output for output in shown.outputs if "text/html" in output.data]
    assert first.data["text/html"].startswith('<figure class="ib-figure" id="figure-1"')
    assert "<b>Figure 1.</b>" in first.data["text/html"]
    assert "The <code>lam</code> of &lt;both&gt;." in first.data["text/html"]
    assert 'id="figure-2"' in second.data["text/html"]
    assert "It rises by 0.3 ± 0.1." in second.data["text/html"]
    assert second.data["text/plain"] == "Figure 2: a line that rises"
    assert second.metadata["interpbook"]["words_below"]["text"] == "It rises by «0.3 ± 0.1»."
    assert len(second.metadata["interpbook"]["words_below"]["numbers"]) == 1
    assert 'id="figure-1"' in again.data["text/html"]
    assert "words_below" not in again.metadata["interpbook"]


def test_a_caption_is_a_text(without_shape_checks) -> None:
    with pytest.raises(TypeError, match="caption is a list, expected a sentence that says what to look for"):
        page.figure(plot(), alt="a line that rises", caption=["rises"])  # type: ignore[arg-type]


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
