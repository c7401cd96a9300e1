"""`make student`: the lessons as they are handed out, with the checks and without the solutions.

Written to `_build/student/<part>/<chapter>.ipynb`. Cells tagged `solution` are gone, and cells tagged `starter` have no
output yet. The pages of evidence come along as they are, because lessons link to them.
"""

import copy
import shutil
from pathlib import Path

import nbformat
from nbconvert.preprocessors import TagRemovePreprocessor
from nbformat import NotebookNode
from outline import ROOT

from interpbook.page.executed import is_evidence

FOLDER = "_build/student"


def edition(lesson: NotebookNode) -> NotebookNode:
    """A lesson without its solutions; the lesson itself stays as it is."""
    remove = TagRemovePreprocessor(enabled=True, remove_cell_tags={"solution"}, remove_all_outputs_tags={"starter"})
    handed_out, _ = remove.preprocess(copy.deepcopy(lesson), {})
    return handed_out


def write(root: Path = ROOT) -> list[Path]:
    """Write the student edition of every lesson; nothing is left there from an earlier time."""
    folder = root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    written = []
    for notebook in sorted(root.glob("notebooks/*/*.ipynb")):
        target = folder / notebook.parent.name / notebook.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if is_evidence(notebook):
            shutil.copy(notebook, target)
        else:
            nbformat.write(edition(nbformat.read(notebook, as_version=4)), target)
            written.append(target)
    return written


if __name__ == "__main__":
    print("Without solutions:", *(f"  {path.relative_to(ROOT)}" for path in write()), sep="\n")
