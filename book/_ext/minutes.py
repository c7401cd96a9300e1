"""Minutes that pages of the course name, summed from the lessons' front matter.

An amount is a sum such as `attribution/fullgrad 90 + attribution/fullgrad exercises 5 6 + 10`:

10                              a number of minutes
attribution/fullgrad 90         the route of 10, 45 or 90 minutes, as long as its steps really take
attribution/fullgrad lesson     the lesson without its exercises
attribution/fullgrad exercises 5 6
"""

import re
from collections.abc import Mapping, Sequence

from front_matter import Chapter
from lesson import Exercise
from teaching import ROUTES

EXERCISES = "Exercises"


def amount(text: str, chapters: Mapping[str, Chapter], exercises: Mapping[str, Sequence[Exercise]]) -> int:
    """The minutes of a sum.

    Args:
        text: as above.
        chapters: by path.
        exercises: of each chapter, by path.

    Raises:
        ValueError: a term is not as above, or names what is not there.

    >>> amount("10 + 5", {}, {})
    15
    """
    return sum(_term(term.strip(), chapters, exercises) for term in text.split("+"))


def _term(term: str, chapters: Mapping[str, Chapter], exercises: Mapping[str, Sequence[Exercise]]) -> int:
    if term.isdecimal():
        return int(term)
    path, _, what = term.partition(" ")
    chapter = chapters.get(path)
    if chapter is None or chapter.teaching is None:
        known = ", ".join(path for path, known in chapters.items() if known.teaching)
        raise ValueError(f"an amount of minutes names {path!r}, expected a number, or a chapter with minutes: {known}")
    if what in map(str, ROUTES):
        return chapter.teaching.length(int(what))
    if what == "lesson":
        return chapter.minutes - chapter.teaching.minutes.get(EXERCISES, 0)
    if re.fullmatch(r"exercises( \d+)+", what):
        return sum(_minutes(path, int(number), exercises[path]) for number in what.split()[1:])
    raise ValueError(
        f"an amount of minutes asks for {what!r} of {path}, expected one of {', '.join(map(str, ROUTES))}, "
        "'lesson', or 'exercises' with their numbers"
    )


def _minutes(path: str, number: int, exercises: Sequence[Exercise]) -> int:
    for exercise in exercises:
        if exercise.number == number:
            return exercise.minutes
    raise ValueError(f"{path} has no exercise {number}, expected one of 1 to {len(exercises)}")


def clock(minutes: int) -> str:
    """Minutes after midnight, or after the beginning, as a clock shows them.

    >>> clock(545)
    '9:05'
    """
    return f"{minutes // 60}:{minutes % 60:02}"
