"""Numbers that both halves of a figure read, as noise that was drawn once: `tables` of a `View` or a `Scene`."""

import base64
from collections.abc import Mapping

import numpy as np

Tables = Mapping[str, np.ndarray]


def pack_tables(tables: Tables) -> dict[str, dict[str, object]]:
    """Tables for the page, in 32-bit numbers; `static/tables.js` reads them.

    Raises:
        ValueError: a value that 32 bits do not hold, so that page and kernel would compute with different numbers.

    >>> pack_tables({"noise": np.array([[0.5, 1.0]])})
    {'noise': {'shape': [1, 2], 'float32': 'AAAAPwAAgD8='}}
    """
    packed: dict[str, dict[str, object]] = {}
    for name, table in tables.items():
        short = np.asarray(table, dtype="<f4")
        if not np.isfinite(short).all() or (short != table).any():
            raise ValueError(f"tables: {name!r} has values beyond 32 bits; give it as np.float32")
        packed[name] = {"shape": list(short.shape), "float32": base64.b64encode(short.tobytes()).decode()}
    return packed
