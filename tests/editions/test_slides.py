"""Slides: what a lesson puts on them, and the decks in a browser, opened from the disk, with figures that live."""

import functools
import re
import shutil
from pathlib import Path

import nbformat
import notebook_rules as rules
import pytest
from bs4 import BeautifulSoup
from live_in_browser import LISTEN, Live
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from interpbook.page.refresh import refresh

front_matter = pytest.importorskip("front_matter")
lesson_slides = pytest.importorskip("lesson_slides")
slides = pytest.importorskip("slides")

each_lesson = pytest.mark.parametrize("path", rules.LESSONS, ids=lambda path: path.stem)

CARD = """# Toy: a ball

<div class="ib-card">

**The question.** Does it *roll*?

**The surprise.** It does.

**You will be able to** roll it.

</div>"""
TEXT = """## On a plane

One sentence. Another with $a. b$. A third. A fourth, and

$$c=d,$$

where $c$ is it. No more.

**Theorem 1.** Let it roll. Then

1. it goes on.

If not, then not.

*Proof.* By hand:

$$hidden$$

Done. $\\square$

A plain paragraph. Three things:

- **One.** Two. Three. Four.
- [Figure 1](#figure-1) ([evidence](toy_evidence.ipynb)) and [the ledger](../claims.md).

**Not everywhere.** First. Second. Third."""
EXERCISES = """## Exercises

Work.

**1. Roll it** (★, 5 minutes). Roll the ball.

(a) Twice.

**2. Prove: it stops** (★★, 9 minutes). On paper."""
CLAIM = (
    '<style>x</style><div class="ib-claim ib-holds"><details><summary><span class="ib-sentence">It rolls.</span> '
    '<span class="ib-badge">✓ holds</span></summary><dl><dt>An opponent would say</dt><dd>Not <i>mine</i>.</dd></dl>'
    "</details></div>"
)
QUIZ = (
    '<div class="ib-quiz" id="ib-quiz-0"><style>x</style><p class="ib-opening">Two questions.</p>'
    '<fieldset class="ib-question">One?</fieldset><details>Yes: <a class="ib-section" href="#a">A</a></details>'
    '<fieldset class="ib-question">Two?</fieldset><details>No.</details><script>begin("ib-quiz-0")</script></div>'
)
FIGURE = '<figure class="ib-figure" id="figure-1"><img alt=""></figure>'
TEACHING = {"On a plane": 4, "Exercises": 14}

# What is wrong with the slide that is shown: content that sticks out of it, formulas that are none.
WRONG = """() => {
    const slide = Reveal.getCurrentSlide();
    const edge = slide.querySelector(".frame").getBoundingClientRect();
    const found = [];
    for (const part of slide.querySelectorAll("h1, h2, .room, .facts, .fit, .fit *")) {
        const box = part.getBoundingClientRect();
        // What is for screen readers is one pixel, and a plane cuts off its curves itself.
        if (!box.width || part.closest("svg, .ib-hidden, mjx-assistive-mml") || box.width < 2) continue;
        const across = Math.max(box.right - edge.right, edge.left - box.left);
        const over = Math.max(across, box.bottom - edge.bottom, edge.top - box.top);
        if (over > 1) found.push(`${part.tagName}.${part.className} is ${Math.round(over)} pixels over`);
    }
    const room = slide.querySelector(".room");
    if (room.scrollHeight > room.clientHeight) found.push("higher than its room");
    if (room.scrollWidth > room.clientWidth) found.push("wider than its room");
    const fit = slide.querySelector(".fit");
    if (fit.getBoundingClientRect().bottom > room.getBoundingClientRect().bottom) found.push("its edge is cut off");
    const sizes = [fit, ...slide.querySelectorAll("pre code")].map(part => parseFloat(getComputedStyle(part).fontSize));
    if (slide.matches(".text, .code, .lead") && Math.min(...sizes) * fit.currentCSSZoom < 18) found.push("too small");
    if (slide.querySelector("mjx-merror") || /\\\\[([]/.test(slide.innerText)) found.push("a formula that is none");
    return found;
}"""
PLACE = "() => Reveal.getSlidePastCount()"


