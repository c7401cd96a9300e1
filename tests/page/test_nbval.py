"""A notebook through nbval, as `make test` runs it: what may differ between machines may, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from IPython.core.getipython import get_ipython
from IPython.utils.capture import CapturedIO

RULES = Path(__file__).parents[1] / "notebooks" / "nbval.cfg"

FIGURE = """
import matplotlib.pyplot as plt
def draw(height):
    fig, ax = plt.subplots(figsize=(1, 1))
    ax.plot([0, height])
    return fig, f"a line that rises to {page.measured(height / 3):.2f}"
"""
CAPTION = "page.figure(*draw(2), caption=f'Its `end` at {page.measured(0.25):.2f}.')"
CLAIM = "page.claim('toy.order', {'a': [1, 2], 'b': [3, 5]})"
# name, source, and what is changed in the stored output: a pattern and its replacement
SAME = [
    ("machine", "page.start()", r"torch \S+ · python \S+ · on \S+ ·", "torch 9.9+x · python 3.99.0 · on NVIDIA H100 ·"),
    ("advice", "page.start()", r"(?<=no download\.)", "\nA GPU is here. For more, type this."),
    ("claim", CLAIM, r"1\.5 ± 0\.71|1 to 2", "1.51 ± 0.7"),
    ("figure", FIGURE + "page.figure(*draw(2))", r"0\.67", "0.66"),
    ("caption", CAPTION, "0[.]25", "0.26"),
    ("pixels", "page.figure(*draw(2))", r"base64,[^\"]{40}", "base64,iVBORw0K"),
    ("sweep", "page.explore.sweep(draw, height=[1, 2, 3])", r"ib-[0-9a-f]{12}", r"ib-0123456789ab"),
    ("padding", "page.table({'a': {'b': 0.25}, 'c': {'b': 1}})", "a {2,}c", "a          c"),
    ("address", "print(object())", "0x[0-9a-f]+", "0x7f0123456789"),
]
DIFFERENT = [
    ("scale", "page.start()", "scale quick", "scale full"),
    ("budget", "page.start()", "60 s", "61 s"),
    ("sentence", "page.claim('toy.sum', 1.25e-12)", "add up", "sum up"),
    ("verdict", "page.claim('toy.fails', 0.5)", "✗ not reproduced", "✓ reproduced"),
    ("seeds", CLAIM, "over 2 seeds", "over 3 seeds"),
    ("name in plain text", CLAIM, "; b «", "; c «"),
    ("number", CLAIM, r"1\.5 ± 0\.71", "5.1 ± 0.71"),
    ("table", "page.table({'a': {'b': 0.25}})", "0.25", "0.5"),
    ("words", "page.figure(*draw(2))", "that rises", "that falls"),
    ("number in words", "page.figure(*draw(2))", "0.67", "0.76"),
    ("words of a caption", CAPTION, "</code> at", "</code> near"),
    ("number in a caption", CAPTION, "0[.]25", "0.52"),
    ("number of a figure", CAPTION, "Figure ", "Figure 1"),
    ("words in a sweep", "page.explore.sweep(draw, height=[1, 2, 3])", "0.67", "0.76"),
    ("control", "page.explore.sweep(draw, height=[1, 2, 3])", '"labels": \\["1"', '"labels": ["0"'),
    ("printed number", "print(0.25)", "0.25", "0.26"),
]


def run_as_cells(
    sources: list[str], captured: CapturedIO, capsys: pytest.CaptureFixture
) -> list[nbformat.NotebookNode]:
    """The cells with the outputs that this process's shell gives them."""
    cells, seen = [], 0
    for number, source in enumerate(sources, 1):
        result = get_ipython().run_cell(source, store_history=False)
        result.raise_error()
        outputs = [
            nbformat.v4.new_output("display_data", data=o.data, metadata=o.metadata) for o in captured.outputs[seen:]
        ]
        # A shell in a terminal announces a last line that shows nothing; a kernel does not.
        if printed := capsys.readouterr().out.replace("Out[0]: ", ""):
            outputs.append(nbformat.v4.new_output("stream", name="stdout", text=printed))
        seen = len(captured.outputs)
        cells.append(nbformat.v4.new_code_cell(source, execution_count=number, outputs=outputs))
    return cells


def changed(cell: nbformat.NotebookNode, pattern: str, replacement: str) -> None:
    """Change the stored output; every rule must have something to act on."""
    count = 0
    for output in cell.outputs:
        fields = output.data if "data" in output else output
        for key in set(fields) & {"text/plain", "text/html", "text"}:
            fields[key], n = re.subn(pattern, replacement, fields[key])
            count += n
    assert count, f"{pattern} is not in the output of {cell.source}"


@pytest.mark.usefixtures("toy_claims")
@pytest.mark.slow
def test_only_what_may_differ_is_ignored(shown, capsys, toy_claims: Path, tmp_path: Path) -> None:
    begin = "from pathlib import Path\nfrom interpbook import page\nfrom interpbook.page import registry\n"
    begin += f"registry.CHAPTERS = Path({str(toy_claims.parents[2])!r})"
    cases = SAME + DIFFERENT
    cells = run_as_cells([begin, *(source for _, source, _, _ in cases)], shown, capsys)
    for cell, (_, _, pattern, replacement) in zip(cells[1:], cases, strict=True):
        changed(cell, pattern, replacement)
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "toy.ipynb")

    command = [sys.executable, "-m", "pytest", "toy.ipynb", "--nbval", f"--nbval-sanitize-with={RULES}"]
    command += ["--nbval-kernel-name=python3", "--junitxml=out.xml", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    command += ["-c", "pytest.ini", "--rootdir=.", "-p", "same_output"]
    (tmp_path / "pytest.ini").write_text(f'[pytest]\npythonpath = "{RULES.parents[1]}"\n')
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    reports = ElementTree.parse(tmp_path / "out.xml").iter("testcase")
    passed = [report.find("failure") is None and report.find("error") is None for report in reports]
    assert len(passed) == len(cells), run.stdout
    outcome = {name: ok for (name, _, _, _), ok in zip(cases, passed[1:], strict=True)}
    expected = {name: True for name, *_ in SAME} | {name: False for name, *_ in DIFFERENT}
    assert outcome == expected, run.stdout[-4000:]
