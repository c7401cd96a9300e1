"""Which tests `make check` runs."""

import subprocess
from pathlib import Path

import changed
import pytest

FULLGRAD = [
    "interpbook/chapters/attribution/fullgrad",
    "tests/chapters/attribution/fullgrad",
    "tests/chapters/test_exercises.py",
]


@pytest.mark.parametrize(
    ("file", "places"),
    [
        ("interpbook/density/sampling.py", ["interpbook/density", "tests/density"]),
        ("interpbook/equality.py", ["interpbook/equality.py", "tests/test_equality.py"]),
        ("interpbook/explore/views.py", ["interpbook/explore", "tests/explore"]),
        ("interpbook/explore/static/views.js", ["interpbook/explore/static", "tests/explore"]),
        ("interpbook/page/exercises/answers.py", ["interpbook/page/exercises", "tests/page"]),
        ("tests/density/test_sampling.py", ["tests/density/test_sampling.py"]),
        ("tests/page/conftest.py", ["tests/page"]),
        ("tests/test_tree.py", []),
        ("notebooks/attribution/fullgrad.ipynb", FULLGRAD),
        ("notebooks/attribution/fullgrad_evidence.ipynb", FULLGRAD),
        ("interpbook/chapters/attribution/fullgrad/claims.yml", FULLGRAD),
        ("interpbook/chapters/attribution/fullgrad/exercises/one.py", FULLGRAD),
        ("tests/chapters/attribution/fullgrad/answers.py", FULLGRAD),
        (
            "tests/chapters/attribution/function_approximation/test_known_values.py",
            ["tests/chapters/attribution/function_approximation/test_known_values.py"],
        ),
        ("interpbook/chapters/__init__.py", ["interpbook/chapters", "tests/chapters"]),
        ("notebooks/no_such_part/no_such_chapter.ipynb", ["tests/chapters/test_exercises.py"]),
        ("README.md", []),
    ],
)
def test_the_places_beside_a_file(file: str, places: list[str]) -> None:
    assert changed.places_beside([file]) == [*changed.ALWAYS, *places]


def test_a_folder_stands_for_what_is_inside() -> None:
    files = ["interpbook/page/claims.py", "interpbook/page/exercises/answers.py", "tests/page/test_claims.py"]
    assert changed.places_beside(files) == [*changed.ALWAYS, "interpbook/page", "tests/page"]


@pytest.mark.parametrize("notebook", changed.rules.LESSONS, ids=lambda path: path.stem)
def test_the_tests_of_a_chapter_are_its_own_and_those_of_its_part(notebook: Path) -> None:
    part, name = notebook.parent.name, notebook.stem
    found = changed.places_of_chapter(f"{part}/{name}")
    assert {f"interpbook/chapters/{part}/{name}", f"tests/chapters/{part}/{name}"} <= {*found}
    library = changed.rules.ROOT / "interpbook" / part
    assert (f"interpbook/{part}" in found) == (f"tests/{part}" in found) == library.is_dir()
    assert all((changed.rules.ROOT / place).exists() for place in found)


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
