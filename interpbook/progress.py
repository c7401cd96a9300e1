"""One progress bar for everything that takes a while."""

from __future__ import annotations

import os
from typing import Any

from tqdm.auto import tqdm


def progress_bar(total: int, title: str, unit: str, enabled: bool = True) -> tqdm[Any]:
    """A bar of `total` steps, which stays silent while a notebook is executed for the book.

    A bar's text holds timings, which differ between runs; the pages of the book are compared line by line.

    >>> bar = progress_bar(3, "training", "epoch", enabled=False)
    >>> bar.update(1)
    """
    executed_for_the_book = os.environ.get("INTERPBOOK_RENDER") == "page"
    scale = {"unit_scale": True, "unit_divisor": 1000} if unit == "B" else {}
    return tqdm(
        total=total, desc=title, unit=unit, leave=False, disable=executed_for_the_book or not enabled, **scale
    )
