"""What a lesson puts on its slides: one rule for all lessons, decided from the notebook alone.

On slides stand, in the lesson's order,

- the question and the surprise of the card;
- of each section its heading and the first two sentences; the same of a `###` heading;
- whole, each paragraph that names a term in bold or italics, has a displayed formula, or stands right before code or a
  table of numbers, and the last paragraph of a section; what the slide before has of it is not said again, and what
  comments on the numbers right above it is left to the speaker;
- each unfolded code cell of at most sixteen lines that defines a function;
- each theorem, proposition or corollary as it stands, without its proof;
- each paragraph that begins with a bold or italic lead, "**Zero is not absent.**": the lead and two sentences more;
- each list and Markdown table with the sentence that leads to it; nothing out of a proof;
- each figure and table of numbers that a cell shows, on a slide of its own, a live figure alive; the caption of a drawn
  one, which may answer what the class is asked, comes with the next step;
- a quiz, each of its questions on a slide of its own;
- each claim, its sentence and its badge;
- each exercise's task. Solutions are left out.

Paragraphs that follow each other share a slide while it has room, also with code below them; so do leads and claims.
Speaker notes say the minutes and goals of a section, what an opponent would say to a claim, and misconceptions: at the
start of the section, exercises apart, that shares most words with them.
"""

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bs4 import BeautifulSoup
from front_matter import Chapter
from markdown_it import MarkdownIt
from mdit_py_plugins.dollarmath import dollarmath_plugin
from nbformat import NotebookNode

STATEMENT = re.compile(r"\*\*(Theorem|Proposition|Corollary|Lemma|Definition)\b")
LEAD = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|\*(?P<italic>[^*]+[.?!])\*\s")
PROOF = re.compile(r"\*Proof\b")
PROVED = r"\square"
EXERCISE = re.compile(r"\*\*(?P<title>\d+\. .+?)\*\* *\((?P<facts>[^)]*)\)\.?\s*", re.DOTALL)
CARD = re.compile(r"\*\*The (question|surprise)\.\*\*\s*(.+?)\n\s*\n", re.DOTALL)
FIGURE = re.compile(r'(<figure class="ib-figure") id="(figure-\d+)"')
DRAWN = re.compile(r'(<figure class="ib-figure"[^>]*>\s*<img\b.*?<figcaption)', re.DOTALL)
MARKS = {"claim": 'class="ib-claim ', "quiz": 'class="ib-quiz"'}
SHOWN = ("heading", "shown", "code", *MARKS)
TABLE = '<table class="ib-table">'
TERM = re.compile(r"\*[^*\s][^*]*\*")
FUNCTION = re.compile(r"^def ", re.MULTILINE)
# What is long, is an answer, or is there for readers of the code stays off the slides.
LINES_OF_CODE = 16
OFF = {"hide-input", "hide-cell", "starter", "solution"}
# What a sentence may hold that is no end of it: formulas, code, links and brackets.
WHOLE = re.compile(r"\$\$.+?\$\$|\$.+?\$|`[^`]+`|\[[^]]*\]\([^)]*\)|\([^()]*\)", re.DOTALL)
ASIDE = re.compile(r"\s*\(\[evidence\]\([^)]*\)\)")
END = re.compile(r"((?<=[.?!])|(?<=[.?!]\)))[*_]*\s+(?=\S)")

PROSE = ("paragraph", "list", "math")
READ = ("heading", "table", *PROSE)
SENTENCES = 2
# What may share a slide with what follows it: a claim bears out the lead above it, and the next lead is another matter.
LIGHT = {("lead", "lead"), ("lead", "claims"), ("claims", "claims"), ("text", "text"), ("text", "code")}
WORDS_TOGETHER = 100
STEM = 5

Lines = list[str]


@dataclass
class Slide:
    """One slide.

    kind: title, section, text, statement, lead, claims, code, figure, output, quiz or exercise; the style sheet knows
        them.
    heading: as HTML.
    body: as HTML.
    notes: what the speaker sees, as HTML, each a paragraph.
    name: the slide's address, "" for none.
    """

    kind: str
    heading: str
    body: str
    notes: Lines = field(default_factory=list)
    name: str = ""


