"""Forty networks that differ in their seed alone explain one person: how far two crowds of them agree.

The page's half is `crowd.js`; a test holds the two halves together. `make_crowd.py` trains the networks.
"""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float, Integer
from numpy.typing import NDArray
from torch import Tensor

from interpbook.datasets import load_table
from interpbook.explore import Drawn, Handle, Mark, Picture, Placed, Scene
from interpbook.explore.sentences import Fact

__all__ = ["DECAYS", "FILE", "PEOPLE", "draw_a_crowd", "training_set"]

FILE = Path(__file__).with_name("crowd.npz")
FEATURES = ("age", "education-num")
PEOPLE = 200  # so few that the data leave open what a network learns
DECAYS = (0.0, 1e-2)
COUNT, HIDDEN, BETA = 40, 16, 10.0
# Weights of a network, one after the other; of the last layer the difference of its two rows and their sum, which
# read out the log-odds and the sum of the logits.
PARTS = ((HIDDEN, 2), (HIDDEN,), (HIDDEN, HIDDEN), (HIDDEN,), (HIDDEN,), (HIDDEN,), (2,))
LIMITS = ((-1.6, 3.0), (-1.9, 2.3))
GRID = (31, 25)
MOST = 10  # networks in a crowd: of forty, two larger crowds would be nearly all, and so be bound to differ
APART = COUNT // 2
SCALE = 0.6  # of an arrow, from log-odds per standard deviation to units of the plane
SAME, SAME_OF_CROWD = 0.8, 1.05  # lengths of arrows that are given the same
SHORT = 0.04  # in the plane
REASONS = ("a higher age", "a lower age", "more education", "less education")
Array = NDArray[np.float64]


@cache
def training_set() -> tuple[Float[Tensor, "n 2"], Integer[Tensor, "n"], Float[Tensor, "2 2"]]:
    """The first 200 people of the table: age and education, z-scored; whether more than $50,000; mean and deviation."""
    table = load_table("adult")
    places = [table.features.index(name) for name in FEATURES]
    people = (table.low + table.x * (table.high - table.low))[:PEOPLE, places]
    scale = torch.stack([people.mean(0), people.std(0, correction=0)])
    return (people - scale[0]) / scale[1], table.y[:PEOPLE], scale


@cache
def crowd() -> NDArray[np.float16]:
    """The weights, (2, 40, 354): without decay and with it, network after network.

    Raises:
        ValueError: the file holds something else.
    """
    with np.load(FILE) as file:
        weights = file["weights"]
    expected = (len(DECAYS), COUNT, sum(int(np.prod(shape)) for shape in PARTS))
    if weights.shape != expected or weights.dtype != np.float16:
        raise ValueError(f"{FILE.name}: expected {expected} numbers of 16 bits, got {weights.dtype} {weights.shape}")
    return weights


def parts_of(weights: NDArray[np.float16]) -> list[Array]:
    """W1, b1, W2, b2, difference, sum and their two biases of some networks, each (n, *shape), in double precision."""
    ends = np.cumsum([np.prod(shape) for shape in PARTS])[:-1]
    cut = np.split(weights.astype(float), ends, axis=1)
    return [part.reshape(len(weights), *shape) for part, shape in zip(cut, PARTS, strict=True)]


def gradients(weights: NDArray[np.float16], x: Array, explained: str) -> Array:
    """The gradient at x, (2,), of the log-odds or of the sum of the logits of each of n networks, (n, 2)."""
    w1, b1, w2, b2, odds, total, _ = parts_of(weights)
    first = w1 @ x + b1
    second = np.einsum("nij,nj->ni", w2, softplus(first)) + b2
    back = (total if explained == "sum" else odds) * slope(second)
    return np.einsum("nij,ni->nj", w1, np.einsum("nij,ni->nj", w2, back) * slope(first))


def softplus(z: Array) -> Array:
    """log(1 + exp(beta z)) / beta."""
    return np.maximum(z, 0) + np.log1p(np.exp(-BETA * np.abs(z))) / BETA


def slope(z: Array) -> Array:
    """The derivative of softplus: the sigmoid of beta z."""
    return 1 / (1 + np.exp(-BETA * z))


def log_odds(weights: NDArray[np.float16], points: Array) -> Array:
    """Of more than $50,000 against at most as much, by each network at each of some points (..., 2): (n, ...)."""
    w1, b1, w2, b2, odds, _, biases = parts_of(weights)
    flat = points.reshape(-1, 2)
    first = softplus(np.einsum("nij,pj->npi", w1, flat) + b1[:, None])
    second = softplus(np.einsum("nij,npj->npi", w2, first) + b2[:, None])
    return (np.einsum("ni,npi->np", odds, second) + biases[:, :1]).reshape(-1, *points.shape[:-1])


