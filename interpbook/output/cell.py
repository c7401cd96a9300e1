"""One door for everything that a page shows: rich output, its plain fallback, metadata for tests."""

import html
import re

from IPython.core.interactiveshell import InteractiveShell
from IPython.display import publish_display_data


def show(plain: str, html: str | None = None, metadata: dict[str, object] | None = None) -> None:
    """Publish one output; outside IPython print its plain form.

    `metadata` is stored in the notebook under the key "interpbook", where tests and the ledger read it.
    """
    if not InteractiveShell.initialized():
        print(plain)
        return
    data = {"text/plain": plain} if html is None else {"text/html": html, "text/plain": plain}
    publish_display_data(data, metadata={"interpbook": metadata} if metadata else {})


def inline(text: str) -> str:
    """`text` as HTML: everything escaped, and words between backticks set as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text))
