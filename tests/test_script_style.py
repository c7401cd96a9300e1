"""The linter of scripts finds a mistake of each kind, in the file and line where it stands."""

from pathlib import Path

import pytest
import script_style

WHOLE = 'var drawn = {};\n\nfunction element(tag) {\n  drawn.last = tag;\n  return tag;\n}\nelement("p");\n'
SCRIPTS = ("explore/first.js", "chapters/a/b/views.js", "chapters/a/c/views.js")
PLANTED = {
    "no-undef": "elemnt(drawn);\n",
    "no-unused-vars": "function forgotten() {}\n",
    "no-unreachable": "(function () {\n  return;\n  element();\n})();\n",
    "no-dupe-keys": "element({ a: 1, a: 2 });\n",
    "use-isnan": "element(drawn === NaN);\n",
    "no-eval": 'eval("drawn");\n',
}


def write(folder: Path, **texts: str) -> list[Path]:
    for name, text in texts.items():
        (folder / f"{name}.js").write_text(text)
    return [folder / f"{name}.js" for name in texts]


def test_scripts_know_each_other_s_names(tmp_path: Path) -> None:
    assert script_style.mistakes([write(tmp_path, first=WHOLE, second="element(drawn);\n")], tmp_path) == []


@pytest.mark.parametrize("rule", PLANTED)
def test_a_planted_mistake_is_found_where_it_stands(tmp_path: Path, rule: str) -> None:
    text = f"// A note.\n\n{PLANTED[rule]}"
    [found] = script_style.mistakes([write(tmp_path, first=WHOLE, second=text, third=WHOLE[-14:])], tmp_path)
    line = 5 if rule == "no-unreachable" else 3
    assert found.startswith(f"second.js:{line}:")
    assert f"({rule})" in found


def test_a_name_that_two_scripts_give_is_found(tmp_path: Path) -> None:
    [found] = script_style.mistakes([write(tmp_path, first=WHOLE, second="var drawn = 1;\n")], tmp_path)
    assert found.startswith("first.js:1:5: 'drawn' is already defined")


def test_a_script_that_cannot_be_read_is_found(tmp_path: Path) -> None:
    assert script_style.mistakes([write(tmp_path, first=WHOLE, second="element(;\n")], tmp_path)


def test_a_name_of_another_figure_is_unknown_and_one_that_another_figure_uses_is_not_unused(tmp_path: Path) -> None:
    shared, user, other = write(
        tmp_path, shared="function play() {}\n", user="play();\n", other="var a = [];\na.b = 1;\n"
    )
    assert script_style.mistakes([[shared, user], [shared, other]], tmp_path) == []
    user.write_text("play(a);\n")
    [unknown] = script_style.mistakes([[shared, user], [shared, other]], tmp_path)
    assert unknown.startswith("user.js:1:6: 'a' is not defined")
    user.write_text("")
    [unused] = script_style.mistakes([[shared, user], [shared, other]], tmp_path)
    assert unused.startswith("shared.js:1:10:")


def test_every_script_of_the_book_is_linted(root: Path) -> None:
    scripts = {*root.glob("interpbook/**/*.js"), *root.glob("book/_static/*.js"), *root.glob("book/editions/*.js")}
    assert {script for group in script_style.groups() for script in group} == scripts


def test_a_script_that_no_figure_has_yet_is_linted_beside_those_of_explore(tmp_path: Path) -> None:
    for name in SCRIPTS:
        (tmp_path / "interpbook" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "interpbook" / name).write_text("")
    (tmp_path / "notebooks" / "a").mkdir(parents=True)
    stored = r'"<script data-files=\"explore/first.js chapters/a/b/views.js\" data-figure=\"ib-0\">"'
    (tmp_path / "notebooks" / "a" / "b.ipynb").write_text(stored)
    first, own, new = (tmp_path / "interpbook" / name for name in SCRIPTS)
    assert script_style.groups(tmp_path) == [[first, own], [first, new]]
