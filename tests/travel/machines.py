"""The kinds of machine on which every notebook is proved by `make travel`, and what was seen to hold there."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import notebook_rules as rules
import proofs

from interpbook.page import executed

SEEN = rules.ROOT / "book" / "travel.json"
LOWEST = rules.ROOT / ".venv-lowest"
RECORDS = rules.ROOT / "_build" / "travel"


@dataclass(frozen=True, eq=False)
class Machine:
    """One kind of machine.

    name: as the ledger calls it.
    settings: environment variables that make this machine behave like that one.
    kernel: the name of the Jupyter kernel that runs the notebooks.
    records: where the notebooks leave their records.
    processes: how many notebooks run side by side.
    """

    name: str
    records: Path
    settings: dict[str, str] = field(default_factory=dict)
    kernel: str = "python3"
    processes: int = 2

    def environment(self) -> dict[str, str]:
        """This process's environment as the notebooks meet it there."""
        return {**os.environ, **self.settings, "INTERPBOOK_USAGE_LOG": str(self.records)}


HERE = Machine("this machine", proofs.PROOFS)
# A processor's instruction set decides in which order floating-point numbers are added. PyTorch, oneDNN and MKL each
# look for it on their own.
AVX2 = Machine(
    "AVX2",
    RECORDS / "avx2",
    {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"},
)
DEFAULT = Machine(
    "no AVX",
    RECORDS / "default",
    {"ATEN_CPU_CAPABILITY": "default", "ONEDNN_MAX_CPU_ISA": "SSE41", "MKL_ENABLE_INSTRUCTIONS": "SSE4_2"},
)
# Threads of two notebooks would wait for each other. MKL gives no more threads than there are physical cores, and
# PyTorch follows it: on one core that shows itself as two, only the last setting brings the second thread.
TWO_THREADS = Machine(
    "two threads",
    RECORDS / "two-threads",
    {"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "MKL_DYNAMIC": "FALSE"},
    processes=1,
)
LOWEST_VERSIONS = Machine(
    "lowest versions", RECORDS / "lowest", {"JUPYTER_PATH": str(LOWEST / "share" / "jupyter")}, kernel="lowest"
)
OTHERS = (AVX2, DEFAULT, TWO_THREADS, LOWEST_VERSIONS)


def one_other(notebook: Path) -> Machine:
    """The older instruction set under which `make test` runs this notebook a second time: the name decides which.

    Both for every notebook would cost each chapter a third run; `make travel` has them all.
    """
    return (AVX2, DEFAULT)[sum(notebook.stem.encode()) % 2]


def note_claims(machine: Machine, notebooks: Sequence[Path], seen: Path = SEEN) -> None:
    """Write down for the ledger which claims of these notebooks held on that machine: where not all cells did, none.

    A claim is recorded by a notebook's run when its criterion and its verdict agree.
    """
    name = vector_unit() if machine is HERE else machine.name
    for notebook in notebooks:
        claims = []
        if proofs.is_proved(notebook, machine.environment()):
            [usage] = proofs.record_of(notebook, machine.records).glob("usage-*.json")
            claims = json.loads(usage.read_text(encoding="utf-8"))["claims"]
        executed.note_seen(notebook, name, claims, seen)


def vector_unit() -> str:
    """What this processor adds with, as the ledger calls it: "AVX512"."""
    import torch  # here, because it takes seconds, and only the ledger wants to know

    return torch.backends.cpu.get_cpu_capability()
