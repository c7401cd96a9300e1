"""What turns the explanation of a network with two classes, what rescales it, and what leaves it as it is."""

from collections.abc import Mapping

from interpbook.page.exercises import exercise
from interpbook.page.exercises.predictions import check_predictions

WORDS = ("turns", "rescales", "stays")
# For each situation: what becomes of the explanation, what to think of, and why.
SITUATIONS: Mapping[str, tuple[str, str, str]] = {
    "p_1 is explained, not the log-odds": (
        "rescales",
        "p_1 is a function of the log-odds alone: what does the chain rule say?",
        "grad p_1 = p_1 (1 - p_1) grad(log-odds), and the number in front lies between 0 and 1/4",
    ),
    "the last layer's weights and biases are tripled": (
        "rescales",
        "what happens to both logits, and to their difference?",
        "both logits are tripled, and so are their difference and its gradient",
    ),
    "the last layer's bias of class 1 is raised by 5": (
        "stays",
        "the prediction may change; does a constant have a gradient?",
        "the log-odds grow by 5 everywhere, and a constant has no gradient",
    ),
    "h(x) is added to both logits": (
        "stays",
        "what is left of h in the difference of the two logits?",
        "h cancels in the difference of the logits",
    ),
    "h(x) is added to both logits; z_1 is explained, before and after": (
        "turns",
        "what is the gradient of z_1 + h?",
        "grad h is added to grad z_1, and the two are not parallel: one logit shows what no prediction depends on",
    ),
    "the mean p_1 of two networks is explained, not their mean log-odds": (
        "turns",
        "which of the two networks has the larger p_1 (1 - p_1)?",
        "the weights of the two gradients are .25 and .09, no longer equal, and the gradients are not parallel",
    ),
}


@exercise(rating=1, minutes=5)
def same_or_not(answer: object) -> str:
    """A dictionary with "turns", "rescales" or "stays" for what becomes of an explanation in six situations."""
    check_predictions(answer, SITUATIONS, WORDS)
    return "what no prediction depends on cancels in the log-odds, and in a single logit it does not."
