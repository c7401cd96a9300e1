"""Downloads against a server of our own: what arrives is whole and right, or nothing arrives."""

import http.server
import os
import socket
import stat
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interpbook.datasets import fetch as module
from interpbook.datasets.fetch import DataError, atomic_file, checksum_of, fetch, fetch_bytes, read_verified

CONTENT = bytes(range(256)) * 1000
CHECKSUM = checksum_of(CONTENT)


class Server(http.server.ThreadingHTTPServer):
    """Serves /good, /truncated, /longer and /other; everything else is a 404. Counts requests.

    /drip/body, /drip/headers and /drip/redirection send a byte at a time, for three seconds; /to?URL redirects.
    """

    requests = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
        if self.path.startswith("/drip/"):
            return self.drip(self.path.removeprefix("/drip/"))
        if self.path.startswith("/to?"):
            self.send_response(302)
            self.send_header("Location", self.path.removeprefix("/to?"))
            self.send_header("Content-Length", "0")
            return self.end_headers()
        body = {
            "/good": CONTENT,
            "/truncated": CONTENT[:-1000],
            "/longer": CONTENT + b"!",
            "/other": CONTENT[::-1],
        }.get(self.path)
        if body is None:
            return self.send_error(404)
        self.send_response(200)
        # A connection that breaks: the full length is announced, less is sent.
        self.send_header("Content-Length", str(max(len(body), len(CONTENT))))
        self.end_headers()
        self.wfile.write(body)
        return None

    def drip(self, part: str) -> None:
        start = b"HTTP/1.0 302 Found\r\nLocation: /good\r\n" if part == "redirection" else b"HTTP/1.0 200 OK\r\n"
        self.wfile.write(start if part == "headers" else start + f"Content-Length: {len(CONTENT)}\r\n\r\n".encode())
        end = time.monotonic() + 3
        while time.monotonic() < end:
            try:
                self.wfile.write(b"x")
            except OSError:  # the client has left
                return
            time.sleep(0.05)

    def log_message(self, *_: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setenv("no_proxy", "*")
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield running
        running.shutdown()
        thread.join()


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_good_file_arrives_once(server: Server, tmp_path: Path, algorithm: str) -> None:
    path, checksum = tmp_path / "new" / "folder" / "a.bin", checksum_of(CONTENT, algorithm)
    for _ in range(2):
        assert fetch(path, [server.address + "/good"], checksum, len(CONTENT)) == path
        assert path.read_bytes() == CONTENT
    assert server.requests == 1
    assert [entry.name for entry in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("/truncated", "truncated, 255000 of 256000 bytes"),
        ("/other", f"a different file arrived: expected {CHECKSUM}"),
        ("/longer", "a different file arrived"),
        ("/missing", "the server answered 404"),
    ],
)
@pytest.mark.parametrize("before", [None, b"an older, damaged file"])
def test_bad_file_leaves_everything_as_it_was(
    server: Server, tmp_path: Path, page: str, reason: str, before: bytes | None
) -> None:
    path = tmp_path / "a.bin"
    if before is not None:
        path.write_bytes(before)
    with pytest.raises(DataError) as caught:
        fetch(path, [server.address + page], CHECKSUM, len(CONTENT))
    message = str(caught.value)
    for part in ("a.bin (0.3 MB)", reason, server.address + page, CHECKSUM, "Without a network", str(path)):
        assert part in message
    assert ("is there, but damaged" in message) == (before is not None)
    assert (path.read_bytes() if path.exists() else None) == before
    assert len(list(tmp_path.iterdir())) == (before is not None)


def test_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with Server(("127.0.0.1", 0), Handler) as closed:
        address = closed.address
    with pytest.raises(DataError, match=r"no connection .*(\n.*)+Without a network"):
        fetch(tmp_path / "a.bin", [address + "/good"], CHECKSUM, len(CONTENT))
    assert not list(tmp_path.iterdir())


def test_next_address_is_tried_and_a_damaged_file_replaced(server: Server, tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"damaged")
    pages = ["/missing", "/truncated", "/good", "/never asked for"]
    fetch(path, [server.address + page for page in pages], CHECKSUM, len(CONTENT))
    assert path.read_bytes() == CONTENT
    assert server.requests == 3


