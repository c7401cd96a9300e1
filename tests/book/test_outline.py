"""The order of the book: what a chapter builds on comes before it; a part that nobody described is there, too."""

import json
from pathlib import Path

import outline
import pytest
from front_matter import Chapter
from hypothesis import given
from hypothesis import strategies as st


def chapter(path: str, title: str = "", before: tuple[str, ...] = ()) -> Chapter:
    return Chapter(path, title or path, path.split("/")[0], "Why?", 10, before, "finished")


def paths(chapters) -> list[str]:
    return [each.path for each in chapters]


@st.composite
def chapters_in_two_parts(draw) -> list[Chapter]:
    """Some chapters, each building on some of those before it, in any order."""
    made: list[Chapter] = []
    for number in range(draw(st.integers(1, 8))):
        before = draw(st.sets(st.sampled_from(paths(made)))) if made else ()
        path = f"{draw(st.sampled_from('ab'))}/c{number}"
        made.append(chapter(path, draw(st.sampled_from(["A", "B", "C"])), tuple(before)))
    return draw(st.permutations(made))


@given(chapters_in_two_parts())
def test_a_chapter_comes_after_those_it_builds_on(chapters):
    ordered = paths(outline.in_order(chapters, ["a", "b"]))
    assert sorted(ordered) == sorted(paths(chapters))
    for each in chapters:
        assert all(ordered.index(path) < ordered.index(each.path) for path in each.chapters_before)


def test_where_there_is_a_choice_titles_decide():
    chapters = [chapter("a/z", "First"), chapter("a/y", "Third"), chapter("a/x", "Second"), chapter("b/w", "Zero")]
    assert paths(outline.in_order(chapters, ["b", "a"])) == ["b/w", "a/z", "a/x", "a/y"]
    last_is_needed = [*chapters[1:], chapter("a/z", "First", ("a/y",))]
    assert paths(outline.in_order(last_is_needed, ["b", "a"])) == ["b/w", "a/x", "a/y", "a/z"]


def test_chapters_that_need_each_other_are_refused():
    circle = [chapter("a/x", before=("a/y",)), chapter("a/y", before=("a/x",))]
    with pytest.raises(ValueError, match=r"in a circle: a/[xy] <- a/[xy] <- a/[xy]"):
        outline.in_order(circle, ["a"])


def house(root: Path, parts: str, chapters: dict[str, str]) -> Path:
    """A repository with these parts, and a notebook with this title for each path."""
    (root / "book" / "parts").mkdir(parents=True)
    (root / "book" / "parts.yml").write_text(parts, encoding="utf-8")
    for path, title in chapters.items():
        part = path.split("/")[0]
        about = {"question": "Why?", "minutes": 10, "prerequisites": [], "status": "draft", "title": title}
        notebook = root / "notebooks" / f"{path}.ipynb"
        notebook.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"interpbook": {"chapter": {**about, "part": part}}}
        notebook.write_text(json.dumps({"cells": [], "metadata": metadata}), encoding="utf-8")
    return root


PARTS = """
- {name: toys, title: The toys, question: 'What is a toy?', planned: {kite: Kites, ball: Balls}}
- {name: games, title: Games}
"""


def test_a_planned_chapter_that_is_written_speaks_for_itself(tmp_path):
    toys, games = outline.read(house(tmp_path, PARTS, {"toys/ball": "A round toy"}))
    assert [each.title for each in toys.chapters] == ["A round toy"]
    assert toys.planned == ("Kites",)
    assert (games.chapters, games.planned) == ((), ())


def test_a_part_that_nobody_described_comes_last_under_its_own_name(tmp_path):
    parts = outline.read(house(tmp_path, PARTS, {"board_games/chess": "Chess", "toys/ball": "Balls"}))
    assert [part.title for part in parts] == ["The toys", "Games", "Board games"]
    assert paths(parts[-1].chapters) == ["board_games/chess"]
    assert parts[-1].drawing == ""


def test_the_drawing_lies_beside_the_list(tmp_path):
    house(tmp_path, PARTS, {})
    (tmp_path / "book" / "parts" / "games.svg").write_text("<svg></svg>", encoding="utf-8")
    assert [part.drawing for part in outline.read(tmp_path)] == ["", "<svg></svg>"]


@pytest.mark.parametrize("entry", ["{name: toys}", "{name: toys, title: Toys, chapters: []}", "toys"])
def test_an_entry_that_is_no_part_is_refused(tmp_path, entry):
    with pytest.raises(ValueError, match=r"book/parts\.yml: an entry is .*expected name and title"):
        outline.read(house(tmp_path, f"- {entry}", {}))


def test_the_drawings_are_those_of_parts(root):
    named = {part.name for part in outline.read()}
    assert {drawing.stem for drawing in (root / "book" / "parts").glob("*.svg")} <= named
