"""Which versions a benchmark measured: of Python, of this package, of torch and of the peers."""

import platform
from importlib.metadata import PackageNotFoundError, version

__all__ = ["versions"]


def versions(*peers: str) -> str:
    """One line, for the top of a benchmark's output.

    >>> versions("no such package").split(", ")[-1]
    'no such package not installed'
    """
    found = [f"python {platform.python_version()}"]
    for name in ("interpbook", "torch", *peers):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} not installed")
    return ", ".join(found)
