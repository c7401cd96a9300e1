"""Exercises that ask to predict: one word for each quantity, before anything is computed."""

from collections.abc import Mapping

from interpbook.page.exercises import WrongAnswer

__all__ = ["check_predictions"]


def check_predictions(
    answer: object, quantities: Mapping[str, tuple[str, str, str]], words: tuple[str, ...] = ("moves", "stays")
) -> None:
    """Check a dictionary with a word for each quantity; the first that is wrong gets a hint.

    Args:
        answer: the student's.
        quantities: for each the right word, what to think of, and why.
        words: those to choose from.

    >>> check_predictions({"2 x": "stays"}, {"2 x": ("moves", "is x fixed?", "x may be any number")})
    Traceback (most recent call last):
        ...
    interpbook.page.exercises.hints.WrongAnswer: look again at 2 x
    """
    if not isinstance(answer, Mapping):
        raise WrongAnswer("the answer should be a dictionary, with one word for each quantity")
    choice = " or ".join(f'"{word}"' for word in words)
    said = {}
    for quantity in quantities:
        if quantity not in answer:
            raise WrongAnswer(f"there is no answer for {quantity!r}")
        word = answer[quantity]
        said[quantity] = word.strip().strip(".").lower() if isinstance(word, str) else word
        if said[quantity] not in words:
            raise WrongAnswer(f"for {quantity!r} the answer should be {choice}, and is {word!r}")
    for quantity, (truth, thought, reason) in quantities.items():
        if said[quantity] != truth:
            raise WrongAnswer(
                f"look again at {quantity}",
                f"{quantity}: {thought}",
                f"{quantity}: it {truth}, because {reason}",
            )
