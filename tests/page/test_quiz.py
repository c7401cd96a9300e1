"""The quiz of a chapter: its file is checked with clear errors, and in the page it marks itself."""

import copy
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from browser import page_of

from interpbook.output import blocks
from interpbook.page import questions, quiz, registry
from interpbook.page.quiz import as_html, section_id

WHY = ["It is **too small**.", "Because $2 \\le 2$.", "That is `3 < 2`."]
# The right option is the second of every question.
TOY = [
    {
        "question": f"What is $1+1$, asked for time {number}?",
        "options": [
            {"text": "one", "because": WHY[0], "from": 'toy/"the first number"'},
            {"text": "$2$", "because": WHY[1], "right": True},
            {"text": "three <b>", "because": WHY[2], "from": "misconception 2"},
        ],
        "section": "A sum's value",
    }
    for number in range(1, 6)
]


def written(folder: Path, entries: object) -> Path:
    """The file of a chapter `part/toy`."""
    file = folder / "part" / "toy" / "quiz.yml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(entries if isinstance(entries, str) else yaml.safe_dump(entries), encoding="utf-8")
    return file


def changed(change: Callable[[list[dict]], object]) -> list[dict]:
    """The toy questions after a change."""
    entries = copy.deepcopy(TOY)
    change(entries)
    return entries


def first(entries: list[dict], option: int | None = None) -> dict:
    """The first question, or one of its options."""
    return entries[0] if option is None else entries[0]["options"][option]


REFUSED = {
    "no list": ({"question": "?"}, r"^part/toy/quiz.yml holds a dict, expected a list of 5 questions"),
    "no YAML": ("- text: $a: b$", r"is not YAML; expected text with a colon"),
    "four": (TOY[:4], r"quiz.yml holds 4 questions, expected 5"),
    "no section": (changed(lambda e: first(e).pop("section")), r"question 1: missing keys: section; unknown: none"),
    "a typing error": (changed(lambda e: first(e, 2).update(becuase="?")), r"option C: .*unknown: becuase"),
    "no reason": (changed(lambda e: first(e, 0).pop("because")), r"question 1: option A: missing keys: because"),
    "an empty reason": (changed(lambda e: first(e, 0).update(because=" ")), r"option A: because is ' ', expected text"),
    "a number": (changed(lambda e: first(e, 1).update(text=2)), r"option B: text is 2, expected text \(in quotes"),
    "two options": (changed(lambda e: first(e)["options"].pop()), r"options is 2 entries, expected a list of 3 to 5"),
    "words for options": (changed(lambda e: first(e).update(options="a, b")), r"options is 'a, b', expected a list"),
    "none right": (changed(lambda e: first(e, 1).pop("right")), r"question 1: 0 options have right: true"),
    "two right": (
        changed(lambda e: first(e, 2).update(right=True) or first(e, 2).pop("from")),
        r"2 options have right",
    ),
    "right: false": (changed(lambda e: first(e, 0).update(right=False)), r"option A: right is False, expected true"),
    "alike": (changed(lambda e: first(e, 0).update(text="$2$")), r"two options have the same text"),
    "a right mistake": (changed(lambda e: first(e, 1).update({"from": "trap 1"})), r"option B: from is there beside"),
    "from nowhere": (
        changed(lambda e: first(e, 0).update({"from": "a guess"})),
        r"option A: from is 'a guess', expected",
    ),
    "no option": (changed(lambda e: first(e)["options"].append("four")), r"option D: expected the keys .*, got 'four'"),
}


@pytest.mark.parametrize(("entries", "words"), REFUSED.values(), ids=REFUSED)
def test_a_malformed_file_says_where_and_what(tmp_path, entries, words):
    with pytest.raises(ValueError, match=words):
        questions.read(written(tmp_path, entries))


def test_what_is_read_is_what_was_written(tmp_path):
    asked = questions.read(written(tmp_path, TOY))
    assert [question.right for question in asked] == [1] * 5
    assert [option.source for option in asked[0].options] == ['toy/"the first number"', "", "misconception 2"]
    assert [option.because for option in asked[4].options] == WHY


@pytest.fixture
def toy(tmp_path, monkeypatch) -> Path:
    monkeypatch.setattr(registry, "CHAPTERS", tmp_path)
    return written(tmp_path, TOY)


def test_a_chapter_without_quiz_is_an_error_that_names_those_near_it(toy):
    with pytest.raises(KeyError, match=r"no quiz\.yml for a chapter 'toys'; near it: toy"):
        quiz("toys")


