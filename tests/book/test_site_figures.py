"""Links to figures are taken as they are; any other link is left to MyST."""

import pytest

nodes = pytest.importorskip("docutils.nodes", reason="the book's own packages are not installed")
utils = pytest.importorskip("docutils.utils", reason="the book's own packages are not installed")
site_figures = pytest.importorskip("site_figures", reason="the book's own packages are not installed")


def linked(address: str) -> "nodes.reference":
    """A link as MyST makes it, after the transform."""
    document = utils.new_document("page")
    document += nodes.reference("", "text", refuri=address, id_link=True)
    site_figures.FigureLinks(document).apply()
    return document[0]


@pytest.mark.parametrize("place", ["figure-3", "figure-12?class=7&eps=0.1"])
def test_a_link_to_a_figure_is_one_to_a_place_in_the_page(place: str) -> None:
    link = linked(f"#{place}")
    assert link["refid"] == place
    assert "refuri" not in link
    assert not link.get("id_link")


@pytest.mark.parametrize("address", ["#a-heading", "#figure-of-speech", "#figure-"])
def test_another_link_is_left_alone(address: str) -> None:
    link = linked(address)
    assert link["refuri"] == address
    assert link["id_link"]