@dataclass(frozen=True)
class Part:
    """A block of a Markdown cell, a cell's code, or what it shows.

    kind: of a block `paragraph`, `heading`, `list`, `math`, `table`, `other`; `code`; of what a cell shows `claim`,
        `quiz`, or else `shown`.
    text: Markdown; the HTML of what a cell shows.
    """

    kind: str
    text: str


def slides(lesson: NotebookNode, chapter: Chapter) -> list[list[Slide]]:
    """The slides of a lesson, by section; the first section is the card."""
    first, *sections = _sections(list(_parts(lesson.cells)))
    deck = [_card(first, chapter)]
    for heading, *parts in sections:
        deck.append(list(_together(_section(heading.text, parts))))
    _annotate(deck, chapter, [_readable(parts) for parts in sections])
    return deck


def _parts(cells: Sequence[NotebookNode]) -> Iterator[Part]:
    for cell in cells:
        if "solution" in cell.metadata.get("tags", ()):
            continue
        if cell.cell_type == "markdown":
            yield from blocks(cell.source)
        elif cell.cell_type == "code":
            short = len(cell.source.splitlines()) <= LINES_OF_CODE
            if short and FUNCTION.search(cell.source) and OFF.isdisjoint(cell.metadata.get("tags", ())):
                yield Part("code", f"```python\n{cell.source}\n```")
            for output in cell.outputs:
                if shown := output.get("data", {}).get("text/html"):
                    yield Part(next((kind for kind, mark in MARKS.items() if mark in shown), "shown"), shown)


def blocks(source: str) -> Iterator[Part]:
    """The blocks of a Markdown text.

    >>> [part.kind for part in blocks("# A\\n\\nb\\n\\n- c\\n- d\\n\\n$$e$$\\n")]
    ['heading', 'paragraph', 'list', 'math']
    """
    lines = source.splitlines()
    kinds = {"bullet_list": "list", "ordered_list": "list", "math_block": "math", "math_block_label": "math"}
    for token in MARKDOWN.parse(source):
        if token.level == 0 and token.nesting >= 0 and token.map:
            kind = token.type.removesuffix("_open")
            kind = kinds.get(kind, kind if kind in ("heading", "paragraph", "table") else "other")
            yield Part(kind, "\n".join(lines[slice(*token.map)]).strip())


def _sections(parts: Sequence[Part]) -> list[list[Part]]:
    found: list[list[Part]] = [[]]
    for part in parts:
        if part.kind == "heading" and part.text.startswith("## "):
            found.append([])
        found[-1].append(part)
    return found


def _readable(parts: Sequence[Part]) -> str:
    """What a section says in words; exercises, which touch on everything, count as nothing."""
    said = [part.text for part in parts if part.kind in READ]
    return "" if any(EXERCISE.match(text) for text in said) else " ".join(said)


def _card(parts: Sequence[Part], chapter: Chapter) -> list[Slide]:
    """The title with its question, and the surprise."""
    text = "\n\n".join(part.text for part in parts)
    [title] = re.findall(r"^# +(.+)$", text, re.MULTILINE)
    said = dict(CARD.findall(text + "\n\n"))
    question = f'<p class="question">{inline(said.get("question", chapter.question))}</p>'
    first = Slide("title", inline(title), question)
    if "surprise" not in said:
        return [first]
    return [first, Slide("text", "The surprise", f"<p>{inline(said['surprise'])}</p>")]