def shown(html: str):
    return new_code_cell("secret = 1", outputs=[new_output("display_data", {"text/html": html, "text/plain": "x"})])


@pytest.fixture
def toy() -> nbformat.NotebookNode:
    key = new_markdown_cell("The key.", metadata={"tags": ["solution"]})
    return new_notebook(
        cells=[
            new_markdown_cell(CARD),
            new_markdown_cell(TEXT),
            shown(CLAIM),
            shown(FIGURE),
            shown(QUIZ),
            new_markdown_cell(EXERCISES),
            key,
        ]
    )


@pytest.fixture
def chapter():
    teaching = front_matter.Teaching(
        goals=(("roll a ball", "On a plane"),),
        minutes=TEACHING,
        routes={},
        misconceptions=(("It flies.", "What of a third theorem?"), ("It sleeps.", "Does it roll?")),
    )
    return front_matter.Chapter("toys/ball", "Ball", "toys", "Does it roll?", 18, (), "draft", teaching)


@pytest.fixture
def deck(toy, chapter):
    return [[(slide.kind, plain(slide.body)) for slide in section] for section in lesson_slides.slides(toy, chapter)]


def plain(html: str) -> str:
    return " ".join(BeautifulSoup(html, "html.parser").get_text(" ").split())


@functools.cache
def read(path: Path) -> list:
    found = lesson_slides.slides(nbformat.read(path, as_version=4), front_matter.read(path))
    return [slide for section in found for slide in section]


def test_the_first_slides_ask_the_question_and_tell_the_surprise(deck) -> None:
    assert deck[0] == [("title", "Does it roll ?"), ("text", "It does.")]


def test_a_section_is_two_sentences_formulas_statements_lists_leads_claims_figures_and_questions(deck) -> None:
    assert deck[1] == [
        ("section", r"One sentence. Another with \(a. b\) ."),
        ("text", r"A third. A fourth, and \[c=d,\] where \(c\) is it. No more."),
        ("statement", "Theorem 1. Let it roll. Then it goes on. If not, then not."),
        ("text", "Three things: One. Two. Three. Figure 1 and the ledger ."),
        ("claims", "Not everywhere. First. Second. It rolls. ✓ holds"),
        ("figure", ""),
        ("quiz", "One? Yes: A"),
        ("quiz", "Two? No."),
    ]


def test_a_paragraph_is_whole_if_it_names_a_term_leads_to_code_or_a_table_or_ends_a_section(chapter) -> None:
    table = '<table class="ib-table"><tr><td>7</td></tr></table>'
    starter = new_code_cell("def yours():\n    ...", metadata={"tags": ["starter"]})
    cells = [
        new_markdown_cell(f"{CARD}\n\n## On a plane\n\nOne. Two.\n\nA *term*. $a*b*c$.\n\nNo term: $a*b*c$."),
        new_markdown_cell("To numbers."),
        shown(table),
        new_markdown_cell("A comment on *seven*.\n\nTo code."),
        new_code_cell("def roll():\n    return 1"),
        starter,
        new_code_cell("def long():\n" + "    x = 1\n" * 16),
        new_code_cell("size = 3"),
        new_markdown_cell("An aside.\n\nThe last. Of them."),
        new_markdown_cell("## Exercises\n\nWork."),
    ]
    [_, section, _] = lesson_slides.slides(new_notebook(cells=cells), chapter)
    assert [(slide.kind, plain(slide.body)) for slide in section] == [
        ("section", "One. Two."),
        ("text", r"A term . \(a*b*c\) . To numbers."),
        ("output", "7"),
        ("code", "To code. def roll(): return 1"),
        ("text", "The last. Of them."),
    ]


