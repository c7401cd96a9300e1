"""Before any test imports the package: one thread, static pages and, in the suite, every shape annotation checked.

`make test` sets INTERPBOOK_CHECK_SHAPES. Without it a test meets the package as its users do: wrong input reaches the
package's own checks, and not those of the annotations.
"""

import os

# Two test processes side by side beat one process on two threads, whose threads wait for each other in a spin loop.
os.environ["OMP_NUM_THREADS"] = "1"
# Figures, sweeps and progress bars as they are in the web book: static, and the same on every run.
os.environ["INTERPBOOK_RENDER"] = "page"
os.environ.setdefault("MPLBACKEND", "Agg")

import pytest
from jaxtyping import install_import_hook

if os.environ.get("INTERPBOOK_CHECK_SHAPES"):
    install_import_hook("interpbook", "beartype.beartype")

pytest_plugins = ["costs", "same_output"]

RECORD = os.environ.get("INTERPBOOK_USAGE_LOG")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Tell a notebook's kernel, which is about to start, whose it is and where to record its time and memory."""
    os.environ.pop("INTERPBOOK_USAGE_LOG", None)
    os.environ.pop("PYTHONSTARTUP", None)
    if item.path.suffix == ".ipynb" and RECORD:
        startup = str(item.config.rootpath / "tests" / "notebooks" / "explorables.py")
        os.environ |= {"JPY_SESSION_NAME": str(item.path), "INTERPBOOK_USAGE_LOG": RECORD, "PYTHONSTARTUP": startup}
