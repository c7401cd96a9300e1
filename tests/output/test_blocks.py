"""Blocks of an output are written anew from the files that they name, and nothing around them is touched."""

from pathlib import Path

import pytest

from interpbook.output import blocks


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with two style sheets and two scripts."""
    monkeypatch.setattr(blocks, "PACKAGE", tmp_path)
    (tmp_path / "a.css").write_text("/* a\n   note */\n.a { color: red; }\n")
    (tmp_path / "b.css").write_text('.b::before {\n  margin: 0, 1;\n  content: "x; { y";\n}\n')
    (tmp_path / "a.js").write_text('// a note\nvar a = "/* text // */"; // kept\n')
    (tmp_path / "b.js").write_text("start(name, a);\n")
    return tmp_path


def output() -> str:
    still = "<p>a.css</p><style>p { color: red }</style>"
    return f"<div>{blocks.style('a.css', 'b.css')}{still}{blocks.script('ib-0', 'a.js', 'b.js')}</div>"


def test_space_and_comments_stay_in_the_files(package: Path) -> None:
    assert blocks.source("a.css") == ".a { color: red; }\n"
    assert blocks.source("a.js") == 'var a = "/* text // */"; // kept\n'
    assert blocks.style("a.css", "b.css").endswith('>.a{color:red}.b::before{margin:0,1;content:"x; { y"}</style>')


def test_a_block_says_what_its_files_say_now(package: Path) -> None:
    old = output()
    assert blocks.renewed(old) == old
    (package / "a.css").write_text(".a { color: blue; }")
    (package / "b.js").write_text("stop(name);\n")
    new = blocks.renewed(old)
    assert new == output() == old.replace("color:red}.b", "color:blue}.b").replace("start(name, a)", "stop(name)")
    assert blocks.emptied(new) == blocks.emptied(old)


def test_what_stands_around_the_blocks_is_seen_when_they_are_emptied(package: Path) -> None:
    old = output()
    for part in ("<p>a.css</p>", "<style>p { color: red }</style>", 'data-figure="ib-0"', "a.js b.js"):
        assert blocks.emptied(old.replace(part, "")) != blocks.emptied(old)
    assert "var a" not in blocks.emptied(old)


def test_a_file_that_is_gone_is_named(package: Path) -> None:
    old = output()
    (package / "a.js").unlink()
    with pytest.raises(ValueError, match=r"'a\.js'"):
        blocks.renewed(old)
