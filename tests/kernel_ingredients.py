"""Runs in each notebook's kernel before its cells, and records which files of this repository it stood on.

Modules that were imported, and data and checkpoints that were opened: after each cell they are written to the
directory INTERPBOOK_USAGE_LOG, and `tests/proofs.py` tells from them whether the notebook has to be executed again.
"""

import json
import os
import sys
from pathlib import Path

from IPython.core.getipython import get_ipython

RECORD = os.environ.get("INTERPBOOK_USAGE_LOG")
ROOT = Path(__file__).parents[1]
PACKAGE = f"{os.path.realpath(ROOT / 'interpbook')}{os.sep}"
# Compiled modules are known by their sources, and of the claims, which are read of all chapters, only its own count.
# Scripts and style sheets of figures are written into the stored outputs without executing anything.
LEFT_OUT = (".pyc", f"{os.sep}claims.yml", ".js", ".css")

_opened: set[str] = set()


def note(event: str, arguments: tuple) -> None:
    """An audit hook: remember each file of the package that is opened to be read."""
    if event == "open" and isinstance(arguments[0], str | bytes):
        name = os.path.realpath(os.fsdecode(arguments[0]))
        if name.startswith(PACKAGE):
            _opened.add(name)


def write(result: object = None) -> None:
    """Every file so far, by its path below the repository."""
    files = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    modules = {os.path.realpath(file) for file in files if file}
    files = {name for name in _opened | modules if name.startswith(PACKAGE) and not name.endswith(LEFT_OUT)}
    names = sorted(os.path.join("interpbook", name.removeprefix(PACKAGE)) for name in files if os.path.isfile(name))
    Path(RECORD, "ingredients.json").write_text(json.dumps(names), encoding="utf-8")


if RECORD and __name__ == "__main__":
    sys.addaudithook(note)
    get_ipython().events.register("post_run_cell", write)