def _section(heading: str, parts: list[Part]) -> Iterator[Slide]:
    """The slides of one section, claims, leads and paragraphs each alone."""
    parts = [Part("heading", heading), *parts]
    title, at = "", 0
    while at < len(parts):
        part, until = parts[at], at + 1
        if part.kind == "claim":
            yield _claim(title, part.text)
        elif part.kind == "quiz":
            yield from _questions(part.text)
        elif part.kind == "code":
            yield Slide("code", title, block(part.text))
        elif part.kind == "shown":
            yield _shown(title, part.text)
        elif part.kind == "heading":
            title = inline(part.text.lstrip("# "))
            if _opens(parts, until):
                opening, parts[until:] = _opening(parts[until:])
                yield Slide("section", title, block(opening))
        elif EXERCISE.match(part.text):
            until = _end_of_exercise(parts, at)
            yield _exercise(parts[at:until])
        elif PROOF.match(part.text):
            until = _end_of_proof(parts, at)
        elif STATEMENT.match(part.text):
            until = _end_of_statement(parts, at)
            yield Slide("statement", title, block("\n\n".join(each.text for each in parts[at:until])))
        elif part.kind == "paragraph" and LEAD.match(part.text):
            until = _end_of_lead(parts, at)
            yield Slide("lead", title, block("\n\n".join([shortened(part.text), *_texts(parts[at + 1 : until])])))
        elif part.kind == "paragraph":
            until = _end_of_passage(parts, at)
            if not _is_of_numbers(parts[at - 1]) and (said := _passage(parts, at, until)):
                yield Slide("text", title, block(said))
        elif part.kind in ("list", "table", "math"):
            yield Slide("text", title, block("\n\n".join(_with_what_leads_to_it(parts, at))))
        at = until


def _texts(parts: Sequence[Part]) -> Lines:
    return [part.text for part in parts]


def _opens(parts: Sequence[Part], at: int) -> bool:
    """Whether a plain paragraph stands there."""
    plain = at < len(parts) and parts[at].kind == "paragraph"
    return plain and not LEAD.match(parts[at].text) and not PROOF.match(parts[at].text)


def _opening(parts: list[Part]) -> tuple[str, list[Part]]:
    """The first sentences of a section, and what is left of it; an unfinished one takes along what completes it."""
    sentences = split(parts[0].text)
    if len(sentences) > SENTENCES:
        rest = Part("paragraph", " ".join(sentences[SENTENCES:]))
        return " ".join(sentences[:SENTENCES]), [rest, *parts[1:]]
    until = 1 if _ends(parts[0].text) else _end_of_sentence(parts, 0)
    return "\n\n".join(_texts(parts[:until])), parts[until:]


def _end_of_lead(parts: Sequence[Part], start: int) -> int:
    """A lead of one or two sentences, the last of which goes on below, takes along what completes it."""
    text = parts[start].text
    return start + 1 if _ends(text) or shortened(text) != text else _end_of_sentence(parts, start)


def _is_of_numbers(part: Part) -> bool:
    return part.kind == "claim" or (part.kind == "shown" and TABLE in part.text)


def _end_of_passage(parts: Sequence[Part], start: int) -> int:
    """A paragraph takes along its formulas and what completes its sentence, but a list has a slide of its own."""
    until = _end_of_sentence(parts, start)
    return next((at for at in range(start, until) if parts[at].kind == "list"), until)


def _passage(parts: Sequence[Part], start: int, until: int) -> str:
    """A paragraph with its formulas, if the class needs it, without the sentence that leads to a list."""
    lines, rest = _texts(parts[start:until]), parts[until:]
    names = any(TERM.search(WHOLE.sub("", line)) for line in lines)
    reckons = any(part.kind == "math" for part in parts[start:until])
    leads = rest and (rest[0].kind == "code" or TABLE in rest[0].text)
    is_last = all(part.kind != "paragraph" for part in rest)
    if not (names or reckons or leads or is_last):
        return ""
    if rest and rest[0].kind in ("list", "table") and not _ends(lines[-1]):
        lines[-1] = " ".join(split(lines[-1])[:-1])
    return "\n\n".join(lines).strip()


def _exercise(parts: Sequence[Part]) -> Slide:
    first = EXERCISE.match(parts[0].text)
    task = [parts[0].text[first.end() :], *(part.text for part in parts[1:])]
    heading = f'{inline(first["title"])} <small class="facts">{inline(first["facts"])}</small>'
    return Slide("exercise", heading, block("\n\n".join(task)))


def _end_of_exercise(parts: Sequence[Part], start: int) -> int:
    """A task goes on until something is shown, or another exercise begins."""
    for at in range(start + 1, len(parts)):
        if parts[at].kind in SHOWN or EXERCISE.match(parts[at].text):
            return at
    return len(parts)


def _end_of_proof(parts: Sequence[Part], start: int) -> int:
    """A proof goes on until its square; one without a square is one paragraph."""
    for at in range(start, len(parts)):
        if parts[at].kind in SHOWN or (at > start and STATEMENT.match(parts[at].text)):
            break
        if PROVED in parts[at].text:
            return at + 1
    return start + 1


