"""Code: chapters that have the form of a lesson with its evidence are held to rules by which it can be read aloud."""

import notebook_cells as code
import notebook_code
import notebook_folds as folds
import notebook_rules as rules
import pytest
from notebook_cells import Cell

each_notebook = pytest.mark.parametrize("path", rules.NOTEBOOKS, ids=lambda path: path.stem)
each_held = pytest.mark.parametrize("path", code.held(), ids=lambda path: path.stem)
FOLDED = {"tags": ["hide-input"]}


def cells_of(path) -> list[Cell]:
    return code.code_cells(rules.read(path))


def fold(number: int, source: str, show: str = "", hide: str = "") -> Cell:
    return Cell(number, source, {**FOLDED, "mystnb": {"code_prompt_show": show, "code_prompt_hide": hide}})


@each_notebook
def test_code_cells_are_short(path):
    assert code.long_cells(code.written_here(cells_of(path))) == []


@each_held
@pytest.mark.parametrize("rule", code.RULES)
def test_code_is_prose(path, rule):
    assert code.broken(cells_of(path), rule) == []


@each_held
def test_loops_are_loops(path):
    cells = code.written_here(cells_of(path))
    rate = code.per_hundred(code.comprehensions(cells), cells)
    assert rate <= code.COMPREHENSIONS, notebook_code.worst(cells)


@each_held
def test_folded_cells_have_names(path):
    assert folds.unnamed(cells_of(path)) == []


@each_held
def test_nothing_that_is_folded_is_needed(path):
    assert folds.needed(cells_of(path)) == []


# --- the rules themselves ---


def test_a_lesson_is_held_with_its_evidence_and_the_template_is_too(monkeypatch):
    part = rules.ROOT / "notebooks" / "part"
    notebooks = [part / f"{name}.ipynb" for name in ("alone", "lesson", "lesson_evidence")]
    monkeypatch.setattr(rules, "NOTEBOOKS", notebooks)
    assert code.TEMPLATES
    assert code.held() == [*notebooks[1:], *code.TEMPLATES]


PLANTED = [
    ("nested", "[sum(x for x in row) for row in rows]"),
    ("nested", "{x: y for x in xs for y in ys}"),
    ("wide", "x = 1  # " + 80 * "!"),
    ("one-line def", "def f(x): return x"),
    ("one-line def", "def f(\n    x,\n    y=2): return x"),
    ("one-line def", "async def f() -> int: return 1"),
    ("named lambda", "f = lambda x: x"),
    ("named lambda", "f, g = 1, lambda x: x"),
    ("shared line", "a = 1; b = 2"),
    ("shared line", "if a: b = 2"),
    ("shared line", "if a:\n    b = 2\nelse: b = 3"),
    ("shared line", "try: a\nexcept ValueError:\n    b"),
    ("shared line", "for a in b: print(a)"),
]
ALLOWED = [
    ("nested", "a = [x for x in xs]\nb = [x for x in xs]"),
    ("wide", "x = 1  # " + 79 * "!"),
    ("one-line def", "@cache\ndef f(\n    x,\n) -> int:\n    return x"),
    ("named lambda", "page.over_seeds(lambda net: net(x), nets)"),
    ("shared line", "@cache\ndef f(x):\n    return x\n\n\na = f(\n    1\n)\nif a:\n    b = '; '\nelif b:\n    c = 1"),
    ("shared line", "try:\n    a\nexcept ValueError:\n    b\nfinally:\n    c"),
    ("shared line", "def f(x): return x"),  # one mistake is named once
]


@pytest.mark.parametrize(("rule", "source"), PLANTED)
def test_what_breaks_a_rule_is_found(rule, source):
    assert code.broken([Cell(4, source)], rule)[0].startswith("c4: ")


@pytest.mark.parametrize(("rule", "source"), ALLOWED)
def test_what_keeps_a_rule_is_left_alone(rule, source):
    assert code.broken([Cell(4, source)], rule) == []


@pytest.mark.parametrize(
    "source", ["if a:\n    %pip install -q x", "%%time\nx = 1; y = 2", "!ls -l", "x = %env HOME", "f?"]
)
def test_a_magic_is_no_syntax_error(source):
    cells = [Cell(0, source)]
    assert code.comprehensions(cells) == code.comments(cells) == 0
    assert all(code.broken(cells, rule) == [] for rule in code.RULES)


def test_comprehensions_and_comments_are_counted():
    cells = [Cell(0, "x = '# no comment'  # a comment\n\n# another\ny = [a for a in {b for b in c}]"), Cell(1, "z = 1")]
    assert (code.lines(cells), code.comprehensions(cells), code.comments(cells)) == (4, 2, 2)
    assert code.per_hundred(2, cells) == 50


def test_letters_that_are_no_mathematics_are_reported():
    given = code.letters([Cell(0, "def q(x, m):\n    for o in x:\n        m = o\n    return l")])
    assert given == {"q": 1, "m": 2, "o": 1}