def test_the_caption_of_a_drawn_figure_comes_with_the_next_step_and_a_live_ones_is_there_at_once(chapter) -> None:
    caption = "<figcaption>Seven.</figcaption></figure>"
    drawn = f'<figure class="ib-figure" id="figure-1"><img alt="">{caption}'
    live = f'<figure class="ib-figure" id="figure-2"><div><figure><img alt=""></figure></div>{caption}'
    heads = [new_markdown_cell(text) for text in (CARD, "## On a plane", "## Exercises\n\nWork.")]
    cells = [*heads[:2], shown(drawn), shown(live), heads[2]]
    [_, section, _] = lesson_slides.slides(new_notebook(cells=cells), chapter)
    assert ["fragment" in slide.body for slide in section] == [True, False]


def test_each_question_of_a_quiz_is_alive_by_itself(toy, chapter) -> None:
    questions = [slide.body for slide in lesson_slides.slides(toy, chapter)[1] if slide.kind == "quiz"]
    roots = [BeautifulSoup(body, "html.parser").select_one(".ib-quiz") for body in questions]
    assert [root["id"] for root in roots] == ["ib-quiz-0-slide-1", "ib-quiz-0-slide-2"]
    assert [root.find("script").string for root in roots] == [f'begin("{root["id"]}")' for root in roots]
    assert not any(root.select("a") for root in roots)


def test_each_exercise_is_its_whole_task_and_no_solution(toy, chapter, deck) -> None:
    assert deck[2] == [("section", "Work."), ("exercise", "Roll the ball. (a) Twice."), ("exercise", "On paper.")]
    exercise = lesson_slides.slides(toy, chapter)[2][1]
    assert plain(exercise.heading) == "1. Roll it ★, 5 minutes"


def test_links_lead_to_slides_or_are_none(toy, chapter) -> None:
    listed = BeautifulSoup(lesson_slides.slides(toy, chapter)[1][3].body, "html.parser")
    assert [(link.text, link.get("href")) for link in listed.select("a")] == [
        ("Figure 1", "#/figure-1"),
        ("the ledger", None),
    ]


def test_the_speaker_reads_minutes_goals_objections_and_misconceptions(toy, chapter) -> None:
    [[first, _], [section, *_, claim, figure, _, _], [exercises, *_]] = lesson_slides.slides(toy, chapter)
    assert first.notes == figure.notes == []
    asked = ["Some believe: It flies. Ask: What of a third theorem?", "Some believe: It sleeps. Ask: Does it roll?"]
    assert section.notes == ["4 minutes.", "Goal: roll a ball.", *asked]
    assert claim.notes == ["An opponent would say: Not <i>mine</i>."]
    assert exercises.notes == ["14 minutes."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("See S. Srinivas. Then go.", ["See S. Srinivas.", "Then go."]),
        ("It is $x. y$. **Bold.** End", ["It is $x. y$.", "**Bold.**", "End"]),
        ("One (a. b). (Two.) Three?", ["One (a. b).", "(Two.)", "Three?"]),
    ],
)
def test_a_text_is_split_into_its_sentences(text, expected) -> None:
    assert lesson_slides.split(text) == expected


@each_lesson
def test_every_figure_claim_and_exercise_of_a_lesson_is_on_a_slide(path) -> None:
    lesson = nbformat.read(path, as_version=4)
    outputs = [output for cell in lesson.cells for output in cell.get("outputs", [])]
    html = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    found = read(path)
    together = "".join(slide.body for slide in found)
    assert [slide.name for slide in found if slide.name] == re.findall(r'<figure class="ib-figure" id="([^"]+)"', html)
    assert together.count('class="ib-badge"') == html.count('class="ib-badge"') > 0
    tasks = [slide.heading for slide in found if slide.kind == "exercise"]
    assert [int(heading.split(".")[0]) for heading in tasks] == [*range(1, len(tasks) + 1)]
    assert len(tasks) > 3
    # Nothing that a solution says, and no empty slide.
    assert "<details><summary>Show:" not in together
    assert all(slide.body.strip() for slide in found)


