"""What is looked at only for a release, apart from what builds and opens things."""

from pathlib import Path

import pytest

release_check = pytest.importorskip("release_check")


def test_a_built_page_of_another_version_is_named(tmp_path: Path) -> None:
    page = tmp_path / "notebooks" / "part" / "chapter.html"
    page.parent.mkdir(parents=True)
    # As the builder colours it.
    page.write_text("<span>version</span><span>=</span><span>&quot;0.2.0&quot;</span>", encoding="utf-8")
    assert release_check.built_pages("0.2.0", tmp_path) == []
    [found] = release_check.built_pages("0.2.1", tmp_path)
    assert "notebooks/part/chapter.html in the built book is no page of 0.2.1" in found


def test_an_address_that_nobody_answers_is_offline() -> None:
    assert not release_check.is_online("http://127.0.0.1:9")
