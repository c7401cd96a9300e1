"""How the notebooks of this book are written, as functions that return what breaks a rule."""

import json
import re
from collections.abc import Iterable
from pathlib import Path

from interpbook.page.executed import evidence_of, is_evidence

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted(ROOT.glob("notebooks/*/*.ipynb"))
LESSONS = [path for path in NOTEBOOKS if not is_evidence(path)]
EVIDENCE = [path for path in NOTEBOOKS if is_evidence(path)]
# The lessons that have their evidence on a page of its own. The rules on a lesson's length are for these.
SPLIT = [path for path in LESSONS if evidence_of(path).exists()]

WORDS = (1200, 3500)
# What one sitting holds: words before the exercises, code cells to read, claims.
LESSON_WORDS = 2500
LESSON_CELLS = 15
LESSON_CLAIMS = 8

# Where numbers may stand: code, mathematics, addresses, tags, headings.
NOT_PROSE = re.compile(
    r"```.*?```|~~~.*?~~~|`[^`\n]+`|\$\$.*?\$\$|\$[^$\n]+\$|(?<=\])\([^)\n]*\)|https?://\S+|<[^>]+>|^#{1,6} .*?$",
    re.DOTALL | re.MULTILINE,
)
MEASURED = re.compile(
    r"\d[\d,]*\.\d+|\d+(?:\.\d+)?\s?(?:%|per ?cent)|\d+(?:\.\d+)?[eE][-+−]?\d+|\d\s?[×x]\s?10\b|±\s?\d"
)
# The same in what a cell printed, where tensors have numbers such as "1." and ".5".
PRINTED = re.compile(rf"{MEASURED.pattern}|\d+\.(?![\w.])|(?<![\w.])\.\d+")
# A field of an f-string whose value is written as a float: its expression, a colon, a format.
FORMAT = re.compile(r"\{([^{}]*?):(?:.?[<>=^])?[-+]?#?0?\d*[,_]?(?:\.(?:\d+|\{\w+\})[efgEFG%]?|[efgEFG%])\}")
MYST = re.compile(r"\{[\w:.-]+\}`|^\s*(?:`{3,}|~{3,}|:{3,})\s*\{[\w:.-]+\}|^\([\w-]+\)=\s*$", re.MULTILINE)


def read(notebook: Path) -> dict:
    """The notebook as it is stored."""
    return json.loads(notebook.read_text(encoding="utf-8"))


def is_draft(notebook: dict) -> bool:
    """Whether the chapter of a lesson is still being written, and so freed of the rules on length."""
    return notebook["metadata"]["interpbook"]["chapter"]["status"] == "draft"


def cells(notebook: dict, kind: str) -> list[str]:
    """The sources of the cells of one kind, "markdown" or "code"."""
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == kind]


def headings(notebook: dict) -> list[str]:
    """The headings of all levels, in order.

    >>> headings({"cells": [{"cell_type": "markdown", "source": "# One\\n\\ntext\\n\\n## Two"}]})
    ['One', 'Two']
    """
    return re.findall(r"^#{1,6} (.+?)\s*$", "\n".join(cells(notebook, "markdown")), re.MULTILINE)


def sections(notebook: dict) -> list[str]:
    """The headings with ##, in order."""
    return re.findall(r"^## (.+?)\s*$", "\n".join(cells(notebook, "markdown")), re.MULTILINE)


def prose(markdown: str) -> str:
    """What is left to read when code, mathematics, addresses, tags and headings are taken out."""
    return NOT_PROSE.sub(" ", markdown)


def typed_numbers(notebook: dict) -> list[str]:
    """Decimals, percentages and powers of ten in prose: results, which only a cell may state.

    >>> typed_numbers({"cells": [{"cell_type": "markdown", "source": "The gap is 0.03, in `x = 0.5` and $0.1$ not."}]})
    ['0.03']
    """
    return [found for text in cells(notebook, "markdown") for found in MEASURED.findall(prose(text))]


def directives(notebook: dict) -> list[str]:
    """MyST's roles, directives and labels, which Colab and JupyterLab show as raw text."""
    return [found for text in cells(notebook, "markdown") for found in MYST.findall(text)]


