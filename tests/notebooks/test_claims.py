"""Claims of chapters with an evidence page: chance is spoken of, sources are exact, a lesson's claims are defended."""

from pathlib import Path

import claim_rules
import notebook_rules as rules
import pytest

from interpbook.page import claims, executed, registry
from interpbook.page.registry import Claim

each_lesson = pytest.mark.parametrize("lesson", rules.SPLIT, ids=lambda path: path.stem)


def claims_of(lesson: Path) -> dict[str, Claim]:
    return registry.of_chapter(executed.chapter_of(lesson))


@each_lesson
def test_a_difference_of_means_has_two_standard_errors_or_is_called_an_ordering(lesson: Path) -> None:
    assert claim_rules.chance_unsaid(claims_of(lesson).values()) == []


@each_lesson
def test_a_published_figure_or_table_has_its_number_and_its_data(lesson: Path) -> None:
    assert claim_rules.place_unsaid(claims_of(lesson).values()) == []


@each_lesson
def test_a_lesson_s_claims_meet_an_objection_and_link_to_their_evidence(lesson: Path) -> None:
    recorded = [record.id for record in claims.read_notebook(lesson)]
    headings = rules.headings(rules.read(executed.evidence_of(lesson)))
    assert claim_rules.undefended(recorded, claims_of(lesson), headings) == []


@each_lesson
def test_a_claim_is_recorded_by_one_of_the_two_pages(lesson: Path) -> None:
    recorded = [record.id for path in (lesson, executed.evidence_of(lesson)) for record in claims.read_notebook(path)]
    assert sorted(recorded) == sorted(set(recorded))


def test_a_lesson_s_claim_without_objection_or_evidence_is_found() -> None:
    common = {"sentence": "A.", "source": ("ours", ""), "kind": "ours", "criterion": "value > 1", "verdict": "holds"}
    bare = Claim(id="a.bare", **common)
    good = Claim(id="a.good", evidence="All seeds", objection="Chance? No.", **common)
    known = {"a.bare": bare, "a.good": good}
    assert claim_rules.undefended(["a.good"], known, ["All seeds"]) == []
    assert len(claim_rules.undefended(["a.bare"], known, ["All seeds"])) == 2
    assert len(claim_rules.undefended(["a.good"], known, ["Another section"])) == 1
