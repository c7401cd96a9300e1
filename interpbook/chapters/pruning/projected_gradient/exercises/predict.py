"""Which weights that are zero can be other than zero after the next step."""

from collections.abc import Mapping

from interpbook.page.exercises import exercise
from interpbook.page.exercises.predictions import check_predictions

WORDS = ("can come back", "stays")
# For each situation: what a zero weight does, what to think of, and why.
SITUATIONS: Mapping[str, tuple[str, str, str]] = {
    "k falls; the gradients of zero weights are masked": (
        "stays",
        "what does the update add to it?",
        "its update is lr times zero, and a projection makes nothing of zero",
    ),
    "k falls; lr |g| of every zero weight is below each kept size": (
        "stays",
        "how long is the list of magnitudes before it is the turn of a zero weight?",
        "at least k weights are larger after the step than it is, and the projection keeps k",
    ),
    "k stays; lr |g| of this weight is above all other sizes": (
        "can come back",
        "the projection sees sizes after the step: which is the largest?",
        "it is the largest of all after the step, and another weight loses its place; that k stays is no lock",
    ),
    "k opens to all weights; its gradient is not zero": (
        "can come back",
        "what does a projection onto all weights remove?",
        "nothing is projected away, and after the step it is -lr g, however small lr is",
    ),
    "k opens to all weights; its gradient is zero (a pixel always black)": (
        "stays",
        "the schedule gives it a place: what moves it?",
        "its update is zero: a place in the schedule moves no weight, only a gradient does",
    ),
    "torch.nn.utils.prune; its mask is set to one, no step is taken": (
        "can come back",
        "the layer computes weight_orig * mask: what is in weight_orig?",
        "weight_orig still holds what the weight was when it was pruned, and that comes back, without any gradient",
    ),
}


@exercise(rating=1, minutes=5)
def who_comes_back(answer: object) -> str:
    """A dictionary with "can come back" or "stays" for a zero weight in each of six situations."""
    check_predictions(answer, SITUATIONS, WORDS)
    return "a zero weight needs two things to come back: a gradient, and a place among the k largest."
