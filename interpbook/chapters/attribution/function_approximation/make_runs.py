"""Run the chapter's protocol again: `python -m interpbook.chapters.attribution.function_approximation.make_runs`.

Writes `networks.npz` and `runs.csv` beside this file, one row after each run; what is stored is not made again.
"""

from interpbook.chapters.attribution.function_approximation import trained
from interpbook.chapters.attribution.function_approximation.runs import RUNS, protocol, run

if __name__ == "__main__":
    if not trained.FILE.exists():
        trained.store()
    RUNS.make(protocol(), run)
