"""What the measures of the chapter say of one and the same classifier, written with other logits."""

from collections.abc import Mapping

from interpbook.page.exercises import exercise
from interpbook.page.exercises.predictions import check_predictions

# For each change of the logits and each measure: whether it can move, what to think of, and why.
QUANTITIES: Mapping[str, tuple[str, str, str]] = {
    "add g: the signal share of the gradient of log p(y | x)": (
        "stays",
        "does log p(y | x) know of g?",
        "g cancels in the probabilities, and so it does in the gradient of their logarithm",
    ),
    "add g: the signal share of the gradient of the logit of y": (
        "moves",
        "what is the gradient of F_y + g?",
        "the gradient of g is added, and it may lie on the letter, as long as you like",
    ),
    "add g: the cosine of the gradient of the logit sum with a score": (
        "moves",
        "how often does the sum of all logits gain g?",
        "the sum gains g once for each class: with a large g its gradient points wherever that of g does",
    ),
    "double: how far noise on the letter moves the probabilities": (
        "moves",
        "are the probabilities those of the same classifier?",
        "doubled logits make surer probabilities, and noise moves them by another amount",
    ),
    "double: the relative off-manifold robustness of the logit of y": (
        "stays",
        "it is a ratio: what happens above the line, and below?",
        "both of the mean squared changes of F_y become four times as large",
    ),
    "double: the signal share of the gradient of log p(y | x)": (
        "moves",
        "write the gradient of log p(y | x) by the gradients of the logits: what stands before them?",
        "it is the gradient of F_y minus the mean of all, weighted by p(j | x), and these weights change; with two "
        "classes only its length would",
    ),
}


@exercise(rating=1, minutes=10)
def what_moves(answer: object) -> str:
    """A dictionary with "moves" or "stays" for each of six measures."""
    check_predictions(answer, QUANTITIES)
    return "say of which scalar a gradient is, before you compare two networks by it."
