"""What every notebook's kernel runs before its cells while it is tested (PYTHONSTARTUP): two recorders."""

import runpy
from pathlib import Path

if __name__ == "__main__":
    for recorder in ("kernel_ingredients.py", "kernel_explorables.py"):
        runpy.run_path(str(Path(__file__).with_name(recorder)), run_name="__main__")
