"""Run the chapter's protocol on flat data again: `python -m interpbook.chapters.robustness.off_manifold.make_runs`.

Writes `runs.csv` beside this file, one row after each run; what is stored is not run again.
"""

from interpbook.chapters.robustness.off_manifold.runs import RUNS, protocol, run

if __name__ == "__main__":
    RUNS.make(protocol(), run)
