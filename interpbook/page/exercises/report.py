"""A hand-in: one file that says what came of the exercises of a chapter, with the code of the answers."""

import importlib
import platform
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import EllipsisType
from typing import Any

import torch

import interpbook
from interpbook.output.cell import inline, show
from interpbook.page.executed import fingerprint, save
from interpbook.page.exercises import attempts
from interpbook.page.exercises.attempts import Attempt
from interpbook.page.table import table

FORMAT = "interpbook hand-in 1"
VERDICTS = ("open", "refused", "passed")
NOT_RUN = "its cell was not run"


def report(chapter: str, checks: Mapping[str, Callable[..., None]], name: str | EllipsisType) -> None:
    """Show what came of the exercises of a chapter, and write the file, where there is a name to put on it.

    Raises:
        TypeError: the name is no text.
        ValueError: the name has no letter or digit.
    """
    if name is not ... and not isinstance(name, str):
        raise TypeError(f"name is {name!r}, expected your name as a text, as in name='Ada Lovelace'")
    if name is not ... and not re.search(r"[^\W_]", name):
        raise ValueError(f"name is {name!r}, expected your name or number, as in name='Ada Lovelace'")
    exercises = results(checks, attempts.since_the_page_began())
    _show_results(chapter, exercises)
    if name is ...:
        _say("Nothing is written yet: put your name in place of the dots, as in `name='Ada Lovelace'`, and run again.")
        return
    path = write(hand_in(name.strip(), chapter, exercises), Path.cwd())
    _say(f"Written, for handing in: `{path}`")
    _offer_download(path)


def key(check: Callable[..., None]) -> str:
    """The name under which attempts at an exercise are written down."""
    return f"{check.__module__}.{check.__qualname__}"


def results(checks: Mapping[str, Callable[..., None]], tried: list[Attempt]) -> list[dict[str, Any]]:
    """What came of each exercise, in the order in which they were tried first; those not tried come last."""
    names = {key(check): name for name, check in sorted(checks.items())}
    order = dict.fromkeys([*(attempt.exercise for attempt in tried if attempt.exercise in names), *names])
    return [
        _result(names[each], checks[names[each]], [attempt for attempt in tried if attempt.exercise == each])
        for each in order
    ]


def _result(name: str, check: Callable[..., None], tried: list[Attempt]) -> dict[str, Any]:
    """What came of one exercise: its best attempt counts, of several the last."""
    not_run = Attempt(key(check), "open", NOT_RUN, "", ())
    best = max(reversed(tried), key=lambda attempt: VERDICTS.index(attempt.verdict), default=not_run)
    possible = check.rating  # type: ignore[attr-defined]
    return {
        "exercise": name,
        "result": best.verdict,
        "refused": sum(attempt.verdict == "refused" for attempt in tried),
        "points": possible if best.verdict == "passed" else 0,
        "possible": possible,
        "said": best.said,
        "code": best.code.splitlines(),
        "values": list(best.values),
    }


def hand_in(name: str, chapter: str, exercises: list[dict[str, Any]]) -> dict[str, Any]:
    """All that is handed in.

    >>> exercise = {"exercise": "even", "result": "passed", "refused": 2, "points": 1, "possible": 1}
    >>> handed_in = hand_in("Ada", "numbers", [exercise])
    >>> handed_in["points"], handed_in["checksum"] == checksum(handed_in)
    (1, True)
    """
    content = {
        "format": FORMAT,
        "name": name,
        "chapter": chapter,
        "written": datetime.now().astimezone().isoformat(timespec="seconds"),
        "versions": {
            "page": attempts.page_version(),
            "interpbook": interpbook.__version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
        "points": sum(exercise["points"] for exercise in exercises),
        "possible": sum(exercise["possible"] for exercise in exercises),
        "exercises": exercises,
    }
    return {**content, "checksum": checksum(content)}


def checksum(handed_in: Mapping[str, Any]) -> str:
    """Another one where a file was changed by accident; whoever wants to change it can write a new one.

    >>> checksum({"points": 1}) == checksum({"points": 1, "checksum": "?"}) != checksum({"points": 2})
    True
    """
    return fingerprint({name: value for name, value in handed_in.items() if name != "checksum"})


def write(handed_in: Mapping[str, Any], folder: Path) -> Path:
    """Write the file; one of the same person on the same chapter is replaced."""
    person = re.sub(r"\W+", "_", handed_in["name"].casefold()).strip("_")
    path = folder / f"hand_in_{handed_in['chapter']}_{person}.json"
    save(path, handed_in)
    return path


def _show_results(chapter: str, exercises: list[dict[str, Any]]) -> None:
    points, possible = (sum(exercise[kind] for exercise in exercises) for kind in ("points", "possible"))
    table(
        {
            "result": ["not yet" if each["result"] == "refused" else each["result"] for each in exercises],
            "refused": [times(each["refused"]) for each in exercises],
            "points": [f"{each['points']} of {each['possible']}" for each in exercises],
        },
        rows=[each["exercise"] for each in exercises],
        caption=f"The exercises of `{chapter}`: {points} of {possible} points.",
    )
    not_run = [each["exercise"] for each in exercises if each["said"] == NOT_RUN]
    if not_run:
        _say(f"Not run since the page began: {', '.join(not_run)}. Run their cells, and then this one again.")


def _say(text: str) -> None:
    """A sentence below the table, which breaks between words."""
    show(text.replace("`", ""), f"<p>{inline(text)}</p>")


def times(count: int) -> str:
    """How often, in words.

    >>> times(0), times(2), times(7)
    ('—', 'twice', '7 times')
    """
    return {0: "—", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _offer_download(path: Path) -> None:
    """In Colab the file lies on another machine, and is lost with it."""
    try:
        files = importlib.import_module("google.colab.files")
    except ImportError:
        return
    files.download(str(path))
