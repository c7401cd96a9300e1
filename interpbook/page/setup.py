"""The first cell of every notebook: seeds, style, one line about the machine, and the page's budget."""

import json
import os
import platform
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from IPython.core.getipython import get_ipython

import interpbook
from interpbook.output import captions, figures
from interpbook.output.cell import show
from interpbook.page import claims, exercises

SCALES = ("quick", "full")
Number = int | float


@dataclass(frozen=True)
class Page:
    """Where and how large this page runs.

    device: "cuda" where a GPU is there, else "cpu".
    scale: "quick" (two CPU cores) or "full" (a GPU); see [`scale`][interpbook.page.scale].
    """

    device: torch.device
    scale: str

    def _ipython_display_(self) -> None:
        """Show nothing when `start` is the last line of a cell: its line is already there."""


def scale() -> str:
    """The size of the experiments, "quick" or "full", from the environment variable INTERPBOOK_SCALE.

    Raises:
        ValueError: the variable holds another word.

    >>> scale() in ("quick", "full")
    True
    """
    value = os.environ.get("INTERPBOOK_SCALE") or "quick"
    if value not in SCALES:
        raise ValueError(f"INTERPBOOK_SCALE is {value!r}, expected one of {', '.join(SCALES)}")
    return value


def start(
    seed: int = 0,
    *,
    seconds: Number = 60,
    memory_mb: Number = 1500,
    download_mb: Number = 0,
    version: str | None = None,
) -> Page:
    """Set up a page: seed Python, NumPy and torch, show one line about the machine.

    Figures get the book's style and are counted from one.

    Args:
        seed: for `random`, `numpy.random` and `torch`.
        seconds: what the whole page may take at scale "quick" on two CPU cores, imports included.
        memory_mb: the peak of resident memory that the page may reach, in MB.
        download_mb: what the page may download, in MB. The budget is stored with the output, and tests hold
            the page to it.
        version: the interpbook that the page was written for. One line says so where another is installed.

    Raises:
        ValueError: a budget that is not positive (a negative download), or an unknown scale.

    >>> here = start(seed=0)  # doctest: +ELLIPSIS
    interpbook ... torch ... python ... scale quick
    Budget of this page: 60 s, 1500 MB of memory, no download.
    >>> here.scale
    'quick'
    """
    for name, value in {"seconds": seconds, "memory_mb": memory_mb}.items():
        if not value > 0:
            raise ValueError(f"{name} is {value!r}, expected a positive number")
    if not download_mb >= 0:
        raise ValueError(f"download_mb is {download_mb!r}, expected zero or more")
    page = Page(torch.device("cuda" if torch.cuda.is_available() else "cpu"), scale())
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - libraries that a chapter calls still draw from the global state
    torch.manual_seed(seed)
    figures.use_style()
    claims.forget()
    captions.restart()
    exercises.forget(version)
    budget = {"seconds": seconds, "memory_mb": memory_mb, "download_mb": download_mb}
    download = f"{download_mb:g} MB to download" if download_mb else "no download"
    advice = _advice(page, version)
    show(
        f"interpbook {interpbook.__version__} · torch {torch.__version__.partition('+')[0]} ·"
        f" python {platform.python_version()} · on {_device_name(page.device)} · scale {page.scale}\n"
        f"Budget of this page: {seconds:g} s, {memory_mb:g} MB of memory, {download}."
        + "".join(f"\n{line}" for line in advice),
        metadata={"budget": budget},
    )
    _log_usage(budget)
    return page


def _advice(page: Page, version: str | None) -> list[str]:
    """What a reader may want to change before the page goes on, one line each."""
    lines = []
    if version not in (None, interpbook.__version__):
        lines.append(
            f"This page belongs to interpbook {version}, and {interpbook.__version__} is installed:"
            f" code and numbers may differ. Open the page of your version, or install {version} and restart."
        )
    if page.device.type == "cuda" and page.scale == "quick":
        lines.append(
            "A GPU is here. For the larger experiments, where this page has them: %env INTERPBOOK_SCALE=full"
            " in a cell above, and run all again. How long they take was not measured on a GPU."
        )
    return lines


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


_logger: Callable[[object], None] | None = None


def _log_usage(budget: dict[str, Number]) -> None:
    """After each cell, write time and peak memory so far to the directory INTERPBOOK_USAGE_LOG, if set.

    After each cell and not at exit, because test runners kill their kernels.
    """
    global _logger
    directory, shell = os.environ.get("INTERPBOOK_USAGE_LOG"), get_ipython()
    if not directory or shell is None:
        return
    import psutil  # comes with ipykernel

    process = psutil.Process()
    target = Path(directory) / f"usage-{os.getpid()}.json"
    target.parent.mkdir(parents=True, exist_ok=True)

    def write(result: object) -> None:
        usage = {
            "notebook": os.environ.get("JPY_SESSION_NAME") or f"pid-{os.getpid()}",
            # Pages run on one thread: the processor's time is the page's, however busy the machine is.
            "seconds": round(sum(process.cpu_times()[:2]), 2),
            "peak_mb": round(peak_memory_mb(), 1),
            "claims": claims.recorded_ids(),
            "budget": budget,
        }
        fresh = target.with_suffix(".tmp")
        fresh.write_text(json.dumps(usage))
        fresh.replace(target)

    if _logger in shell.events.callbacks["post_run_cell"]:
        shell.events.unregister("post_run_cell", _logger)
    shell.events.register("post_run_cell", write)
    _logger = write


def peak_memory_mb() -> float:
    """Peak of this process's resident memory, in MB.

    >>> peak_memory_mb() > 1
    True
    """
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux, `ru_maxrss` of a child starts at its parent's size; this high-water mark does not.
        for line in status.read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1024**2 if sys.platform == "darwin" else 1024)