def _end_of_statement(parts: Sequence[Part], start: int) -> int:
    """A statement goes on until its proof; one without a proof through lists and formulas until a sentence ends."""
    until = start + 1
    while until < len(parts) and parts[until].kind in PROSE:
        if PROOF.match(parts[until].text):
            return until
        if LEAD.match(parts[until].text):
            break
        until += 1
    return _end_of_sentence(parts, start)


def _end_of_sentence(parts: Sequence[Part], start: int) -> int:
    at = start + 1
    while at < len(parts) and parts[at].kind in PROSE:
        text = parts[at].text
        if parts[at].kind == "paragraph" and (_ends(parts[at - 1].text) or LEAD.match(text)):
            break
        at += 1
    return at


def _ends(text: str) -> bool:
    return text.rstrip("$* \n)").endswith((".", "?", "!"))


def _with_what_leads_to_it(parts: Sequence[Part], at: int) -> Lines:
    """A list, a table or a formula, the sentence before it, and what a formula that is no end of a sentence needs."""
    part = parts[at]
    before = parts[at - 1] if at else part
    text = "\n".join(shortened(item) for item in _items(part.text)) if part.kind == "list" else part.text
    lines = [text]
    if before.kind == "paragraph" and (part.kind == "math" or not _ends(before.text)):
        lines.insert(0, split(before.text)[-1])
    if part.kind == "math" and not _ends(part.text) and at + 1 < len(parts) and parts[at + 1].kind == "paragraph":
        lines.append(split(parts[at + 1].text)[0])
    return lines


def _items(text: str) -> Lines:
    return re.split(r"\n(?=[-*] |\d+\. )", text)


def shortened(text: str) -> str:
    """The first two sentences of a paragraph or an item of a list, after its mark and its lead.

    >>> shortened("- **One.** Two. Three. Four.")
    '- **One.** Two. Three.'
    """
    start = re.match(r"([-*] +|\d+\. +)?", text).end()
    lead = LEAD.match(text, start)
    start = lead.end() if lead else start
    start += len(text[start:]) - len(text[start:].lstrip())
    return text[:start] + " ".join(split(text[start:])[:SENTENCES])


def split(text: str) -> Lines:
    """The sentences of a paragraph; what stands in a formula or in brackets ends none.

    >>> split("It is $f(x)=1. 5$ (so. what). (Or not.) Good?")
    ['It is $f(x)=1. 5$ (so. what).', '(Or not.)', 'Good?']
    """
    hidden = WHOLE.sub(lambda found: re.sub(r"\s", "_", found[0]), text)
    # An initial, as in "S. Srinivas", ends no sentence.
    ends = [found for found in END.finditer(hidden) if not re.search(r"(^|\s)[A-Z]\.$", hidden[: found.start()])]
    bounds = [0, *(found.end() for found in ends), len(text)]
    return [text[start:end].strip() for start, end in pairwise(bounds) if text[start:end].strip()]


def _claim(title: str, shown: str) -> Slide:
    """A claim without what opens under its badge; what an opponent would say is for the speaker."""
    soup = BeautifulSoup(shown, "html.parser")
    claim = soup.select_one(".ib-claim")
    sentence, badge = claim.select_one(".ib-sentence"), claim.select_one(".ib-badge")
    said = [item.find_next_sibling("dd").decode_contents() for item in claim.find_all("dt") if "opponent" in item.text]
    classes = html.escape(" ".join(claim["class"]))
    body = f'<div class="{classes}"><p>{sentence.decode_contents()}</p><p>{badge}</p></div>'
    return Slide("claims", title, body, [f"An opponent would say: {said[0]}"] if said else [])


def _shown(title: str, shown: str) -> Slide:
    """A figure with its address on its slide, where figures keep their state in none of their own; a table."""
    if found := FIGURE.search(shown):
        body = FIGURE.sub(r"\1", DRAWN.sub(r'\1 class="fragment"', shown), count=1)
        return Slide("figure", title, body, name=found[2])
    return Slide("output", title, shown)


