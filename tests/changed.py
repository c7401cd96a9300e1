"""Which tests stand beside what: beside a changed file, for `make check`, and beside a chapter."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import notebook_rules as rules

from interpbook.page import executed

# What holds for the repository as a whole, and is quick.
ALWAYS = ["tests/test_tree.py", "tests/notebooks"]


def files(since: str | None = None, root: Path = rules.ROOT) -> list[str]:
    """Every file that differs from a commit, or that git does not know yet.

    The commit is `since`, or else the one at which this branch left the main branch.
    """

    def git(*arguments: str) -> list[str]:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True)
        return done.stdout.splitlines() if done.returncode == 0 else []

    [base] = [since] if since else git("merge-base", "HEAD", "main") or ["HEAD"]
    known = git("diff", "--name-only", "--diff-filter=d", base)
    return sorted({*known, *git("ls-files", "--others", "--exclude-standard")})


def places_beside(changed: Iterable[str]) -> list[str]:
    """The tests of the changed modules and chapters, and what holds always; each once.

    >>> places_beside(["interpbook/density/sampling.py", "interpbook/equality.py"])[2:]
    ['interpbook/density', 'tests/density', 'interpbook/equality.py', 'tests/test_equality.py']
    >>> places_beside(["notebooks/density/implicit_density.ipynb"])[2:4]
    ['interpbook/chapters/density/implicit_density', 'tests/chapters/density/implicit_density']
    """
    found = [place for file in changed for place in _beside(Path(file))]
    # A folder contains the tests of the folders inside.
    inside = [place for place in found if any(outer in map(str, Path(place).parents) for outer in [*found, *ALWAYS])]
    return list(dict.fromkeys([*ALWAYS, *(place for place in found if place not in inside)]))


def _beside(file: Path) -> list[str]:
    top, *inner = file.parts
    if top == "tests" and file.stem.startswith("test_"):
        return _existing(file)
    if chapter := _chapter_of(file):
        return _own_places(chapter)
    if top == "interpbook":
        # A module's tests are those of its folder; those of a folder's own modules lie beside its subfolders.
        folder = file.parent.relative_to(top)
        places = [str(file.parent)] if inner[1:] else [str(file)] if file.suffix == ".py" else []
        return [*places, *_existing(Path("tests") / folder if inner[1:] else Path("tests") / f"test_{file.stem}.py")]
    if top == "tests" and file.suffix == ".py" and inner[1:]:
        return _existing(file.parent)
    return []


def _chapter_of(file: Path) -> str | None:
    """The chapter that a notebook, or a file in a folder of a chapter, belongs to, as "part/chapter"."""
    match file.with_suffix("").parts:
        case ("notebooks", _, _) if file.suffix == ".ipynb":
            return executed.chapter_of(file)
        case ("interpbook" | "tests", "chapters", part, name, _, *_):
            return f"{part}/{name}"
    return None


def _existing(place: Path) -> list[str]:
    """The place, or the nearest folder above it, below tests/."""
    # A folder may be left from another branch, without its tests.
    while not ((rules.ROOT / place).is_file() or any((rules.ROOT / place).rglob("*.py"))):
        place = place.parent
    return [] if place == Path("tests") else [str(place)]


def _own_places(chapter: str) -> list[str]:
    """The examples and tests in a chapter's own folders, and the harness that holds its exercises."""
    places = [f"interpbook/chapters/{chapter}", f"tests/chapters/{chapter}", "tests/chapters/test_exercises.py"]
    return [place for place in places if (rules.ROOT / place).exists()]


def places_of_chapter(chapter: str) -> list[str]:
    """The chapter's own places, and the library of its part.

    >>> places_of_chapter("attribution/fullgrad")[-2:]
    ['interpbook/attribution', 'tests/attribution']
    """
    part = chapter.partition("/")[0]
    library = [place for place in (f"interpbook/{part}", f"tests/{part}") if (rules.ROOT / place).exists()]
    return [*_own_places(chapter), *library]
