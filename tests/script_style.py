"""Lints the scripts of the pages: `python tests/script_style.py` prints what oxlint finds, and exits with 1.

The scripts of a figure are one function in the page and know each other's names, so they are linted as they are joined
there: once for each selection of scripts that a stored figure names. What is wrong in one figure is a mistake, but for
a name that is unused: another figure may use it, or a view or a scene names it in Python.
"""

import itertools
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
RULES = Path(__file__).with_name("oxlint.json")
FINDING = re.compile(r"^.*?(\d+)\.js:(\d+):(\d+): (.*)$", re.MULTILINE)
NAMED = re.compile(r'<script data-files=\\"([^"\\]*)\\"')
UNUSED = "(no-unused-vars)"
HEAD = ["(function () {", '"use strict";']

Group = Sequence[Path]


def groups(root: Path = ROOT) -> list[Group]:
    """The scripts of each kind of figure in the notebooks; one of no figure yet beside the scripts of explore."""
    stored = "\n".join(path.read_text(encoding="utf-8") for path in sorted(root.glob("notebooks/*/*.ipynb")))
    figures = [[root / "interpbook" / name for name in names.split()] for names in set(NAMED.findall(stored))]
    largest = max(figures, key=len, default=[])
    explore = [script for script in largest if "explore" in script.parts]
    used = set(itertools.chain(*figures))
    new = [script for script in sorted(root.glob("interpbook/**/*.js")) if script not in used]
    alone = [[script] for folder in ("_static", "editions") for script in sorted(root.glob(f"book/{folder}/*.js"))]
    return [*figures, *([*explore, script] for script in new), *alone]


def mistakes(joined: Sequence[Group], root: Path = ROOT) -> list[str]:
    """What is wrong in groups of scripts, each group one function, as "file:line:column: what is wrong".

    Raises:
        RuntimeError: oxlint is not installed, or fails.
    """
    seen: dict[str, list[Path]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for number, group in enumerate(joined):
            Path(folder, f"{number}.js").write_text("\n".join([*HEAD, *map(_text, group), "})();", ""]))
        for number, line, column, what in FINDING.findall(_oxlint(Path(folder))):
            file, own = _place(joined[int(number)], int(line))
            seen.setdefault(f"{file.relative_to(root)}:{own}:{column}: {what}", []).append(file)
    found = []
    for what, files in seen.items():
        everywhere = sum(files[0] in group for group in joined)
        if UNUSED not in what or (len(files) == everywhere and not _named_in_python(files[0], what)):
            found.append(what)
    return sorted(found)


def _named_in_python(script: Path, what: str) -> bool:
    """Whether a module beside the script says, as a view or a scene does, that the page is to call this function."""
    name = re.search(r"'(\w+)'", what)
    modules = "".join(module.read_text(encoding="utf-8") for module in script.parent.glob("*.py"))
    return name is not None and f'"{name[1]}"' in modules


def _text(script: Path) -> str:
    return script.read_text(encoding="utf-8").removesuffix("\n")


def _place(group: Group, line: int) -> tuple[Path, int]:
    """The script in which a line of the joined text stands, and which of its lines that is."""
    line -= len(HEAD)
    for script in group:
        length = len(_text(script).splitlines())
        if line <= length:
            return script, line
        line -= length
    return group[-1], length


def _oxlint(folder: Path) -> str:
    """What oxlint says of every script in a folder."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", "")]
    program = shutil.which("oxlint", path=os.pathsep.join(places))
    if program is None:
        raise RuntimeError('no oxlint beside this Python or on PATH: pip install -e ".[test]"')
    done = subprocess.run([program, "-c", RULES, "-f", "unix", folder], capture_output=True, text=True)
    if done.returncode != 0 and not FINDING.search(done.stdout):
        raise RuntimeError(f"oxlint failed: {done.stdout}{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    try:
        found = mistakes(groups())
    except RuntimeError as error:
        sys.exit(str(error))
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))
