"""Loaded by the rehearsal's Python: refuses every connection to another machine, and writes down that it was wanted.

Written down, because a library may take a refusal for "offline" and go on without a word.
"""

import os
import socket
import sys
from pathlib import Path

LOCAL = ("127.", "::1", "localhost", "0.0.0.0", socket.gethostname())
ADDRESSES = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}


def refuse(event: str, arguments: tuple) -> None:
    """Let through what stays on this machine."""
    if event in ADDRESSES:
        address = arguments[ADDRESSES[event]]
        # A socket of the file system has a path for an address.
        host = address[0] if isinstance(address, tuple) else address if event.startswith("socket.get") else ""
        host = host.decode() if isinstance(host, bytes) else host
        if host and not host.startswith(LOCAL):
            with Path(os.environ["INTERPBOOK_ASKED_FOR"]).open("a", encoding="utf-8") as file:
                file.write(f"{event} {host}\n")
            raise OSError(f"no network in the rehearsal: {host}")


if "INTERPBOOK_ASKED_FOR" in os.environ:
    sys.addaudithook(refuse)
