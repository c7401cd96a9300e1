"""What the book's builder needs and nobody writes by hand, made from the notebooks' front matter.

`python book/_ext/contents.py book` writes the table of contents `_toc.yml`, the pages of the reference, `book/api`, and
each chapter's page for the lecturer, `book/teaching/<part>/<chapter>.md`; git ignores all three.
`python book/_ext/contents.py readme` writes the list of finished chapters into the README.
"""

import argparse
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import outline
import yaml
from front_matter import Chapter
from outline import ROOT, Part

# The subpackages that every part stands on, in the order of the reference, after the parts. `explore` is in `page`.
SHARED = ("functions", "datasets", "models", "training", "jobs", "page")
# The lecturer's pages that are written by hand, after the first.
TEACHING = ("syllabus", "class", "handing_in", "concepts")
INNER = ("chapters", "checks", "explore", "output")

BEGIN = "<!-- The chapters, written by `make readme` from the notebooks: -->"
END = "<!-- end of the chapters -->"
# What gives typical mistakes away is not what a student who searches for a term should find first.
UNSEARCHED = "---\nnosearch: true\n---\n\n"


def table_of_contents(parts: Sequence[Part], reference: Sequence[str]) -> dict[str, object]:
    """The book's pages in order, as jupyter-book reads them."""
    numbered = [
        {"caption": part.title, "numbered": True, "chapters": [_chapter(chapter) for chapter in part.chapters]}
        for part in parts
        if part.chapters
    ]
    api = {"file": "book/api/index", "sections": _files(f"book/api/{name}" for name in reference)}
    behind = [*_files(["book/claims"]), api, *_files(["book/bibliography"])]
    teaching = [*TEACHING, *lecturer_pages(parts)]
    course = {"file": "book/teaching/index", "sections": _files(f"book/teaching/{name}" for name in teaching)}
    return {
        "format": "jb-book",
        "root": "book/welcome",
        "parts": [
            {"caption": "Before you start", "chapters": [*_files(["book/notation", "book/glossary"]), course]},
            *numbered,
            {"caption": "Behind the pages", "chapters": behind},
        ],
    }


def _chapter(chapter: Chapter) -> dict[str, object]:
    """A chapter's lesson, and its evidence under it."""
    lesson, *evidence = (f"notebooks/{page}" for page in chapter.pages)
    return {"file": lesson, "sections": _files(evidence)} if evidence else {"file": lesson}


def _files(names) -> list[dict[str, str]]:
    return [{"file": name} for name in names]


def reference(parts: Sequence[Part], root: Path = ROOT) -> dict[str, str]:
    """The pages of the reference, text by name: one for each part that has a package, one for each of `SHARED`."""
    packages = {folder.parent.name for folder in (root / "interpbook").glob("*/__init__.py")}
    ordered = [part.name for part in parts if part.name in packages]
    ordered += sorted(packages - {*ordered, *SHARED, *INNER})
    titles = {part.name: part.title for part in parts}
    chapters = {part.name: part.chapters for part in parts}
    pages = {}
    for name in [*ordered, *SHARED]:
        links = [f"[{chapter.title}](../../notebooks/{chapter.path}.ipynb)" for chapter in chapters.get(name, ())]
        read = f"Chapters that use it: {', '.join(links)}.\n\n" if links else ""
        title = titles.get(name, name.replace("_", " ").capitalize())
        pages[name] = f"# {title}\n\n{{{{ about: interpbook.{name} }}}}\n\n{read}{{{{ api: interpbook.{name} }}}}\n"
    rows = "".join(f"| [{name}]({name}.md) | {{{{ summary: interpbook.{name} }}}} |\n" for name in pages)
    index = f"# Reference\n\n{{{{ about: interpbook }}}}\n\n| subpackage | what is in it |\n|---|---|\n{rows}"
    return {**pages, "index": index}


def lecturer_pages(parts: Sequence[Part]) -> dict[str, str]:
    """A page for the lecturer on every chapter that says something to one, text by the chapter's path."""
    return {
        chapter.path: f"{UNSEARCHED}# Teaching: {chapter.title}\n\n{{{{ teaching: {chapter.path} }}}}\n"
        for part in parts
        for chapter in part.chapters
        if chapter.teaching
    }


def write_for_the_builder(root: Path = ROOT) -> None:
    """Write `_toc.yml` and the pages made from the notebooks, nothing of which is left from an earlier time."""
    parts = outline.read(root)
    pages = reference(parts, root)
    for earlier in [root / "book" / "api", *root.glob("book/teaching/*/")]:
        shutil.rmtree(earlier, ignore_errors=True)
    _write(pages, root / "book" / "api")
    _write(lecturer_pages(parts), root / "book" / "teaching")
    contents = table_of_contents(parts, [name for name in pages if name != "index"])
    text = "# Made from the notebooks by `make book`; git ignores it.\n" + yaml.safe_dump(contents, sort_keys=False)
    (root / "_toc.yml").write_text(text, encoding="utf-8")


def _write(pages: Mapping[str, str], folder: Path) -> None:
    for name, text in pages.items():
        page = folder / f"{name}.md"
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text, encoding="utf-8")


def readme_with_chapters(text: str, parts: Sequence[Part]) -> str:
    """The README's text with the list of finished chapters as it should be now.

    Raises:
        ValueError: the two markers are not there, each once and in order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end or BEGIN in rest or END in after:
        raise ValueError(f"README.md has not the two lines {BEGIN!r} and {END!r}, each once, to list chapters between")
    lines = [
        f"- [{chapter.title}](notebooks/{chapter.path}.ipynb) ({part.title.lower()}). {chapter.question}"
        for part in parts
        for chapter in part.chapters
        if chapter.status == "finished"
    ]
    return "\n".join([before + BEGIN, "", *lines, "", END + after])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("book", "readme"))
    try:
        if parser.parse_args().what == "book":
            write_for_the_builder()
        else:
            readme = ROOT / "README.md"
            text = readme_with_chapters(readme.read_text(encoding="utf-8"), outline.read())
            readme.write_text(text, encoding="utf-8")
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
