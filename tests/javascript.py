"""Runs the page's JavaScript under node, with the arrays of a test going in and coming back unrounded."""

import base64
import importlib.util
import json
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from interpbook.explore.document import file_of
from interpbook.explore.figure import COMPUTING
from interpbook.output import blocks

ENGINE = ("tables.js", "layers.js", "backward.js")
MISSING = "no node on this machine: install Node.js, or playwright, whose wheel carries one"

# Float64Arrays travel as base64 inside of JSON, so that every bit of them arrives.
FRAME = """
function revive(key, value) {
  return value && value.float64 !== undefined
    ? new Float64Array(new Uint8Array(Buffer.from(value.float64, "base64")).buffer)
    : value;
}
function replace(key, value) {
  return value instanceof Float64Array
    ? { float64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") }
    : value;
}
var data = JSON.parse(require("fs").readFileSync(0, "utf8"), revive);
var answer = (function (data) {
  "use strict";
  SOURCE
})(data);
process.stdout.write(JSON.stringify(answer, replace));
"""


def find_node() -> str:
    """The path of node: on the search path, or the one inside of playwright.

    Raises:
        RuntimeError: there is neither.
    """
    found = shutil.which("node")
    spec = importlib.util.find_spec("playwright")
    if found is None and spec is not None and spec.origin is not None:
        found = shutil.which("node", path=Path(spec.origin).parent / "driver")
    if found is None:
        raise RuntimeError(MISSING)
    return found


def engine_source() -> str:
    """The network's forward and backward pass as a figure's document carries it: plain files, one after the other."""
    return _joined(ENGINE)


def figure_source(needed: Sequence[str] = ()) -> str:
    """What a live figure computes and shows, without a page to show it in: nothing of it runs before it is called.

    Args:
        needed: further scripts, as in `View.needs`.
    """
    return _joined([*COMPUTING, "brush.js", "live.js", *needed])


def plane_source(needed: Sequence[str] = ()) -> str:
    """What a plane with points to drag computes, without a page to show it in.

    Args:
        needed: further scripts, as in `Scene.needs`.
    """
    return _joined(["tables.js", "sentences.js", *needed])


def _joined(names: Sequence[str]) -> str:
    return "".join(blocks.source(file_of(name)) for name in names)


def run_node(source: str, data: Any = None) -> Any:
    """What the body `source` of a strict function of `data` returns.

    Both ways go through JSON, except float arrays: tensors and numpy arrays arrive as flat Float64Arrays, and
    Float64Arrays come back as numpy arrays.

    Raises:
        AssertionError: the program fails; the message is what node printed.

    >>> run_node("return data.map(Math.sqrt)", np.array([4.0, 9.0]))
    array([2., 3.])
    """
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "program.js"
        program.write_text(FRAME.replace("SOURCE", source), encoding="utf-8")
        sent = json.dumps(data, default=_encode)
        done = subprocess.run([find_node(), str(program)], input=sent, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout, object_hook=_decode)


def _encode(value: Any) -> Any:
    array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    return {"float64": base64.b64encode(np.ascontiguousarray(array, "<f8")).decode("ascii")}


def _decode(value: dict[str, Any]) -> Any:
    return np.frombuffer(base64.b64decode(value["float64"]), "<f8") if "float64" in value else value
