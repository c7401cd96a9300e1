"""At the foot of every page: how to cite it, made from CITATION.cff and the page's title."""

import re
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

import release
import yaml
from sphinx.application import Sphinx

LATEX = re.compile(r"[&%$#_{}]")
PLACE = """\
<details class="ib-cite"><summary>Cite this page</summary>
<p>{words}</p>
<div class="highlight"><pre>{bibtex}</pre></div>
</details>
"""


def in_words(citation: Mapping[str, Any], title: str, address: str, year: str) -> str:
    """A page as APA cites it, in HTML.

    >>> book = {"title": "A book", "version": "0.2.0", "authors": [{"name": "Some authors"}]}
    >>> in_words(book, "One page", "https://example.org", "2026")[:60]
    'Some authors. (2026). One page. In <i>A book</i> (Version 0.'
    """
    place = f'<a href="{escape(address)}">{escape(address)}</a>'
    end = "" if title.endswith(("?", "!")) else "."
    return (
        f"{escape(_authors(citation))}. ({year}). {escape(title)}{end} In <i>{escape(citation['title'])}</i>"
        f" (Version {escape(str(citation['version']))}) [Computer software]. {place}"
    )


def in_bibtex(citation: Mapping[str, Any], title: str, address: str, year: str, key: str) -> str:
    """A page as an entry for BibTeX; the authors are in two pairs of braces, being no persons.

    >>> book = {"title": "A book", "version": "0.2.0", "authors": [{"name": "Some authors"}]}
    >>> print(in_bibtex(book, "Lost & found", "https://example.org", "2026", "interpbook-lost"))
    @incollection{interpbook-lost,
      author    = {{Some authors}},
      title     = {Lost \\& found},
      booktitle = {A book},
      note      = {Version 0.2.0},
      year      = {2026},
      url       = {https://example.org}
    }
    """
    fields = {
        "author": f"{{{_latex(_authors(citation))}}}",
        "title": _latex(title),
        "booktitle": _latex(citation["title"]),
        "note": f"Version {citation['version']}",
        "year": year,
        "url": address,
    }
    lines = ",\n".join(f"  {name:<9} = {{{value}}}" for name, value in fields.items())
    return f"@incollection{{{key},\n{lines}\n}}"


def _authors(citation: Mapping[str, Any]) -> str:
    return " and ".join(author["name"] for author in citation["authors"])


def _latex(text: str) -> str:
    return LATEX.sub(r"\\\g<0>", text)


def add_citation(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Below the text of a page that is written; search and the reference have none."""
    if doctree is None or pagename.startswith("book/api/"):
        return
    citation = yaml.safe_load(Path(app.srcdir, "CITATION.cff").read_text(encoding="utf-8"))
    version = str(citation["version"])
    source = Path(app.env.doc2path(pagename)).relative_to(app.srcdir).as_posix()
    address = f"{citation['repository-code']}/blob/{release.ref(version)}/{source}"
    title = app.env.titles[pagename].astext()
    # What is not released has no date.
    year = str(citation.get("date-released", app.config.copyright))[:4]
    key = f"interpbook-{pagename.rpartition('/')[2]}"
    context["body"] += PLACE.format(
        words=in_words(citation, title, address, year),
        bibtex=escape(in_bibtex(citation, title, address, year, key)),
    )


def setup(app: Sphinx) -> dict[str, bool]:
    app.connect("html-page-context", add_citation)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
