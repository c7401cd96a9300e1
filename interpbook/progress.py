"""One progress bar for everything that takes a while."""

import os

from tqdm.auto import tqdm


def progress_bar(total: int, title: str, unit: str, enabled: bool = True) -> tqdm:
    """A bar of `total` steps, which stays silent while a notebook is executed for the book.

    A bar's text holds timings, which differ between runs, and the book's pages are compared line by line.

    Args:
        total: the number of steps.
        title: what is going on, in one or two words.
        unit: what one step is, in the singular; `"B"` for bytes.
        enabled: False for no bar at all.

    >>> bar = progress_bar(3, "training", "epoch", enabled=False)
    >>> bar.update(1)
    """
    executed_for_the_book = os.environ.get("INTERPBOOK_RENDER") == "page"
    return tqdm(
        total=total,
        desc=title,
        unit=unit,
        unit_scale=unit == "B",  # bytes are shown as kB and MB
        leave=False,
        disable=executed_for_the_book or not enabled,
    )
