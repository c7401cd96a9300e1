"""The terms of all chapters go into one glossary."""

import terms
from notebook_rules import ROOT


def test_every_file_of_terms_is_in_the_glossary():
    chapters = ROOT / "interpbook" / "chapters"
    written = {str(file.parent.relative_to(chapters)) for file in chapters.rglob("terms.yml")}
    assert {term.chapter.path for term in terms.collect(ROOT) if term.chapter} == written
