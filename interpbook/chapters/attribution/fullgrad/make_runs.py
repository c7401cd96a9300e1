"""Run the protocol of removing pixels again: `python -m interpbook.chapters.attribution.fullgrad.make_runs`.

Writes `runs.csv` beside this file, one row after each run; what is stored is not run again.
"""

from interpbook.chapters.attribution.fullgrad.runs import RUNS, protocol, run

if __name__ == "__main__":
    RUNS.make(protocol(), run)
