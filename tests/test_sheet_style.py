"""The linter of style sheets finds a mistake of each kind, in the line where it stands."""

import pytest
import sheet_style

WHOLE = """
@font-face { font-family: "A"; src: url(a.woff2) format("woff2"); font-weight: 200 900; font-display: swap; }
html[data-theme="dark"] { --own: 1px solid; --empty: ; }
.a:not(:has(b)) > :is(c, d)::before { content: "a; b"; color: var(--own) !important; inset: 0 auto; }
@media (max-width: 480px) {
  .a { display: grid; width: min(18em, 100%); -webkit-text-size-adjust: none; }
}
"""
PLANTED = {
    ".a { colour: red; }": "colour cannot be red",
    ".a { color: reed; }": "color cannot be reed",
    ".a { width: 3pxx; }": "width cannot be 3pxx",
    ".a { margin: ; }": "margin cannot be",
    ".a { color: red; top: 0; color: blue; }": "color stands here twice",
    ".a { color red; }": "Stop token reached",
    ".a { }": "a rule without declarations",
    ".a::befor { color: red; }": "unknown selector .a::befor",
    "@meda print { .a { color: red; } }": "unknown rule @meda",
    "@media print { .a { colour: red; } }": "colour cannot be red",
    '@font-face { font-display: swop; font-family: "A"; }': "font-display cannot be swop",
    ".a { color: red; } }": "unknown selector }",
}


@pytest.fixture(scope="module")
def page(chromium):
    page = chromium.new_page()
    yield page
    page.close()


def test_what_chromium_keeps_is_no_mistake(page):
    assert sheet_style.mistakes(page, WHOLE) == []


@pytest.mark.parametrize("planted", PLANTED)
def test_a_planted_mistake_is_found_in_its_line(page, planted):
    [found] = sheet_style.mistakes(page, f"{WHOLE}\n{planted}\n.b {{ top: 0; }}\n")
    assert found.startswith(f"9: {PLANTED[planted]}")


def test_every_sheet_of_the_book_is_linted(root):
    assert {*sheet_style.SHEETS} == {*root.glob("interpbook/**/*.css"), *root.glob("book/*/*.css")}
    assert len(sheet_style.SHEETS) > 1