@pytest.mark.parametrize(("metadata", "longest"), [({}, code.LONGEST_CELL), (FOLDED, code.LONGEST_FOLDED)])
def test_a_long_cell_is_found(metadata, longest):
    short = Cell(0, "x")
    assert code.long_cells([short, short, Cell(2, "\n\n".join(["x"] * longest), metadata)]) == []
    assert code.long_cells([short, short, Cell(2, "\n\n".join(["x"] * longest + ["x"]), metadata)]) == ["c2 `x`"]


def test_markdown_and_empty_cells_are_no_code():
    markdown = {"cell_type": "markdown", "source": "x = 1; y = 2"}
    notebook = {"cells": [markdown, {"cell_type": "code", "source": ["a\n", "b"]}, {"cell_type": "code", "source": ""}]}
    assert code.code_cells(notebook) == [Cell(1, "a\nb")]


def test_a_fold_with_a_name_of_its_own_is_left_alone():
    cells = [fold(0, "x", "Show: the set-up", "Hide: the set-up"), fold(1, "x", "Show: the rest", "Hide: the rest")]
    assert folds.unnamed([*cells, Cell(2, "x")]) == []


@pytest.mark.parametrize(
    "cells",
    [
        [Cell(0, "x", FOLDED)],
        [fold(0, "x", "Show: the drawing")],
        [fold(0, "x", "The drawing", "The drawing")],
        [fold(0, "x", "Show: ", "Hide: ")],
        [fold(0, "x", "Hide: the drawing", "Show: the drawing")],
        [fold(0, "x", "Show: the drawing", "Hide: the table")],
        [fold(0, "x", "Show: it", "Hide: it"), fold(1, "x", "Show: it", "Hide: it")],
    ],
)
def test_a_fold_without_a_name_is_found(cells):
    (found,) = folds.unnamed(cells)
    assert found.startswith(f"c{len(cells) - 1} `x`")


@pytest.mark.parametrize(
    "needs",
    [
        "print(limit)",
        "limit = limit + 1",
        "limit += 1",
        "def f(x):\n    return x + limit",
        "rows = [limit for _ in xs]",
        "for k in xs:\n    if limit:\n        pass",
        "for k in xs:\n    limit += k",
        "f = lambda x: limit",
        "def f(x=limit):\n    return x",
    ],
)
def test_a_name_that_is_only_folded_is_found(needs):
    assert len(folds.needed([Cell(0, "page"), Cell(1, "limit = 3", FOLDED), Cell(2, needs)])) == 1


@pytest.mark.parametrize(
    "reads",
    [
        "limit = 4\nprint(limit)",
        "for limit in xs:\n    print(limit)",
        "rows = [limit for limit in xs]",
        "def f(limit):\n    return limit",
        "def f():\n    limit = 2\n    return limit",
        "page.limit(limit=2)",
        "for k in xs:\n    limit = 0\n    limit += k",
        "import limit\nlimit.f()",
        "def limit():\n    return 1\n\n\nlimit()",
    ],
)
def test_a_name_of_the_cell_s_own_is_left_alone(reads):
    assert folds.needed([Cell(0, "page"), Cell(1, "limit = 3", FOLDED), Cell(2, reads)]) == []


@pytest.mark.parametrize(
    "before",
    [
        [Cell(0, "limit = 3", FOLDED)],  # the set-up
        [Cell(0, "page"), Cell(1, "from maths import limit", FOLDED)],
        [Cell(0, "page"), Cell(1, "limit = 2"), Cell(2, "limit = 3", FOLDED)],
        [Cell(0, "page"), Cell(1, "rows = [limit for limit in xs]", FOLDED)],
        [Cell(0, "page"), Cell(1, "def f(limit):\n    return limit", FOLDED)],
    ],
)
def test_imports_the_set_up_and_what_was_seen_do_not_count(before):
    assert folds.needed([*before, Cell(9, "print(limit)")]) == []


def test_a_folded_cell_may_need_what_is_folded():
    assert folds.needed([Cell(0, "page"), Cell(1, "limit = 3", FOLDED), Cell(2, "print(limit)", FOLDED)]) == []


def test_the_report_has_a_row_for_each_notebook_and_names_the_worst_cell(tmp_path):
    path = tmp_path / "chapter.ipynb"
    path.write_text('{"cells": [{"cell_type": "code", "source": "[[x for x in row] for row in q]; q = 1"}]}')
    heading, row, _, worst, letters = notebook_code.report([path]).splitlines()
    columns = dict(zip(["lines", "median"], row.split()[1:3], strict=True))
    assert heading.split()[0] == "lines"
    assert columns == {"lines": "1", "median": "1"}
    assert worst == "chapter: c0 `[[x for x in row] for row in q]; q = 1`"
    assert letters.endswith("q (1)")
    assert "nested: c0" in notebook_code.report([path], notebook_code.everything)
