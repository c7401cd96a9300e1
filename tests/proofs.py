"""A notebook that was proved on this machine is not executed again while nothing that it stands on has changed.

A pytest plugin: while nbval runs a notebook, its kernel leaves a record in a folder of its own below
INTERPBOOK_USAGE_LOG (time and memory, the files that it read, its explorable figures). When all of its cells hold, the
digest of its text, of these files, of its claims, of all installed versions and of the processor goes there as well.
Scripts and style sheets of figures are no part of it: `make refresh` writes them into the stored outputs.
"""

import hashlib
import importlib.metadata
import json
import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

import notebook_rules as rules
import pytest

from interpbook.output import blocks
from interpbook.page import executed

ROOT = Path(__file__).parents[1]
RECORD = os.environ.get("INTERPBOOK_USAGE_LOG")
PROOFS = ROOT / "_build" / "proofs"
# How a proof is made: a change here asks for every proof again.
RULES = [
    *(f"tests/{name}.py" for name in ("same_output", "proofs", "suite", "travel/machines")),
    *(f"tests/kernel_{name}.py" for name in ("startup", "ingredients", "explorables")),
    "tests/notebooks/nbval.cfg",
    "conftest.py",
]
# Variables that change what a notebook computes or shows.
SETTINGS = re.compile(r"(ATEN|CUDA|MKL|OMP|ONEDNN|DNNL|OPENBLAS)_.*|INTERPBOOK_SCALE")
GPU = Path("/dev/nvidiactl")


def record_of(notebook: Path, records: Path) -> Path:
    """The folder of what a notebook's last run left behind: `attribution/fullgrad` below `records`."""
    return records / notebook.parent.name / notebook.stem


def claims_of(notebook: Path) -> Path:
    """The file with the claims of the chapter, of which this is the lesson or the evidence."""
    return ROOT / "interpbook" / "chapters" / executed.chapter_of(notebook) / "claims.yml"


def digest(notebook: Path, ingredients: list[str], environment: Mapping[str, str]) -> str:
    """One name for everything that a notebook's outcome can depend on, run with these environment variables."""
    about = {
        "versions": [sys.version, *versions(environment)],
        "machine": [platform.platform(), processor()],
        "settings": {name: value for name, value in environment.items() if SETTINGS.fullmatch(name)},
        "gpu": GPU.exists(),
    }
    content = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    content.update(without_scripts(notebook).encode())
    for file in [claims_of(notebook), *(ROOT / name for name in [*RULES, *ingredients])]:
        content.update(f"\n{file.relative_to(ROOT)}\n".encode())
        content.update(file.read_bytes() if file.is_file() else b"gone")
    return content.hexdigest()


def without_scripts(notebook: Path) -> str:
    """A notebook as it is stored, but for the scripts and style sheets in its outputs."""
    stored = rules.read(notebook)
    blocks.rewrite(stored, blocks.emptied)
    return json.dumps(stored, sort_keys=True)


def versions(environment: Mapping[str, str]) -> list[str]:
    """Every distribution that is installed here, and where another kernel runs: beside JUPYTER_PATH."""
    installed = list(importlib.metadata.distributions())
    for jupyter in filter(None, environment.get("JUPYTER_PATH", "").split(os.pathsep)):
        packages = Path(jupyter).parents[1].glob("lib/*/site-packages")
        installed += importlib.metadata.distributions(path=[str(folder) for folder in packages])
    return sorted(f"{distribution.name} {distribution.version}" for distribution in installed)


def processor() -> str:
    """What kind of processor this is."""
    info = Path("/proc/cpuinfo")
    kinds = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return (
        "\n".join(sorted({line for line in kinds if line.startswith(("model name", "flags"))})) or platform.processor()
    )


def is_proved(notebook: Path, environment: Mapping[str, str]) -> bool:
    """Whether this notebook held when it was last run so here, and nothing that it stood on has changed since."""
    proof = record_of(notebook, Path(environment["INTERPBOOK_USAGE_LOG"])) / "proof.json"
    if not proof.exists():
        return False
    stored = json.loads(proof.read_text(encoding="utf-8"))
    return stored["digest"] == digest(notebook, stored["ingredients"], environment)


def begin(notebook: Path, records: Path) -> None:
    """Forget the last run of a notebook, and note when the next one began."""
    folder = record_of(notebook, records)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "begun").touch()


def prove(notebook: Path, records: Path) -> None:
    """Note that every cell of a notebook held, unless something was edited meanwhile, which never ran as it is now."""
    folder = record_of(notebook, records)
    ingredients = json.loads((folder / "ingredients.json").read_text(encoding="utf-8"))
    edited = max(
        file.stat().st_mtime for file in [notebook, claims_of(notebook), *(ROOT / name for name in ingredients)]
    )
    if "interpbook/__init__.py" not in ingredients or edited > (folder / "begun").stat().st_mtime:
        return
    environment = {**os.environ, "INTERPBOOK_USAGE_LOG": str(records)}
    proof = {"digest": digest(notebook, ingredients, environment), "ingredients": ingredients}
    (folder / "proof.json").write_text(json.dumps(proof), encoding="utf-8")


_held: dict[Path, int] = {}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell a notebook's kernel, which is about to start, whose it is and where to record what it does."""
    for name in ("INTERPBOOK_USAGE_LOG", "PYTHONSTARTUP", "JPY_SESSION_NAME"):
        os.environ.pop(name, None)
    if item.path.suffix == ".ipynb" and RECORD:
        os.environ["JPY_SESSION_NAME"] = str(item.path)
        os.environ["INTERPBOOK_USAGE_LOG"] = str(record_of(item.path, Path(RECORD)))
        os.environ["PYTHONSTARTUP"] = str(Path(__file__).with_name("kernel_startup.py"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Count the cells of each notebook that hold; one that does not is never made up for."""
    file = ROOT / report.nodeid.partition("::")[0]
    if file.suffix == ".ipynb" and report.when == "call":
        _held[file] = _held.get(file, 0) + (1 if report.passed else -10_000)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where all cells of a notebook ran and held, note it; only the process that hears of all of them does."""
    if RECORD and not hasattr(session.config, "workerinput"):
        for notebook, held in _held.items():
            if held == len(rules.cells(rules.read(notebook), "code")):
                prove(notebook, Path(RECORD))
