"""The ledger: `{{ claims }}` becomes every registered claim with what the committed notebooks measured."""

import json
import os
import re
from html import escape, unescape
from pathlib import Path

import outline
from docutils.nodes import make_id
from pybtex.database import Entry
from pybtex.richtext import Text
from sphinx.application import Sphinx
from sphinx.util import logging

from interpbook.page import claim_view, claims, executed, refresh

PLACEHOLDER = "{{ claims }}"
HEAD = "<thead><tr><th scope='col'>Claim</th><th scope='col'>Measured</th><th scope='col'>Verdict</th></tr></thead>"
CITED = re.compile(r'<cite data-cite="([^"]+)">[^<]*</cite>')
LEDGER = re.compile(r'(</a>)?<span class="ib-ledger" data-claim="([^"]+)"></span>')
EVIDENCE = re.compile(r'<a class="ib-evidence" href="(\w+)\.ipynb" data-heading="([^"]+)">')
log = logging.getLogger(__name__)


def write_ledger(app: Sphinx, docname: str, content: list[str]) -> None:
    """Replace the placeholder. A claim that no notebook recorded is a warning, and so stops the build."""
    if PLACEHOLDER not in content[0]:
        return
    chapters = [chapter for part in outline.read(Path(app.srcdir)) for chapter in part.chapters]
    names = [f"notebooks/{page}" for chapter in chapters for page in chapter.pages]
    pages = {name: Path(app.srcdir, f"{name}.ipynb") for name in names}
    for name in claims.unrecorded(pages.values()):
        log.warning("the claim %s is registered, but no committed notebook recorded it", name, location=docname)
    seen = Path(app.srcdir, "book", "travel.json")
    tables = [_table(name, notebook, seen) for name, notebook in pages.items()]
    content[0] = content[0].replace(PLACEHOLDER, "\n\n".join(filter(None, tables)) or "No claim is registered yet.")


def _table(page: str, notebook: Path, seen: Path) -> str:
    """A heading that links to a lesson or a page of evidence, and the claims recorded there."""
    records = claims.read_notebook(notebook)
    if not records:
        return ""
    machines = executed.seen_on(notebook, seen)
    address = f"../{page}.html"
    rows = "".join(claim_view.row_html(record, machines.get(record.id, []), address) for record in records)
    title = escape(title_of(notebook))
    return (
        f"## [{title}](../{page}.ipynb)\n\n"
        f'<div class="ib-scroll"><table class="ib-claims">{HEAD}<tbody>{rows}</tbody></table></div>'
    )


def refuse_stale_outputs(app: Sphinx, docname: str, content: list[str]) -> None:
    """Outputs that come from other code than the one above them, or with other scripts than the package has now, are a
    warning, and so stop the build.
    """
    notebook = Path(app.srcdir, f"{docname}.ipynb")
    if not notebook.exists():
        return
    if executed.is_stale(notebook):
        log.warning(
            "its code has changed since it was executed: make notebooks NOTEBOOKS=%s.ipynb", docname, location=docname
        )
    if refresh.is_stale(notebook):
        log.warning("scripts or styles in its outputs have changed since: make refresh", location=docname)


def title_of(notebook: Path) -> str:
    """The first heading of a notebook, 'Full-gradients'."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    text = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")
    heading = re.search(r"^# (.+)$", text, re.MULTILINE)
    return heading[1] if heading else notebook.stem


def link_claims(app: Sphinx, exception: Exception | None) -> None:
    """Each badge gets a link to its row in the ledger, and the one to its evidence leads to the section in the book.

    A section that is not there is a warning, and so stops the build. On the evidence page itself it is no link.
    """
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for page in sorted(out.glob("notebooks/*/*.html")):
        text = page.read_text(encoding="utf-8")
        ledger = os.path.relpath(out / "book" / "claims.html", page.parent)

        def to_ledger(match: re.Match, ledger: str = ledger) -> str:
            before = "</a> · " if match[1] else ""
            row = f"{ledger}#{claim_view.anchor(unescape(match[2]))}"
            return f'{before}<a class="ib-ledger" href="{row}">in the ledger</a>'

        def to_evidence(match: re.Match, page: Path = page) -> str:
            target = page.with_name(f"{match[1]}.html")
            if target == page:
                return '<a class="ib-evidence">'
            # Sphinx sets curly quotes, which an id then lacks.
            section = make_id(unescape(match[2]).replace("'", "’"))
            if not (target.exists() and f'id="{section}"' in target.read_text(encoding="utf-8")):
                log.warning("%s links to the section %r of %s, which is not there", page.name, match[2], target.name)
            return f'<a class="ib-evidence" href="{target.name}#{section}">'

        linked = EVIDENCE.sub(to_evidence, LEDGER.sub(to_ledger, text))
        if linked != text:
            page.write_text(linked, encoding="utf-8")


def link_sources(app: Sphinx, exception: Exception | None) -> None:
    """Notebooks name a source by its key, which means nothing in Colab; here it becomes a link with names and year."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    targets = {cited.key: cited for cited in app.env.get_domain("cite").citations}
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")

        def link(match: re.Match, page: Path = page) -> str:
            cited = targets[match[1]]
            file = os.path.relpath(out / f"{cited.bibliography_key.docname}.html", page.parent)
            return f'<cite><a href="{file}#{cited.citation_id}">{_names(cited.entry)}</a></cite>'

        if CITED.search(text):
            page.write_text(CITED.sub(link, text), encoding="utf-8")


def _names(entry: Entry) -> str:
    """As a reader would say it: 'Srinivas and Fleuret, 2019'."""
    names = [str(Text.from_latex(" ".join(person.last_names))) for person in entry.persons["author"]]
    shown = " and ".join(names) if len(names) < 3 else f"{names[0]} et al."
    return escape(f"{shown}, {entry.fields['year']}")


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("source-read", write_ledger)
    app.connect("source-read", refuse_stale_outputs)
    app.connect("build-finished", link_sources)
    app.connect("build-finished", link_claims)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
