"""Which tests stand beside what: beside a changed file, for `make check`, and beside a chapter."""

import subprocess
from collections.abc import Iterable
from pathlib import Path

import notebook_rules as rules

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

    >>> places_beside(["interpbook/density/sampling.py", "notebooks/density/implicit_density.ipynb"])
    ['tests/test_tree.py', 'tests/notebooks', 'interpbook/density', 'tests/density', 'tests/page/exercises/density']
    """
    found = [place for file in changed for place in _beside(Path(file))]
    # A folder contains the tests of the folders inside.
    inside = [place for place in found if any(outer in map(str, Path(place).parents) for outer in [*found, *ALWAYS])]
    return list(dict.fromkeys([*ALWAYS, *(place for place in found if place not in inside)]))


def _beside(file: Path) -> list[str]:
    top, *inner = file.parts
    if top == "notebooks" and file.suffix == ".ipynb":
        return [
            place for place in places_of_chapter(str(file.relative_to(top).with_suffix(""))) if "exercises" in place
        ]
    if top == "interpbook":
        # A module's tests are those of its folder; those of a folder's own modules lie beside its subfolders.
        folder = file.parent.relative_to(top)
        places = [str(file.parent)] if inner[1:] else [str(file)] if file.suffix == ".py" else []
        return [*places, *_existing(Path("tests") / folder if inner[1:] else Path("tests") / f"test_{file.stem}.py")]
    if top == "tests" and file.suffix == ".py" and inner[1:]:
        return _existing(file if file.stem.startswith("test_") else file.parent)
    if top == "tests" and file.stem.startswith("test_"):
        return _existing(file)
    return []


def _existing(place: Path) -> list[str]:
    """The place, or the nearest folder above it, below tests/."""
    while not (rules.ROOT / place).exists():
        place = place.parent
    return [] if place == Path("tests") else [str(place)]


def places_of_chapter(chapter: str) -> list[str]:
    """The tests of a chapter's library and of its exercises, and its modules' examples, for `attribution/fullgrad`."""
    part, _, name = chapter.partition("/")
    files = (name, f"{name}.py", f"test_{name}.py")
    library = [Path(top, part, file) for top in ("interpbook", "tests") for file in files]
    there = [str(place) for place in library if (rules.ROOT / place).exists()]
    return [*there, *_existing(Path("tests/page/exercises", part))]
