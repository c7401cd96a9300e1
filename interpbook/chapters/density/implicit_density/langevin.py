"""Langevin chains in a mixture that the reader drags: where they go is up to a slope that no probability shows.

The page's half is `langevin.js`; a test holds the two halves together.
"""

import numpy as np

from interpbook.chapters.density.implicit_density.moved import moved, moved_phrases
from interpbook.explore import Drawn, Handle, Mark, Picture, Placed, Scene
from interpbook.explore.sentences import Fact

__all__ = ["langevin"]

LIMITS = ((-4.0, 4.0), (-2.5, 2.5))
CLASSES = ("A", "B")
COLORS = (1, 0)
DEVIATION = 0.6  # of each class, in every direction
STEP = 0.1
STEPS = 40
CHAINS = 24
TRAIL = 6  # steps of a chain that are drawn
TRAINED, LEFT = "score matching", "cross-entropy alone"
Vector = np.ndarray


def _noise() -> np.ndarray:
    """Starts in the middle of the plane, then the noise of every step, (1 + STEPS, CHAINS, 2), drawn once."""
    return np.random.default_rng(0).normal(size=(1 + STEPS, CHAINS, 2)).astype(np.float32)


NOISE = _noise()


def compute(now: Placed) -> Drawn:
    """Chains, implicit density and probabilities for what the reader has placed."""
    means = np.array([now.points[name] for name in CLASSES], dtype=float)
    slope = np.array(now.points["slope"] if now.settings["training"] == LEFT else (0.0, 0.0), dtype=float)
    probe = np.array(now.points["x"], dtype=float)
    chosen = CLASSES.index(now.settings["class"])
    paths = chains(means[chosen], slope, now.settings["steps"])
    ends = paths[-1]
    marks = [
        Mark("field", density(means[chosen], slope), COLORS[chosen], f"implicit density of {CLASSES[chosen]}"),
        Mark("arrows", _arrows(means[chosen], slope), 5, "slope of its logit", faint=True),
        Mark("line", _trails(paths), COLORS[chosen], faint=True),
        Mark("dots", ends, COLORS[chosen], "chains"),
        Mark("arrows", np.array([[0.0, 0.0, *slope]]), 3, "slope added to both logits"),
    ]
    before, after = probabilities(means, np.zeros(2), probe), probabilities(means, slope, probe)
    pictures = [
        (title, Picture("bars", shares, CLASSES, chosen=int(shares.argmax())))
        for title, shares in (("probabilities at x, nothing added", before), ("with the slope added", after))
    ]
    far = float(np.sqrt(((ends - means[chosen]) ** 2).sum(1)).mean()) / DEVIATION
    low, high = np.array(LIMITS).T
    out = int(((ends < low) | (ends > high)).any(1).sum())
    facts: list[Fact] = [("chains", {"steps": now.settings["steps"], "label": CLASSES[chosen], "far": far})]
    facts += [("out", {"out": out})] if out else []
    facts += [("probabilities", {}), moved(before, after)]
    places = {} if now.settings["training"] == LEFT else {"slope": (0.0, 0.0)}
    return Drawn(tuple(marks), tuple(facts), tuple(pictures), places)


def logits(means: np.ndarray, slope: Vector, x: np.ndarray) -> np.ndarray:
    """log N(x; mean, DEVIATION^2) + <slope, x> for each class, up to one constant; x has shape (..., 2)."""
    squared = ((x[..., None, :] - means) ** 2).sum(-1)
    return -squared / (2 * DEVIATION**2) + (x * slope).sum(-1)[..., None]


def probabilities(means: np.ndarray, slope: Vector, x: Vector) -> np.ndarray:
    """The softmax of the logits at one point."""
    values = logits(means, slope, x)
    raised = np.exp(values - values.max())
    return raised / raised.sum()


def chains(mean: Vector, slope: Vector, steps: int) -> np.ndarray:
    """Unadjusted Langevin chains of one logit, (1 + steps, CHAINS, 2):

        x' = x + STEP / 2 grad f(x) + sqrt(STEP) z,    grad f(x) = (mean - x) / DEVIATION^2 + slope.

    They settle around mean + DEVIATION^2 slope, with variance DEVIATION^2 / (1 - STEP / (4 DEVIATION^2)).
    """
    noise = NOISE.astype(float)
    path = [noise[0]]
    for step in range(steps):
        x = path[-1]
        gradient = (mean - x) / DEVIATION**2 + slope
        path.append(x + STEP / 2 * gradient + np.sqrt(STEP) * noise[step + 1])
    return np.stack(path)


def density(mean: Vector, slope: Vector) -> np.ndarray:
    """exp of one logit on a grid of (25, 40), up to a constant: a Gaussian around mean + DEVIATION^2 slope."""
    (x0, x1), (y0, y1) = LIMITS
    columns, rows = np.linspace(x0, x1, 40), np.linspace(y0, y1, 25)
    center = mean + DEVIATION**2 * slope
    squared = (columns - center[0]) ** 2 + ((rows - center[1]) ** 2)[:, None]
    return np.exp(-squared / (2 * DEVIATION**2))


def _arrows(mean: Vector, slope: Vector) -> np.ndarray:
    """The gradient of the logit on a coarse grid, a twentieth of its length."""
    arrows = []
    for y in np.linspace(-2, 2, 5):
        for x in np.linspace(-3.5, 3.5, 8):
            at = np.array([x, y])
            arrows.append([*at, *(at + ((mean - at) / DEVIATION**2 + slope) / 20)])
    return np.array(arrows)


def _trails(paths: np.ndarray) -> np.ndarray:
    """The last steps of every chain, as one line that is interrupted between chains."""
    recent = paths[-TRAIL:].transpose(1, 0, 2)
    gap = np.full((CHAINS, 1, 2), np.nan)
    return np.concatenate([recent, gap], 1).reshape(-1, 2)


def langevin() -> Scene:
    """The scene for `page.explore.plane`: two Gaussian classes, and chains that follow one logit of their classifier.

    >>> from interpbook.explore import plane
    >>> figure = plane(langevin())
    >>> figure.sentence(figure.first).endswith("no probability moves by as much as a billionth.")
    True
    """
    return Scene(
        "two classes in a plane, and chains that climb the logit of one of them",
        compute,
        "langevinChains",
        {
            "A": Handle(-2.2, 0.8, title="class A"),
            "B": Handle(1.6, 0.9, title="class B"),
            "x": Handle(-0.35, 1.7, title="x"),
            "slope": Handle(3.4, -2.0, title="added slope"),
        },
        LIMITS,
        phrases={
            "chains": "After {steps} steps the chains of class {label} are {far:z.2f} standard deviations from its mean"
            " (a sample of the class: 1.25)",
            "out": "; {out} of 24 have left the plane",
            "probabilities": ". At x ",
            **moved_phrases("probability"),
        },
        settings={"training": [LEFT, TRAINED], "class": list(CLASSES), "steps": list(range(STEPS + 1))},
        starts={"steps": STEPS},
        needs=("density/implicit_density/moved.js", "density/implicit_density/langevin.js"),
        tables={"noise": NOISE},
    )
