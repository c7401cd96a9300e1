"""What `make test CHAPTER=part/chapter` and its sisters choose."""

from pathlib import Path

import notebook_rules as rules
import pytest
import suite


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with two chapters, one of them with a page of evidence."""
    folder = tmp_path / "notebooks" / "toys"
    lessons = [folder / "ball.ipynb", folder / "kite.ipynb"]
    monkeypatch.setattr(suite, "ROOT", tmp_path)
    monkeypatch.setattr(rules, "LESSONS", lessons)
    monkeypatch.setattr(rules, "NOTEBOOKS", sorted([*lessons, folder / "ball_evidence.ipynb"]))
    return folder


def test_a_chapter_is_its_lesson_and_its_evidence(house: Path) -> None:
    assert suite.chapter_notebooks("toys/ball") == [house / "ball.ipynb", house / "ball_evidence.ipynb"]
    assert suite.chapter_notebooks("toys/kite") == [house / "kite.ipynb"]
    assert suite.chapter_notebooks(None) == rules.NOTEBOOKS


@pytest.mark.usefixtures("house")
@pytest.mark.parametrize("chapter", ["toys/ball_evidence", "toys/top"])
def test_what_is_no_chapter_is_refused(chapter: str) -> None:
    with pytest.raises(SystemExit, match=f"CHAPTER is '{chapter}', expected one of toys/ball, toys/kite$"):
        suite.chapter_notebooks(chapter)