@cache
def votes() -> NDArray[np.float32]:
    """How many of the forty say more than $50,000 on a grid of the plane, (2, rows, columns), the lowest row first."""
    (x0, x1), (y0, y1) = LIMITS
    grid = np.stack(np.meshgrid(np.linspace(x0, x1, GRID[0]), np.linspace(y0, y1, GRID[1])), -1)
    return np.stack([(log_odds(weights, grid) > 0).sum(0) for weights in crowd()]).astype(np.float32)


def order(draw: int) -> NDArray[np.int64]:
    """The forty in another order for each draw 1 .. 40: d, 2d, ..., 40d modulo the prime 41, less one.

    Over all draws each network comes to each place once.
    """
    return draw * np.arange(1, COUNT + 1) % (COUNT + 1) - 1


ORDERS = np.stack([order(draw) for draw in range(1, COUNT + 1)])


def cosines(g: Array, m: int) -> Array:
    """cos(a, b) of the mean gradients a, b of two crowds of m, (40, 41 - 2m): the first m of every order, and each m
    that stand together after them. Crowds of one meet in every pair, once in each direction.
    """
    sums = np.concatenate([np.zeros((COUNT, 1, 2)), g[ORDERS].cumsum(1)], 1)
    second = sums[:, 2 * m :] - sums[:, m:-m]
    return cosine(sums[:, m : m + 1], second)


def cosine(a: Array, b: Array) -> Array:
    """<a, b> / (||a|| ||b||)."""
    return (a * b).sum(-1) / (np.hypot(*np.moveaxis(a, -1, 0)) * np.hypot(*np.moveaxis(b, -1, 0)))


def degrees(cos: Array) -> Array:
    """The angle of a cosine, whatever rounding did to it."""
    return np.degrees(np.arccos(np.clip(cos, -1, 1)))


def measured(g: Array) -> Array:
    """The angle whose cosine is the mean over the splits of `cosines`, for crowds of 1 .. 10, in degrees."""
    return degrees(np.array([cosines(g, m).mean() for m in range(1, MOST + 1)]))


def predicted(g: Array) -> Array:
    """The same from single networks: the angle of m r / (1 + (m - 1) r), r the mean cosine of two networks
    [spearman1910correlation; brown1910experimental].
    """
    r = ((of_length(g, 1.0).sum(0) ** 2).sum() - COUNT) / (COUNT * (COUNT - 1))
    m = np.arange(1, MOST + 1)
    return degrees(m * r / (1 + (m - 1) * r))


def of_length(arrows: Array, length: float) -> Array:
    """Arrows (n, 2), each brought to one length."""
    return length * arrows / np.hypot(*arrows.T)[:, None]


def compute(now: Placed) -> Drawn:
    """The arrows, the two crowds, and the angles between crowds of every size."""
    said, m = now.settings, now.settings["networks_in_a_crowd"]
    x = np.array(now.points["person"], dtype=float)
    g = gradients(crowd()[said["weight_decay"]], x, said["explain"])
    members = order(said["draw"])
    crowds = [members[:m], members[APART : APART + m]]
    means = np.stack([g[chosen].mean(0) for chosen in crowds])
    curve = np.stack([measured(g), predicted(g)])
    names = ("networks in a crowd", "measured over many draws", "predicted from pairs of networks")
    sizes = tuple(map(str, range(1, MOST + 1)))
    chart = Picture("chart", curve, sizes, chosen=m - 1, ticks=(0, 30, 60, 90, 120), names=names)
    shown = degrees(cosine(means[:1], means[1:]))
    return Drawn(
        _marks(now, x, g, crowds, means),
        tuple(_facts(now, x, g, [float(at) for at in (shown[0], *curve[:, m - 1])])),
        (("angle between two crowds, in degrees", chart),),
    )


def reason(g: Array) -> int:
    """The place in REASONS of what a gradient (2,) says to count most."""
    return (0 if g[0] > 0 else 1) if abs(g[0]) > abs(g[1]) else (2 if g[1] > 0 else 3)


def rounded(value: float) -> int:
    """Halves upward, as in the page."""
    return int(np.floor(value + 0.5))


