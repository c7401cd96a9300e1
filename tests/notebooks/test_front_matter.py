"""Each notebook registers itself, and its card tells a reader the same."""

import re

import front_matter
import notebook_rules as rules
import pytest
import yaml

ADDRESS = yaml.safe_load((rules.ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]

pytestmark = pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)


def card(path) -> str:
    """The text on top, without what makes it bold or slanted."""
    return rules.cells(rules.read(path), "markdown")[0].replace("*", "")


def test_it_registers_a_chapter(path):
    assert front_matter.read(path).part == path.parent.name


def test_the_heading_begins_with_the_title(path):
    assert card(path).startswith(f"# {front_matter.read(path).title}")


def test_the_card_asks_the_question(path):
    (asked,) = re.findall(r"^The question\. (.+)$", card(path), re.MULTILINE)
    assert front_matter.read(path).question.lower() in asked.lower()


def test_the_card_says_minutes_and_prerequisites(path):
    chapter = front_matter.read(path)
    (minutes, assumed) = re.findall(r"^Time (\d+) minutes · Prerequisites (.+?) · ", card(path), re.MULTILINE)[0]
    assert int(minutes) == chapter.minutes
    for name in chapter.prerequisites:
        assert (f"(../{name}.ipynb)" if name in chapter.chapters_before else name) in assumed


def test_the_card_leads_to_colab(path):
    owner = ADDRESS.removeprefix("https://github.com/")
    address = f"https://colab.research.google.com/github/{owner}/blob/main/notebooks/{path.parent.name}/{path.name}"
    assert f"[Open in Colab]({address})" in card(path)
