"""Run the chapter's protocol again: `python -m interpbook.chapters.attribution.function_approximation.make_runs`.

Writes `runs.csv` beside this file, one row after each run; what is stored is not run again.
"""

from interpbook.chapters.attribution.function_approximation.runs import RUNS, protocol, run

if __name__ == "__main__":
    RUNS.make(protocol(), run)