def _facts(now: Placed, x: Array, g: Array, angles: list[float]) -> list[Fact]:
    m, explained = now.settings["networks_in_a_crowd"], now.settings["explain"]
    shown, many, ahead = map(rounded, angles)
    mean, deviation = training_set()[2].double().numpy()
    age, level = map(rounded, mean + x * deviation)
    facts: list[Fact] = [("person", {"age": age, "level": level})]
    facts.append(("two", {"shown": shown}) if m == 1 else ("crowds", {"m": m, "shown": shown}))
    facts.append(("draws", {"measured": many}))
    facts.append(("curve", {}) if m == 1 else ("predicted", {"predicted": ahead}))
    counts = [sum(reason(one) == k for one in g) for k in range(len(REASONS))]
    top = int(np.argmax(counts))
    facts.append((explained, {"count": counts[top], "reason": REASONS[top]}))
    if explained == "sum":
        facts.append(("shrunk" if now.settings["weight_decay"] else "fixed", {}))
    if SCALE * np.hypot(*g.T).mean() < SHORT:
        facts.append(("short" if now.settings["arrows"] == "true" else "in_truth", {}))
    return facts


def _marks(now: Placed, x: Array, g: Array, crowds: list[NDArray[np.int64]], means: Array) -> tuple[Mark, ...]:
    inputs, classes, _ = training_set()
    people, rich = inputs.double().numpy(), classes.bool().numpy()
    same = now.settings["arrows"] == "same"
    arrows = of_length(g, SAME) if same else SCALE * g
    thick = of_length(means, SAME_OF_CROWD) if same else SCALE * means
    rest = np.setdiff1d(np.arange(COUNT), np.concatenate(crowds))
    share = votes()[now.settings["weight_decay"]].astype(float) / COUNT
    return (
        Mark("field", share, 4, "share of the 40 that say more than $50,000", faint=True),
        Mark("dots", people[~rich], 5, "at most $50,000", faint=True),
        Mark("dots", people[rich], 4, "more than $50,000", faint=True),
        Mark("arrows", _from(x, arrows[rest]), 5, "one network", faint=True),
        *(Mark("arrows", _from(x, arrows[np.sort(chosen)]), k, faint=True) for k, chosen in enumerate(crowds)),
        Mark("arrows", _from(x, thick[:1]), 0, "first crowd's mean", heavy=True),
        Mark("arrows", _from(x, thick[1:]), 1, "second crowd's mean", heavy=True),
    )


def _from(x: Array, arrows: Array) -> Array:
    return np.concatenate([np.broadcast_to(x, arrows.shape), x + arrows], 1)


PHRASES = {
    "person": "Age {age}, education {level} of 16: ",
    "two": "these two networks point {shown} degrees apart",
    "crowds": "these two crowds of {m} point {shown} degrees apart",
    "draws": "; over many draws it is {measured} degrees",
    "curve": ", and from this number the curve is drawn. ",
    "predicted": ", and from pairs of networks {predicted} were predicted. ",
    "odds": "{count} of 40 networks say that {reason} would raise the odds of more than $50,000 most.",
    "sum": "{count} of 40 networks say that {reason} would raise the sum of the logits most. ",
    "fixed": "Training never moves the weights that read this sum: chance alone gives 90 degrees.",
    "shrunk": "Training never teaches the weights that read this sum, decay only shrinks them: chance alone gives 90"
    " degrees.",
    "short": " The arrows are nearly zero, too short to see: give them the same length.",
    "in_truth": " In truth all these arrows are nearly zero.",
}


def draw_a_crowd() -> Scene:
    """The scene for `page.explore.plane`: at a person whom the reader drags, the explanations of forty networks that
    differ in their seed alone, and the means of two crowds of m of them.

    The angle between the means is measured over many splits, and predicted from the mean cosine r of two networks as
    that of m r / (1 + (m - 1) r) [spearman1910correlation; brown1910experimental].

    >>> from interpbook.explore import plane
    >>> figure = plane(draw_a_crowd())
    >>> figure.first.settings["networks_in_a_crowd"]
    1
    """
    people, rich, scale = training_set()
    return Scene(
        "one person, and what forty networks that differ in their seed alone say would change their answer fastest",
        compute,
        "drawACrowd",
        {"person": Handle(0.6, -0.1, title="this person")},
        LIMITS,
        axes=("age, in standard deviations", "education, in standard deviations"),
        equal=True,
        phrases=PHRASES,
        settings={
            "networks_in_a_crowd": list(range(1, MOST + 1)),
            "explain": {"log-odds": "odds", "sum of the logits": "sum"},
            "weight_decay": {"none": 0, "0.01": 1},
            "arrows": {"true length": "true", "same length": "same"},
            "draw": list(range(1, COUNT + 1)),
        },
        # A draw of two networks that part, and of crowds that agree about as well as is usual.
        starts={"draw": 36},
        needs=("attribution/stability/crowd.js",),
        tables={
            "weights": crowd(),
            "people": people.numpy(),
            "rich": rich.numpy(),
            "scale": scale.numpy(),
            "votes": votes(),
        },
    )
