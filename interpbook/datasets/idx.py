"""The idx format of MNIST: two zero bytes, element type, number of axes, their lengths, the elements."""

import gzip
import math
import zlib

import numpy as np
from jaxtyping import UInt8

UNSIGNED_BYTE = 8


def decode_idx(content: bytes, title: str) -> UInt8[np.ndarray, "*axes"]:
    """The array of unsigned bytes in an idx file, gzipped or not.

    Raises:
        ValueError: `content` is not a complete idx file of unsigned bytes; the message starts with `title`.

    >>> decode_idx(bytes([0, 0, 8, 1, 0, 0, 0, 3, 7, 8, 9]), "three labels").tolist()
    [7, 8, 9]
    """
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise ValueError(f"{title}: the gzip stream is damaged ({error})") from error
    if len(content) < 4 or content[:3] != bytes([0, 0, UNSIGNED_BYTE]):
        raise ValueError(f"{title}: not an idx file of unsigned bytes, starts with {content[:4].hex(' ')!r}")
    start = 4 + 4 * content[3]
    if len(content) < start:
        raise ValueError(f"{title}: the header should have {start} bytes, the file has {len(content)}")
    shape = tuple(int(n) for n in np.frombuffer(content[4:start], dtype=">u4"))
    held = len(content) - start
    if held != math.prod(shape):
        raise ValueError(f"{title}: the header announces shape {shape}, the file holds {held} bytes")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
