"""A stand-in for Colab: an empty folder, Colab's versions, the wheel of the package, and no other machine in reach.

The environment is a thin one on top of .venv-colab (see environment.py), so that several can be used side by side. In
place of the address in a page's first cell stands the wheel.
"""

import json
import os
import re
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import notebook_rules as rules

BELOW = rules.ROOT / ".venv-colab"
ADDRESS = re.compile(r"git\+https://\S+")
# Moves the controls of every figure, one after the other, until the figure shows something else, as a reader would.
MOVE = """\
import ipywidgets

moved = 0
for box in list(ipywidgets.Widget.widgets.values()):
    inner = getattr(box, "children", ())
    views = [child for child in inner if type(child) is ipywidgets.HTML]
    controls = [child for child in inner if isinstance(child, ipywidgets.widgets.widget_selection._Selection)]
    controls += [child for child in inner if isinstance(child, ipywidgets.FloatSlider)]
    if views and controls:
        before = views[0].value
        for control in controls:
            if views[0].value == before:
                control.value = control.options[-1][1] if hasattr(control, "options") else control.max
        moved += views[0].value != before
print("moved", moved)
"""


def layered(folder: Path, below: Path, *lines: str) -> Path:
    """An environment that has the packages of the one below, and in which others can be installed.

    Args:
        folder: where it will be.
        below: the environment whose packages it has, but for those that are installed there from a repository.
        lines: for its .pth file: more folders with modules, or an import.

    Returns:
        Its Python.
    """
    venv.create(folder)
    [packages] = folder.glob("lib/python3.*/site-packages")
    [more] = below.glob("lib/python3.*/site-packages")
    (packages / "below.pth").write_text("\n".join([str(more), *lines, ""]), encoding="utf-8")
    return folder / "bin" / "python"


@dataclass(frozen=True)
class Colab:
    """One such place.

    Attributes:
        content: the folder in which notebooks run.
        python: the interpreter with Colab's versions; the package is installed where a test does so.
        wheel: of the package as it is in the repository now.
    """

    content: Path
    python: Path
    wheel: Path

    @classmethod
    def prepare(cls, folder: Path) -> "Colab":
        """Make one in an empty folder."""
        build = ["-m", "pip", "wheel", "-qq", "--no-deps", "--no-build-isolation", "-w", str(folder), str(rules.ROOT)]
        subprocess.run([sys.executable, *build], check=True)
        [wheel] = folder.glob("*.whl")
        python = layered(folder / "env", BELOW, str(Path(__file__).parent), "import no_network")
        (folder / "content").mkdir()
        return cls(folder / "content", python, wheel)

    @property
    def asked_for(self) -> Path:
        """Where the other machines are listed that something here wanted to reach."""
        return self.content.with_name("asked_for.txt")

    def install(self) -> None:
        """Install the wheel, as the first cell of a page does."""
        self.run("-m", "pip", "install", "-q", str(self.wheel))

    def run(self, *command: str, **environment: str) -> str:
        """Run its Python as a person would: nothing of this test's own environment comes along."""
        own = ("INTERPBOOK", "MPLBACKEND", "PYTHON", "PIP_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        ours = {
            "JUPYTER_PATH": str(BELOW / "share" / "jupyter"),
            "OMP_NUM_THREADS": "1",
            "PIP_NO_INDEX": "1",
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "INTERPBOOK_ASKED_FOR": str(self.asked_for),
        }
        done = subprocess.run(
            [self.python, *command],
            cwd=self.content,
            env=kept | ours | environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout.strip()

    def execute(self, notebook: dict, *options: str, **environment: str) -> dict:
        """The notebook after *Run all*."""
        first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
        source = ADDRESS.sub(str(self.wheel), "".join(first["source"]))
        cells = [{**cell, "source": source} if cell is first else cell for cell in notebook["cells"]]
        path = self.content / "chapter.ipynb"
        path.write_text(json.dumps({**notebook, "cells": cells}), encoding="utf-8")
        self.run("-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", *options, path.name, **environment)
        done = rules.read(path)
        path.unlink()
        return done

    def run_all(self, path: Path) -> "Ran":
        """A page after *Run all*, and after every figure was moved."""
        move = {"cell_type": "code", "id": "move", "metadata": {}, "outputs": [], "execution_count": None}
        notebook = rules.read(path)
        return Ran(self.execute({**notebook, "cells": [*notebook["cells"], {**move, "source": MOVE}]}))


class Ran:
    """A notebook that was run in Colab's place: its outputs, each as the document that its frame holds."""

    def __init__(self, notebook: dict) -> None:
        *self.cells, last = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        self.outputs = [output for cell in self.cells for output in cell["outputs"]]
        self.moved = int("".join(last["outputs"][0]["text"]).removeprefix("moved "))
        kept = notebook["metadata"].get("widgets", {}).get("application/vnd.jupyter.widget-state+json", {})
        self.models = {name: model["state"] for name, model in kept.get("state", {}).items()}

    def frames(self) -> list[str]:
        """Of every output that is more than text."""
        found = []
        for output in self.outputs:
            data = output.get("data", {})
            if view := data.get("application/vnd.jupyter.widget-view+json"):
                if not self._is_gone(view["model_id"]):
                    found.append(f'<div class="widgets">{self._widget(view["model_id"])}</div>')
            elif markup := data.get("text/html"):
                found.append("".join(markup))
            elif picture := data.get("image/png"):
                found.append(f'<img alt="" src="data:image/png;base64,{"".join(picture)}">')
        return found

    def _is_gone(self, name: str) -> bool:
        """Whether this is a progress bar that has come to its end."""
        layout = self.models[self.models[name]["layout"].removeprefix("IPY_MODEL_")]
        return layout["visibility"] == "hidden"

    def _widget(self, name: str) -> str:
        """A widget's HTML, or those of the widgets inside; for a control its name. All their models must be there."""
        state = self.models[name]
        inner = [self._widget(child.removeprefix("IPY_MODEL_")) for child in state.get("children", ())]
        if state["_model_name"] == "HTMLModel":
            return state["value"]
        return "".join(inner) or f'<span class="control">{state.get("description", "")} </span>'
