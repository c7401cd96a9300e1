"""A network of twelve neurons on one input, from which the reader removes neurons: what is lost without and with the
repair of the next layer, and what greedy and the best choice of as many neurons lose.

The page's half is `neurons.js`; a test holds the two halves together.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from interpbook.explore import Drawn, Handle, Mark, Picture, Placed, Scene, Switches
from interpbook.explore.sentences import Fact

__all__ = ["twelve_neurons"]

# a, b and w of w relu(a x + b), from the leftmost hinge, at -b / a, to the rightmost. Those of the neurons 7, 8 and 9
# lie between two neighboring inputs, so that on all inputs each of the three is a combination of the two others.
NEURONS = np.array(
    [
        (-1.0, -0.84, 0.4),
        (-5.0, -3.55, 0.3),
        (-5.0, -3.15, 0.7),
        (2.0, 0.82, -0.1),
        (-5.0, -1.6, -0.3),
        (0.5, -0.06, 0.8),
        (0.5, -0.1055, 2.1),
        (0.5, -0.111, 1.1),
        (1.0, -0.233, -0.6),
        (5.0, -1.95, 0.1),
        (3.0, -1.86, -1.6),
        (3.0, -2.43, -0.1),
    ]
)
COUNT, INPUTS = len(NEURONS), 64
HINGES = -NEURONS[:, 1] / NEURONS[:, 0]
WEIGHTS = NEURONS[:, 2]
LIMITS = ((-1.0, 1.0), (-1.75, 1.25))
DEPENDENT = 1e-10  # a column with a smaller part of its square outside of what is kept adds nothing
SAME = 1e-9  # two shares as close are told apart by rounding only
ARROW = 0.09  # from a hinge to where its neuron is active
Set = tuple[int, ...]
Array = NDArray[np.float64]


def activations(x: Array) -> Array:
    """relu(a x + b) of all neurons, (n, 12)."""
    return np.maximum(x[:, None] * NEURONS[:, 0] + NEURONS[:, 1], 0)


A = activations(-1 + 2 * np.arange(INPUTS) / (INPUTS - 1))
T = A @ WEIGHTS
_BOTH = np.column_stack([A, T])
PRODUCTS = _BOTH.T @ _BOTH  # [[G, C], [C', ||T||^2]]


def dependent(swept: Array, i: int) -> bool:
    """Whether neuron i, given what the matrix was swept with, has nothing of its own."""
    return bool(swept[i, i] < DEPENDENT * PRODUCTS[i, i])


def sweep(swept: Array, i: int) -> Array:
    """The products after neuron i was picked, too: a Gauss-Jordan step, the Schur complement where nothing was picked.

    Its last column holds the solved weights of what was picked, and at its end the squared error that is left.
    """
    if dependent(swept, i):
        return swept
    row = swept[i] / swept[i, i]
    left = swept - np.outer(swept[:, i], row)
    left[i] = row
    return left


def repaired(kept: Set) -> Array:
    """The next layer's weights, (12,), solved by least squares for the neurons that are kept, and zero elsewhere."""
    swept, weights, picked = PRODUCTS, np.zeros(COUNT), []
    for i in kept:
        if not dependent(swept, i):
            swept = sweep(swept, i)
            picked.append(i)
    weights[picked] = swept[picked, -1]
    return weights


def lost(weights: Array) -> float:
    """||T - A V||^2 / ||T||^2 of some weights V."""
    share = float(np.square(T - A @ weights).sum() / PRODUCTS[-1, -1])
    return share if share > SAME else 0.0


@cache
def greedy_order() -> Set:
    """The neurons in the order in which greedy picks them; of gains as large, the first."""
    swept, order = PRODUCTS, list[int]()
    while len(order) < COUNT:
        pick, most = -1, -np.inf
        for i in range(COUNT):
            if i in order:
                continue
            gain = 0.0 if dependent(swept, i) else swept[i, -1] ** 2 / swept[i, i]
            if gain > most + SAME * PRODUCTS[-1, -1]:
                pick, most = i, gain
        swept = sweep(swept, pick)
        order.append(pick)
    return tuple(order)


@cache
def best_sets() -> tuple[Set, ...]:
    """For each number of neurons the set that leaves the least error, among all of them; of errors as small, the first.

    All 4,096 sets are visited, each one sweep away from a smaller one.
    """
    least = [np.inf] * (COUNT + 1)
    best: list[Set] = [()] * (COUNT + 1)

    def visit(swept: Array, kept: Set) -> None:
        if swept[-1, -1] < least[len(kept)] - SAME * PRODUCTS[-1, -1]:
            least[len(kept)], best[len(kept)] = swept[-1, -1], kept
        for i in range(kept[-1] + 1 if kept else 0, COUNT):
            visit(sweep(swept, i), (*kept, i))

    visit(PRODUCTS, ())
    return tuple(best)


