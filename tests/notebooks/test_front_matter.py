"""Each lesson registers its chapter; its card tells a reader the same, and so does the README."""

import re

import contents
import front_matter
import notebook_rules as rules
import outline
import pytest
import release

import interpbook

ADDRESS, REF = release.repository(), release.ref(interpbook.__version__)

each_lesson = pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)


def card(path) -> str:
    """The text on top, without what makes it bold or slanted."""
    return rules.cells(rules.read(path), "markdown")[0].replace("*", "")


@each_lesson
def test_it_registers_a_chapter(path):
    assert front_matter.read(path).part == path.parent.name


@each_lesson
def test_the_heading_begins_with_the_title(path):
    assert card(path).startswith(f"# {front_matter.read(path).title}")


@each_lesson
def test_the_card_asks_the_question(path):
    (asked,) = re.findall(r"^The question\. (.+)$", card(path), re.MULTILINE)
    assert front_matter.read(path).question.lower() in asked.lower()


@each_lesson
def test_the_card_says_minutes_and_prerequisites(path):
    chapter = front_matter.read(path)
    (minutes, assumed) = re.findall(r"^Time (\d+) minutes · Prerequisites (.+?) · ", card(path), re.MULTILINE)[0]
    assert int(minutes) == chapter.minutes
    for name in chapter.prerequisites:
        assert (f"(../{name}.ipynb)" if name in chapter.chapters_before else name) in assumed


@each_lesson
def test_the_card_leads_to_colab(path):
    owner = ADDRESS.removeprefix("https://github.com/")
    address = f"https://colab.research.google.com/github/{owner}/blob/{REF}/notebooks/{path.parent.name}/{path.name}"
    assert f"[Open in Colab]({address})" in card(path)


def test_the_readme_lists_the_finished_chapters():
    text = (rules.ROOT / "README.md").read_text(encoding="utf-8")
    assert text == contents.readme_with_chapters(text, outline.read()), "the README's list is stale: `make readme`"
