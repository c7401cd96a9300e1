"""A curve with a point and a baseline to drag: three lines, each the best one in a neighborhood of its own.

The page's half is `curve.js`; a test holds the two halves together.
"""

import numpy as np
import torch

from interpbook.explore import Drawn, Handle, Mark, Picture, Placed, Scene
from interpbook.explore.sentences import Fact

__all__ = ["curve"]

LIMITS = ((-3.0, 3.0), (-2.5, 2.5))
LINES = ("tangent", "fit to noise", "secant")
COLORS = (0, 2, 1)
# Where the distribution function of a standard normal variable is 1/400, 3/400, ...: noise without chance.
NOISE = torch.special.ndtri((torch.arange(200, dtype=torch.float64) + 0.5) / 200).float().numpy()
SHOWN = 10  # every tenth of them is drawn
NOTHING = 1e-12
Line = tuple[float, float, float]  # slope, and a point that the line goes through


def height(t: np.ndarray | float) -> np.ndarray | float:
    """The curve f(t) = sin 2t + t / 2."""
    return np.sin(2 * np.asarray(t)) + np.asarray(t) / 2


def slope(t: float) -> float:
    """Its derivative."""
    return float(2 * np.cos(2 * t) + 0.5)


def compute(now: Placed) -> Drawn:
    """The lines at a point, and what each of them gets wrong in each of the two neighborhoods."""
    x, baseline = now.points["x"][0], now.points["baseline"][0]
    noisy = x + now.settings["noise"] * NOISE.astype(float)
    masked = np.array([x, baseline])
    lines = [tangent(x), fit_to_noise(noisy), secant(x, baseline)]
    drawn = [Mark("line", _points_of_the_curve(), 5, "the function")]
    drawn.append(Mark("dots", np.stack([noisy, height(noisy)], 1)[SHOWN // 2 :: SHOWN], 2, faint=True))
    for name, color, line in zip(LINES, COLORS, lines, strict=True):
        ends = np.array([[end, at(line, end)] for end in LIMITS[0]])
        drawn.append(Mark("line", ends, color, name, dashed=name == "secant"))
    errors = []
    for title, where in (("error under the noise", noisy), ("error at point and baseline", masked)):
        values = np.array([error(line, where) for line in lines])
        errors.append((title, Picture("bars", values, LINES, chosen=int(values.argmin()))))
    rises = {name: line[0] * (x - baseline) for name, line in zip(("tangent", "noise", "secant"), lines, strict=True)}
    rise = float(height(x) - height(baseline))
    ending: Fact = ("sign" if rises["tangent"] * rise < 0 else "same", {})
    heights = {name: (t, float(height(t))) for name, t in (("x", x), ("baseline", baseline))}
    return Drawn(tuple(drawn), (("lines", {**rises, "rise": rise}), ending), tuple(errors), heights)


def tangent(x: float) -> Line:
    """The gradient's line."""
    return slope(x), x, float(height(x))


def fit_to_noise(noisy: np.ndarray) -> Line:
    """The line of least squares at these inputs."""
    heights = height(noisy)
    center = noisy.mean()
    spread = ((noisy - center) ** 2).mean()
    return float(((noisy - center) * heights).mean() / spread), float(center), float(np.mean(heights))


def secant(x: float, baseline: float) -> Line:
    """The line of least squares at the two inputs that masks make of x; the tangent, where they are one."""
    if abs(x - baseline) < NOTHING:
        return tangent(x)
    return float((height(x) - height(baseline)) / (x - baseline)), x, float(height(x))


def at(line: Line, t: float | np.ndarray) -> float | np.ndarray:
    """The height of a line."""
    return line[2] + line[0] * (t - line[1])


def error(line: Line, where: np.ndarray) -> float:
    """The mean squared error of a line at some inputs, as a share of the variance of f there, at most 1."""
    heights = height(where)
    wrong = float(np.mean((at(line, where) - heights) ** 2))
    variance = float(np.mean((heights - np.mean(heights)) ** 2))
    if wrong < NOTHING:
        return 0.0
    return min(1.0, wrong / variance) if variance > NOTHING else 1.0


def _points_of_the_curve() -> np.ndarray:
    inputs = np.linspace(*LIMITS[0], 121)
    return np.stack([inputs, height(inputs)], 1)


def curve() -> Scene:
    """The scene for `page.explore.plane`.

    >>> from interpbook.explore import plane
    >>> figure = plane(curve())
    >>> figure.sentence(figure.first).startswith("From the baseline to the point")
    True
    """
    return Scene(
        "a curve with a point and a baseline on it, and three lines",
        compute,
        "lfaCurve",
        {"x": Handle(0.45, 0, "x", "the point x"), "baseline": Handle(-1.9, 0, "x", "the baseline")},
        LIMITS,
        axes=("input", "output"),
        phrases={
            "lines": "From the baseline to the point the function changes by {rise:z.2f}. The tangent says"
            " {tangent:z.2f}, the fit to noise {noise:z.2f}, the secant {secant:z.2f}",
            "sign": ": the tangent has the wrong sign.",
            "same": ".",
        },
        settings={"noise": [0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8, 1.0, 1.3]},
        starts={"noise": 0.4},
        needs=("attribution/function_approximation/curve.js",),
        tables={"noise": NOISE},
    )