def test_threads_may_fetch_the_same_file(server: Server, tmp_path: Path) -> None:
    """Four threads and twenty files, in a folder that is not there yet."""
    failed = []

    def work(path: Path, together: threading.Barrier) -> None:
        together.wait()
        try:
            assert fetch_bytes(path, [server.address + "/good"], CHECKSUM, len(CONTENT)) == CONTENT
        except Exception as error:
            failed.append(error)

    for k in range(20):
        together = threading.Barrier(4)
        threads = [threading.Thread(target=work, args=(tmp_path / "new" / f"{k}.bin", together)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failed
    assert sorted(entry.name for entry in (tmp_path / "new").iterdir()) == sorted(f"{k}.bin" for k in range(20))


@pytest.mark.parametrize("part", ["body", "headers", "redirection"])
def test_a_server_that_drips_is_given_up(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.25)
    monkeypatch.setattr(module, "SLOWEST", 1e9, raising=False)
    start = time.monotonic()
    with pytest.raises(DataError, match=rf"/drip/{part}: too slow, not all has arrived in \d+ seconds"):
        fetch(tmp_path / "a.bin", [f"{server.address}/drip/{part}"], CHECKSUM, len(CONTENT))
    assert time.monotonic() - start < 2
    assert not list(tmp_path.iterdir())
    fetch(tmp_path / "a.bin", [f"{server.address}/drip/{part}", server.address + "/good"], CHECKSUM, len(CONTENT))


def test_a_folder_in_the_place_of_the_file_is_named(server: Server, tmp_path: Path) -> None:
    (tmp_path / "a.bin").mkdir()
    with pytest.raises(DataError, match=r"a\.bin cannot be read: Is a directory\. Move it away: a file belongs there"):
        fetch(tmp_path / "a.bin", [server.address + "/good"], CHECKSUM, len(CONTENT))
    assert server.requests == 0
    assert (tmp_path / "a.bin").is_dir()


def test_redirections_lead_to_http_only(server: Server, tmp_path: Path) -> None:
    path, good = tmp_path / "a.bin", server.address + "/good"
    with socket.create_server(("127.0.0.1", 0)) as ftp:
        ftp.settimeout(0.2)
        address = f"ftp://127.0.0.1:{ftp.getsockname()[1]}/a.bin"
        with pytest.raises(DataError, match=rf"redirected to {address}, which is neither http nor https"):
            fetch(path, [f"{server.address}/to?{address}"], CHECKSUM, len(CONTENT))
        with pytest.raises(TimeoutError):  # nobody has called
            ftp.accept()
    with pytest.raises(DataError, match="Invalid IPv6 URL"):
        fetch(path, [f"{server.address}/to?http://[nowhere"], CHECKSUM, len(CONTENT))
    assert fetch_bytes(path, [f"{server.address}/to?{good}"], CHECKSUM, len(CONTENT)) == CONTENT


def test_files_are_as_readable_as_any_other(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "a.bin") as file:
        file.write(b"a")
    (tmp_path / "b.bin").write_bytes(b"b")
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == stat.S_IMODE((tmp_path / "b.bin").stat().st_mode)


@pytest.mark.parametrize("accident", [ValueError, KeyboardInterrupt])
def test_atomic_file_survives_an_accident(tmp_path: Path, accident: type[BaseException]) -> None:
    path = tmp_path / "a.bin"
    path.write_bytes(b"old")

    def write_half() -> None:
        with atomic_file(path) as file:
            file.write(b"half of the new")
            file.flush()
            assert path.read_bytes() == b"old"
            raise accident

    with pytest.raises(accident):
        write_half()
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.bin"]


def test_read_verified_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    with pytest.raises(DataError, match=r"a\.bin is missing \(expected sha256:.*\)\. Do this\."):
        read_verified(path, CHECKSUM, "Do this.")
    path.write_bytes(CONTENT)
    assert read_verified(path, CHECKSUM, "Do this.") == CONTENT
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(DataError, match=rf"a\.bin is damaged: expected {CHECKSUM}, got sha256:.*Do this\."):
        read_verified(path, CHECKSUM, "Do this.")
    with pytest.raises(DataError, match=r"cannot be read.*Do this\."):
        read_verified(tmp_path, CHECKSUM, "Do this.")


@pytest.mark.parametrize("checksum", ["", "sha256:", "crc32:12", "0" * 64])
def test_checksum_notation(tmp_path: Path, checksum: str) -> None:
    with pytest.raises(ValueError, match="checksum: expected"):
        read_verified(tmp_path / "a.bin", checksum, "")
    with pytest.raises(ValueError, match="checksum: expected"):
        fetch(tmp_path / "a.bin", [], checksum, 1)
