"""`make student`: the lessons as they are handed out, with the checks and without the solutions.

Written to `_build/student/<part>/<chapter>.ipynb`. Cells tagged `solution` are gone, and cells tagged `starter` have no
output yet; a refused answer in one of them does not stop what runs after it. At the end stands the cell that writes the
file to hand in. The pages of evidence come along as they are, because lessons link to them.
"""

import copy
import re
import shutil
from pathlib import Path

import nbformat
from nbconvert.preprocessors import TagRemovePreprocessor
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from outline import ROOT

from interpbook.page.executed import is_evidence

FOLDER = "_build/student"
HANDING_IN = (
    "## Handing in\n\nRun the whole notebook, put your name in place of the dots below, and run that cell. It writes"
    " one file with the result and the code of every exercise that has a check: hand in that file. Exercises may"
    " still be open, or not right yet."
)
REPORT = "page.check.report(name=...)"
# It would open the lesson with its solutions.
COLAB = re.compile(r" · \[Open in Colab\]\([^)]*\)")
FOLDED = re.compile(r" ?Solutions are folded[^.]*\.")


def edition(lesson: NotebookNode) -> NotebookNode:
    """A lesson without its solutions and with a cell to hand in; the lesson itself stays as it is."""
    remove = TagRemovePreprocessor(enabled=True, remove_cell_tags={"solution"}, remove_all_outputs_tags={"starter"})
    handed_out, _ = remove.preprocess(copy.deepcopy(lesson), {})
    for cell in handed_out.cells:
        if "starter" in cell.metadata.get("tags", []):
            cell.metadata.tags.append("raises-exception")
        if cell.cell_type == "markdown":
            cell.source = COLAB.sub("", without_folded(cell.source))
    # Each with a name of its own, so that the edition is the same every time.
    handed_out.cells.append(new_markdown_cell(HANDING_IN, id="handing-in"))
    handed_out.cells.append(new_code_cell(REPORT, id="report"))
    return handed_out


def without_folded(text: str) -> str:
    """A text that does not speak of folded solutions, for an edition that has none.

    >>> without_folded("Each check helps. Solutions are folded below.")
    'Each check helps.'
    """
    return FOLDED.sub("", text)


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