def test_a_cell_shows_the_same_every_time_and_says_what_it_is(toy, shown):
    quiz("toy")
    quiz("toy")
    one, two = shown.outputs
    assert one.data == two.data
    assert one.metadata == {"interpbook": {"quiz": "toy"}}
    assert "B. 2" in one.data["text/plain"]
    assert "Because" not in one.data["text/plain"]


def test_its_scripts_and_styles_are_renewed_with_those_of_figures(toy):
    page = as_html(questions.read(toy))
    assert re.findall(r'data-files="([^"]*)"', page) == ["page/static/quiz.css", "page/static/quiz.js"]
    assert blocks.renewed(blocks.emptied(page)) == page


def test_a_section_is_called_as_in_the_book():
    docutils = pytest.importorskip("docutils.nodes")
    for heading in ("A sum's value", "Two wishes, and a walk round a circle", "PGD: 3 steps?", 'The "best" map'):
        curly = heading.replace("'", "’").replace(' "', " “").replace('"', "”")
        assert section_id(heading) == docutils.make_id(curly)


# --- in a browser ---


@pytest.fixture(scope="module")
def html(tmp_path_factory) -> Path:
    """Two copies of a quiz on a page, with the section that it leads to between them."""
    folder = tmp_path_factory.mktemp("quiz")
    output = as_html(questions.read(written(folder, TOY)))
    page = folder / "page.html"
    heading = f'<h2 id="{section_id(TOY[0]["section"])}" style="margin-top: 2000px">A sum’s value</h2>'
    page.write_text(
        page_of('<meta name="viewport" content="width=device-width"><main>', output, heading, output, "</main>"),
        encoding="utf-8",
    )
    return page


def keys(tab, *names: str) -> None:
    for name in names:
        tab.keyboard.press(name)


def said(tab) -> list[str]:
    """What a screen reader has been told, question by question, in the first copy."""
    return tab.locator(".ib-quiz").first.locator(".ib-said[role=status]").all_text_contents()


def test_it_is_answered_by_keyboard_and_explains_the_choice(opened):
    tab = opened()
    keys(tab, "Tab", "Tab", "Enter")
    assert said(tab)[0] == "Choose an answer first."
    keys(tab, "Shift+Tab", "Space", "Tab", "Enter")
    assert said(tab)[0] == "Not this one. It is too small. Choose again. Section: A sum's value"
    assert not tab.get_by_text("Answers to question 1").first.is_visible()
    keys(tab, "Shift+Tab", "ArrowDown")
    assert said(tab)[0] == ""
    keys(tab, "Enter")
    assert said(tab)[0] == "Right. Because 2 ≤ 2. Section: A sum's value"
    assert tab.get_by_text("Answers to question 1").first.is_visible()
    assert said(tab)[1:] == [""] * 4


def test_the_score_counts_first_tries_and_can_begin_again(opened):
    tab = opened()
    copy, other = tab.locator(".ib-quiz").first, tab.locator(".ib-quiz").nth(1)
    score, again = copy.locator(".ib-score[role=status]"), copy.get_by_role("button", name="Begin again")
    assert not again.is_visible()
    other.get_by_role("radio").first.check()
    for place, choices in enumerate(([0, 1], [1], [2, 0, 1], [1, 0], [1])):
        assert score.inner_text() == ""
        box = copy.locator(".ib-question").nth(place)
        for choice in choices:
            box.get_by_role("radio").nth(choice).check()
            box.get_by_role("button").click()
    assert score.inner_text() == "3 of 5 right at the first try."
    assert other.locator(":checked").count() == 1
    again.click()
    assert (score.inner_text(), copy.locator(":checked").count(), said(tab)) == ("", 0, [""] * 5)
    assert tab.evaluate("document.activeElement.type") == "radio"
    assert not copy.locator("details").first.is_visible()


@pytest.mark.parametrize("address", [section_id(TOY[0]["section"]), "in-JupyterLab"])
def test_its_links_lead_to_the_section(opened, address):
    tab = opened()
    tab.locator("h2").evaluate('(h2, id) => Object.assign(h2, {id, textContent: "A sum\'s value¶"})', address)
    keys(tab, "Tab", "Space", "Enter")
    tab.get_by_role("link", name="A sum's value").first.click()
    assert tab.locator("h2").evaluate("e => Math.abs(e.getBoundingClientRect().top)") < 2