def _questions(shown: str) -> Iterator[Slide]:
    """The questions of a quiz, each a quiz of its own, whose script looks for it by its name."""
    quiz = BeautifulSoup(shown, "html.parser").select_one(".ib-quiz")
    style, script = quiz.find("style"), quiz.find("script")
    for link in quiz.select("a.ib-section"):
        link.replace_with(link.get_text())
    for number, question in enumerate(quiz.select(".ib-question"), 1):
        name = f"{quiz['id']}-slide-{number}"
        own = str(script).replace(quiz["id"], name)
        answers = question.find_next_sibling("details")
        body = f'<div class="ib-quiz" id="{name}">{style}{question}{answers}{own}</div>'
        yield Slide("quiz", "Quiz", body)


def _together(single: Iterator[Slide]) -> Iterator[Slide]:
    """Leads and claims that follow each other stand on one slide, as far as it has room for them."""
    held: Slide | None = None
    for slide in single:
        if held and _have_room(held, slide):
            held = Slide(slide.kind, held.heading, held.body + slide.body, held.notes + slide.notes)
            continue
        if held:
            yield held
        held = slide
    if held:
        yield held


def _have_room(held: Slide, slide: Slide) -> bool:
    if held.heading != slide.heading or (held.kind, slide.kind) not in LIGHT:
        return False
    both = BeautifulSoup(held.body + slide.body, "html.parser")
    return len(both.get_text(" ").split()) <= WORDS_TOGETHER


def _annotate(deck: Sequence[Sequence[Slide]], chapter: Chapter, texts: Lines) -> None:
    """What the front matter tells the speaker; `texts` are those of the sections."""
    if chapter.teaching is None:
        return
    for belief, question in chapter.teaching.misconceptions:
        first = deck[1 + nearest(f"{belief} {question}", texts)][0]
        first.notes.append(f"Some believe: {inline(belief)} Ask: {inline(question)}")
    for (section, minutes), (first, *_) in zip(chapter.teaching.minutes.items(), deck[1:], strict=True):
        goals = [inline(goal) for goal, where in chapter.teaching.goals if where == section]
        first.notes[:0] = [f"{minutes} minutes.", *(f"Goal: {goal}." for goal in goals)]


def nearest(text: str, texts: Lines) -> int:
    """Which of some texts shares most words with `text`.

    >>> nearest("Do spheres rotate?", ["A cube rests.", "The sphere is rotating.", "A sphere is round."])
    1
    """
    words = _stems(text)
    return max(range(len(texts)), key=lambda at: len(words & _stems(texts[at])))


def _stems(text: str) -> set[str]:
    """The beginnings of all words, so that "rotate" and "rotating" count as one."""
    return {word[:STEM] for word in re.findall(r"[a-z]{3,}", text.lower())}


def _without_asides(text: str) -> str:
    """Text without "([evidence](...))": there is no such page beside the slides."""
    return ASIDE.sub("", text)


def inline(text: str) -> str:
    """Markdown within a line, as HTML.

    >>> inline("*zero* is $x<1$")
    '<em>zero</em> is <span class="math inline">\\\\(x&lt;1\\\\)</span>'
    """
    return MARKDOWN.renderInline(_without_asides(" ".join(text.split())))


def block(text: str) -> str:
    """Markdown, as HTML."""
    return MARKDOWN.render(_without_asides(text))


def _formula(text: str, options: dict) -> str:
    left, right = (r"\[", r"\]") if options["display_mode"] else (r"\(", r"\)")
    return f"{left}{html.escape(text, quote=False)}{right}"


def _link(self, tokens, at, options, env) -> str:
    """A link to a figure leads to its slide; a link to another page of the book is none here."""
    target = tokens[at].attrGet("href")
    if target.startswith("#"):
        tokens[at].attrSet("href", f"#/{target[1:]}")
    elif "://" not in target:
        tokens[at].attrs.pop("href")
    return self.renderToken(tokens, at, options, env)


MARKDOWN = MarkdownIt("commonmark", {"typographer": True, "html": True}).enable(["table", "smartquotes"])
MARKDOWN.use(dollarmath_plugin, renderer=_formula)
MARKDOWN.add_render_rule("link_open", _link)
