"""`make chapter NAME=part/chapter`: lay a new chapter from the template, as a draft.

The folder `book/_template` is a small copy of the repository, with the words PART, CHAPTER and TITLE where a chapter
says its own, in names of files and in what is in them. Whatever lies there is laid.
"""

import keyword
import re
import sys
from pathlib import Path

from contents import INNER, SHARED
from front_matter import PATH
from outline import ROOT

from interpbook.page.executed import EVIDENCE

TEMPLATE = "book/_template"
PLACEHOLDER = re.compile(rf"\b(PART|CHAPTER|TITLE)(?=\b|{EVIDENCE}\b)")


def lay(name: str, root: Path = ROOT) -> list[Path]:
    """Write the files of a new chapter; those that its part has already are left alone.

    Args:
        name: "part/chapter", in small letters, digits and underscores.
        root: the repository.

    Raises:
        ValueError: `name` is no such path, or that of a page of evidence; its part is a subpackage that all parts
            share; or there is a chapter of that name, also in another part, because exercises and claims go by the
            chapter's name alone. Nothing is written then.
    """
    if not PATH.fullmatch(name) or any(map(keyword.iskeyword, name.split("/"))):
        raise ValueError(
            f"NAME is {name!r}, expected part/chapter in small letters, digits and underscores, such as pruning/gates"
        )
    part, chapter = name.split("/")
    if chapter.endswith(EVIDENCE):
        raise ValueError(f"NAME is {name!r}, expected the name of a chapter; its page of evidence is laid with it")
    if part in (*SHARED, *INNER):
        raise ValueError(f"NAME is {name!r}, expected a part of the book; {part} is a subpackage that all parts share")
    others = [*root.glob(f"notebooks/*/{chapter}.ipynb"), *root.glob(f"interpbook/chapters/*/{chapter}/*.py")]
    if others:
        there = others[0].relative_to(root)
        again = f"; if it was laid but never run: make notebooks NOTEBOOKS={there}" if there.suffix == ".ipynb" else ""
        raise ValueError(f"NAME is {name!r}, expected one whose chapter is not there: {there} has that name{again}")
    words = {"PART": part, "CHAPTER": chapter, "TITLE": chapter.replace("_", " ").capitalize()}
    filled = {target: text for target, text in _filled(root, words).items() if not target.exists()}
    for target, text in filled.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return list(filled)


def _filled(root: Path, words: dict[str, str]) -> dict[Path, str]:
    """Each file of the template, with its words filled in: where it will lie, and what will be in it."""

    def fill(text: str) -> str:
        return PLACEHOLDER.sub(lambda found: words[found[0]], text)

    template = root / TEMPLATE
    files = sorted(path for path in template.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {root / fill(str(file.relative_to(template))): fill(file.read_text(encoding="utf-8")) for file in files}


def main() -> None:
    try:
        written = lay(" ".join(sys.argv[1:]))
    except ValueError as error:
        sys.exit(str(error))
    print("Laid as a draft:", *(f"  {path.relative_to(ROOT)}" for path in written), sep="\n")


if __name__ == "__main__":
    main()
