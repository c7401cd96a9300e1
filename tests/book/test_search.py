"""The search of the built book leads to the lesson that explains a term."""

import json
import re
from pathlib import Path

import pytest
import site_terms
import terms

from interpbook.page import executed

FIRST = 3
# Names of the pages that the book's own search finds for each term, the best first.
FOUND = """terms => terms.map(term =>
    Search._performSearch(...Search._parseQuery(term)).reverse().map(found => found[0]))"""
BOLD = re.compile(r"\*\*([^*\n]+)\*\*")


@pytest.fixture(scope="module")
def lessons(notebooks: list[Path]) -> dict[str, dict]:
    """Every lesson by the name of its page."""
    paths = [path for path in notebooks if not executed.is_evidence(path)]
    return {f"notebooks/{executed.page_of(path)}": executed.read(path) for path in paths}


@pytest.fixture(scope="module")
def search(visit, site: Path):
    """Asks the search, opened from the folder, for many terms at once."""
    tab = visit().open(f"{site.as_uri()}/search.html?q=x")
    tab.wait_for_function("Search._index !== null")
    return lambda terms: dict(zip(terms, tab.evaluate(FOUND, list(terms)), strict=True))


def missed(search, wanted: list[tuple[str, str]]) -> dict[str, list[str]]:
    """Terms for which neither the page nor its evidence is among the first results, and what is."""
    found = search([term for term, _ in wanted])
    return {
        f"{term} ({page})": found[term][:FIRST]
        for term, page in wanted
        if not {page, page + executed.EVIDENCE} & set(found[term][:FIRST])
    }


def bold_terms(lesson: dict) -> list[str]:
    """As a reader of the source sees them, from the first section to the exercises."""
    text = "\n".join("".join(cell["source"]) for cell in lesson["cells"] if cell["cell_type"] == "markdown")
    body = text.partition("\n## ")[2].partition("\n## Exercises")[0]
    return [term for term in BOLD.findall(body) if not site_terms.NO_TERM.fullmatch(term)]


def test_the_title_and_every_term_in_bold_lead_to_the_lesson(search, lessons):
    wanted = [(lesson["metadata"]["interpbook"]["chapter"]["title"], page) for page, lesson in lessons.items()]
    wanted += [(term, page) for page, lesson in lessons.items() for term in bold_terms(lesson)]
    assert len(wanted) > 2 * len(lessons)
    wrong = missed(search, wanted)
    assert not wrong, json.dumps(wrong, indent=1)


def test_every_term_of_the_glossary_leads_to_its_lesson(search, root: Path):
    found = [term for term in terms.collect(root) if term.chapter]
    wanted = [(name, f"notebooks/{term.chapter.path}") for term in found for name in term.names]
    assert wanted
    wrong = missed(search, wanted)
    assert not wrong, json.dumps(wrong, indent=1)


def test_what_a_reader_has_to_know_leads_to_a_lesson(search, lessons):
    """Several lessons ask for the same; one of them is enough."""
    asked = {
        name
        for lesson in lessons.values()
        for name in lesson["metadata"]["interpbook"]["chapter"]["prerequisites"]
        if "/" not in name
    }
    found = {term: names[:FIRST] for term, names in search(sorted(asked)).items()}
    lost = {term: names for term, names in found.items() if not set(lessons) & set(names)}
    assert not lost, json.dumps(lost, indent=1)
