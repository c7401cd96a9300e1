"""Which networks have the same sum of gradients at all pairs of opposite points."""

from collections.abc import Mapping

from interpbook.page.exercises import exercise
from interpbook.page.exercises.predictions import check_predictions

WORDS = ("stays", "depends")
# For each network: what becomes of the sum, what to think of, and why.
SITUATIONS: Mapping[str, tuple[str, str, str]] = {
    "ReLU, a bias at the output alone": (
        "stays",
        "what is the gradient of a constant?",
        "a constant at the output has no gradient",
    ),
    "ReLU, biases in the hidden layer": (
        "depends",
        "take one unit, relu(u + b) with b = 1, at u = 0 and at u = 2: is it active at both opposite points?",
        "near zero relu(u + 1) is active at both points, far away at one of them",
    ),
    "ReLU, no biases, but the mean image m is first subtracted from x": (
        "depends",
        "what does <w, x - m> look like as a function of x alone?",
        "<w, x - m> is <w, x> with the bias -<w, m>",
    ),
    "leaky ReLU, no biases": (
        "stays",
        "let the slopes be 1 and s: what is leaky(u) - leaky(-u) for u > 0?",
        "leaky(u) - leaky(-u) = (1 + s) u",
    ),
    "the absolute value as activation, no biases": (
        "stays",
        "what is |u| - |-u|?",
        "the network says the same at x and -x, and its two gradients add up to zero",
    ),
    "GELU, u times the normal distribution function Phi(u), no biases": (
        "stays",
        "what is u Phi(u) - (-u) Phi(-u), when Phi(u) + Phi(-u) = 1?",
        "gelu(u) - gelu(-u) = u: curved at every point, it has a linear odd part",
    ),
    "tanh, no biases": (
        "depends",
        "tanh is odd: what is tanh(u) - tanh(-u)?",
        "tanh is odd and curved: the sum of the gradients is twice the gradient, and tanh saturates",
    ),
    "two hidden layers of ReLU, no biases": (
        "depends",
        "which units of the second layer are active at x, and which at -x?",
        "the second layer reads relu(u) at x and relu(-u) at -x, which are not opposite",
    ),
}


@exercise(rating=1, minutes=10)
def never_looks(answer: object) -> str:
    """A dictionary with "stays" or "depends" for grad f(x) + grad f(-x) as x moves, for eight networks."""
    check_predictions(answer, SITUATIONS, WORDS)
    return "it takes a linear odd part, and no smoothness or curvature can hide one."