def test_in_a_frame_of_its_own_it_works_and_links_nowhere(opened, html, tmp_path):
    frame = html.read_text(encoding="utf-8").partition("<h2")[0].replace("&", "&amp;").replace('"', "&quot;")
    tab = opened()
    tab.set_content(f'<iframe sandbox="allow-scripts" width="800" height="900" srcdoc="{frame}"></iframe>')
    inside = tab.frame_locator("iframe")
    inside.get_by_role("radio").first.check()
    inside.get_by_role("button", name="Check").first.click()
    assert inside.get_by_role("status").first.inner_text().startswith("Not this one.")
    assert inside.get_by_role("link").count() == 0


# The contrast of every text with what is behind it, half-transparent grounds laid over each other.
CONTRASTS = """root => {
    const channel = value => { const c = value / 255; return c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4 };
    const luminance = ([r, g, b]) => .2126 * channel(r) + .7152 * channel(g) + .0722 * channel(b);
    const numbers = color => color.match(/[\\d.]+/g).map(Number);
    const behind = node => {
        if (!node) return numbers(getComputedStyle(document.body).backgroundColor);
        const [r, g, b, a = 1] = numbers(getComputedStyle(node).backgroundColor);
        const under = a < 1 && behind(node.parentElement);
        return a < 1 ? [r, g, b].map((value, k) => a * value + (1 - a) * under[k]) : [r, g, b];
    };
    return [...root.querySelectorAll("legend, .ib-option, button, .ib-said, .ib-score, summary, li, p")].map(node => {
        const [text, page] = [numbers(getComputedStyle(node).color), behind(node)].map(luminance);
        return (Math.max(text, page) + .05) / (Math.min(text, page) + .05);
    });
}"""


@pytest.mark.parametrize(("text", "ground"), [("#23282c", "#fdfdfc"), ("#d8dde1", "#14181e")], ids=["light", "dark"])
def test_it_can_be_read_in_light_and_dark(opened, text, ground):
    tab = opened()
    tab.evaluate(
        "([text, ground]) => Object.assign(document.body.style, {color: text, background: ground})", [text, ground]
    )
    for choice, box in enumerate(tab.locator(".ib-question").all()[:2]):
        box.get_by_role("radio").nth(choice).check()
        box.get_by_role("button").click()
    assert min(tab.locator(".ib-quiz").first.evaluate(CONTRASTS)) >= 4.5


def test_the_focus_is_seen(opened):
    tab = opened()
    for _ in range(2):
        keys(tab, "Tab")
        assert tab.evaluate("parseFloat(getComputedStyle(document.activeElement).outlineWidth)") >= 2


def test_without_scripts_answers_are_folded_and_formulas_can_be_read(opened):
    tab = opened(java_script_enabled=False)
    copy = tab.locator(".ib-quiz").first
    assert copy.get_by_role("button").count() == 0
    assert "1+1" in copy.locator("legend").first.inner_text()
    answer = copy.get_by_text("Because 2 ≤ 2.").first
    assert not answer.is_visible()
    copy.get_by_text("Answers to question 1").click()
    assert answer.is_visible()


def test_on_paper_boxes_are_empty_and_answers_stand_after_the_questions(opened):
    tab = opened()
    copy = tab.locator(".ib-quiz").first
    copy.get_by_role("radio").nth(1).check()
    copy.get_by_role("button", name="Check").first.click()
    tab.emulate_media(media="print")
    last = copy.locator(".ib-question").nth(4).bounding_box()
    for answers in copy.locator(".ib-because").all():
        assert answers.bounding_box()["y"] >= last["y"] + last["height"]
        assert answers.locator("li").first.bounding_box()["height"] > 10
    assert copy.locator("button:visible, .ib-said:visible, .ib-score:visible").count() == 0
    assert copy.locator("input").nth(1).evaluate("e => getComputedStyle(e).appearance") == "none"
    assert copy.locator(".ib-option").nth(1).evaluate("e => getComputedStyle(e, '::after').content") == "none"


def test_a_finger_finds_the_options_and_nothing_scrolls_sideways_on_a_phone(opened):
    tab = opened(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    assert all(option.bounding_box()["height"] >= 44 for option in tab.locator(".ib-option").all()[:3])
    assert tab.evaluate("document.documentElement.scrollWidth") <= 320


def test_where_formulas_are_typeset_they_are_written_as_tex(opened, html):
    tab = opened()
    tab.add_init_script("window.MathJax = {}")
    tab.reload()
    assert tab.locator("legend .math").first.inner_text() == r"\(1+1\)"
