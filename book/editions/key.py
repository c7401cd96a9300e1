"""`make key`: what a lecturer marks by, one page for each chapter; it is no part of the public book.

Written to `_build/key/<part>/<chapter>.html`: each exercise's task, solution, output and proof, the answers that its
check accepts, and those that it refuses, with the hints; then the answers to the quiz.
"""

import json
import shutil
from collections.abc import Sequence
from html import escape
from pathlib import Path

import mistakes
import nbformat
import outline
import yaml
from front_matter import Chapter
from lesson import Exercise, cells, exercises
from nbconvert import HTMLExporter
from nbformat.v4 import new_markdown_cell, new_notebook
from outline import ROOT
from pygments.formatters import HtmlFormatter

FOLDER = "_build/key"
MATHJAX = "book/_static/vendor/mathjax"
LIGHT, DARK = "a11y-high-contrast-light", "a11y-high-contrast-dark"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Key: {title}</title>
<style>
{style}
</style>
<script>MathJax = {{tex: {{inlineMath: [["$", "$"], ["\\\\(", "\\\\)"]]}}}};</script>
<script src="../mathjax/tex-chtml.js" defer></script>
</head>
<body>
{body}
</body>
</html>
"""


def page(
    chapter: Chapter, own: Sequence[Exercise], found: dict[str, list[mistakes.Mistake]], quiz: Sequence[dict]
) -> str:
    """The key of one chapter, as a page that stands by itself but for the formulas' scripts.

    Args:
        own: the chapter's exercises.
        found: the stored wrong answers by the name of the check.
        quiz: the questions of the chapter's quiz.yml; empty where there is none.
    """
    head = f"# Key: {chapter.title}\n\nTo mark by, and not for the class. Solutions ran when the book was last saved."
    written: list[dict] = [_text(head)]
    for exercise in own:
        stars = "★" * exercise.rating
        written.append(_text(f"## {exercise.number}. {exercise.title} ({stars})\n\n{exercise.task}"))
        written += [_unfolded(cell) for cell in exercise.solution]
        if exercise.is_project:
            written.append(
                _text("*Its text says what would count as done; the rubric is on the page of the syllabus.*")
            )
        for name in exercise.checks:
            written += _answers(chapter.path, name, found.get(name, []))
    if quiz:
        written += [_text("## The quiz"), *(_question(number, entry) for number, entry in enumerate(quiz, 1))]
    exporter = HTMLExporter(template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True)
    # Stored cells hold their outputs line by line; reading joins the lines.
    notebook = nbformat.reads(json.dumps(new_notebook(cells=written)), as_version=4)
    body, _ = exporter.from_notebook_node(notebook)
    return PAGE.format(title=escape(chapter.title), style=_style(), body=body)


def _text(markdown: str) -> dict:
    return new_markdown_cell(markdown)


def _unfolded(cell: dict) -> dict:
    """A solution as it is printed: the key of a proof lies open."""
    if cell["cell_type"] == "code":
        return cell
    opened = cell["source"].removeprefix("<details><summary>Show: the key</summary>").removesuffix("</details>")
    return _text(f"**Key.** {opened.strip()}")


def _answers(path: str, name: str, refused: Sequence[mistakes.Mistake]) -> list[dict]:
    """What the check of this name accepts and what it refuses, as stored beside the tests."""
    accepted = mistakes.stored(path, "RIGHT").get(name, {})
    same: dict[tuple[str, ...], list[str]] = {}
    for each in refused:
        same.setdefault(each.hints, []).append(escape(each.name))
    rows = [f"<tr><td>{'; '.join(names)}</td><td>{_hints(hints)}</td></tr>" for hints, names in same.items()]
    head = f"<tr><th>Refused by <code>{name}</code></th><th>Hints, one after another</th></tr>"
    # Formulas in hints are code, for eyes that read code.
    return [
        _text(f"**Accepted by `{name}`**, too: {'; '.join(accepted)}."),
        _text(f'<table class="mathjax_ignore"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'),
    ]


def _hints(hints: Sequence[str]) -> str:
    return "<ol>" + "".join(f"<li>{escape(' '.join(hint.split()))}</li>" for hint in hints) + "</ol>"


def _question(number: int, entry: dict) -> dict:
    lines = [f"**{number}.** {entry['question'].strip()}", ""]
    for letter, option in zip("ABCDE", entry["options"], strict=False):
        mark = "**Right.**" if option.get("right") else "Wrong."
        source = f" (from {option['from']})" if "from" in option else ""
        lines.append(f"- {letter}. {option['text'].strip()} *{mark}* {option['because'].strip()}{source}")
    return _text("\n".join(lines))


def _style() -> str:
    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in (LIGHT, DARK))
    own = Path(__file__).with_suffix(".css").read_text(encoding="utf-8")
    return f"{own}{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}"


def write(root: Path = ROOT) -> list[Path]:
    """Write the keys of all chapters; nothing is left there from an earlier time."""
    folder = root / FOLDER
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(root / MATHJAX, folder / "mathjax")
    written = []
    for chapter in (chapter for part in outline.read(root) for chapter in part.chapters):
        questions = root / f"interpbook/chapters/{chapter.path}/quiz.yml"
        quiz = yaml.safe_load(questions.read_text(encoding="utf-8")) if questions.exists() else []
        own = exercises(cells(chapter.path, root))
        target = folder / f"{chapter.path}.html"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(page(chapter, own, mistakes.mistakes(chapter.path), quiz), encoding="utf-8")
        written.append(target)
    return written


if __name__ == "__main__":
    print("To mark by:", *(f"  {path.relative_to(ROOT)}" for path in write()), sep="\n")
