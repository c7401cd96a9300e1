"""Which release a page belongs to: where its first cell installs from, and what its Colab badge opens.

A page of a release installs exactly that release, so that an old page or a student's copy never meets newer code.
Between releases the version ends in `.dev0`, and pages follow the branch main.

`python book/_ext/release.py pages` writes the present version into every page;
`python book/_ext/release.py release X.Y.Z` makes X.Y.Z the version first, or X.Y.Z.dev0 after a release. Both can be
repeated. No page has to run again: what is written here changes no result (see `interpbook.page.executed`).
"""

import argparse
import re
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml
from outline import ROOT

import interpbook
from interpbook.page.executed import read, save

VERSION = re.compile(r"\d+\.\d+\.\d+(\.dev0)?")
BRANCH = "main"
PAGES = ("notebooks/*/*.ipynb", "book/_template/notebooks/*/*.ipynb")
SET_UP = """\
from importlib import metadata, util

if util.find_spec("interpbook") is None:
    # These stay as they are; where one is too old for the book, pip says so and stops.
    large = filter(util.find_spec, ("torch", "torchvision", "numpy"))
    kept = [f"{name}=={metadata.version(name)}" for name in large]
    %pip install -q {" ".join(kept)} ADDRESS

from interpbook import page

"""
BEFORE_START = re.compile(r"\A.*?(?=^(?:\w+ = )?page\.start\()", re.DOTALL | re.MULTILINE)
STATED = re.compile(r'(page\.start\([^)]*?)(?:, version="[^"]*")?\)')
BADGE = re.compile(r"(colab\.research\.google\.com/github/[\w-]+/[\w-]+/blob)/[^/\s]+/")
SAID = re.compile(r"^interpbook \S+ ·")


def ref(version: str) -> str:
    """The tag of a release, or the branch on which the next one is made.

    Raises:
        ValueError: `version` is neither X.Y.Z nor X.Y.Z.dev0.

    >>> ref("0.2.0"), ref("0.3.0.dev0")
    ('v0.2.0', 'main')
    """
    found = VERSION.fullmatch(version)
    if not found:
        raise ValueError(f"VERSION is {version!r}, expected X.Y.Z for a release, or X.Y.Z.dev0 for what follows one")
    return BRANCH if found[1] else f"v{version}"


def repository(root: Path = ROOT) -> str:
    """The book's public address, from the builder's settings."""
    return yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]


def set_up(version: str, url: str) -> str:
    """What stands above `page.start` in the first cell of every page.

    >>> "git+https://example.org/book@v0.2.0" in set_up("0.2.0", "https://example.org/book")
    True
    """
    return SET_UP.replace("ADDRESS", f"git+{url}@{ref(version)}")


def to_colab(text: str, version: str) -> str:
    """A text whose links to Colab open the page as it was released.

    >>> to_colab("https://colab.research.google.com/github/o/r/blob/main/notebooks/a/b.ipynb", "0.2.0")
    'https://colab.research.google.com/github/o/r/blob/v0.2.0/notebooks/a/b.ipynb'
    """
    return BADGE.sub(rf"\1/{ref(version)}/", text)


def belong(notebook: dict[str, Any], version: str, url: str) -> None:
    """Make a page one of this version: its first cell and what that said, and its links to Colab."""
    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            _rewrite(cell, "source", to_colab("".join(cell["source"]), version))
    first = next(cell for cell in notebook["cells"] if cell["cell_type"] == "code")
    start = BEFORE_START.sub("", "".join(first["source"]), count=1)
    _rewrite(first, "source", set_up(version, url) + STATED.sub(rf'\1, version="{version}")', start))
    # The suite has executed the page with this very version and found the same output, but for the version's name.
    for output in first["outputs"]:
        if text := "".join(output.get("data", {}).get("text/plain", "")):
            _rewrite(output["data"], "text/plain", SAID.sub(f"interpbook {version} ·", text))


def _rewrite(holder: dict[str, Any], key: str, text: str) -> None:
    """Store a text as Jupyter does, line by line."""
    holder[key] = text.splitlines(keepends=True)


