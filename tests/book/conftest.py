"""What tests of the built book share."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def pages(site: Path) -> list[str]:
    """Every page that the book consists of, relative to its folder; index.html only leads to the first."""
    not_read = {"_static", "_sources", "index.html"}
    return sorted(
        str(path.relative_to(site))
        for path in site.rglob("*.html")
        if not not_read & set(path.relative_to(site).parts[:1])
    )
