"""Lints the style sheets of the pages: `python tests/sheet_style.py` prints what is wrong, and exits with 1.

Chromium says what it would drop: selectors and rules that it does not know, properties that do not exist, values that a
property cannot have. Where there is no Chromium nothing is checked, as in the tests that need one.
"""

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import tinycss2
from browser import FLAGS, MISSING, find_browser
from playwright.sync_api import Page, sync_playwright
from tinycss2.ast import AtRule, Node, QualifiedRule

ROOT = Path(__file__).parents[1]
SHEETS = [*sorted(ROOT.glob("interpbook/**/*.css")), *sorted(ROOT.glob("book/*/*.css"))]
# For each of some sheets whether Chromium keeps its rule, and what stands in it.
KEEPS = """sheets => sheets.map(text => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(text);
    const [rule] = sheet.cssRules;
    return rule !== undefined && rule.style?.length !== 0;
})"""
WITHOUT = {"skip_comments": True, "skip_whitespace": True}

# A line, what is wrong with it if Chromium drops a sheet, and this sheet: one rule, or none where it surely is wrong.
Trial = tuple[int, str, str]


def mistakes(page: Page, text: str) -> list[str]:
    """What is wrong in a style sheet, as "line: what is wrong"."""
    trials = list(_rules(tinycss2.parse_stylesheet(text, **WITHOUT)))
    kept = page.evaluate(KEEPS, [sheet for _, _, sheet in trials])
    return [f"{line}: {what}" for (line, what, _), keeps in zip(trials, kept, strict=True) if not keeps]


def _rules(rules: Iterable[Node]) -> Iterator[Trial]:
    for rule in rules:
        if rule.type == "error":
            yield rule.source_line, rule.message, ""
            continue
        # A printed page's margins are rules among declarations, which cannot be tried one by one.
        if rule.type == "at-rule" and rule.lower_at_keyword == "page":
            continue
        head = tinycss2.serialize(rule.prelude).strip()
        if rule.type == "qualified-rule":
            yield rule.source_line, f"unknown selector {head}", f"{head} {{ color: red }}"
            yield from _declarations(rule, "a")
        elif rule.lower_at_keyword == "font-face":
            yield from _declarations(rule, "@font-face")
        else:
            yield rule.source_line, f"unknown rule @{rule.at_keyword}", f"@{rule.at_keyword} {head} {{}}"
            yield from _rules(tinycss2.parse_rule_list(rule.content or [], **WITHOUT))


def _declarations(rule: QualifiedRule | AtRule, head: str) -> Iterator[Trial]:
    """Each declaration of a rule, as the only one in a rule with this head."""
    declared: set[str] = set()
    parts = tinycss2.parse_blocks_contents(rule.content or [], **WITHOUT)
    for part in parts:
        if part.type != "declaration":
            yield part.source_line, getattr(part, "message", "unexpected rule"), ""
            continue
        value = tinycss2.serialize(part.value).strip()
        yield part.source_line, f"{part.name} cannot be {value}", f"{head} {{ {part.name}: {value} }}"
        if part.name in declared:
            yield part.source_line, f"{part.name} stands here twice", ""
        declared.add(part.name)
    if not parts:
        yield rule.source_line, "a rule without declarations", ""


def main() -> None:
    browser = find_browser()
    if browser is None:
        print(f"Style sheets are not checked: {MISSING}")
        return
    found = []
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser, args=FLAGS, chromium_sandbox=False)
        page = chromium.new_page()
        for sheet in SHEETS:
            what = mistakes(page, sheet.read_text(encoding="utf-8"))
            found += [f"{sheet.relative_to(ROOT)}:{line}" for line in what]
        chromium.close()
    print("\n".join(found), end="\n" if found else "")
    sys.exit(bool(found))


if __name__ == "__main__":
    main()
