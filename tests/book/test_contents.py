"""What is made from the notebooks' front matter: the table of contents, the reference, the README's list."""

import contents
import outline
import pytest
import yaml
from front_matter import Chapter
from outline import Part


def chapter(path: str, status: str = "finished") -> Chapter:
    return Chapter(path, path.title(), path.split("/")[0], "Why?", 10, (), status)


TOYS = Part("toys", "Toys", chapters=(chapter("toys/ball"), chapter("toys/kite", "draft")))
EMPTY = Part("games", "Games", planned=("Chess",))


def files(entries: list[dict]) -> list[str]:
    return [name for entry in entries for name in (entry["file"], *files(entry.get("sections", [])))]


def test_the_contents_list_every_notebook_once_in_its_part(notebooks, root):
    parts = contents.table_of_contents(outline.read(), [])["parts"]
    listed = [name for part in parts for name in files(part["chapters"]) if name.startswith("notebooks/")]
    assert sorted(listed) == [str(path.relative_to(root).with_suffix("")) for path in notebooks]


def test_drafts_are_in_the_contents_and_parts_without_a_chapter_are_not():
    table = contents.table_of_contents([TOYS, EMPTY], ["functions"])
    by_caption = {part["caption"]: files(part["chapters"]) for part in table["parts"]}
    assert by_caption["Toys"] == ["notebooks/toys/ball", "notebooks/toys/kite"]
    assert "Games" not in by_caption
    assert "book/api/functions" in by_caption["Behind the pages"]


def test_evidence_is_listed_under_its_lesson_and_nowhere_else():
    ball = Chapter("toys/ball", "Ball", "toys", "Why?", 10, (), "finished", evidence=True)
    table = contents.table_of_contents([Part("toys", "Toys", chapters=(ball, chapter("toys/kite")))], [])
    assert table["parts"][1]["chapters"] == [
        {"file": "notebooks/toys/ball", "sections": [{"file": "notebooks/toys/ball_evidence"}]},
        {"file": "notebooks/toys/kite"},
    ]
    around = f"{contents.BEGIN}\n{contents.END}"
    assert "evidence" not in contents.readme_with_chapters(around, [Part("toys", "Toys", chapters=(ball,))])


@pytest.fixture
def house(tmp_path):
    """A repository without notebooks, with two packages that no list names."""
    for package in ("toys", "board_games", "checks"):
        (tmp_path / "interpbook" / package).mkdir(parents=True)
        (tmp_path / "interpbook" / package / "__init__.py").touch()
    (tmp_path / "book" / "api").mkdir(parents=True)
    (tmp_path / "book" / "parts.yml").write_text("- {name: toys, title: The toys}", encoding="utf-8")
    return tmp_path


def test_a_new_part_has_a_page_of_reference(house):
    pages = contents.reference([TOYS, Part("no_package", "No package")], house)
    assert list(pages)[:2] == ["toys", "board_games"]
    assert not {"no_package", "checks"} & set(pages)
    assert pages["toys"].startswith("# Toys\n")
    assert "[Toys/Ball](../../notebooks/toys/ball.ipynb)" in pages["toys"]
    assert pages["board_games"].startswith("# Board games\n")
    assert "[board_games](board_games.md)" in pages["index"]


def test_nothing_is_left_of_a_part_that_is_gone(house):
    gone = house / "book" / "api" / "gone.md"
    gone.touch()
    contents.write_for_the_builder(house)
    assert not gone.exists()
    table = yaml.safe_load((house / "_toc.yml").read_text(encoding="utf-8"))
    listed = [name for part in table["parts"] for name in files(part["chapters"]) if name.startswith("book/api/")]
    assert {f"{name}.md" for name in listed} == {
        f"book/api/{path.name}" for path in (house / "book" / "api").glob("*.md")
    }


def test_the_readme_s_list_is_replaced_and_nothing_else():
    around = f"before\n{contents.BEGIN}\n%s{contents.END}\nafter\n"
    once = contents.readme_with_chapters(around % "- an old one\n", [TOYS, EMPTY])
    assert once == around % "\n- [Toys/Ball](notebooks/toys/ball.ipynb) (toys). Why?\n\n"
    assert contents.readme_with_chapters(once, [TOYS, EMPTY]) == once


@pytest.mark.parametrize(
    "text", ["no list", contents.BEGIN, contents.END + contents.BEGIN, 2 * contents.BEGIN + contents.END]
)
def test_a_readme_without_a_place_for_the_list_is_refused(text):
    with pytest.raises(ValueError, match="has not the two lines"):
        contents.readme_with_chapters(text, [TOYS])