@each_lesson
def test_a_link_of_a_lesson_leads_to_a_slide_or_out_of_the_book(path) -> None:
    found = read(path)
    links = {link["href"] for slide in found for link in BeautifulSoup(slide.body, "html.parser").select("a[href]")}
    addresses = {f"#/{slide.name}" for slide in found}
    assert {link for link in links if not link.startswith("https://")} <= addresses


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The decks of all lessons, with the figures' scripts as they are now, beside one of an earlier time."""
    root = tmp_path_factory.mktemp("repository")
    for path in rules.LESSONS:
        target = root / "notebooks" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    shutil.copytree(slides.ROOT / "book" / "parts", root / "book" / "parts")
    shutil.copy(slides.ROOT / "book" / "parts.yml", root / "book" / "parts.yml")
    refresh(root.glob("notebooks/*/*.ipynb"))
    old = root / slides.FOLDER / "toys" / "old.html"
    old.parent.mkdir(parents=True)
    old.touch()
    slides.write(root)
    return root / slides.FOLDER


@pytest.fixture
def start(visit, folder):
    """Opens a deck from the disk, perhaps at a slide; nothing may go wrong in it."""
    visits = []

    def open_deck(name: str, address: str = "", **options):
        [page] = folder.glob(f"*/{name}.html")
        visits.append(visit(**{"viewport": {"width": 1280, "height": 720}, **options}))
        tab = visits[-1].page
        tab.add_init_script(LISTEN)
        tab.goto(page.as_uri() + address)
        tab.wait_for_function("window.Reveal?.isReady()")
        return tab

    yield open_deck
    for each in visits:
        each.context.close()
    assert [each.troubles + each.said for each in visits] == [[]] * len(visits)


def test_the_index_leads_to_a_deck_for_every_lesson(folder) -> None:
    index = BeautifulSoup((folder / "index.html").read_text(encoding="utf-8"), "html.parser")
    listed = {link["href"] for link in index.select("li a")}
    assert listed == {path.relative_to(folder).as_posix() for path in folder.glob("*/*.html")}
    assert {Path(page).stem for page in listed} == {path.stem for path in rules.LESSONS}


@pytest.mark.slow
@each_lesson
def test_arrows_lead_through_a_deck_and_every_slide_holds_what_is_on_it(path, start) -> None:
    tab = start(path.stem)
    count = tab.evaluate("Reveal.getTotalSlides()")
    assert count == len(read(path))
    wrong = {}
    for number in range(1, count + 1):
        if found := tab.evaluate(WRONG):
            wrong[number] = found
        assert tab.evaluate(PLACE) == number - 1
        if tab.evaluate("Reveal.availableFragments().next"):
            tab.keyboard.press("ArrowRight")
        tab.keyboard.press("ArrowRight")
    assert wrong == {}
    assert tab.evaluate("Reveal.isLastSlide()")
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate(PLACE) == count - 2


@pytest.mark.slow
def test_arrows_move_the_slider_that_has_the_focus_and_escape_gives_them_back(start) -> None:
    tab = start("fullgrad", "#/figure-1")
    at = tab.evaluate(PLACE)
    figure = Live(tab)
    slider = figure.slider("what is zero")
    before = figure.get("Array.from(results[0].pictures[0].values)")
    slider.focus()
    for _ in range(3):
        tab.keyboard.press("ArrowRight")
    assert figure.get("Array.from(results[0].pictures[0].values)") != before
    assert tab.evaluate(PLACE) == at
    tab.keyboard.press("Escape")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(PLACE) == at + 1


@pytest.mark.slow
def test_a_clicker_moves_the_slides_whatever_has_the_focus(start) -> None:
    tab = start("fullgrad", "#/figure-1")
    at = tab.evaluate(PLACE)
    figure = Live(tab)
    for control in (tab.locator(".present select").first, figure.slider("what is zero"), figure.surface):
        control.focus()
        tab.keyboard.press("PageDown")
        assert tab.evaluate(PLACE) == at + 1
        tab.keyboard.press("PageUp")
        assert tab.evaluate(PLACE) == at


