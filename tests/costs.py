"""What each part of the suite costs, in processor seconds: a pytest plugin that keeps account.

A test's cost is what its process and everything that it started (kernels, browsers, other Pythons) used meanwhile.
"""

import contextlib
import json
import os
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ACCOUNTS = os.environ.get("INTERPBOOK_COSTS")
# On which other machine these tests run as, if any.
WHERE = os.environ.get("INTERPBOOK_COSTS_WHERE", "")


def processor_seconds() -> float:
    """Used so far by this process, by its children that ended, and by those that still run."""
    used = sum(os.times()[:4])
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            used += sum(child.cpu_times()[:4])
    return used


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Add what this test used to the account of its file."""
    before = processor_seconds()
    result = yield
    if ACCOUNTS:
        part = part_of(item.path.relative_to(item.config.rootpath))
        entry = {"part": f"{part}, {WHERE}" if WHERE else part, "seconds": processor_seconds() - before}
        with Path(ACCOUNTS, f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as account:
            account.write(json.dumps(entry) + "\n")
    return result


def part_of(file: Path) -> str:
    """The part of the project that a test belongs to: a notebook, a subpackage with its tests and examples, a kind.

    >>> part_of(Path("tests/attribution/test_noise.py")), part_of(Path("interpbook/attribution/noise.py"))
    ('attribution', 'attribution')
    >>> part_of(Path("notebooks/attribution/fullgrad.ipynb")), part_of(Path("tests/test_tree.py"))
    ('notebook attribution/fullgrad', 'the rest')
    """
    top, *inner = file.parts
    if top == "notebooks":
        return f"notebook {file.relative_to(top).with_suffix('')}"
    if len(inner) == 1:
        return "the rest"
    return {"book": "book in a browser", "lab": "JupyterLab", "colab": "Colab rehearsal"}.get(inner[0], inner[0])


def begin(accounts: Path) -> None:
    """Empty accounts."""
    shutil.rmtree(accounts, ignore_errors=True)
    accounts.mkdir(parents=True)


def table(accounts: Path, elapsed: float) -> str:
    """What each part cost, the largest first, and how long all of it took by the clock on the wall."""
    used: dict[str, float] = defaultdict(float)
    for file in sorted(accounts.glob("*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            entry = json.loads(line)
            used[entry["part"]] += entry["seconds"]
    rows = sorted(used.items(), key=lambda row: -row[1])
    lines = [f"{seconds:8.1f}  {part}" for part, seconds in [*rows, ("all of it", sum(used.values()))]]
    return "\n".join(["", "Processor seconds", *lines, f"By the clock: {elapsed / 60:.1f} minutes."])
