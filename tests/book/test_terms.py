"""The chapters' terms make one glossary; a file that is not as it should be, or a term given twice, is named."""

import json
from pathlib import Path

import pytest
import terms

ABOUT = {"part": "toys", "question": "Why?", "minutes": 10, "prerequisites": [], "status": "draft"}
BALL, KITE = "interpbook/chapters/toys/ball/terms.yml", "interpbook/chapters/toys/kite/terms.yml"


@pytest.fixture
def house(tmp_path):
    """Lays a repository of two chapters, with these files in it."""
    for name in ("ball", "kite"):
        chapter = {"title": f"The {name}", **ABOUT}
        lesson = {"cells": [], "metadata": {"interpbook": {"chapter": chapter}}}
        write(tmp_path / "notebooks" / "toys" / f"{name}.ipynb", json.dumps(lesson))

    def with_files(**files: str) -> Path:
        for name, text in files.items():
            write(tmp_path / {"ball": BALL, "kite": KITE, "none": terms.OF_NO_CHAPTER}[name], text)
        return tmp_path

    return with_files


def write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_terms_of_all_files_are_one_list_whatever_their_capitals(house):
    root = house(
        none="- {term: badge, means: A mark.}",
        ball="- {term: sphere, means: All points\n    at one distance.}\n- {term: Zeno, means: A Greek.}",
        kite="- {term: line, also: [string, cord], means: It is long.}",
    )
    names = [term.names for term in terms.collect(root)]
    assert names == [("badge",), ("line", "string", "cord"), ("sphere",), ("Zeno",)]
    assert terms.directive(root) == (
        "```{glossary}\n"
        "badge\n    A mark.\n\n"
        "line\nstring\ncord\n    It is long. Lesson: [The kite](../notebooks/toys/kite.ipynb).\n\n"
        "sphere\n    All points at one distance. Lesson: [The ball](../notebooks/toys/ball.ipynb).\n\n"
        "Zeno\n    A Greek. Lesson: [The ball](../notebooks/toys/ball.ipynb).\n"
        "```"
    )


def test_a_chapter_may_have_no_terms(house):
    assert [term.names for term in terms.collect(house(ball="- {term: sphere, means: Round.}"))] == [("sphere",)]


@pytest.mark.parametrize(
    "again",
    ["{term: map, means: A map.}", "{term: Map, means: A map.}", "{term: chart, also: [map], means: A map.}"],
)
def test_a_term_of_two_files_is_refused_with_both_names(house, again):
    root = house(ball="- {term: map, means: A picture.}", kite=f"- {again}")
    with pytest.raises(ValueError, match=rf"^the term '[Mm]ap' is in {BALL} and again in {KITE}, expected once$"):
        terms.collect(root)


def test_a_term_of_no_chapter_is_no_chapter_s(house):
    root = house(none="- {term: plan, also: [map], means: A picture.}", kite="- {term: map, means: Another.}")
    with pytest.raises(ValueError, match=rf"^the term 'map' is in {terms.OF_NO_CHAPTER} and again in {KITE}"):
        terms.collect(root)


def test_a_term_twice_in_one_file_is_refused(house):
    for twice in ("- {term: map, also: [map], means: A.}", "- {term: map, means: A.}\n- {term: map, means: B.}"):
        with pytest.raises(ValueError, match=rf"^the term 'map' is in {BALL} and again in {BALL}, expected once$"):
            terms.collect(house(ball=twice))


MALFORMED = {
    "no YAML": ("- term: map\n  means: A picture: of it", r" is not YAML; expected a definition below `means: >-`"),
    "nothing": ("# None yet.", r" holds a NoneType, expected a list of terms"),
    "no list": ("map: A picture.", r" holds a dict, expected a list of terms"),
    "no entry": ("- map", r", entry 1: expected the keys term and means, and perhaps also, got 'map'"),
    "unknown": ("- {term: a, means: A., lesson: b}", r", entry 1: missing keys: none; unknown: lesson"),
    "missing": ("- {term: a, means: A.}\n- {term: b}", r", entry 2: missing keys: means; unknown: none"),
    "left empty": ("- term: a\n  means:", r", entry 1: means is None, expected text"),
    "empty": ("- {term: a, means: ' '}", r", entry 1: means is ' ', expected text"),
    "a number": ("- {term: 42, means: A.}", r", entry 1: term is 42, expected text \(in quotes"),
    "one word": ("- {term: a, also: b, means: A.}", r", entry 1: also is 'b', expected a list of other words"),
    "no word": ("- {term: a, also: [yes], means: A.}", r", entry 1: also is True, expected text"),
}


@pytest.mark.parametrize(("text", "complaint"), MALFORMED.values(), ids=MALFORMED)
def test_what_is_no_list_of_terms_is_refused(house, text, complaint):
    with pytest.raises(ValueError, match=rf"^{KITE}{complaint}"):
        terms.collect(house(ball="- {term: sphere, means: Round.}", kite=text))
