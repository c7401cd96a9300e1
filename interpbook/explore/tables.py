"""Numbers that both halves of a figure read, as noise that was drawn once: `tables` of a `View` or a `Scene`."""

import base64
from collections.abc import Mapping

import numpy as np

Tables = Mapping[str, np.ndarray]


def pack_tables(tables: Tables) -> dict[str, dict[str, object]]:
    """Tables for the page, in 32-bit numbers, or in 16 bits where they are np.float16; `static/tables.js` reads them.

    Raises:
        ValueError: a value that 32 bits do not hold, so that page and kernel would compute with different numbers.

    >>> pack_tables({"noise": np.array([[0.5, 1.0]])})
    {'noise': {'shape': [1, 2], 'float32': 'AAAAPwAAgD8='}}
    >>> pack_tables({"weights": np.float16([0.5])})
    {'weights': {'shape': [1], 'float16': 'ADg='}}
    """
    packed: dict[str, dict[str, object]] = {}
    for name, table in tables.items():
        form = "float16" if np.asarray(table).dtype == np.float16 else "float32"
        short = np.asarray(table, dtype="<f2" if form == "float16" else "<f4")
        if not np.isfinite(short).all() or (short != table).any():
            raise ValueError(f"tables: {name!r} has values beyond 32 bits; give it as np.float32")
        packed[name] = {"shape": list(short.shape), form: base64.b64encode(short.tobytes()).decode()}
    return packed
