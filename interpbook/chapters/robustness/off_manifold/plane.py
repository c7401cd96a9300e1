"""A plane in which the reader turns a manifold and drags a gradient, and sees the two measures of robustness agree.

The page's half is `plane.js`; a test holds the two halves together.
"""

import numpy as np

from interpbook.explore import Drawn, Handle, Mark, Picture, Placed, Scene
from interpbook.explore.sentences import Fact

__all__ = ["turning_plane"]

LIMITS = ((-2.2, 2.2), (-1.76, 1.76))
HANDLE = 1.5  # how far from x the handle of the manifold stays
NEAR = 0.05  # a gradient as short as this counts as zero, so that a hand can reach it
RINGS, DIRECTIONS = 3, 12
SAME = 0.01  # two shares that differ by less are called the same
Vector = np.ndarray


def _noise() -> np.ndarray:
    """Normal noise without chance, (RINGS * DIRECTIONS, 2): evenly spaced directions on rings around zero.

    With every direction stands its opposite and those at right angles, so that the mean of u u^T is the identity, as
    for N(0, I). The rings are as far out as the middles of three equal parts of normal noise, but for a common factor.
    """
    squared = -np.log(1 - (np.arange(RINGS) + 0.5) / RINGS)
    radii = np.sqrt(2 * squared / squared.mean())
    points = []
    for ring, radius in enumerate(radii):
        angles = 2 * np.pi * (np.arange(DIRECTIONS) + ring % 2 / 2) / DIRECTIONS
        points.append(radius * np.stack([np.cos(angles), np.sin(angles)], 1))
    return np.concatenate(points).astype(np.float32)


NOISE = _noise()


def change(gradient: Vector, points: np.ndarray) -> np.ndarray:
    """|f(z) - f(x)| of f(z) = tanh <g, z>, whose gradient at x = 0 is g; points z (..., 2)."""
    return np.abs(np.tanh(points @ gradient))


def off(direction: Vector, points: np.ndarray) -> np.ndarray:
    """u - P u, where P projects onto the line along a unit vector; points u (..., 2)."""
    return points - (points @ direction)[..., None] * direction


def by_gradient(gradient: Vector, direction: Vector) -> float:
    """rho_2 = |g - P g|^2 / |g|^2."""
    return float((off(direction, gradient) ** 2).sum() / (gradient**2).sum())


def by_noise(gradient: Vector, direction: Vector, sigma: float) -> float:
    """rho_1 = E |f(x + u - P u) - f(x)|^2 / E |f(x + u) - f(x)|^2, over the noise u of the figure."""
    noise = sigma * NOISE.astype(float)
    left = change(gradient, off(direction, noise))
    return float((left**2).mean() / (change(gradient, noise) ** 2).mean())


def compute(now: Placed) -> Drawn:
    """The noise, its part off the manifold, and both measures, for what the reader has placed."""
    gradient, direction = np.array(now.points["g"], dtype=float), _direction(now.points["manifold"])
    flat = float(np.hypot(*gradient)) < NEAR
    gradient = np.zeros(2) if flat else gradient
    noise = now.settings["noise"] * NOISE.astype(float)
    marks = _marks(gradient, direction, noise)
    places = {"manifold": tuple(HANDLE * direction), "g": tuple(gradient)}
    if flat:
        bars = Picture("bars", np.array([]))
        return Drawn(marks, (("flat", {}),), (("share off the manifold", bars),), places)
    shares = np.array([by_noise(gradient, direction, now.settings["noise"]), by_gradient(gradient, direction)])
    bars = Picture("bars", shares, ("by noise", "by gradient"), chosen=0)
    angle = np.degrees(np.arctan2(np.hypot(*off(direction, gradient)), abs(gradient @ direction)))
    said = {"angle": int(np.floor(angle + 0.5)), "gradient": float(shares[1])}
    facts: list[Fact] = [("gradient", said), ("noise", {"sigma": now.settings["noise"], "noise": float(shares[0])})]
    facts.append(("same" if abs(shares[0] - shares[1]) < SAME else "parted", {}))
    return Drawn(marks, tuple(facts), (("share off the manifold", bars),), places)


def _direction(toward: tuple[int | float, int | float]) -> Vector:
    """A unit vector; where the handle is at x itself, along the first axis."""
    angle = np.arctan2(toward[1], toward[0])
    return np.array([np.cos(angle), np.sin(angle)])


def _marks(gradient: Vector, direction: Vector, noise: np.ndarray) -> tuple[Mark, ...]:
    across = np.array([-direction[1], direction[0]])
    feet = off(direction, noise)
    changes = change(gradient, noise)
    most = changes**2 > (changes**2).mean()
    along = gradient - off(direction, gradient)
    return (
        Mark("field", change(gradient, _grid()), 4, "change of f(z) = tanh⟨g, z⟩", faint=True),
        Mark("line", np.array([-4 * direction, 4 * direction]), 0, "manifold"),
        Mark("line", np.array([-4 * across, 4 * across]), 5, faint=True, dashed=True),
        Mark("line", _strokes(noise, feet), 5, faint=True),
        Mark("dots", noise[~most], 5, "noise: f changes little"),
        Mark("dots", noise[most], 1, "noise: f changes much"),
        Mark("dots", feet, 3, "noise: part off the manifold"),
        Mark("arrows", np.array([[0.0, 0.0, *gradient]]), 2, "gradient g"),
        Mark("arrows", np.array([[*along, *gradient]]), 3),
    )


def _grid() -> np.ndarray:
    """Points of the plane, (25, 31, 2), the first row the lowest."""
    (x0, x1), (y0, y1) = LIMITS
    return np.stack(np.meshgrid(np.linspace(x0, x1, 31), np.linspace(y0, y1, 25)), -1)


def _strokes(noise: np.ndarray, feet: np.ndarray) -> np.ndarray:
    """From the noise of the outer ring to its part off the manifold, as one line with gaps."""
    outer = slice(-DIRECTIONS, None)
    gap = np.full((DIRECTIONS, 2), np.nan)
    return np.stack([noise[outer], feet[outer], gap], 1).reshape(-1, 2)


def turning_plane() -> Scene:
    """The scene for `page.explore.plane`: a line through x for the manifold, a gradient, and noise of a chosen size.

    >>> from interpbook.explore import plane
    >>> figure = plane(turning_plane())
    >>> figure.sentence(figure.first).endswith("The two agree within 0.01.")
    True
    """
    return Scene(
        "a line for the manifold through x, the gradient of f at x, and noise around x",
        compute,
        "turningPlane",
        {
            "manifold": Handle(1.408, 0.5632, title="manifold"),
            "g": Handle(0.264, 1.056, title="g"),
        },
        LIMITS,
        axes=("first pixel", "second pixel"),
        equal=True,
        phrases={
            "gradient": "The gradient lies {angle} degrees off the manifold: its share off the manifold is"
            " {gradient:z.2f}. ",
            "noise": "Under noise of size {sigma:significant} the share is {noise:z.2f}. ",
            "same": "The two agree within 0.01.",
            "parted": "The two part: this noise reaches where f bends.",
            "flat": "The gradient is zero, and f is the same everywhere: there is no change to take a share of.",
        },
        settings={"noise": [0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8]},
        starts={"noise": 0.1},
        needs=("robustness/off_manifold/plane.js",),
        tables={"noise": NOISE},
    )
