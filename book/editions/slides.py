"""`make slides`: a deck for each lesson, made from its notebook, into `_build/slides/<part>/<chapter>.html`.

Decks open from a disk as they are: reveal.js, which the package sphinx-revealjs carries, MathJax and the book's type
lie beside them in `_static`. (The builder of that package puts whole pages on slides; what of a page a slide takes is
decided in `lesson_slides.py`.)
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import jinja2
import nbformat
import outline
import sphinx_revealjs
from lesson_slides import Slide, inline, slides
from outline import ROOT, Part

FOLDER = "_build/slides"
HERE = Path(__file__).parent
REVEAL = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
SHARED = {
    "reveal.js": REVEAL / "dist" / "reveal.js",
    "reveal.css": REVEAL / "dist" / "reveal.css",
    "notes.js": REVEAL / "plugin" / "notes" / "notes.js",
    "reveal-license.txt": REVEAL / "LICENSE",
    "slides.css": HERE / "slides.css",
    "slides.js": HERE / "slides.js",
    "vendor": ROOT / "book" / "_static" / "vendor",
}
TEMPLATES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(HERE), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def deck(sections: Sequence[Sequence[Slide]], title: str, part: str, minutes: int) -> str:
    """The page of a deck."""
    return TEMPLATES.get_template("slides.html").render(sections=sections, title=title, part=part, minutes=minutes)


def write(root: Path = ROOT) -> list[Path]:
    """Write the decks of all lessons, and an index of them; nothing is left there from an earlier time."""
    folder = root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    for name, source in SHARED.items():
        target = folder / "_static" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
    parts = [part for part in outline.read(root) if part.chapters]
    written = [page for part in parts for page in _decks_of(part, root)]
    index = TEMPLATES.get_template("slides_index.html").render(parts=parts, inline=inline)
    (folder / "index.html").write_text(index, encoding="utf-8")
    return written


def _decks_of(part: Part, root: Path) -> list[Path]:
    written = []
    for chapter in part.chapters:
        lesson = nbformat.read(root / "notebooks" / f"{chapter.path}.ipynb", as_version=4)
        target = root / FOLDER / f"{chapter.path}.html"
        target.parent.mkdir(exist_ok=True)
        page = deck(slides(lesson, chapter), chapter.title, part.title, chapter.minutes)
        target.write_text(page, encoding="utf-8")
        written.append(target)
    return written


if __name__ == "__main__":
    write()
    print(f"The slides are made. Open  {(ROOT / FOLDER / 'index.html').as_uri()}")