@pytest.mark.slow
def test_a_control_used_by_mouse_lets_the_arrows_through(start) -> None:
    tab = start("fullgrad", "#/figure-1")
    at = tab.evaluate(PLACE)
    figure = Live(tab)
    chosen = tab.locator(".present select").filter(has_text="folded into the layer before")
    # A list that is open is the system's, so no mouse of a test reaches its entries.
    chosen.dispatch_event("pointerdown")
    chosen.focus()
    chosen.dispatch_event("pointerup")
    assert chosen.evaluate("list => list === document.activeElement")
    chosen.select_option("folded into the layer before")
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(PLACE) == at + 1
    tab.keyboard.press("ArrowLeft")
    assert chosen.evaluate("list => list.selectedOptions[0].text") == "folded into the layer before"
    figure.slider("what is zero").click()
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(PLACE) == at + 1


@pytest.mark.slow
def test_drawing_surfaces_and_buttons_keep_their_keys_and_a_pressed_button_lets_arrows_through(start) -> None:
    tab = start("fullgrad", "#/figure-1")
    at = tab.evaluate(PLACE)
    figure = Live(tab)
    figure.press("clear")
    assert figure.x.sum() == 0
    figure.surface.focus()
    tab.keyboard.press("Space")
    tab.keyboard.press("ArrowRight")
    assert figure.x.sum() > 0
    figure.root.get_by_role("button", name="clear", exact=True).focus()
    tab.keyboard.press("Space")
    assert figure.x.sum() == 0
    assert tab.evaluate(PLACE) == at
    tab.keyboard.press("ArrowRight")
    assert tab.evaluate(PLACE) == at + 1


@pytest.mark.slow
def test_a_point_of_a_plane_follows_the_mouse_on_a_slide_of_any_size(start) -> None:
    tab = start("function_approximation", "#/figure-1", viewport={"width": 1920, "height": 1000})
    handle = tab.locator(".present .ib-handle .ib-ring").first
    box = handle.bounding_box()
    to = box["x"] + box["width"] / 2 - 150
    tab.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    tab.mouse.down()
    tab.mouse.move(to, box["y"])
    tab.mouse.up()
    moved = handle.bounding_box()
    assert moved["x"] + moved["width"] / 2 == pytest.approx(to, abs=3)


@pytest.mark.slow
def test_a_figure_of_stored_pictures_moves_and_the_address_stays_the_slides(start) -> None:
    tab = start("off_manifold", "#/figure-3")
    picture = tab.locator(".present .ib-sweep img").first
    before = picture.get_attribute("src")
    tab.locator(".present .ib-sweep input[type=range]").first.focus()
    tab.keyboard.press("ArrowRight")
    assert picture.get_attribute("src") != before
    tab.wait_for_timeout(400)  # longer than a figure waits before it would write its state into the address
    assert tab.evaluate("location.hash") == "#/figure-3"


@pytest.mark.slow
def test_what_grows_on_a_slide_is_fitted_again(start) -> None:
    tab = start("submodular", "#/figure-1")
    tab.evaluate("document.querySelector('.present .present figcaption').append('A long word. '.repeat(60))")
    tab.wait_for_function(f"({WRONG})().length === 0")


@pytest.mark.slow
def test_slides_are_dark_where_the_system_is_and_a_key_turns_them(start) -> None:
    colors = """() => ["color", "backgroundColor"].map(name => {
        const [r, g, b] = getComputedStyle(document.body)[name].match(/[0-9]+/g).map(Number);
        return (r + g + b) / 3;
    })"""
    tab = start("submodular", color_scheme="dark")
    ink, ground = tab.evaluate(colors)
    assert ink > 180
    assert ground < 50
    tab.keyboard.press("t")
    ink, ground = tab.evaluate(colors)
    assert ink < 50
    assert ground > 240


@pytest.mark.slow
def test_the_speaker_sees_the_notes_in_a_window_of_their_own(start) -> None:
    tab = start("fullgrad")
    tab.keyboard.press("ArrowRight")
    tab.keyboard.press("ArrowRight")
    with tab.context.expect_page() as opened:
        tab.keyboard.press("s")
    notes = opened.value.locator(".speaker-controls-notes")
    notes.get_by_text("8 minutes.").wait_for()
