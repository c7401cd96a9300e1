"""What a stored notebook was executed from, and where its claims were seen to hold.

`python -m interpbook.page.executed NOTEBOOK...` notes in each notebook that its outputs are those of its present code;
`make notebooks` calls it. The book's builder refuses a notebook whose code has changed since.
"""

import hashlib
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from interpbook.page import registry

# A chapter has two pages: its lesson, `<chapter>.ipynb`, and its evidence, `<chapter>_evidence.ipynb`.
EVIDENCE = "_evidence"
# How the first cell gets the package, and which release it names: no result depends on it, and each release writes it.
RELEASE = re.compile(r'\A.*?(?=^from interpbook import page$)|, version="[^"]*"', re.DOTALL | re.MULTILINE)


def code_of(notebook: Mapping[str, Any]) -> list[str]:
    """The sources of a notebook's code cells, without what the first says about its release."""
    sources = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [RELEASE.sub("", source) for source in sources[:1]] + sources[1:]


def fingerprint(*parts: object) -> str:
    """A short name for a content, another one for any other.

    >>> fingerprint(["x = 1"]) == fingerprint(["x = 1"]) != fingerprint(["x = 2"])
    True
    """
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def read(path: Path) -> dict[str, Any]:
    """A notebook as it is stored."""
    notebook: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return notebook


def stamp(path: Path) -> None:
    """Note in a notebook that was just executed from which code its outputs come.

    Raises:
        ValueError: the notebook was not executed from top to bottom.
    """
    notebook = read(path)
    counts = [cell["execution_count"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    if counts != list(range(1, len(counts) + 1)):
        raise ValueError(f"{path} was not executed from top to bottom: its cells ran as {counts}")
    notebook["metadata"].setdefault("interpbook", {})["executed"] = fingerprint(code_of(notebook))
    save(path, notebook)


def save(path: Path, notebook: Mapping[str, Any]) -> None:
    """Write a notebook the way Jupyter does, all of it or, when that fails, nothing."""
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def is_stale(path: Path) -> bool:
    """Whether a notebook's outputs come from other code than the one that is in it now."""
    notebook = read(path)
    executed = notebook["metadata"].get("interpbook", {}).get("executed")
    return executed != fingerprint(code_of(notebook))


def chapter_of(path: Path) -> str:
    """The one path of the chapter that a notebook belongs to: its lesson, or its page of evidence.

    >>> chapter_of(Path("notebooks/attribution/fullgrad_evidence.ipynb"))
    'attribution/fullgrad'
    """
    return page_of(path).removesuffix(EVIDENCE)


def page_of(path: Path) -> str:
    """A notebook's own path, "attribution/fullgrad" or "attribution/fullgrad_evidence"."""
    return f"{path.parent.name}/{path.stem}"


def is_evidence(path: Path) -> bool:
    """Whether a notebook is the page of evidence of a lesson, by its name."""
    return path.stem.endswith(EVIDENCE)


def evidence_of(lesson: Path) -> Path:
    """Where the evidence of a lesson is, or would be.

    >>> evidence_of(Path("notebooks/attribution/fullgrad.ipynb")).name
    'fullgrad_evidence.ipynb'
    """
    return lesson.with_name(f"{lesson.stem}{EVIDENCE}.ipynb")


def fingerprint_with_claims(path: Path) -> str:
    """Names a page's code and its chapter's claims: what was seen of other code, or other claims, does not count."""
    claims = [asdict(claim) for claim in registry.of_chapter(chapter_of(path)).values()]
    return fingerprint(code_of(read(path)), claims)


def note_seen(path: Path, machine: str, claims: list[str], seen: Path) -> None:
    """Write down in the file `seen` that these claims of a page, and no others, held on a kind of machine."""
    known = json.loads(seen.read_text(encoding="utf-8")) if seen.exists() else {}
    code = fingerprint_with_claims(path)
    entry = known.get(page_of(path), {})
    machines = entry["machines"] if entry.get("code") == code else {}
    machines[machine] = sorted(claims)
    known[page_of(path)] = {"code": code, "machines": machines}
    seen.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def seen_on(path: Path, seen: Path) -> dict[str, list[str]]:
    """For each claim of a page, as it is now, the kinds of machine on which it was seen to hold."""
    known = json.loads(seen.read_text(encoding="utf-8")) if seen.exists() else {}
    entry = known.get(page_of(path), {})
    if entry.get("code") != fingerprint_with_claims(path):
        return {}
    found: dict[str, list[str]] = {}
    for machine, claims in entry["machines"].items():
        for claim in claims:
            found.setdefault(claim, []).append(machine)
    return found


if __name__ == "__main__":
    for name in sys.argv[1:]:
        stamp(Path(name))
