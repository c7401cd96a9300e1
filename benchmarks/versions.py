"""Which versions a benchmark measured: of Python, of this package, of torch and of the peers.

python benchmarks/versions.py captum shap
"""

import platform
import sys
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


if __name__ == "__main__":
    print(versions(*sys.argv[1:]))
