"""Links to the figures of a page: their places stand in the outputs of cells, where MyST does not look for them."""

import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

# "#figure-3", and the same with a state of the figure.
FIGURE = re.compile(r"#(figure-\d+(?:\?.*)?)")


class FigureLinks(SphinxTransform):
    """Takes `[Figure 3](#figure-3)` as it is; tests of notebooks and pages see to it that the figure exists."""

    # Just before MyST looks for the target of such links among headings.
    default_priority = 878

    def apply(self, **kwargs: object) -> None:
        """Make every link to a figure one to a place in this page."""
        for link in self.document.findall(nodes.reference):
            found = FIGURE.fullmatch(link.get("refuri", ""))
            if found and link.get("id_link"):
                del link["refuri"], link["id_link"]
                link["refid"] = found[1]
                link["internal"] = True


def setup(app: Sphinx) -> dict[str, bool]:
    """Add the transform to the builder."""
    app.add_transform(FigureLinks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
