"""What was tried since the page began: each call of a check, its verdict, and the code of the answer."""

import linecache
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Literal

from IPython.core.getipython import get_ipython

Verdict = Literal["open", "refused", "passed"]
# The longest value that is written down as it prints itself; a tensor may be long.
LONGEST_VALUE = 2000


@dataclass(frozen=True)
class Attempt:
    """One call of a check.

    exercise: the check, by its module and name.
    said: the hint, the praise, or where an answer is missing.
    code: the cells that the answer stands in, "" outside a notebook.
    values: what the answer's values print, of those that are no functions.
    """

    exercise: str
    verdict: Verdict
    said: str
    code: str
    values: tuple[str, ...]


_made: list[Attempt] = []
_page_version: str | None = None


def note(exercise: str, verdict: Verdict, said: str, answers: tuple[object, ...]) -> None:
    """Write down an attempt, with the code that the running cell and its answers consist of."""
    values = tuple(repr(answer)[:LONGEST_VALUE] for answer in answers if not callable(answer))
    _made.append(Attempt(exercise, verdict, said, "\n\n".join(_cells(answers)), values))


def since_the_page_began() -> list[Attempt]:
    """All attempts, in their order."""
    return list(_made)


def page_version() -> str | None:
    """The version of interpbook that the page was written for, where it says one."""
    return _page_version


def forget(version: str | None = None) -> None:
    """Begin a page, which was written for this version: nothing was tried.

    >>> note("even", "passed", "", (4,))
    >>> [attempt.values for attempt in since_the_page_began()][-1:]
    [('4',)]
    >>> forget()
    >>> since_the_page_began()
    []
    """
    global _page_version
    _page_version = version
    _made.clear()


def _cells(answers: tuple[object, ...]) -> list[str]:
    """The notebook's cells that define the answers and the functions that these name, then the one that is running."""
    shell = get_ipython()
    if shell is None:
        return []
    functions: list[CodeType] = []
    for answer in answers:
        _collect(answer, shell.user_ns, functions)
    # A helper is found after what names it, and stands before it; what runs comes last.
    files = [code.co_filename for code in reversed(functions)]
    running = [name for name in _running(shell.user_ns) if name not in files][-1:]
    texts = ["".join(linecache.getlines(name)).strip() for name in dict.fromkeys([*files, *running])]
    return [text for text in texts if text]


def _running(named: dict[str, object]) -> Iterator[str]:
    """The cells that are running; the outermost, which a person runs, comes last."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals is named:
            yield frame.f_code.co_filename
        frame = frame.f_back


def _collect(answer: object, named: dict[str, object], functions: list[CodeType]) -> None:
    """Add an answer's functions, and those of the notebook that they name."""
    if getattr(answer, "__module__", None) != "__main__":
        return
    for code in _functions(answer):
        if not any(code is known for known in functions):
            functions.append(code)
            for name in _names(code):
                _collect(named.get(name), named, functions)


def _functions(answer: object) -> list[CodeType]:
    """The code of a function, or of all methods of a class or of an object's class."""
    if hasattr(answer, "__code__"):
        return [answer.__code__]
    kind = answer if isinstance(answer, type) else type(answer)
    return [method.__code__ for method in vars(kind).values() if hasattr(method, "__code__")]


def _names(code: CodeType) -> Iterator[str]:
    """The names that a function looks up, those of functions inside it included."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names(constant)
