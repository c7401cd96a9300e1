"""Run the chapter's protocols again: `python -m interpbook.chapters.attribution.stability.make_runs`.

Writes `runs.csv` and `crowds.csv` beside this file, one row after each run; what is stored is not run again.
"""

from interpbook.chapters.attribution.stability import crowds, runs

if __name__ == "__main__":
    runs.RUNS.make(runs.protocol(), runs.run)
    crowds.AGREEMENTS.make(crowds.protocol(), crowds.agreement)
