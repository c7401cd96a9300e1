"""A plane of two weights of which one may stay: the reader drags the minimum of the loss, sees the zero weight trapped,
and opens the schedule to set it free.

The page's half is `plane.js`; a test holds the two halves together.
"""

import numpy as np

from interpbook.explore import Drawn, Handle, Mark, Picture, Placed, Scene
from interpbook.explore.sentences import Fact

__all__ = ["two_weights"]

LIMITS = ((-2.25, 2.25), (-1.4, 2.2))
# Where the minimum may be dragged: the best point of each axis is then inside of the plane.
REACH = ((-1.4, 1.4), (-0.6, 1.4))
NEAR = 0.05  # a coordinate of the minimum as small as this counts as zero, so that a hand can bring it onto an axis
C = 0.5  # how the two weights are coupled
STEPS = 30  # before the schedule opens, and after it has closed
SAME = 1e-9
LEVELS, CORNERS = 8, 48  # of the level lines: how many, and the points of each
BEND = 0.25  # how far the way of a projection is drawn beside a straight line, as a share of its length
CROSS = 0.07
Weights = tuple[float | int, float | int]


def gradient(w: Weights, b: Weights) -> Weights:
    """A (w - b), of the loss L(w) = (w - b)^T A (w - b) / 2 with A = [[1, c], [c, 1]]."""
    e1, e2 = w[0] - b[0], w[1] - b[1]
    return e1 + C * e2, C * e1 + e2


def loss(w: Weights, b: Weights) -> float | int:
    """L(w)."""
    e1, e2 = w[0] - b[0], w[1] - b[1]
    return (e1 * e1 + 2 * C * e1 * e2 + e2 * e2) / 2


def stepped(w: Weights, b: Weights, lr: float | int) -> Weights:
    """w - lr g, before any projection."""
    g = gradient(w, b)
    return w[0] - lr * g[0], w[1] - lr * g[1]


def kept(w: Weights) -> int:
    """The place of the larger weight, which P_1 keeps; of two as large, the first."""
    return 0 if abs(w[0]) >= abs(w[1]) else 1


def project(w: Weights) -> Weights:
    """P_1(w): the nearest point on an axis."""
    return (w[0], 0.0) if kept(w) == 0 else (0.0, w[1])


def run(start: Weights, b: Weights, lr: float | int, opened: int) -> list[Weights]:
    """The weights of all steps, w_0 = P_1(start) and w_t = P_k(t)(w_{t-1} - lr g_{t-1}), where k(t) is 1 for STEPS
    steps, 2 for the `opened` steps after them, and 1 for STEPS more.
    """
    path = [project(start)]
    for t in range(1, 2 * STEPS + opened + 1):
        free = stepped(path[-1], b, lr)
        path.append(free if STEPS < t <= STEPS + opened else project(free))
    return path


def best(b: Weights) -> tuple[Weights, float | int]:
    """Where one weight has the least loss, and that loss; on axis 1 it is (1 - c^2) b_2^2 / 2, at b_1 + c b_2."""
    alone = [(b[0] + C * b[1], 0.0), (0.0, b[1] + C * b[0])]
    losses = [(1 - C * C) * b[1] * b[1] / 2, (1 - C * C) * b[0] * b[0] / 2]
    place = kept(b)
    return alone[place], losses[place]


def compute(now: Placed) -> Drawn:
    """The run, the step that shows whether the zero weight is trapped, and what the opening changes."""
    b, lr, opened = _minimum(now.points["b"]), now.settings["lr"], now.settings["open_steps"]
    path = run(now.points["w"], b, lr, opened)
    marks, places = _marks(path, b, lr, opened), {"b": b, "w": path[0]}
    title = "size after the gradient step, in % of the larger"
    if b == (0, 0):
        return Drawn(marks, (("flat", {}),), ((title, Picture("bars", np.array([]))),), places)
    before, end, ahead = path[STEPS], path[-1], stepped(path[STEPS], b, lr)
    sizes = np.abs(ahead)
    bars = Picture("bars", sizes / sizes.max(), ("w1", "w2"), chosen=kept(ahead))
    stays, dropped = kept(before), 1 - kept(before)
    facts: list[Fact] = []
    if path[0] == (0, 0):
        facts.append(("origin", {}))
    elif kept(path[0]) != stays:
        facts.append(("changed", {"kept": stays + 1, "zero": dropped + 1}))
    said = {"kept": stays + 1, "zero": dropped + 1, "size": float(sizes[stays]), "reach": float(sizes[dropped])}
    facts.append(("ahead", said))
    facts.append(("stays" if kept(ahead) == stays else "takes", {}))
    ending = {"kept": kept(end) + 1, "value": float(end[kept(end)])}
    name = "closed" if opened == 0 else "once" if opened == 1 else "opened"
    facts.append((name, {**ending, "steps": opened}))
    least = best(b)[1]
    facts.append(("losses", {"before": float(loss(before, b)), "after": float(loss(end, b)), "least": float(least)}))
    tied = abs(abs(b[0]) - abs(b[1])) < SAME
    facts.append(("either", {}) if tied else ("best", {"best": kept(b) + 1}))
    return Drawn(marks, tuple(facts), ((title, bars),), places)