def compute(now: Placed) -> Drawn:
    """The function before and after, and the shares that are lost."""
    kept = tuple(number - 1 for number in now.settings["keep"])
    greedy, best = tuple(sorted(greedy_order()[: len(kept)])), best_sets()[len(kept)]
    cut, solved = np.zeros(COUNT), repaired(kept)
    cut[list(kept)] = WEIGHTS[list(kept)]
    shares = [lost(weights) for weights in (cut, solved, repaired(greedy), repaired(best))]
    bars = Picture("bars", np.array(shares), ("not repaired", "repaired", "greedy", "best"), chosen=1)
    x = now.points["x"][0]
    outputs = activations(np.array([x], dtype=float))[0] @ np.stack([WEIGHTS, cut, solved], 1)
    read = {"x": x, "full": float(outputs[0]), "cut": float(outputs[1]), "repaired": float(outputs[2])}
    facts = (*_facts(kept, greedy, best, [100 * share for share in shares]), ("read", read))
    title = "squared error, in % of the squared output"
    return Drawn(_marks(kept, cut, solved), facts, ((title, bars),), {"x": (x, float(outputs[2]))})


def _facts(kept: Set, greedy: Set, best: Set, shares: list[float]) -> list[Fact]:
    if len(kept) in (0, COUNT):
        return [("all" if kept else "none", {})]
    cut, own, theirs, least = shares
    facts: list[Fact] = [("one" if len(kept) == 1 else "kept", {"kept": len(kept)})]
    facts.append(("lost", {"cut": cut, "repaired": own}))
    close = 100 * SAME
    if own < least + close:
        facts.append(("own_best", {}))
    if kept == greedy:
        facts.append(("own_greedy", {}))
    else:
        facts.append(("greedy", {"set": _said(greedy), "share": theirs}))
    if least + close <= min(own, theirs):
        facts.append(("best", {"set": _said(best), "share": least}))
    elif theirs < least + close <= own:
        facts.append(("greedy_best", {}))
    return [*facts, ("end", {})]


def _said(chosen: Set) -> str:
    """The numbers of some neurons, as the reader sees them."""
    return ", ".join(str(i + 1) for i in chosen)


def _marks(kept: Set, cut: Array, solved: Array) -> tuple[Mark, ...]:
    x = np.array([LIMITS[0][0], *HINGES, LIMITS[0][1]])  # between them every function is a straight line
    before, after, again = (activations(x) @ np.stack([WEIGHTS, cut, solved], 1)).T
    removed = tuple(i for i in range(COUNT) if i not in kept)
    return (
        Mark("arrows", _arrows(kept), 0, "kept: from its hinge to where it is active"),
        Mark("arrows", _arrows(removed), 5, "removed", faint=True),
        Mark("line", np.stack([x, after], 1), 1, "not repaired"),
        Mark("line", np.stack([x, again], 1), 2, "repaired"),
        Mark("line", np.stack([x, before], 1), 5, "the network as it was", dashed=True),
    )


def _arrows(chosen: Set) -> Array:
    """At the bottom, on three heights so that neighbors can be told apart."""
    ends = HINGES + ARROW * np.sign(NEURONS[:, 0])
    heights = -1.65 + 0.1 * (np.arange(COUNT) % 3)
    return np.stack([HINGES, heights, ends, heights], 1)[list(chosen)]


def twelve_neurons() -> Scene:
    """The scene for `page.explore.plane`: y = sum_j w_j relu(a_j x + b_j), from which the reader removes neurons.

    What is lost is ||T - B_S V||^2 / ||T||^2 on 64 inputs, T being the outputs and B_S what the kept neurons S give;
    V are their old weights, or the ones that least squares solve again.

    >>> from interpbook.explore import plane
    >>> figure = plane(twelve_neurons())
    >>> figure.sentence(figure.first).startswith("4 of 12 neurons are kept.")
    True
    """
    return Scene(
        "the output of a network of twelve neurons, before and after neurons are removed",
        compute,
        "twelveNeurons",
        {"x": Handle(-0.63, 0.0, "x", "read here")},
        LIMITS,
        axes=("input x", "output"),
        phrases={
            "none": "No neuron is kept, and all of the output is lost.",
            "all": "All 12 neurons are kept, and nothing is lost.",
            "one": "1 of 12 neurons is kept. ",
            "kept": "{kept} of 12 neurons are kept. ",
            "lost": "The squared error is {cut:significant}% of the squared output, after the repair"
            " {repaired:significant}%",
            "own_best": ", the least for so many neurons",
            "own_greedy": ": this is greedy's set",
            "greedy": ". Greedy keeps {set} and comes to {share:significant}%",
            "greedy_best": ", the least for so many neurons",
            "best": "; the best set, {set}, comes to {share:significant}%",
            "end": ".",
            "read": " At x = {x:z.2f} the network gave {full:z.2f}; now it gives {cut:z.2f}, repaired {repaired:z.2f}.",
        },
        settings={"keep": Switches(list(range(1, COUNT + 1)))},
        # Those of the largest weights.
        starts={"keep": [6, 7, 8, 11]},
        needs=("pruning/submodular/neurons.js",),
    )
