"""A page says which release it belongs to, and a new version is written everywhere at once or nowhere."""

import copy
import shutil
from pathlib import Path

import notebook_rules as rules
import pytest
import yaml

import interpbook
from interpbook.page import executed

release = pytest.importorskip("release")
DAY = "2031-05-04"


@pytest.fixture
def house(tmp_path: Path, root: Path) -> Path:
    """A copy of everything that a release writes, with two chapters' pages."""
    pages = [*rules.NOTEBOOKS[:2], *root.glob("book/_template/notebooks/*/*.ipynb")]
    for path in [*pages, *(root / name for name in ("_config.yml", "CITATION.cff", "CHANGELOG.md"))]:
        target = tmp_path / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    (tmp_path / "interpbook").mkdir()
    shutil.copy(root / "interpbook" / "__init__.py", tmp_path / "interpbook")
    return tmp_path


def written(house: Path) -> dict[str, str]:
    return {str(path): path.read_text(encoding="utf-8") for path in house.rglob("*") if path.is_file()}


def publish(version: str, house: Path, day: str = DAY) -> None:
    release.write_version(version, day, house)
    release.write_pages(version, house)


def test_the_repository_is_of_one_version():
    assert release.complaints(interpbook.__version__) == []


@pytest.mark.parametrize("wrong", ["", "1.0", "v1.0.0", "1.0.0rc1", "1.0.0.dev1", "1.0.0\n"])
def test_what_is_no_version_is_refused(wrong):
    with pytest.raises(ValueError, match=r"VERSION is .* expected X\.Y\.Z"):
        release.ref(wrong)


def test_a_released_page_installs_its_release_and_opens_it_in_colab(house):
    publish("7.8.9", house)
    for path in house.rglob("*.ipynb"):
        page = rules.read(path)
        first, text = rules.cells(page, "code")[0], "\n".join(rules.cells(page, "markdown"))
        assert "git+https://github.com/interpbook/interpbook@v7.8.9\n" in first
        assert first.count('version="7.8.9"') == 1
        assert "/blob/main/" not in text
        assert ("/blob/v7.8.9/notebooks/" in text) != path.stem.endswith("_evidence")
    assert release.complaints("7.8.9", house) == []


def test_no_page_has_to_run_again_for_a_release(house):
    lesson = next(house.glob("notebooks/*/*.ipynb"))
    assert not executed.is_stale(lesson)
    before = copy.deepcopy(rules.read(lesson))
    publish("7.8.9", house)
    assert not executed.is_stale(lesson)
    after = rules.read(lesson)
    assert [cell["source"] for cell in after["cells"][2:]] == [cell["source"] for cell in before["cells"][2:]]
    assert after["metadata"] == before["metadata"]
    assert "".join(after["cells"][1]["outputs"][0]["data"]["text/plain"]).startswith("interpbook 7.8.9 · torch")


@pytest.mark.parametrize("edit", [("seed=0", "seed=1"), ("page.start", "print(); page.start")])
def test_what_else_changes_in_the_first_cell_counts(house, edit):
    lesson = next(house.glob("notebooks/*/*.ipynb"))
    lesson.write_text(lesson.read_text(encoding="utf-8").replace(*edit), encoding="utf-8")
    assert executed.is_stale(lesson)


def test_a_release_can_be_repeated_on_another_day(house):
    publish("7.8.9", house)
    once = written(house)
    publish("7.8.9", house, "2031-06-01")
    assert written(house) == once


def test_after_a_release_comes_the_next_one(house):
    publish("7.8.9", house)
    publish("7.9.0.dev0", house)
    assert release.complaints("7.9.0.dev0", house) == []
    log = (house / "CHANGELOG.md").read_text(encoding="utf-8")
    assert log.index("## Unreleased") < log.index(f"## 7.8.9 - {DAY}")
    assert "date-released" not in yaml.safe_load((house / "CITATION.cff").read_text(encoding="utf-8"))
    publish("7.9.0", house, "2031-07-01")
    assert "date-released: 2031-07-01\n" in (house / "CITATION.cff").read_text(encoding="utf-8")


def test_without_a_list_of_changes_nothing_is_written(house):
    log = house / "CHANGELOG.md"
    log.write_text(log.read_text(encoding="utf-8").replace("## Unreleased", "## Later"), encoding="utf-8")
    before = written(house)
    with pytest.raises(ValueError, match=r"no list .## Unreleased. to release as 7\.8\.9"):
        publish("7.8.9", house)
    assert written(house) == before


@pytest.mark.parametrize(
    ("file", "old", "new", "complaint"),
    [
        ("CITATION.cff", "version: 7.8.9", "version: 7.8.8", "CITATION.cff cites 7.8.8, and the package is 7.8.9"),
        ("CITATION.cff", f"date-released: {DAY}", "date-released: 2031-05-05", "no list '## 7.8.9 - 2031-05-05'"),
        ("CHANGELOG.md", f"## 7.8.9 - {DAY}", "## 7.8.9", f"no list '## 7.8.9 - {DAY}'"),
        ("book/_template/notebooks/PART/CHAPTER.ipynb", "@v7.8.9", "@main", "CHAPTER.ipynb is no page of 7.8.9"),
    ],
)
def test_what_parts_from_a_release_is_named(house, file, old, new, complaint):
    publish("7.8.9", house)
    path = house / file
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    [found] = release.complaints("7.8.9", house)
    assert complaint in found
