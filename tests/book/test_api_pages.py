"""The reference: every public name is on its page, and is described with an example that the doctests run."""

import importlib
import inspect
from dataclasses import is_dataclass

import contents
import outline
import pytest

site_api = pytest.importorskip("site_api", reason="the book's own packages are not installed")

ROOMS = [name for name in contents.reference(outline.read()) if name != "index"]


def public(room: str) -> dict[str, object]:
    return site_api.public_names(importlib.import_module(f"interpbook.{room}"))


def test_every_part_and_every_room_that_a_reader_imports_has_a_page(root):
    packages = {file.parent.name for file in (root / "interpbook").glob("*/__init__.py")}
    assert packages - {*contents.INNER} <= {*ROOMS}
    assert {*contents.SHARED} <= {*ROOMS}


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_is_on_the_page(room, site):
    page = (site / "book" / "api" / f"{room}.html").read_text(encoding="utf-8")
    names = public(room)
    assert names
    missing = [name for name in names if f'id="interpbook.{room}.{name}"' not in page]
    assert not missing, missing


@pytest.mark.parametrize("room", ROOMS)
def test_every_public_name_has_an_example(room):
    bare = []
    for name, thing in public(room).items():
        # An exception or a record is made by the functions that raise or return it, and shown in their examples.
        record = is_dataclass(thing) or (inspect.isclass(thing) and issubclass(thing, Exception))
        if (inspect.isroutine(thing) or inspect.isclass(thing)) and not record:
            texts = [inspect.getdoc(thing) or ""]
            if inspect.isclass(thing):
                texts += [inspect.getdoc(member) or "" for member in vars(thing).values() if inspect.isroutine(member)]
            bare += [] if any(">>>" in text for text in texts) else [name]
    assert not bare, f"no example in the docstring of {', '.join(bare)}"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a `b` c", "a ``b`` c"),
        ("shape (B, *dims), size |t|", r"shape (B, \*dims), size \|t\|"),
        ("after `x * |y|` and [lecun1998gradient]", "after ``x * |y|`` and :cite:p:`lecun1998gradient`"),
        ("an interval [0, 1] and x[i]", "an interval [0, 1] and x[i]"),
    ],
)
def test_plain_docstrings_become_what_sphinx_reads(written, read):
    assert site_api._inline(written, {"lecun1998gradient"}) == read


def test_equations_and_shared_descriptions():
    assert site_api._equations(["One:", "", "    f = x", "    g = y", "", "Two"]) == [
        "One:", "", "::", "", "    f = x", "    g = y", "", "Two",
    ]  # fmt: skip
    assert site_api._one_name_each(["Args:", "    a, b: one", "        more", "    c: two"]) == [
        "Args:", "    a: one", "        more", "    b: one", "        more", "    c: two",
    ]  # fmt: skip


def test_what_a_package_says_of_itself_opens_its_page(site):
    page = (site / "book" / "api" / "functions.html").read_text(encoding="utf-8")
    assert "One scalar function of a batch" in page
    assert "{{" not in page


def test_no_page_offers_to_edit_what_is_made(site):
    for page in (site / "book" / "api").glob("*.html"):
        assert "/edit/" not in page.read_text(encoding="utf-8"), page
    assert "/edit/" in (site / "book" / "claims.html").read_text(encoding="utf-8")


def test_an_example_in_a_package_s_docstring_is_code():
    module = type(pytest)("made_up")
    module.__doc__ = """What it is.

    More of it.

    >>> 1 + 1
    2
    """
    assert site_api._about(module) == "What it is.\n\nMore of it.\n\n```python\n>>> 1 + 1\n2\n```"


def test_a_value_that_is_handed_on_keeps_its_comment():
    assert "The eight methods by name" in site_api._comment("interpbook.attribution.METHODS")[0]
    assert site_api._comment("interpbook.attribution.lfa") == []
