"""A page of evidence belongs to its lesson: listed under it, and not numbered beside the lesson's own sections."""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from interpbook.page.executed import EVIDENCE


def take_numbers_off(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Leave out the numbers that the contents gave to pages of evidence and to what is in them."""
    pages = [name for name in env.found_docs if name.endswith(EVIDENCE)]
    for name in pages:
        env.toc_secnumbers.pop(name, None)
        env.titles[name].attributes.pop("secnumber", None)
        for link in env.tocs[name].findall(nodes.reference):
            link.attributes.pop("secnumber", None)
    return pages


def setup(app: Sphinx) -> dict[str, bool]:
    # After the builder has numbered everything.
    app.connect("env-get-updated", take_numbers_off, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
