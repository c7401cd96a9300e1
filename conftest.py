"""Before any test imports the package: one thread, static pages, and every shape annotation checked.

A test of what users are told about wrong input, which must reach the package's own checks and not those of the
annotations, asks for the fixture `without_shape_checks`.
"""

import os

# Two test processes side by side beat one process on two threads, whose threads wait for each other in a spin loop.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Figures, sweeps and progress bars as they are in the web book: static, and the same on every run.
os.environ["INTERPBOOK_RENDER"] = "page"
os.environ.setdefault("MPLBACKEND", "Agg")

from jaxtyping import install_import_hook

install_import_hook("interpbook", "beartype.beartype")

# What a notebook shows is compared by interval; what it costs and depends on is recorded.
pytest_plugins = ["costs", "proofs", "same_output"]
