"""By how much something moved: a fact and its phrases, which figures of the chapter share; see also `moved.js`."""

import numpy as np
from torch import Tensor

from interpbook.explore.sentences import Fact

_STILL = 1e-9


def moved(before: Tensor | np.ndarray, after: Tensor | np.ndarray) -> Fact:
    """By how much the largest change is."""
    most = float(abs(after - before).max())
    return ("still", {}) if most < _STILL else ("moved", {"most": most})


def moved_phrases(what: str) -> dict[str, str]:
    """The two phrases for it.

    >>> moved_phrases("value")["still"]
    'no value moves by as much as a billionth.'
    """
    return {
        "still": f"no {what} moves by as much as a billionth.",
        "moved": f"a {what} moves by {{most:significant}}.",
    }