def pages_to_write(version: str, root: Path = ROOT) -> dict[Path, dict[str, Any]]:
    """The pages of the book, and of the template for chapters, that are not of this version, as they should be."""
    url = repository(root)
    found = {}
    for path in sorted(path for pattern in PAGES for path in root.glob(pattern)):
        notebook = read(path)
        belong(notebook, version, url)
        if notebook != read(path):
            found[path] = notebook
    return found


def write_pages(version: str, root: Path = ROOT) -> list[Path]:
    """Make every page one of this version.

    Returns:
        The pages that were not.
    """
    pages = pages_to_write(version, root)
    for path, notebook in pages.items():
        save(path, notebook)
    return list(pages)


def complaints(version: str, root: Path = ROOT) -> list[str]:
    """What in the repository does not belong to this version of the package.

    Raises:
        ValueError: no version.
    """
    citation = yaml.safe_load((root / "CITATION.cff").read_text(encoding="utf-8"))
    changelog = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    date = str(citation.get("date-released", ""))
    found = [f"{path.relative_to(root)} is no page of {version}" for path in pages_to_write(version, root)]
    if str(citation["version"]) != version:
        found.append(f"CITATION.cff cites {citation['version']}, and the package is {version}")
    if ref(version) == BRANCH and date:
        found.append(f"CITATION.cff dates {version}, which is no release, {date}")
    if ref(version) != BRANCH and f"\n## {version} - {date}\n" not in changelog:
        found.append(f"CHANGELOG.md has no list '## {version} - {date}', with the date that CITATION.cff has")
    return found


def changelog_of(text: str, version: str, day: str) -> str:
    """The changelog in which what is unreleased belongs to this release; before the next one it opens a new list.

    Raises:
        ValueError: nothing is listed as unreleased, and the version is not listed either.

    >>> changelog_of("# What changed\\n\\n## Unreleased\\n\\n- More.\\n", "0.2.0", "2026-11-30")
    '# What changed\\n\\n## 0.2.0 - 2026-11-30\\n\\n- More.\\n'
    """
    unreleased = "## Unreleased\n"
    if ref(version) == BRANCH:
        return text if unreleased in text else text.replace("\n## ", f"\n{unreleased}\n## ", 1)
    if f"\n## {version} - " in text:
        return text
    if unreleased not in text:
        raise ValueError(f"CHANGELOG.md has no list {unreleased.strip()!r} to release as {version}")
    return text.replace(unreleased, f"## {version} - {day}\n", 1)


def citation_of(text: str, version: str, day: str) -> str:
    """The citation file of this version; only a release has a date, and keeps the one it has.

    >>> print(citation_of("title: A book\\nversion: 0.1.0\\n", "0.2.0", "2026-11-30"), end="")
    title: A book
    version: 0.2.0
    date-released: 2026-11-30
    """
    stated = yaml.safe_load(text)
    if str(stated["version"]) == version and "date-released" in stated:
        return text
    text = re.sub(r"^date-released: .*\n", "", text, flags=re.MULTILINE)
    date = "" if ref(version) == BRANCH else f"\ndate-released: {day}"
    return re.sub(r"^version: .*$", f"version: {version}{date}", text, flags=re.MULTILINE)


def write_version(version: str, day: str, root: Path = ROOT) -> None:
    """Make this the version of package, changelog and citation: all of them, or, when one cannot be, none.

    Raises:
        ValueError: no version, or nothing to release.
    """
    texts = {name: (root / name).read_text(encoding="utf-8") for name in ("CHANGELOG.md", "CITATION.cff")}
    package = root / "interpbook" / "__init__.py"
    changed = {
        root / "CHANGELOG.md": changelog_of(texts["CHANGELOG.md"], version, day),
        root / "CITATION.cff": citation_of(texts["CITATION.cff"], version, day),
        package: re.sub(
            r'^__version__ = ".*"$', f'__version__ = "{version}"', package.read_text(encoding="utf-8"), flags=re.M
        ),
    }
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("pages", "release"))
    parser.add_argument("version", nargs="?", default=interpbook.__version__)
    chosen = parser.parse_args()
    try:
        if chosen.what == "release":
            write_version(chosen.version, datetime.now(UTC).date().isoformat())
        written = write_pages(chosen.version)
    except ValueError as error:
        sys.exit(str(error))
    print(f"{len(written)} pages were made pages of interpbook {chosen.version}; the others were.")


if __name__ == "__main__":
    main()
