"""Downloads against a server of our own: what arrives is whole and right, or nothing arrives."""

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from interpbook.data.fetch import DataError, atomic_file, checksum_of, fetch, read_verified

CONTENT = bytes(range(256)) * 1000
CHECKSUM = checksum_of(CONTENT)


class Server(http.server.ThreadingHTTPServer):
    """Serves /good, /truncated, /longer and /other; everything else is a 404. Counts requests."""

    requests = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests += 1
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
