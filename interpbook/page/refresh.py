"""Writes the present scripts and style sheets into stored outputs, which are not executed again for it.

`python -m interpbook.page.refresh NOTEBOOK...`, behind `make refresh`. Data, pictures and numbers stay as they are.
The book's builder refuses a notebook with the scripts of yesterday.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from interpbook.output import blocks
from interpbook.page import executed


def is_stale(path: Path) -> bool:
    """Whether a notebook's outputs carry scripts or style sheets that the package has otherwise by now, or no more."""
    try:
        return blocks.rewrite(executed.read(path), blocks.renewed)
    except ValueError:
        return True


def refresh(paths: Iterable[Path]) -> list[Path]:
    """Write the present scripts and style sheets into notebooks; which of them are others now.

    Raises:
        ValueError: a script or style sheet that an output names is gone. No notebook is changed then.
    """
    notebooks = {path: executed.read(path) for path in paths}
    stale = []
    for path, notebook in notebooks.items():
        try:
            if blocks.rewrite(notebook, blocks.renewed):
                stale.append(path)
        except ValueError as error:
            raise ValueError(f"{path}: {error}; make notebooks NOTEBOOKS={path}") from None
    for path in stale:
        executed.save(path, notebooks[path])
    return stale


if __name__ == "__main__":
    try:
        for refreshed in refresh(map(Path, sys.argv[1:])):
            print(f"{refreshed} has the present scripts and styles")
    except ValueError as error:
        sys.exit(str(error))
