"""Which neurons can be removed without a loss, when the next layer is solved again and its bias is not."""

from collections.abc import Mapping

from interpbook.page.exercises import exercise
from interpbook.page.exercises.predictions import check_predictions

WORDS = ("is free", "costs")
# For each situation: what the removal does to F, what to think of, and why.
SITUATIONS: Mapping[str, tuple[str, str, str]] = {
    "its output is 0 on all n examples, and its row of W is not": (
        "is free",
        "what is a column of zeros, times any weights?",
        "it adds zero to the next layer, whatever its weights there are",
    ),
    "it is twice one that stays, and its row of W is the largest": (
        "is free",
        "which weights of the one that stays give the same sum?",
        "the one that stays takes over twice the weights of the one that goes, however large these are",
    ),
    "it is new, and its row of W is the smallest, but not zero": (
        "costs",
        "is small the same as nothing?",
        "what it adds to T is no combination of what stays; that may be little, but not nothing",
    ),
    "two equal ones go, both new; their rows of W are equal, not zero": (
        "costs",
        "each of the two could stand in for the other: who is left?",
        "either could go alone, but together they take with them what no other neuron has",
    ),
    "it is new, always 1, and its row of W is not zero": (
        "costs",
        "who could add a constant, and may it change?",
        "only the bias could take the constant over, and the bias is not solved again",
    ),
    "n independent ones stay, as many as there are examples": (
        "is free",
        "how large is the space of all columns of n numbers?",
        "n independent columns combine to any column of n numbers; what new examples say is another matter",
    ),
}


@exercise(rating=1, minutes=5)
def who_may_go(answer: object) -> str:
    """A dictionary with "is free" or "costs" for what is removed in each of six situations."""
    check_predictions(answer, SITUATIONS, WORDS)
    return "what matters is not how large a neuron's weights are, but whether the others can stand in for it."
