"""What each part of the suite costs is counted once, children included."""

import json
import subprocess
import sys
from pathlib import Path

import costs

BUSY = "import time\nwhile time.process_time() < {seconds}: pass"


def test_the_time_of_a_process_that_was_started_counts() -> None:
    before = costs.processor_seconds()
    subprocess.run([sys.executable, "-c", BUSY.format(seconds=0.5)], check=True)
    assert costs.processor_seconds() - before >= 0.4


def test_the_time_of_a_process_that_still_runs_counts_once() -> None:
    before = costs.processor_seconds()
    script = BUSY.format(seconds=0.5) + "\nprint('done', flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        while_running = costs.processor_seconds() - before
        process.communicate(b"\n")
    assert while_running >= 0.4
    assert costs.processor_seconds() - before < while_running + 0.5


def test_the_table_adds_up(tmp_path: Path) -> None:
    costs.begin(tmp_path / "accounts")
    for process, entries in {"1": [("density", 1.0), ("page", 2.5)], "2": [("density", 3.0)]}.items():
        lines = [json.dumps({"part": part, "seconds": seconds}) + "\n" for part, seconds in entries]
        (tmp_path / "accounts" / f"{process}.jsonl").write_text("".join(lines))
    rows = costs.table(tmp_path / "accounts", elapsed=90.0).splitlines()
    assert [row.split(maxsplit=1) for row in rows[2:5]] == [["4.0", "density"], ["2.5", "page"], ["6.5", "all of it"]]
    assert rows[-1] == "By the clock: 1.5 minutes."
