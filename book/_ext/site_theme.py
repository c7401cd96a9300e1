"""What theme and builder leave to mend: console errors, half a megabyte of icon script, what a screen reader misses."""

import re
from pathlib import Path
from typing import Any

import release
from sphinx.application import Sphinx

import interpbook

# The theme loads its icons twice, as a font and as this script, which weighs more than a chapter.
ICON_SCRIPT = re.compile(r"\s*<script[^>]*fontawesome\.js[^>]*></script>")
# Buttons whose accessible name the theme forgets.
NAMELESS = re.compile(r'<img class="btn__icon([^"]*)"([^>]*?)(?<! alt="")>')
# The contents beside the page unfold, and do not say what.
UNFOLDED = re.compile(r'(>([^<]+)</a><details[^>]*>)<summary>(?=<span class="toctree-toggle")')
# A signature of several lines is a list of definitions without a term.
SIGNATURE = re.compile(r'<dl>\s*<dd>(?=<em class="sig-param">).*?</dl>', re.DOTALL)
# A role that ARIA has given up; what stands in the list is its items.
SOURCE = re.compile(r'(<div class="citation"[^>]*) role="doc-biblioentry"')


def mend_context(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object) -> None:
    """Name a default colour mode, and leave out Thebe, which this book has no use for.

    Without the first the theme reports an "invalid theme mode"; the second is declared twice on every page, which
    stops the first script with a SyntaxError.
    """
    context["default_mode"] = "auto"
    context["script_files"] = [script for script in context["script_files"] if "thebe" not in _text(script)]
    context["css_files"] = [sheet for sheet in context["css_files"] if "thebe" not in _text(sheet)]


def no_edit_of_what_is_made(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """The pages of the reference are made from docstrings: there is no file of theirs to edit in the repository."""
    if pagename.startswith("book/api/"):
        for group in context["header_buttons"]:
            if "buttons" in group:
                group["buttons"] = [button for button in group["buttons"] if button["label"] != "source-edit-button"]


def to_colab_as_released(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """The rocket opens a page at its release, where the theme knows one branch only: that on which pages are edited."""
    for group in context["header_buttons"]:
        for button in group.get("buttons", ()):
            if "url" in button:
                button["url"] = release.to_colab(button["url"], interpbook.__version__)


def _text(asset: Any) -> str:
    return f"{asset.filename} {getattr(asset, 'attributes', {}).get('body', '')}".lower()


def mend_pages(app: Sphinx, exception: Exception | None) -> None:
    """Take the icon script out of every page, and name or mark up what would be silent or misleading."""
    if exception or app.builder.format != "html":
        return
    for page in Path(app.outdir).rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        text = ICON_SCRIPT.sub("", text)
        text = NAMELESS.sub(r'<img class="btn__icon\1"\2 alt="">', text)
        text = UNFOLDED.sub(r'\1<summary aria-label="Pages under \2">', text)
        text = SIGNATURE.sub(_lines_of_signature, text)
        page.write_text(SOURCE.sub(r'\1 role="listitem"', text), encoding="utf-8")


def _lines_of_signature(found: re.Match[str]) -> str:
    """The same in boxes that mean nothing; the style sheet sets them in."""
    inside = re.sub(r"<dd>", '<div class="ib-parameter">', found[0].removeprefix("<dl>").removesuffix("</dl>"))
    return f"<div>{inside.replace('</dd>', '</div>')}</div>"


def setup(app: Sphinx) -> dict[str, bool]:
    # After the theme and its extensions have added their scripts.
    app.connect("html-page-context", mend_context, priority=900)
    app.connect("html-page-context", no_edit_of_what_is_made, priority=900)
    app.connect("html-page-context", to_colab_as_released, priority=900)
    app.connect("build-finished", mend_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