def words(notebook: dict) -> int:
    """How much there is to read."""
    return sum(len(re.findall(r"[^\W\d_]{2,}", prose(text))) for text in cells(notebook, "markdown"))


def tags(cell: dict) -> set[str]:
    """What a cell is tagged with."""
    return set(cell.get("metadata", {}).get("tags", []))


def folded(cell: dict) -> bool:
    """Whether a reader sees this cell's code only after a click."""
    return bool({"hide-input", "hide-cell"} & tags(cell))


def before_exercises(notebook: dict) -> dict:
    """The notebook up to the heading "Exercises"."""
    kept = []
    for cell in notebook["cells"]:
        before, *after = re.split(r"^## Exercises\s*$", "".join(cell["source"]), maxsplit=1, flags=re.MULTILINE)
        kept.append({**cell, "source": before})
        if after and cell["cell_type"] == "markdown":
            break
    return {**notebook, "cells": kept}


def code_to_read(notebook: dict) -> int:
    """How many code cells a reader sees, other than those in which an exercise starts."""
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code" and "".join(cell["source"]).strip()]
    return sum(not folded(cell) and "starter" not in tags(cell) for cell in code)


def recorded_claims(notebook: dict) -> list[str]:
    """The ids of the claims that a notebook recorded when it was executed."""
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    stored = [output.get("metadata", {}).get("interpbook", {}).get("claim") for output in outputs]
    return [claim["id"] for claim in stored if claim]


def too_much_for_a_sitting(notebook: dict) -> list[str]:
    """What a lesson has too much of."""
    measured = {
        "words before the exercises": (words(before_exercises(notebook)), LESSON_WORDS),
        "code cells to read": (code_to_read(notebook), LESSON_CELLS),
        "claims": (len(recorded_claims(notebook)), LESSON_CLAIMS),
    }
    return [f"{found} {name}, at most {most}" for name, (found, most) in measured.items() if found > most]


def without_evidence(lessons: Iterable[Path]) -> list[str]:
    """The finished lessons that have no page of evidence beside them."""
    return [path.stem for path in lessons if not is_draft(read(path)) and not evidence_of(path).exists()]


def evidence_complaints(lesson: Path) -> list[str]:
    """What is amiss between a lesson and its page of evidence: the heading, and the links both ways."""
    name = evidence_of(lesson).name
    title = read(lesson)["metadata"]["interpbook"]["chapter"]["title"]
    card = cells(read(lesson), "markdown")[0]
    heading, *text = "\n".join(cells(read(evidence_of(lesson)), "markdown")).strip().splitlines()
    first_sentence = re.split(r"[.?!]\s", " ".join(text), maxsplit=1)[0]
    needed = {
        f"the lesson's card has no link [Evidence]({name})": f"[Evidence]({name})" in card,
        f"the page of evidence does not begin with # Evidence: {title}": heading == f"# Evidence: {title}",
        "its first sentence has no link back to the lesson": f"[lesson]({lesson.name})" in first_sentence,
        "it has a card of its own": not any('class="ib-card"' in line for line in text),
    }
    return [complaint for complaint, holds in needed.items() if not holds]


def quiz_complaints(notebook: dict, chapter: str) -> list[str]:
    """What is amiss with the cell of a lesson that shows its quiz."""
    sources = [("".join(cell["source"]).strip(), cell) for cell in notebook["cells"]]
    call = f'page.quiz("{chapter}")'
    at = [place for place, (source, _) in enumerate(sources) if source == call]
    if not at:
        return [f"no cell {call}"]
    (_, cell), (after, _) = [*sources, ("", {})][at[0] : at[0] + 2]
    needed = {
        "more than one quiz": len(at) == 1,
        "it does not stand right before ## Exercises": after.startswith("## Exercises"),
        "its code is not folded": folded(cell),
    }
    return [complaint for complaint, holds in needed.items() if not holds]


