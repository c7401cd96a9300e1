"""Which tests `make check` runs."""

import subprocess
from pathlib import Path

import changed
import pytest


@pytest.mark.parametrize(
    ("file", "places"),
    [
        ("interpbook/density/sampling.py", ["interpbook/density", "tests/density"]),
        ("interpbook/training.py", ["interpbook/training.py", "tests/test_training.py"]),
        ("interpbook/page/explore/views.py", ["interpbook/page/explore", "tests/page/explore"]),
        ("interpbook/page/static/views.js", ["interpbook/page/static", "tests/page"]),
        ("tests/density/test_sampling.py", ["tests/density/test_sampling.py"]),
        ("tests/page/conftest.py", ["tests/page"]),
        ("tests/test_tree.py", []),
        ("notebooks/attribution/fullgrad.ipynb", ["tests/page/exercises/attribution"]),
        ("README.md", []),
    ],
)
def test_the_places_beside_a_file(file: str, places: list[str]) -> None:
    assert changed.places_beside([file]) == [*changed.ALWAYS, *places]


def test_a_folder_stands_for_what_is_inside() -> None:
    files = ["interpbook/page/claims.py", "interpbook/page/explore/views.py", "tests/page/test_claims.py"]
    assert changed.places_beside(files) == [*changed.ALWAYS, "interpbook/page", "tests/page"]


def test_the_tests_of_a_chapter() -> None:
    found = changed.places_of_chapter("attribution/fullgrad")
    assert "tests/attribution/test_fullgrad.py" in found
    assert "interpbook/attribution/fullgrad.py" in found
    assert "tests/page/exercises/attribution" in found


def test_changed_files_are_those_since_a_commit(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        settings = ["-c", "user.name=nobody", "-c", "user.email=nobody@example.org"]
        command = ["git", *settings, *arguments]
        return subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q", "-b", "main")
    for name in ("kept", "edited", "deleted"):
        (tmp_path / name).write_text("before")
    git("add", ".")
    git("commit", "-q", "-m", "start")
    first = git("rev-parse", "HEAD")
    (tmp_path / "edited").write_text("after")
    (tmp_path / "deleted").unlink()
    (tmp_path / "new").write_text("")
    assert changed.files(root=tmp_path) == ["edited", "new"]
    git("add", ".")
    git("commit", "-q", "-m", "change")
    assert changed.files(root=tmp_path) == []
    assert changed.files(first, root=tmp_path) == ["edited", "new"]
