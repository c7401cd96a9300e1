"""The three ways to run the tests: `python tests/suite.py test|check|travel`, behind `make test` and its sisters.

test    proves everything: library, notebooks, budgets, the built book; `--chapter part/chapter` proves one chapter.
check   proves what a change touches, in under two minutes: style, types, and the tests beside the changed files.
travel  proves every notebook as on other machines, and writes down for the ledger where each claim was seen to hold.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import changed
import costs
import notebook_rules as rules
import proofs
from travel.machines import AVX2, DEFAULT, HERE, OTHERS, Machine, note_claims, one_other

from interpbook.page import executed

ROOT = rules.ROOT
ACCOUNTS = ROOT / "_build" / "costs"
# These look at what the notebooks leave behind, and so come after them.
NEED_RECORDS = ["tests/notebooks/test_budgets.py", "tests/notebooks/test_parity.py"]
WITHOUT_RECORDS = [f"--ignore={file}" for file in NEED_RECORDS]
STYLE = ["-m ruff check -q", "-m ruff format --check -q", "tests/script_style.py", "tests/sheet_style.py", "-m mypy"]
NBVAL = [
    "--nbval",
    "--nbval-sanitize-with=tests/notebooks/nbval.cfg",
    "--nbval-cell-timeout=300",
]


def pytest(*arguments: str, machine: Machine = HERE, processes: int = 2) -> bool:
    """Run pytest as on that machine; whether all of it holds. A selection without a test holds."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", str(processes), "--dist", "loadscope", *NBVAL]
    command += [f"--nbval-kernel-name={machine.kernel}", *arguments]
    where = "" if machine is HERE else f"as with {machine.name}"
    settings = {**machine.environment(), "INTERPBOOK_COSTS": str(ACCOUNTS), "INTERPBOOK_COSTS_WHERE": where}
    return subprocess.run(command, cwd=ROOT, env=settings).returncode in (0, 5)


def style() -> bool:
    """Whether the code, that of notebooks and pages included, is written as agreed, and its types agree."""
    holds = True
    for command in STYLE:
        holds &= subprocess.run([sys.executable, *command.split()], cwd=ROOT).returncode == 0
    return holds


def names(paths: Sequence[Path]) -> list[str]:
    """Paths as pytest prints them."""
    return [str(path.relative_to(ROOT)) for path in paths]


def unproved(notebooks: Sequence[Path], machine: Machine, fresh: bool) -> list[Path]:
    """The notebooks that have to be executed (again) as on that machine; says which are not."""
    waiting = [path for path in notebooks if fresh or not proofs.is_proved(path, machine.environment())]
    for path in waiting:
        proofs.begin(path, machine.records)
    kept = [path.stem for path in notebooks if path not in waiting]
    if kept:
        print(f"Not executed again ({machine.name}), unchanged since proved here: {', '.join(kept)}", flush=True)
    return waiting


def elsewhere(notebooks: Sequence[Path], machine: Machine, fresh: bool, processes: int = 2) -> bool:
    """Prove notebooks as on another kind of machine."""
    waiting = unproved(notebooks, machine, fresh)
    if not waiting:
        return True
    print(f"== {machine.name}: {', '.join(path.stem for path in waiting)}", flush=True)
    return pytest(*names(waiting), machine=machine, processes=min(processes, machine.processes))


def test(chapter: str | None, fresh: bool) -> bool:
    """Everything, or everything about one chapter."""
    notebooks = chapter_notebooks(chapter)
    places = changed.places_of_chapter(chapter) if chapter else ["interpbook", "tests"]
    waiting = names(unproved(notebooks, HERE, fresh))
    holds = style()
    # Notebooks first: they take longest, and what takes longest must not begin last.
    holds &= pytest("--doctest-modules", *waiting, *places, *WITHOUT_RECORDS)
    ours = {machine: [path for path in notebooks if one_other(path) == machine] for machine in (AVX2, DEFAULT)}
    with ThreadPoolExecutor() as side_by_side:
        both = [side_by_side.submit(elsewhere, paths, machine, fresh, 1) for machine, paths in ours.items()]
    holds &= all(result.result() for result in both)
    only = ["-k", " or ".join(path.stem for path in notebooks)] if chapter else []
    return pytest(*NEED_RECORDS, *only) and holds


def travel(chapter: str | None, fresh: bool) -> bool:
    """Every notebook here and as on the other machines; what held goes into the ledger."""
    notebooks = chapter_notebooks(chapter)
    holds = True
    for machine in (HERE, *OTHERS):
        holds &= elsewhere(notebooks, machine, fresh)
        note_claims(machine, notebooks)
    return holds


def check(since: str | None) -> bool:
    """Style, types, and the tests beside what changed since a commit, or since this branch left the main branch."""
    holds = style()
    files = changed.files(since)
    places = changed.places_beside(files)
    notebooks = [path for path in rules.NOTEBOOKS if str(path.relative_to(ROOT)) in files]
    waiting = unproved(notebooks, HERE, fresh=False)
    executed, left = waiting[:2], waiting[2:]
    if left:
        print(f"Left to `make test`, for time: {', '.join(path.stem for path in left)}.")
    print(f"== {', '.join(places)}", flush=True)
    return pytest("--doctest-modules", "-m", "not slow", *places, *names(executed), *WITHOUT_RECORDS) and holds


def chapter_notebooks(chapter: str | None) -> list[Path]:
    """The notebooks of one chapter, its lesson and its evidence, or all of them."""
    if chapter is None:
        return rules.NOTEBOOKS
    lesson = ROOT / "notebooks" / f"{chapter}.ipynb"
    if lesson not in rules.LESSONS:
        known = ", ".join(map(executed.chapter_of, rules.LESSONS))
        sys.exit(f"CHAPTER is {chapter!r}, expected one of {known}")
    return [path for path in rules.NOTEBOOKS if executed.chapter_of(path) == chapter]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("test", "check", "travel"))
    parser.add_argument("--chapter", help="part/chapter: only this one")
    parser.add_argument("--since", help="check: what changed since this commit")
    parser.add_argument("--fresh", action="store_true", help="execute notebooks that were proved here before")
    chosen = parser.parse_args()
    started = time.monotonic()
    costs.begin(ACCOUNTS)
    if chosen.what == "check":
        holds = check(chosen.since)
    else:
        holds = {"test": test, "travel": travel}[chosen.what](chosen.chapter, chosen.fresh)
    print(costs.table(ACCOUNTS, time.monotonic() - started))
    print("All of it holds." if holds else "Something does not hold: see the failures above.")
    sys.exit(not holds)


if __name__ == "__main__":
    main()
