"""What each part of the suite costs, in processor seconds: a pytest plugin that keeps account.

A test's cost is what its process and everything that it started (kernels, browsers, other Pythons) used meanwhile.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

ACCOUNTS = os.environ.get("INTERPBOOK_COSTS")


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
        entry = {"file": str(item.path.relative_to(item.config.rootpath)), "seconds": processor_seconds() - before}
        with Path(ACCOUNTS, f"{os.getpid()}.jsonl").open("a", encoding="utf-8") as account:
            account.write(json.dumps(entry) + "\n")
    return result