def _minimum(dragged: Weights) -> Weights:
    """Inside of its reach, and on an axis where it is close to one."""
    inside = [min(high, max(low, at)) for at, (low, high) in zip(dragged, REACH, strict=True)]
    x, y = (0.0 if abs(at) < NEAR else at for at in inside)
    return x, y


def _marks(path: list[Weights], b: Weights, lr: float | int, opened: int) -> tuple[Mark, ...]:
    (x0, x1), (y0, y1) = LIMITS
    gap = (np.nan, np.nan)
    ahead = stepped(path[STEPS], b, lr)
    (across, up), _ = best(b)
    first = np.array(path[: STEPS + 1] if opened else path)
    marks = [
        Mark("line", _levels(b), 4, "level lines of the loss", faint=True),
        Mark("line", np.array([(-3, -3), (3, 3), gap, (-3, 3), (3, -3)]), 5, "weights of equal size", True, True),
        Mark("line", np.array([(x0, 0), (x1, 0), gap, (0, y0), (0, y1)]), 5, "allowed: one weight"),
        Mark("line", first, 0),
        Mark("dots", first, 0, "steps with one weight"),
    ]
    if opened:
        free = path[STEPS : STEPS + opened + 1]
        last = stepped(free[-1], b, lr)
        marks += [
            Mark("line", np.array([*free, last]), 1),
            Mark("dots", np.array(free), 1, "steps with both weights"),
            Mark("line", np.array([last, project(last)]), 3, dashed=True),
            Mark("line", np.array(path[STEPS + opened + 1 :]), 3, "one weight again"),
        ]
    # Over the open steps, of which the first is the same.
    marks += [
        Mark("arrows", np.array([[*path[STEPS], *ahead]]), 2, "the gradient step after 30 steps"),
        Mark("line", _bent(ahead, project(ahead)), 2, "its projection", dashed=True),
    ]
    legs = [(across - CROSS, up - CROSS), (across + CROSS, up + CROSS), gap]
    legs += [(across - CROSS, up + CROSS), (across + CROSS, up - CROSS)]
    marks += [
        Mark("line", np.array(legs), 4, "least loss with one weight"),
        Mark("dots", np.array(path[-1:]), 3, "end"),
    ]
    return tuple(marks)


def _levels(b: Weights) -> np.ndarray:
    """Ellipses around b, on which the root of the loss is an equal step larger from each to the next, as one line with
    gaps."""
    angles = 2 * np.pi * np.arange(CORNERS + 1) / CORNERS
    along, beside = np.cos(angles) / np.sqrt(2 * (1 + C)), np.sin(angles) / np.sqrt(2 * (1 - C))
    ring = np.stack([along + beside, along - beside], 1)
    parts = []
    for level in range(1, LEVELS + 1):
        parts += [np.array(b) + 0.4 * level * ring, np.full((1, 2), np.nan)]
    return np.concatenate(parts)


def _bent(start: Weights, end: Weights) -> np.ndarray:
    """A bow from one point to another, beside the arrow that may lie just between them."""
    ways = np.linspace(0, 1, 13)[:, None]
    straight = np.subtract(end, start)
    aside = BEND * np.array([-straight[1], straight[0]])
    return np.array(start) + ways * straight + 4 * ways * (1 - ways) * aside


def two_weights() -> Scene:
    """The scene for `page.explore.plane`: the loss of two weights of which one may stay, and the run of

        w <- P_k(w - lr g),    k = 1 for 30 steps, k = 2 for as many as the reader says, k = 1 for 30 more.

    A zero weight comes back by itself only where its step, lr |g|, is larger than the other weight.

    >>> from interpbook.explore import plane
    >>> figure = plane(two_weights())
    >>> figure.sentence(figure.first).startswith("After 30 steps w2 is zero.")
    True
    """
    return Scene(
        "two weights of which one may stay, the minimum of the loss, and the steps of projected gradient descent",
        compute,
        "twoWeights",
        {"b": Handle(0.28, 1.36, title="minimum"), "w": Handle(1.8, 0.0, title="start")},
        LIMITS,
        axes=("weight w1", "weight w2"),
        equal=True,
        phrases={
            "flat": "The minimum of the loss is where both weights are zero: there is nothing to choose.",
            "origin": "Both weights start at zero, and the larger gradient decides. ",
            "changed": "On the way w{kept} took the place of w{zero} by itself. ",
            "ahead": "After 30 steps w{zero} is zero. The next gradient step brings it to {reach:z.2f}, against"
            " {size:z.2f} of w{kept}: ",
            "stays": "it stays zero. ",
            "takes": "it takes the other's place. ",
            "closed": "Without an opening the run ends with w{kept} = {value:z.2f}. ",
            "once": "After one open step the run ends with w{kept} = {value:z.2f}. ",
            "opened": "After {steps} open steps the run ends with w{kept} = {value:z.2f}. ",
            "losses": "The loss was {before:z.2f} then and is {after:z.2f} at the end; the least with one weight is"
            " {least:z.2f}, ",
            "best": "with w{best}.",
            "either": "with either.",
        },
        settings={"lr": [0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0], "open_steps": list(range(13))},
        starts={"lr": 0.4, "open_steps": 0},
        needs=("pruning/projected_gradient/plane.js",),
    )
