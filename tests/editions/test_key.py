"""The answer key: tasks, solutions and what checks accept and refuse; made when asked for, and not in the book."""

import re
from pathlib import Path

import lesson
import mistakes
import outline
import pytest

key = pytest.importorskip("key")

CHAPTER = next(
    chapter for part in outline.read() for chapter in part.chapters if chapter.path == "attribution/fullgrad"
)
QUIZ = [
    {
        "question": "What is $2 + 2$?",
        "options": [
            {"text": "Four.", "right": True, "because": "it is"},
            {"text": "Five.", "because": "it is not", "from": "misconception 2"},
        ],
        "section": "A start",
    }
]


@pytest.fixture(scope="module")
def own() -> list[lesson.Exercise]:
    return lesson.exercises(lesson.cells(CHAPTER.path))


@pytest.fixture
def page(without_shape_checks, own) -> str:
    return key.page(CHAPTER, own, mistakes.mistakes(CHAPTER.path), QUIZ)


def test_every_task_solution_and_proof_is_there(page, own):
    plain = re.sub(r"<[^>]+>", "", page)
    for exercise in own:
        assert f"{exercise.number}. {exercise.title.split(':')[0]}" in plain
        assert exercise.is_project == (not exercise.solution)
    assert "Correct: what batch norm gives to an input of zero" in plain
    assert plain.count("Key.") == sum(cell["cell_type"] == "markdown" for each in own for cell in each.solution)
    assert "<details" not in page


def test_what_is_accepted_and_refused_is_named_with_all_hints(page, own):
    for name in (name for exercise in own for name in exercise.checks):
        assert f"<code>{name}</code>" in page
        assert all(title in page for title in mistakes.stored(CHAPTER.path, "RIGHT")[name])
    assert "<td>the mean is added; left in training, and the sign</td>" in page
    assert "sign is wrong: batch norm subtracts the mean</li>" in page


def test_the_quiz_is_answered_where_there_is_one(page, own):
    assert re.search(r"Four\. <em><strong>Right\.</strong></em> it is", page)
    assert re.search(r"Five\. <em>Wrong\.</em> it is not \(from misconception 2\)", page)
    assert "The quiz" not in key.page(CHAPTER, own[:1], {}, [])


def test_it_is_written_for_every_chapter_and_nothing_is_left(monkeypatch, tmp_path, root):
    (tmp_path / "book").mkdir()
    for name in ("book/parts.yml", "notebooks", "book/parts"):
        (tmp_path / name).symlink_to(root / name)
    (tmp_path / key.MATHJAX).mkdir(parents=True)
    old = tmp_path / key.FOLDER / "toys" / "old.html"
    old.parent.mkdir(parents=True)
    old.touch()
    monkeypatch.setattr(mistakes, "mistakes", lambda path: {})
    written = [str(path.relative_to(tmp_path / key.FOLDER)) for path in key.write(tmp_path)]
    assert written == [f"{chapter.path}.html" for part in outline.read() for chapter in part.chapters]
    assert not old.exists()


def test_the_book_has_no_key(root: Path):
    """Neither among its pages nor by what makes it: only `make key` writes one."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"^(\w+):.*\n(?:\t.*\n)*?\t.*key\.py", makefile, re.MULTILINE) == ["key"]
    assert not re.search(r"^(?!key\b)\w+:.*\bkey\b", re.sub(r"##.*", "", makefile), re.MULTILINE)
    assert not key.FOLDER.startswith("_build/html")


def test_the_built_book_has_no_key(site: Path):
    assert not [page for page in site.rglob("*.html") if "Refused by" in page.read_text(encoding="utf-8")]


@pytest.mark.slow
def test_formulas_are_set_without_a_network(page, visit, tmp_path, root):
    (tmp_path / "mathjax").symlink_to(root / key.MATHJAX)
    (tmp_path / "attribution").mkdir()
    html = tmp_path / "attribution" / "fullgrad.html"
    html.write_text(page, encoding="utf-8")
    here = visit()
    tab = here.open(html.as_uri())
    tab.wait_for_selector("mjx-container")
    assert tab.locator("mjx-container").count() > 20
    assert tab.locator("mjx-merror").count() == 0
    assert tab.evaluate("document.body.innerText.includes('$')") is False
    assert here.troubles == []
