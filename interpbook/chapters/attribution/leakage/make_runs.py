"""Run the chapter's protocols again: `python -m interpbook.chapters.attribution.leakage.make_runs`.

Writes `runs.csv`, `retrained.csv` and `unit_runs.csv` beside this file, one row after each run; what is stored is not
run again.
"""

from interpbook.chapters.attribution.leakage import retrained, runs, unit_runs

if __name__ == "__main__":
    runs.RUNS.make(runs.protocol(), runs.run)
    retrained.RETRAINED.make(retrained.protocol(), retrained.run)
    unit_runs.UNIT_RUNS.make(unit_runs.protocol(), unit_runs.run)
