"""What a function that is added to all logits moves, and what it leaves where it was."""

from collections.abc import Mapping

from interpbook.page.exercises import exercise
from interpbook.page.exercises.predictions import check_predictions

# For each quantity: whether g moves it, what to think of, and why.
QUANTITIES: Mapping[str, tuple[str, str, str]] = {
    "the adversarial image found by climbing the loss": (
        "stays",
        "what is the loss made of?",
        "the loss is -log p(y | x), and so is its gradient at every step of the climb: g cancels",
    ),
    "the dream found by climbing one logit": (
        "moves",
        "which gradient does each step of the climb take?",
        "each step takes the gradient of F_y + g, which has the gradient of g in it",
    ),
    "the gradient of the gap between the two largest logits": (
        "stays",
        "what is (F_1 + g) - (F_2 + g)?",
        "both logits gain the same g, so their gap gains nothing, nor does its gradient",
    ),
    "the gradient of the log of the sum of all exp(logits)": (
        "moves",
        "pull exp(g) out of the sum: what is its logarithm?",
        "log of the sum of exp(F_j + g) is g + log of the sum of exp(F_j): its gradient gains that of g",
    ),
    "whether the probabilities are calibrated": (
        "stays",
        "what does calibration compare?",
        "calibration compares probabilities with labels, and no probability moves",
    ),
    "which of two images has the larger logit for boots": (
        "moves",
        "g is a function of the image: is it the same number at both?",
        "the two logits gain g at one image and g at the other, which may be any two numbers",
    ),
}


@exercise(rating=1, minutes=10)
def what_moves(answer: object) -> str:
    """A dictionary with "moves" or "stays" for each of six quantities."""
    check_predictions(answer, QUANTITIES)
    return "what is made of probabilities or of gaps between logits stays; what reads one logit, or their size, moves."
