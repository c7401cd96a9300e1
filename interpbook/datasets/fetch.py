"""Files that can be trusted: every byte is checked before it is used, and nothing is ever half-written.

A checksum is written `"sha256:<hex digits>"`, or `"md5:<hex digits>"` because torchvision publishes those.
"""

import hashlib
import http.client
import os
import secrets
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, BinaryIO

from interpbook.progress import progress_bar

CHUNK = 1 << 16
TIMEOUT_SECONDS = 30  # without any sign of life
SLOWEST = 25_000  # bytes a second on average; who sends less is given up


class DataError(RuntimeError):
    """A data file is missing, damaged or out of reach. The message names the file and says what to do."""


@contextmanager
def atomic_file(path: Path) -> Iterator[BinaryIO]:
    """Open `path` for writing so that it appears complete or not at all.

    The bytes go to a hidden neighbour that takes the name of `path` only after the block ended without an
    exception; until then an older file under that name stays as it is.

    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with atomic_file(folder / "a.bin") as file:
    ...     _ = file.write(b"abc")
    >>> [entry.name for entry in folder.iterdir()]
    ['a.bin']
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two threads may write the same file: a name for each.
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with open(partial, "xb") as file:
            yield file
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def cache_folder(root: str | Path | None = None) -> Path:
    """The folder for what is downloaded: `root`, or without one `.cache/interpbook` in the home folder.

    >>> cache_folder().parts[-2:]
    ('.cache', 'interpbook')
    """
    return Path.home() / ".cache" / "interpbook" if root is None else Path(root)


def _algorithm(checksum: str) -> str:
    algorithm, _, digits = checksum.partition(":")
    if algorithm not in ("sha256", "md5") or not digits:
        raise ValueError(f'checksum: expected "sha256:<hex>" or "md5:<hex>", got {checksum!r}')
    return algorithm


def checksum_of(content: bytes, algorithm: str = "sha256") -> str:
    """The checksum of `content` in this module's notation.

    >>> checksum_of(b"abc", "md5")
    'md5:900150983cd24fb0d6963f7d28e17f72'
    """
    return f"{algorithm}:{hashlib.new(algorithm, content, usedforsecurity=False).hexdigest()}"


def read_verified(path: Path, checksum: str, remedy: str) -> bytes:
    """The bytes of the file at `path`, after their checksum was compared.

    Raises:
        DataError: the file is missing, unreadable, or not the one that `checksum` describes; the message ends
            with `remedy`, a sentence that says what to do.

    >>> read_verified(Path("no/such.npz"), "sha256:00", "Reinstall interpbook.")
    Traceback (most recent call last):
    ...
    interpbook.datasets.fetch.DataError: no/such.npz is missing (expected sha256:00). Reinstall interpbook.
    """
    algorithm = _algorithm(checksum)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path} is missing (expected {checksum}). {remedy}") from None
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror} (expected {checksum}). {remedy}") from error
    found = checksum_of(content, algorithm)
    if found != checksum:
        raise DataError(f"{path} is damaged: expected {checksum}, got {found} ({len(content)} bytes). {remedy}")
    return content


def fetch(path: Path, urls: Sequence[str], checksum: str, size: int) -> Path:
    """Make sure that the file described by `checksum` lies at `path`, downloading it where it does not.

    Each address gets a minute, and a second more for every 25 kB. Redirections are followed to http and https only.
    Threads and processes may ask for the same file at the same time.

    Args:
        path: where the file belongs. A file there with the right checksum is used without any request.
        urls: addresses of the same file, tried in order.
        checksum: `"sha256:<hex>"` or `"md5:<hex>"`.
        size: the length of the file in bytes.

    Returns:
        `path`, which now holds the verified file. What is read there later may be another one: see `fetch_bytes`.

    Raises:
        DataError: no address gave the file (no network, an HTTP error, a truncated or different file, one that
            comes too slowly). The message names the file, its size, what each address answered, and what to do
            without a network. Nothing is left behind; a damaged file that was already there stays. Or what is at
            `path` cannot be read, a folder for example: nothing is asked for.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "abc.txt"
    >>> _ = path.write_bytes(b"abc")
    >>> fetch(path, ["https://example.org/abc.txt"], checksum_of(b"abc"), size=3).name  # already there
    'abc.txt'
    """
    algorithm = _algorithm(checksum)
    failures = []
    try:
        if checksum_of(path.read_bytes(), algorithm) == checksum:
            return path
        failures.append(f"{path} is there, but damaged")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}. Move it away: a file belongs there.") from error
    for url in urls:
        try:
            with atomic_file(path) as file:
                _download(url, file, path.name, checksum, size)
            return path
        except urllib.error.HTTPError as error:
            failures.append(f"{url}: the server answered {error.code} {error.reason}")
        except urllib.error.URLError as error:
            failures.append(f"{url}: no connection ({error.reason})")
        except (DataError, OSError, ValueError, http.client.HTTPException) as error:
            failures.append(f"{url}: {error or type(error).__name__}")
    raise DataError(
        f"{path.name} ({size / 1e6:.1f} MB) could not be downloaded to {path}.\n  "
        + "\n  ".join(failures)
        + f"\nWithout a network: get the file ({checksum}) on another machine and copy it to {path}."
    )


def fetch_bytes(path: Path, urls: Sequence[str], checksum: str, size: int) -> bytes:
    """The content of the file that `fetch` brings to `path`: the very bytes whose checksum was compared.

    Raises:
        DataError: as `fetch`; or the file became another one meanwhile.

    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "abc.txt"
    >>> _ = path.write_bytes(b"abc")
    >>> fetch_bytes(path, ["https://example.org/abc.txt"], checksum_of(b"abc"), size=3)  # already there
    b'abc'
    """
    return read_verified(fetch(path, urls, checksum, size), checksum, "Another program writes to it: try again.")


def _download(url: str, file: BinaryIO, title: str, checksum: str, size: int) -> None:
    """Stream `url` into `file`; raise DataError unless exactly the described bytes arrived."""
    algorithm = _algorithm(checksum)
    digest, received = hashlib.new(algorithm, usedforsecurity=False), 0
    # One byte beyond the expected size is enough to know that it is another file.
    seconds = 2 * TIMEOUT_SECONDS + size / SLOWEST
    with closing(_pieces(url, size + 1, seconds)) as pieces, progress_bar(size, title, unit="B") as bar:
        for piece in pieces:
            file.write(piece)
            digest.update(piece)
            received += len(piece)
            bar.update(len(piece))
    if received < size:
        raise DataError(f"truncated, {received} of {size} bytes arrived")
    found = f"{algorithm}:{digest.hexdigest()}"
    if received > size or found != checksum:
        raise DataError(f"a different file arrived: expected {checksum}, got {found}")


def _pieces(url: str, most: int, seconds: float) -> Generator[bytes, None, None]:
    """What `url` answers, at most `most` bytes of it and for at most `seconds` in all.

    It is read by a thread: a server that sends one byte now and then, of its headers too, can hold up a reader for as
    long as it likes, but not the one who waits for that thread.
    """
    waiting: SimpleQueue[bytes | Exception] = SimpleQueue()
    given_up = threading.Event()

    def read() -> None:
        received = 0
        try:
            opener = urllib.request.build_opener(_Redirections)
            with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
                while not given_up.is_set() and (piece := response.read1(min(CHUNK, most - received))):
                    received += len(piece)
                    waiting.put(piece)
            waiting.put(b"")
        except Exception as error:
            waiting.put(error)

    deadline = time.monotonic() + seconds
    threading.Thread(target=read, daemon=True).start()
    try:
        while piece := waiting.get(timeout=max(0.0, deadline - time.monotonic())):
            if isinstance(piece, Exception):
                raise piece
            yield piece
    except Empty:
        raise DataError(f"too slow, not all has arrived in {seconds:.0f} seconds") from None
    finally:
        given_up.set()


class _Redirections(urllib.request.HTTPRedirectHandler):
    """Redirections to http and https, and to nothing else that urllib knows."""

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if urllib.parse.urlsplit(newurl).scheme not in ("http", "https"):
            raise DataError(f"redirected to {newurl}, which is neither http nor https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