def shown_quizzes(notebook: dict) -> list[str]:
    """The HTML of the quizzes in the stored outputs."""
    stored = [output for output in _outputs(notebook) if "quiz" in output.get("metadata", {}).get("interpbook", {})]
    return ["".join(output["data"]["text/html"]) for output in stored]


def printed_numbers(notebook: dict) -> list[str]:
    """Decimals, percentages and powers of ten that a cell printed: a measured number belongs into a claim, a table or
    the words of a figure, where it is stored with its spread. What a check of an exercise says is left alone.

    >>> printed = {"output_type": "stream", "name": "stdout", "text": "accuracy 0.86, 10 classes"}
    >>> printed_numbers({"cells": [{"cell_type": "code", "metadata": {}, "source": "", "outputs": [printed]}]})
    ['0.86']
    """
    found = []
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code" and "solution" not in cell["metadata"].get("tags", []):
            for output in cell["outputs"]:
                if not output.get("metadata", {}).get("interpbook") and not _is_from_the_kit(output):
                    text = "".join(output.get("text", output.get("data", {}).get("text/plain", "")))
                    found += PRINTED.findall(text)
    return found


def _is_from_the_kit(output: dict) -> bool:
    """Whether the page kit made this output: it shows figures that live, which store no numbers, as HTML."""
    return any("ib-explore" in "".join(text) for kind, text in output.get("data", {}).items() if kind == "text/html")


def _outputs(notebook: dict) -> list[dict]:
    return [output for cell in notebook["cells"] for output in cell.get("outputs", [])]


def _figures(output: dict) -> list[str]:
    """The places of the figures in an output, as "figure-3"."""
    return re.findall(r'<figure [^>]*id="(figure-\d+)"', "".join(output.get("data", {}).get("text/html", "")))


def _caption(output: dict) -> str:
    return output.get("metadata", {}).get("interpbook", {}).get("words_below", {}).get("text", "")


def lost_figure_links(notebook: dict) -> list[str]:
    """Links in prose to a figure that no cell shows, or that call it by another number."""
    places = {place for output in _outputs(notebook) for place in _figures(output)}
    found = []
    for text in cells(notebook, "markdown"):
        for link in re.finditer(r"\[([^\]]*)\]\(#(figure-(\d+))(?:\?[^)]*)?\)", text):
            named = re.search(r"\bFigure (\d+)", link[1])
            if link[2] not in places or (named and named[1] != link[3]):
                found.append(link[0])
    return found


def typed_captions(notebook: dict) -> list[str]:
    """Decimals, percentages and powers of ten in captions that no `page.measured` stands behind."""
    captions = [re.sub("«[^«»]*»", "", _caption(output)) for output in _outputs(notebook)]
    return [number for caption in captions for number in MEASURED.findall(prose(caption))]


def figures_without_caption(notebook: dict) -> list[str]:
    """The places of figures that say nothing of what to look for."""
    return [place for output in _outputs(notebook) if not _caption(output) for place in _figures(output)]


def switches(notebook: dict) -> list[str]:
    """Tags and comments that make the comparison look away from a cell.

    >>> switches({"cells": [{"cell_type": "code", "source": "# NBVAL_SKIP", "metadata": {"tags": ["nbval-skip"]}}]})
    ['NBVAL_SKIP', 'nbval-skip']
    """
    found = [name for text in cells(notebook, "code") for name in re.findall(r"\b(?:NBVAL|PYTEST_VALIDATE)_\w+", text)]
    tags = [tag for cell in notebook["cells"] for tag in cell["metadata"].get("tags", [])]
    return found + [tag for tag in tags if tag.startswith("nbval-") or tag == "raises-exception"]


def number_formats(notebook: dict) -> list[str]:
    """Format specifications for numbers in f-strings, as in f"{x:.2f}", other than of `page.measured(...)`.

    >>> cell = {"cell_type": "code", "source": 'f"{x:.2f}, {page.measured(x):.2f}, {name:>8}"'}
    >>> number_formats({"cells": [cell]})
    ['{x:.2f}']
    """
    found = []
    for text in cells(notebook, "code"):
        for field in FORMAT.finditer(text):
            if not field[1].startswith("page.measured("):
                found.append(field[0])
    return found
