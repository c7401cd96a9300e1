"""Figures are drawn in the book's style, as `page.start` sets it; without it matplotlib cuts labels off."""

import pytest

from interpbook.output import figures


@pytest.fixture(scope="module", autouse=True)
def book_style() -> None:
    """Whichever test came before."""
    figures.use_style()
