"""The curve with a point and a baseline: each line is the best one in its own neighborhood, wherever they stand."""

import numpy as np
import pytest
from plane_figures import check_both_halves

from interpbook.chapters.attribution.function_approximation import curve as lines
from interpbook.explore import Placed, plane

PLACES = [(0.45, -1.9), (-2.0, 1.0), (3.0, -3.0), (1.2, 1.3)]


def drawn(x: float, baseline: float, noise: float = 0.4):
    return lines.compute(Placed({"x": (x, 0.0), "baseline": (baseline, 0.0)}, {"noise": noise}))


def errors(x: float, baseline: float, noise: float = 0.4) -> list[np.ndarray]:
    """Of the three lines, under the noise and at the two masks."""
    return [picture.values for _, picture in drawn(x, baseline, noise).pictures]


def test_page_and_kernel_show_and_say_the_same() -> None:
    check_both_halves(lines.curve(), count=20)


@pytest.mark.parametrize(("x", "baseline"), PLACES)
@pytest.mark.parametrize("noise", [0.05, 0.4, 1.3])
def test_no_line_beats_the_fit_to_noise_at_home_nor_the_secant_at_its(x: float, baseline: float, noise: float) -> None:
    under_noise, at_masks = errors(x, baseline, noise)
    assert under_noise.argmin() == 1
    assert at_masks[2] == 0


@pytest.mark.parametrize("x", [-2.0, 0.45, 1.7])
def test_the_fit_to_noise_is_numpy_s_line_of_least_squares_and_becomes_the_tangent(x: float) -> None:
    noisy = x + 0.4 * lines.NOISE.astype(float)
    expected, _ = np.polyfit(noisy, lines.height(noisy), 1)
    assert lines.fit_to_noise(noisy)[0] == pytest.approx(expected, rel=1e-10)
    assert lines.fit_to_noise(x + 1e-4 * lines.NOISE.astype(float))[0] == pytest.approx(lines.slope(x), abs=1e-6)


def test_with_wide_noise_the_slope_is_the_averaged_gradient() -> None:
    """Stein's identity: E f'(x + s e) = 2 cos(2x) exp(-2 s^2) + 1/2, up to the 200 points that stand for e."""
    x, noise = 0.3, 0.8
    fitted, _, _ = lines.fit_to_noise(x + noise * lines.NOISE.astype(float))
    assert fitted == pytest.approx(2 * np.cos(2 * x) * np.exp(-2 * noise**2) + 0.5, abs=0.01)


def test_the_secant_is_the_tangent_where_point_and_baseline_meet() -> None:
    assert lines.secant(0.7, 0.7) == lines.tangent(0.7)
    assert lines.secant(0.7, 0.7 - 1e-7)[0] == pytest.approx(lines.slope(0.7), abs=1e-6)


def test_the_sentence_says_where_the_tangent_has_the_wrong_sign() -> None:
    figure = plane(lines.curve())
    for x, baseline, wrong in ((0.45, -1.9, False), (1.0, -1.9, True), (1.0, 2.0, False)):
        rise = lines.height(x) - lines.height(baseline)
        assert (lines.slope(x) * (x - baseline) * rise < 0) == wrong
        text = figure.sentence(Placed({"x": (x, 0.0), "baseline": (baseline, 0.0)}, {"noise": 0.4}))
        assert text.endswith("the wrong sign.") == wrong
