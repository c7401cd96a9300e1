"""`make chapter`: what is laid passes the checks as it is; what cannot be laid leaves nothing behind."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import front_matter
import lay
import notebook_rules as rules
import pytest
import terms


@pytest.fixture
def house(root, tmp_path) -> Path:
    """A repository with the template and one chapter, `toys/ball`."""
    shutil.copytree(root / lay.TEMPLATE, tmp_path / lay.TEMPLATE)
    lay.lay("toys/ball", tmp_path)
    return tmp_path


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in found}


@pytest.mark.parametrize("name", ["toys/kite", "board_games/go_9x9"])
def test_a_chapter_has_one_path_and_edits_nothing(house, name):
    before = files(house)
    written = lay.lay(name, house)
    after = files(house)
    assert {str(path.relative_to(house)) for path in written} == after.keys() - before.keys()
    assert {name: after[name] for name in before} == before
    part, chapter = name.split("/")
    inside = [
        path for path in map(str, after.keys() - before.keys()) if path != f"interpbook/chapters/{part}/__init__.py"
    ]
    assert all(name in path for path in inside), inside
    assert not any(
        word in text for path in inside for word in ("PART", "CHAPTER", "TITLE") for text in (path, after[path])
    )
    laid = front_matter.read(house / "notebooks" / f"{name}.ipynb")
    assert (laid.path, laid.part, laid.status) == (name, part, "draft")
    assert laid.title == chapter.replace("_", " ").capitalize()
    assert laid.pages == (name, f"{name}_evidence")
    assert [chapter.path for chapter in front_matter.read_all(house / "notebooks")] == sorted(["toys/ball", name])


def test_a_laid_lesson_and_its_evidence_are_as_the_rules_want_them(house):
    lesson = house / "notebooks" / "toys" / "ball.ipynb"
    assert rules.evidence_complaints(lesson) == []
    assert rules.too_much_for_a_sitting(rules.read(lesson)) == []


def test_every_laid_chapter_brings_a_term_of_its_own(house):
    lay.lay("board_games/go_9x9", house)
    found = terms.collect(house)
    assert [term.chapter.path for term in found] == ["toys/ball", "board_games/go_9x9"]
    assert [term.names for term in found] == [("example function of Ball",), ("example function of Go 9x9",)]


def test_a_page_of_evidence_is_no_chapter(house):
    before = files(house)
    with pytest.raises(ValueError, match=r"^NAME is 'toys/kite_evidence', expected the name of a chapter; its page of"):
        lay.lay("toys/kite_evidence", house)
    assert files(house) == before


@pytest.mark.parametrize(
    "name",
    ["", "kite", "toys/", "/kite", "Toys/kite", "toys/2kite", "toys/a-kite", "toys/class", "../toys/kite", "a/b/c"],
)
def test_a_name_that_is_no_path_is_refused(house, name):
    before = files(house)
    with pytest.raises(ValueError, match=r"^NAME is .*, expected part/chapter in small letters"):
        lay.lay(name, house)
    assert files(house) == before


@pytest.mark.parametrize("name", ["page/kite", "models/kite", "chapters/kite"])
def test_a_part_is_no_shared_subpackage(house, name):
    before = files(house)
    with pytest.raises(ValueError, match=r"^NAME is .*, expected a part of the book; \w+ is a subpackage that all"):
        lay.lay(name, house)
    assert files(house) == before


@pytest.mark.parametrize("name", ["toys/ball", "games/ball"])
def test_a_chapter_that_is_there_is_left_alone(house, name):
    before = files(house)
    with pytest.raises(ValueError, match=r"^NAME is .* notebooks/toys/ball\.ipynb has that name; .*make notebooks"):
        lay.lay(name, house)
    assert files(house) == before


@pytest.fixture
def copy(root, tmp_path) -> Path:
    """The repository as it is now, committed, with the environment that runs this test as if it were its own."""
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    known = subprocess.run(listed, cwd=root, capture_output=True, text=True, check=True).stdout.splitlines()
    for file in (root / name for name in known if (root / name).is_file()):
        target = tmp_path / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    git = ["git", "-c", "user.name=Anyone", "-c", "user.email=anyone@example.org", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "As it is"]):
        subprocess.run([*git, *command], cwd=tmp_path, check=True)
    (tmp_path / ".venv").mkdir()
    for inside in Path(sys.prefix).iterdir():
        if not inside.name.startswith(".installed"):
            (tmp_path / ".venv" / inside.name).symlink_to(inside)
    # Newer than pyproject.toml: make must not install the copy.
    for extra in ("test", "book"):
        (tmp_path / ".venv" / f".installed-{extra}").touch()
    return tmp_path


@pytest.mark.slow
@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason="needs an environment of its own")
def test_what_is_laid_passes_the_checks_as_it_is(copy):
    """In a part that is new: laid, run and checked by the Makefile's own commands."""
    settings = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MAKE"))}
    settings["PYTHONPATH"] = str(copy)
    for command in (["make", "chapter", "NAME=new_part/new_chapter"], ["make", "check"]):
        done = subprocess.run(command, cwd=copy, env=settings, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    changed = subprocess.run(["git", "status", "--porcelain"], cwd=copy, capture_output=True, text=True).stdout
    assert all(line.startswith("??") and "new_part/" in line for line in changed.splitlines()), changed
