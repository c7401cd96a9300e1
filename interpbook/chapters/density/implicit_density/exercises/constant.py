"""What a judge gets right who does not look: the score that a result at chance level is held against."""

from collections.abc import Callable

import torch

from interpbook.page.exercises import WrongAnswer, exercise
from interpbook.page.exercises.answers import expect_function, number

# One of each class, as in the story; one class more often; a class that is missing; one label.
SAMPLES = (list(range(10)), [0, 4, 4, 4, 1, 0, 4], [5, 5, 2, 7, 7, 7, 7], [3])


@exercise(rating=1, minutes=15)
def best_constant(answer: Callable[..., object]) -> str:
    """A function of `labels (n,)`, integers: the largest share that one and the same answer to all gets right."""
    expect_function(answer)
    for labels in SAMPLES:
        _check(answer, labels)
    return "with as many examples of each class every constant answer gets the same share, whatever it is."


def _check(answer: Callable[..., object], labels: list[int]) -> None:
    got = number(answer(torch.tensor(labels)), "the answer")
    counts = [labels.count(label) for label in labels]
    want = max(counts) / len(labels)
    if abs(got - want) < 1e-6:
        return
    seen = f"(labels {labels})"
    classes = len(set(labels))
    mistakes = {
        max(counts): (
            "a share is at most one",
            "you count how many are right: divide",
            "divide the count of the most common label by len(labels)",
        ),
        100 * want: ("a share is at most one", "you give a percentage", "leave out the factor of 100"),
        1 / classes: (
            "a judge may know which label is the most common",
            "1 / (number of classes) is right only where all classes are equally common",
            "take the count of the most common label, over len(labels)",
        ),
        1 / (max(labels) + 1): (
            "not every class below the largest need be there",
            "which label is the most common?",
            "take the count of the most common label, over len(labels)",
        ),
        min(counts) / len(labels): (
            "that is a constant answer, but not the best one",
            "you take the rarest label",
            "take the count of the most common label, over len(labels)",
        ),
        float(max(labels, key=labels.count)): (
            "that is the answer of the judge; what share of the labels does it get right?",
            "you return the most common label, not how common it is",
            "return its count over len(labels)",
        ),
    }
    for wrong, hints in mistakes.items():
        if abs(got - wrong) < 1e-6:
            nudge, *more = (f"{hint} {seen}" for hint in hints)
            raise WrongAnswer(nudge, *more)
    raise WrongAnswer(
        f"that is not the share of the best constant answer {seen}",
        f"which one answer would be right most often? {seen}",
        f"count the most common label, and divide by len(labels): {want:.3g} {seen}",
    )
